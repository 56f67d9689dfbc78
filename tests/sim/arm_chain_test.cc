// Arms of five to seven joints: kinematics of their own, servos and motors.
#include "sim/arm_chain.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/kinematics.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;
using testing::HasSubstr;

std::shared_ptr<const Scene> StackBy(const RobotSpec& robot) {
  return Scene::Compile(LoadTaskSpec("stack", kTaskRoot), robot);
}

class ArmChainTest : public SimTest, public testing::WithParamInterface<const char*> {
 protected:
  ArmChainTest()
      : scene_(StackBy(LoadRobotSpec(GetParam(), kRobotRoot))),
        kinematics_(MakeKinematics(scene_)),
        data_(mj_makeData(scene_->model()), mj_deleteData) {
    Problems problems;
    arm_ = IndexModel(*scene_->model(), scene_->task(), scene_->robot(), &problems).arms[0];
    home_ = Eigen::Map<const VectorXd>(arm_.home.data(), std::ssize(arm_.home));
  }
  ArmChain At(const VectorXd& q) {
    for (Eigen::Index i = 0; i < q.size(); ++i) data_->qpos[arm_.qpos[size_t(i)]] = q[i];
    mj_kinematics(scene_->model(), data_.get());
    return ArmChain(*scene_->model(), *data_, arm_);
  }
  // Around the home posture, within the limits.
  VectorXd Near(Rng& rng, double reach) const {
    VectorXd q = home_;
    for (double& angle : q) angle += rng.Uniform(-reach, reach);
    return q.cwiseMax(kinematics_->lower()).cwiseMin(kinematics_->upper());
  }

  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<Kinematics> kinematics_;
  std::unique_ptr<mjData, decltype(&mj_deleteData)> data_;
  ArmIndex arm_;
  VectorXd home_;
};
INSTANTIATE_TEST_SUITE_P(Joints, ArmChainTest, testing::Values("so101", "ur5e", "panda"));

TEST_P(ArmChainTest, AgreesWithMuJoCo) {
  Rng rng(RngKey{1});
  for (int i = 0; i < 50; ++i) {
    const ArmChain chain = At(Near(rng, 1));
    const VectorXd q = Near(rng, 2);
    Eigen::MatrixXd J;
    const Pose X_WE = chain.Forward(q, &J), X_WE_mujoco = kinematics_->Forward(q);
    EXPECT_LT((X_WE.translation() - X_WE_mujoco.translation()).norm(), 1e-12);
    EXPECT_LT(AngleBetween(X_WE.rotation(), X_WE_mujoco.rotation()), 1e-7);
    EXPECT_LT((J - kinematics_->Jacobian(q)).norm(), 1e-12);
  }
}

TEST_P(ArmChainTest, FindsWhatCanBeReached) {
  Rng rng(RngKey{2});
  for (int i = 0; i < 50; ++i) {
    const ArmChain chain = At(Near(rng, 0.2));
    const Pose X_WE = kinematics_->Forward(Near(rng, 0.4));
    const VectorXd q = chain.Nearest(X_WE, chain.q0());
    EXPECT_LT((chain.Forward(q).translation() - X_WE.translation()).norm(), 1e-5) << i;
    EXPECT_LT(AngleBetween(chain.Forward(q).rotation(), X_WE.rotation()), 1e-4) << i;
    EXPECT_TRUE((q.array() >= kinematics_->lower().array()).all());
    EXPECT_TRUE((q.array() <= kinematics_->upper().array()).all());
  }
}

class FiveJoints : public ArmChainTest {};
INSTANTIATE_TEST_SUITE_P(Joints, FiveJoints, testing::Values("so101"));

// The position is kept, and no posture that keeps it comes nearer to the orientation.
TEST_P(FiveJoints, TurnAsNearAsTheyGo) {
  Rng rng(RngKey{3});
  for (int i = 0; i < 20; ++i) {
    const ArmChain chain = At(Near(rng, 0.1));
    const Pose X_WE_near = kinematics_->Forward(Near(rng, 0.2));
    const Vector3d turn(rng.Uniform(-0.3, 0.3), rng.Uniform(-0.3, 0.3), rng.Uniform(-0.3, 0.3));
    const Pose X_WE(RotationExp(turn) * X_WE_near.rotation(), X_WE_near.translation());
    const VectorXd q = chain.Nearest(X_WE, chain.q0());
    ASSERT_LT((chain.Forward(q).translation() - X_WE.translation()).norm(), 1e-4) << i;
    const double off = AngleBetween(chain.Forward(q).rotation(), X_WE.rotation());
    for (int other = 0; other < 50; ++other) {
      // a posture beside it, brought back to the position
      VectorXd beside = q;
      for (double& angle : beside) angle += rng.Uniform(-0.1, 0.1);
      for (int k = 0; k < 10; ++k) {
        Eigen::MatrixXd J;
        const Vector3d e_p = X_WE.translation() - chain.Forward(beside, &J).translation();
        const Eigen::MatrixXd J_p = J.topRows<3>();
        beside += J_p.transpose() * (J_p * J_p.transpose()).ldlt().solve(e_p);
      }
      if ((beside.array() < kinematics_->lower().array()).any()) continue;
      if ((beside.array() > kinematics_->upper().array()).any()) continue;
      EXPECT_GT(AngleBetween(chain.Forward(beside).rotation(), X_WE.rotation()), off - 1e-3) << i;
    }
  }
}

