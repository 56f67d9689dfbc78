// The controller against the closed form of what it promises.
#include <gmock/gmock.h>

#include <cmath>

#include "core/spec/listed.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

class OscLaws : public SimTest, public testing::WithParamInterface<std::string> {
 protected:
  // The stack task by this robot, with these changes of its controller.
  std::unique_ptr<Simulator> Make(double damping_ratio) const {
    TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
    task.robot = GetParam();
    RobotSpec robot = LoadRobotSpec(GetParam(), kRobotRoot);
    robot.osc.damping_ratio = damping_ratio;
    robot.osc.uncouple = false;
    kp_ = robot.osc.kp;
    auto simulator = MakeSimulator(Scene::Compile(task, robot));
    simulator->Reset("D0", RngKey{.seed = 3});
    // let the arm come to rest
    const Pose X_WE = simulator->Observe().arms[0].X_WE;
    for (int i = 0; i < 40; ++i) simulator->Step(OneArm(X_WE, -1));
    return simulator;
  }
  mutable double kp_ = 0;
};

// Share of a step that is left after `t` seconds of x'' = -kp x - 2 ratio sqrt(kp) x', from rest.
double Left(double kp, double ratio, double t) {
  const double w = std::sqrt(kp);
  if (ratio == 1) return (1 + w * t) * std::exp(-w * t);
  const double d = w * std::sqrt(1 - ratio * ratio);
  return std::exp(-ratio * w * t) * (std::cos(d * t) + ratio * w / d * std::sin(d * t));
}

// E answers a step like the oscillator of the options: critically damped by default, and not
// otherwise. Joint damping and the damped inverse of the inertia leave a few per cent.
TEST_P(OscLaws, StepResponseIsTheClosedForm) {
  constexpr double kBound = 0.03, kShift = 0.01, kTurn = 0.05;
  for (const double ratio : {1.0, 0.8}) {
    for (int axis = 0; axis < 3; ++axis) {
      // a small step along the axis, then a small turn about it
      for (const bool turn : {false, true}) {
        const auto simulator = Make(ratio);
        const Pose start = simulator->Observe().arms[0].X_WE;
        const Vector3d along = Vector3d::Unit(axis);
        const Pose X_WE_cmd =
            turn ? Pose(RotationExp(kTurn * along) * start.rotation(), start.translation())
                 : Pose(start.rotation(), start.translation() + kShift * along);
        double worst = 0, worst_of_other = 0;
        for (int step = 1; step <= 12; ++step) {
          simulator->Step(OneArm(X_WE_cmd, -1));
          const Pose X_WE = simulator->Observe().arms[0].X_WE;
          const double left =
              turn ? RotationLog(X_WE_cmd.rotation() * X_WE.rotation().conjugate()).dot(along) /
                         kTurn
                   : (X_WE_cmd.translation() - X_WE.translation()).dot(along) / kShift;
          const double t = step / simulator->info().control_hz;
          worst = std::max(worst, std::abs(left - Left(kp_, ratio, t)));
          worst_of_other =
              std::max(worst_of_other, std::abs(left - Left(kp_, ratio == 1 ? 0.8 : 1, t)));
        }
        EXPECT_LT(worst, kBound) << "ratio " << ratio << " axis " << axis << " turn " << turn;
        EXPECT_GT(worst_of_other, kBound) << "the bound tells the two apart";
      }
    }
  }
}

// A quaternion and its negative are one rotation: both are reached the short way.
TEST_P(OscLaws, ASmallTurnGoesTheShortWay) {
  constexpr double kTurn = 0.05;
  const auto simulator = Make(1);
  const Pose start = simulator->Observe().arms[0].X_WE;
  for (const double sign : {1, -1}) {
    Eigen::Quaterniond q = RotationExp(kTurn * Vector3d::UnitX()) * start.rotation();
    q.coeffs() *= sign;
    double farthest = 0;
    for (int i = 0; i < 20; ++i) {
      simulator->Step(OneArm(Pose(q, start.translation()), -1));
      const Pose X_WE = simulator->Observe().arms[0].X_WE;
      farthest = std::max(farthest, AngleBetween(X_WE.rotation(), q));
    }
    EXPECT_LT(farthest, 1.1 * kTurn) << sign;
  }
}

// With fewer than six joints E does not answer to every axis on its own.
std::vector<std::string> FullArms() {
  std::vector<std::string> names = ListedNames(kRobotRoot, "robot.yaml");
  std::erase_if(names, [](const std::string& name) {
    return LoadRobotSpec(name, kRobotRoot).joints.size() < 6;
  });
  return names;
}

INSTANTIATE_TEST_SUITE_P(Robots, OscLaws, testing::ValuesIn(FullArms()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace understudy
