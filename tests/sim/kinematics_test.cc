#include "sim/kinematics.h"

#include <gmock/gmock.h>

#include <Eigen/Cholesky>

#include "core/base/error.h"
#include "core/motion/posture_guard.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;

class KinematicsTest : public SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    kinematics_ = MakeKinematics(StackScene());
    const std::vector<double>& home = StackScene()->robot().home;
    home_ = Eigen::Map<const VectorXd>(home.data(), static_cast<Eigen::Index>(home.size()));
  }
  VectorXd RandomPosture(Rng& rng) const {
    VectorXd q(kinematics_->joints());
    for (Eigen::Index i = 0; i < q.size(); ++i) {
      q[i] = rng.Uniform(kinematics_->lower()[i], kinematics_->upper()[i]);
    }
    return q;
  }
  std::unique_ptr<Kinematics> kinematics_;
  VectorXd home_;
};

// One row of a Denavit-Hartenberg table in Craig's convention, as the maker publishes it.
Pose Craig(double a, double d, double alpha, double theta) {
  return Pose::FromRotvec(Vector3d(alpha, 0, 0), Vector3d::Zero()) *
         Pose::FromTranslation(Vector3d(a, 0, 0)) * PoseFromYaw(theta, Vector3d(0, 0, d));
}

TEST_F(KinematicsTest, AgreesWithThePublishedTable) {
  const double half = std::acos(-1.0) / 2;
  const double a[] = {0, 0, 0, 0.0825, -0.0825, 0, 0.088};
  const double d[] = {0.333, 0, 0.316, 0, 0.384, 0, 0};
  const double alpha[] = {0, -half, half, half, -half, half, half};
  Rng rng(RngKey{1});
  for (int trial = 0; trial < 100; ++trial) {
    const VectorXd q = RandomPosture(rng);
    Pose X_WE = StackScene()->info().base(0);
    for (int i = 0; i < 7; ++i) X_WE = X_WE * Craig(a[i], d[i], alpha[i], q[i]);
    // flange, hand turned by -45 deg, fingers along x of E
    X_WE = X_WE * PoseFromYaw(-half / 2, Vector3d(0, 0, 0.107)) *
           PoseFromYaw(-half, Vector3d(0, 0, 0.1034));
    const Pose X_WE_ours = kinematics_->Forward(q);
    EXPECT_LT((X_WE_ours.translation() - X_WE.translation()).norm(), 1e-8);
    EXPECT_LT(AngleBetween(X_WE_ours.rotation(), X_WE.rotation()), 1e-7);
  }
}

// One row of a table in the classical convention, as Universal Robots publishes it.
Pose Classical(double a, double d, double alpha, double theta) {
  return PoseFromYaw(theta, Vector3d(0, 0, d)) * Pose::FromTranslation(Vector3d(a, 0, 0)) *
         Pose::FromRotvec(Vector3d(alpha, 0, 0), Vector3d::Zero());
}

TEST_F(KinematicsTest, Ur5eAgreesWithThePublishedTable) {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.robot = "ur5e";
  const auto scene = CompileTask(task);
  const auto ur5e = MakeKinematics(scene);
  const double half = std::acos(-1.0) / 2;
  const double a[] = {0, -0.425, -0.3922, 0, 0, 0};
  const double d[] = {0.1625, 0, 0, 0.1333, 0.0997, 0.0996};
  const double alpha[] = {half, 0, 0, half, -half, 0};
  Rng rng(RngKey{1});
  for (int trial = 0; trial < 100; ++trial) {
    VectorXd q(6);
    for (double& angle : q) angle = rng.Uniform(-3, 3);
    Pose X_WE = scene->info().base(0);
    for (int i = 0; i < 6; ++i) X_WE = X_WE * Classical(a[i], d[i], alpha[i], q[i]);
    // the hand's pads 0.15 m beyond the flange, fingers along x of E
    X_WE = X_WE * PoseFromYaw(-half, Vector3d(0, 0, 0.15));
    const Pose X_WE_ours = ur5e->Forward(q);
    EXPECT_LT((X_WE_ours.translation() - X_WE.translation()).norm(), 1e-8);
    EXPECT_LT(AngleBetween(X_WE_ours.rotation(), X_WE.rotation()), 1e-7);
  }
}

