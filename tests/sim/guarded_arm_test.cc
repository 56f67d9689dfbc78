// The filter that guards a robot, with arms that ship.
#include <gtest/gtest.h>

#include "core/motion/safety_filter.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

class GuardedArms : public SimTest, public testing::WithParamInterface<std::string> {};

// Whatever is asked for, commands stay inside the limits of joints, no link of the arm comes into
// another one or into the table, and the arm is not stuck.
TEST_P(GuardedArms, FollowHostilePoliciesWithinTheirJoints) {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.robot = GetParam();
  const std::unique_ptr<Simulator> simulator = MakeSimulator(CompileTask(task));
  const SimulatorInfo info = simulator->info();
  EXPECT_NE(info.safety, SafetyOptions()) << "robot.yaml says its own";
  const std::shared_ptr<Kinematics> kinematics = simulator->ArmKinematics(0);
  Rng rng(RngKey{5});
  int moved = 0, posture = 0;
  for (uint64_t episode = 0; episode < 4; ++episode) {
    simulator->Reset("D0", RngKey{1}.WithParent(episode));
    const auto arm = [&]() -> const ArmObservation& { return simulator->Observe().arms[0]; };
    SafetyFilter filter(info.safety, GuardedArmOf(info, 0, simulator->ArmKinematics(0)),
                        1 / info.control_hz);
    ArmAction wanted{arm().X_WE, -1, {}};
    if (info.action_kind == ActionKind::kJoints) wanted.q_cmd = arm().joint_q;
    filter.Reset(wanted, arm().joint_q);
    const Vector3d start = arm().X_WE.translation();
    for (int step = 0; step < 150; ++step) {
      if (step % 15 == 0) {
        const Vector3d away(rng.Normal(), rng.Normal(), rng.Normal());
        wanted.X_WE_cmd = Pose(
            RotationExp(Vector3d(rng.Normal(), rng.Normal(), rng.Normal())) * arm().X_WE.rotation(),
            info.base(0).translation() + away);
        for (double& q : wanted.q_cmd) q = rng.Uniform(-3, 3);
      }
      const SafeCommand command = filter.Limit(wanted, arm().joint_q);
      posture += command.Stopped(SafetyStop::kPosture);
      const StepOutcome outcome = simulator->Step({{command.action}});
      ASSERT_FALSE(outcome.unstable);
      ASSERT_TRUE(kinematics->Clear(arm().joint_q)) << step;
      for (Eigen::Index i = 0; i < kinematics->joints(); ++i) {
        const double lower = kinematics->lower()[i], upper = kinematics->upper()[i];
        if (info.action_kind == ActionKind::kJoints) {
          ASSERT_GE(command.action.q_cmd[i], lower + info.safety.joint_margin) << i << ", " << step;
          ASSERT_LE(command.action.q_cmd[i], upper - info.safety.joint_margin) << i << ", " << step;
        }
        // an arm that follows commands is not where they are
        ASSERT_GE(arm().joint_q[i], lower - 0.05) << "joint " << i << " step " << step;
        ASSERT_LE(arm().joint_q[i], upper + 0.05) << "joint " << i << " step " << step;
      }
    }
    moved += (arm().X_WE.translation() - start).norm() > 0.05;
  }
  EXPECT_GE(moved, 3);
  if (info.action_kind == ActionKind::kPose) {
    EXPECT_GT(posture, 10);
  }
}

// Postures of every arm that ships: where it starts it touches nothing, folded it does.
TEST_F(SimTest, AnArmInsideItselfIsNotClear) {
  for (const char* robot : {"panda", "panda_robosuite", "ur5e", "iiwa14", "so101"}) {
    TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
    task.robot = robot;
    const std::unique_ptr<Simulator> simulator = MakeSimulator(CompileTask(task));
    const std::unique_ptr<Kinematics> arm = simulator->ArmKinematics(0);
    simulator->Reset("D0", RngKey{1});
    const Eigen::VectorXd home = simulator->Observe().arms[0].joint_q;
    EXPECT_TRUE(arm->Clear(home)) << robot;
    // bent as far as they go, arms come into themselves or into the table
    Rng rng(RngKey{2});
    int clear = 0;
    for (int i = 0; i < 300; ++i) {
      JointVector q = home;
      for (Eigen::Index k = 0; k < q.size(); ++k) {
        q[k] = rng.Uniform(arm->lower()[k], arm->upper()[k]);
      }
      clear += arm->Clear(q);
    }
    EXPECT_GT(clear, 30) << robot;
    EXPECT_LT(clear, 300) << robot;
  }
}

INSTANTIATE_TEST_SUITE_P(Listed, GuardedArms, testing::Values("panda", "so101"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace understudy