// ---- actuators ----

// The SO-101 with `from` replaced in its model.
class OwnArm : public SimTest {
 protected:
  RobotSpec Edited(const std::vector<std::pair<std::string, std::string>>& edits) {
    const std::filesystem::path own = folder_ / "arm";
    std::filesystem::remove_all(own);
    std::filesystem::copy(kRobotRoot / "so101", own, std::filesystem::copy_options::recursive);
    std::string text = ReadText(own / "model.xml");
    for (const auto& [from, to] : edits) {
      const size_t at = text.find(from);
      EXPECT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    }
    WriteTextAtomically(own / "model.xml", text);
    return LoadRobotSpec(own.string(), kRobotRoot);
  }
  std::string Refusal(const RobotSpec& robot) const {
    try {
      StackBy(robot);
    } catch (const Error& error) {
      return error.what();
    }
    return "compiled";
  }
  static std::string Servo(const std::string& joint) {
    return "<position name=\"" + joint + "\" class=\"so101\" joint=\"" + joint + "\"/>";
  }
  static std::string Motor(const std::string& joint) {
    return "<motor name=\"" + joint + "\" joint=\"" + joint + "\" ctrlrange=\"-3.35 3.35\"/>";
  }
  const OwnFolder folder_;
};

TEST_F(OwnArm, EitherAllJointsHaveServosOrNone) {
  EXPECT_THAT(Refusal(Edited({{Servo("elbow_flex"), Motor("elbow_flex")}})),
              HasSubstr("robot.joints: 4 of 5 are driven by <position> servos: either all are or "
                        "none"));
  EXPECT_THAT(Refusal(Edited({{Servo("elbow_flex"), ""}})),
              HasSubstr("robot.joints[2]: 'robot0_elbow_flex' needs a <motor> with a ctrlrange "
                        "(Nm) or a <position> servo: nothing would hold it"));
  RobotSpec four = LoadRobotSpec("so101", kRobotRoot);
  four.joints.pop_back();
  four.home.pop_back();
  EXPECT_THAT(Refusal(four), HasSubstr("robot.joints: 4 joints: the controller drives arms of 5 to "
                                       "7"));
}

// Torque motors on five joints: held and moved by operational space control.
TEST_F(OwnArm, FiveMotorsFollowThePoseThatTheyCanReach) {
  std::vector<std::pair<std::string, std::string>> edits;
  for (const std::string& joint : LoadRobotSpec("so101", kRobotRoot).joints) {
    edits.emplace_back(Servo(joint), Motor(joint));
  }
  const auto simulator = MakeSimulator(StackBy(Edited(edits)));
  const Pose X_WE = simulator->Observe().arms[0].X_WE;
  // a tilt that they cannot take is no reason to leave the position
  const Pose X_WE_cmd(RotationExp({0.3, 0, 0.4}) * X_WE.rotation(),
                      X_WE.translation() + Vector3d(0.03, 0.03, -0.03));
  for (int i = 0; i < 40; ++i) simulator->Step(OneArm(X_WE_cmd, -1));
  const Pose X_WE_now = simulator->Observe().arms[0].X_WE;
  EXPECT_LT((X_WE_now.translation() - X_WE_cmd.translation()).norm(), 5e-3);
  EXPECT_LT(AngleBetween(X_WE_now.rotation(), X_WE_cmd.rotation()), 0.35);
}

// Servos are in the state: what is restored goes on as if it had not been left.
TEST_F(OwnArm, ServosContinueFromARestoredState) {
  const auto simulator = MakeSimulator(StackBy(LoadRobotSpec("so101", kRobotRoot)));
  simulator->Reset("D0", RngKey{4});
  const Pose X_WE = simulator->Observe().arms[0].X_WE;
  const Pose X_WE_cmd(X_WE.rotation(), X_WE.translation() + Vector3d(0.02, -0.02, -0.04));
  for (int i = 0; i < 3; ++i) simulator->Step(OneArm(X_WE_cmd, 1));
  const SimState state = simulator->Save();
  for (int i = 0; i < 3; ++i) simulator->Step(OneArm(X_WE, -1));
  const SimState there = simulator->Save();
  simulator->Restore(state);
  for (int i = 0; i < 3; ++i) simulator->Step(OneArm(X_WE, -1));
  EXPECT_EQ(simulator->Save(), there);
}

}  // namespace
}  // namespace understudy