// The iiwa's axes alternate and meet on one line: no offsets, four lengths.
TEST_F(KinematicsTest, IiwaAgreesWithThePublishedTable) {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.robot = "iiwa14";
  const auto scene = CompileTask(task);
  const auto iiwa = MakeKinematics(scene);
  const double half = std::acos(-1.0) / 2;
  const double d[] = {0.36, 0, 0.42, 0, 0.40, 0, 0.126};
  const double alpha[] = {0, -half, half, half, -half, -half, half};
  const double limit_deg[] = {170, 120, 170, 120, 170, 120, 175};
  Rng rng(RngKey{1});
  for (int trial = 0; trial < 100; ++trial) {
    VectorXd q(7);
    Pose X_WE = scene->info().base(0);
    for (int i = 0; i < 7; ++i) {
      const double limit = limit_deg[i] * half / 90;
      EXPECT_NEAR(iiwa->lower()[i], -limit, 1e-8);
      EXPECT_NEAR(iiwa->upper()[i], limit, 1e-8);
      q[i] = rng.Uniform(-limit, limit);
      X_WE = X_WE * Craig(0, d[i], alpha[i], q[i]);
    }
    // the hand on the flange turned by 180 deg, fingers along x of E
    X_WE =
        X_WE * PoseFromYaw(2 * half, Vector3d::Zero()) * PoseFromYaw(-half, Vector3d(0, 0, 0.1034));
    const Pose X_WE_ours = iiwa->Forward(q);
    EXPECT_LT((X_WE_ours.translation() - X_WE.translation()).norm(), 1e-8);
    EXPECT_LT(AngleBetween(X_WE_ours.rotation(), X_WE.rotation()), 1e-7);
  }
}

TEST_F(KinematicsTest, LimitsAreThePublishedOnes) {
  const double low[] = {-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973};
  const double high[] = {2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973};
  ASSERT_EQ(kinematics_->joints(), 7);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(kinematics_->lower()[i], low[i]);
    EXPECT_EQ(kinematics_->upper()[i], high[i]);
  }
}

TEST_F(KinematicsTest, AgreesWithTheSimulator) {
  const auto simulator = MakeSimulator(StackScene());
  simulator->Reset("D1", RngKey{3});
  const ArmObservation& arm = simulator->Observe().arms[0];
  EXPECT_EQ(kinematics_->Forward(arm.joint_q), arm.X_WE);
}

TEST_F(KinematicsTest, JacobianIsTheDerivative) {
  Rng rng(RngKey{2});
  const double h = 1e-6;
  for (int trial = 0; trial < 20; ++trial) {
    const VectorXd q = RandomPosture(rng);
    const Eigen::MatrixXd J = kinematics_->Jacobian(q);
    for (Eigen::Index i = 0; i < q.size(); ++i) {
      VectorXd before = q, after = q;
      before[i] -= h;
      after[i] += h;
      const Pose X_0 = kinematics_->Forward(before), X_1 = kinematics_->Forward(after);
      const Vector3d v = (X_1.translation() - X_0.translation()) / (2 * h);
      const Vector3d w = RotationLog(X_1.rotation() * X_0.rotation().conjugate()) / (2 * h);
      EXPECT_LT((J.col(i).head<3>() - v).norm(), 1e-6);
      EXPECT_LT((J.col(i).tail<3>() - w).norm(), 1e-6);
    }
  }
}

TEST_F(KinematicsTest, SolvesWhereTheTaskHappens) {
  Rng rng(RngKey{4});
  int found = 0;
  constexpr int kTargets = 200;
  for (int i = 0; i < kTargets; ++i) {
    const Pose X_WE = FingersDown(
        rng.Uniform(0.8, 2.3),
        Vector3d(rng.Uniform(-0.2, 0.2), rng.Uniform(-0.2, 0.2), rng.Uniform(0.82, 1.05)));
    const auto solution = kinematics_->Solve(X_WE, home_);
    if (!solution) continue;
    ++found;
    // the answer is checked by forward kinematics, not by its own word
    const Pose X_WE_found = kinematics_->Forward(solution->q);
    EXPECT_LE((X_WE_found.translation() - X_WE.translation()).norm(), 1e-4);
    EXPECT_LE(AngleBetween(X_WE_found.rotation(), X_WE.rotation()), 1e-3 + 1e-9);
    EXPECT_TRUE((solution->q.array() >= kinematics_->lower().array()).all());
    EXPECT_TRUE((solution->q.array() <= kinematics_->upper().array()).all());
  }
  EXPECT_EQ(found, kTargets);
}

TEST_F(KinematicsTest, SolvesNearbyPosturesAnywhere) {
  Rng rng(RngKey{5});
  int found = 0;
  constexpr int kTargets = 200;
  for (int i = 0; i < kTargets; ++i) {
    const VectorXd q = RandomPosture(rng);
    VectorXd start = q;
    for (double& angle : start) angle += 0.2 * rng.Normal();
    found += kinematics_->Solve(kinematics_->Forward(q), start).has_value();
  }
  EXPECT_GE(found, kTargets * 95 / 100);
}

TEST_F(KinematicsTest, SaysWhenThereIsNoWay) {
  EXPECT_FALSE(kinematics_->Solve(FingersDown(1.5, Vector3d(0.6, 0, 1.0)), home_).has_value());
  EXPECT_FALSE(kinematics_->Solve(FingersDown(1.5, Vector3d(0, 0, -0.5)), home_).has_value());
  EXPECT_THROW(kinematics_->Forward(VectorXd::Zero(3)), ContractError);
}

TEST_F(KinematicsTest, RepeatsItself) {
  const Pose X_WE = FingersDown(1.2, Vector3d(0.1, 0.1, 0.9));
  const auto first = kinematics_->Solve(X_WE, home_);
  kinematics_->Forward(VectorXd::Zero(7));
  const auto second = kinematics_->Solve(X_WE, home_);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->q, second->q);
}

// The arm of the tasks, turned and lowered for as long as it takes. It has a joint more than it
// needs: where one comes to its end the others take over, and where they cannot, the hand holds
// instead of running ahead of the arm. Nothing is slow around its home.
TEST_F(KinematicsTest, CommandsHoldWhereTheJointsEnd) {
  const PostureOptions options;
  const std::shared_ptr<Kinematics> arm = MakeKinematics(StackScene());
  const PostureGuard guard(options, arm);
  const std::vector<std::pair<Vector3d, Vector3d>> pulls{
      {{-0.01, 0, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 0, 0.05}}, {{0, 0, 0}, {0, 0, -0.05}}};
  for (const auto& [step, turn] : pulls) {
    VectorXd q = home_;
    Pose X = arm->Forward(q);
    const PostureGuard::Share first = guard.Allow(q, X, step, turn, 0.05);
    EXPECT_EQ(first.linear, 1);
    EXPECT_EQ(first.angular, 1);
    double slowest = 1;
    for (int k = 0; k < 300; ++k) {
      const PostureGuard::Share share = guard.Allow(q, X, step, turn, 0.05);
      slowest = step.isZero() ? share.angular : share.linear;
      X = Pose(RotationExp(share.angular * turn) * X.rotation(),
               X.translation() + share.linear * step);
      // the arm follows as a controller makes it: damped, and joints stop at their ends
      Eigen::Matrix<double, 6, 1> off;
      for (int i = 0; i < 50; ++i) {
        const Pose X_arm = arm->Forward(q);
        off << X.translation() - X_arm.translation(),
            RotationLog(X.rotation() * X_arm.rotation().conjugate());
        const Eigen::MatrixXd J = arm->Jacobian(q);
        Eigen::MatrixXd A = J * J.transpose();
        A.diagonal().array() += 1e-3;
        q = (q + J.transpose() * A.llt().solve(off)).cwiseMax(arm->lower()).cwiseMin(arm->upper());
      }
      ASSERT_LT(off.norm(), 0.1) << k << ": " << step.transpose() << ", " << turn.transpose();
    }
    EXPECT_LT(slowest, 0.1) << step.transpose() << ", " << turn.transpose();
  }
}

// Stretched out, the arm stays behind: the hand slows, holds, and comes back freely.
TEST_F(KinematicsTest, CommandsDoNotRunAheadOfAnArmThatIsStretchedOut) {
  const auto ahead = [&](const PostureOptions& options) {
    const std::shared_ptr<Kinematics> arm = MakeKinematics(StackScene());
    const PostureGuard guard(options, arm);
    VectorXd q = home_;
    Pose X = arm->Forward(q);
    const Vector3d step(0.008, 0, 0), none = Vector3d::Zero();
    double last = 1;
    for (int k = 0; k < 120; ++k) {
      last = guard.Allow(q, X, step, none, 0.05).linear;
      X = Pose(X.rotation(), X.translation() + last * step);
      for (int i = 0; i < 5; ++i) {
        const Pose X_arm = arm->Forward(q);
        Eigen::Matrix<double, 6, 1> off;
        off << X.translation() - X_arm.translation(),
            RotationLog(X.rotation() * X_arm.rotation().conjugate());
        const Eigen::MatrixXd J = arm->Jacobian(q);
        Eigen::MatrixXd A = J * J.transpose();
        A.diagonal().array() += 1e-3;
        q += J.transpose() * A.llt().solve(off);
        q = q.cwiseMax(arm->lower()).cwiseMin(arm->upper());
      }
    }
    EXPECT_EQ(last < 0.05, options.enabled) << last;
    EXPECT_EQ(guard.Allow(q, X, -step, none, 0.05).linear, 1);
    return (X.translation() - arm->Forward(q).translation()).norm();
  };
  PostureOptions options;
  EXPECT_LT(ahead(options), 2 * options.lead);
  options.enabled = false;
  EXPECT_GT(ahead(options), 0.1);
}

}  // namespace
}  // namespace understudy
