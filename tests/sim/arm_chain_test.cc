// Arms of five to seven joints: kinematics of their own, servos and motors.
#include "sim/arm_chain.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
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
using testing::AllOf;
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
    ArmJacobian J;
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

// From wherever the arm is; now and then a posture at a limit stays hidden.
TEST_P(ArmChainTest, FindsWhatIsFarAway) {
  Rng rng(RngKey{6});
  int found = 0;
  for (int i = 0; i < 400; ++i) {
    const ArmChain chain = At(Near(rng, 2));
    const Pose X_WE = kinematics_->Forward(Near(rng, 2));
    const Pose X_WE_found = chain.Forward(chain.NearestOfAll(X_WE));
    found += (X_WE_found.translation() - X_WE.translation()).norm() < 1e-4 &&
             AngleBetween(X_WE_found.rotation(), X_WE.rotation()) < 1e-3;
  }
  EXPECT_GE(found, 380);
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
        ArmJacobian J;
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

// The SO-101, or another arm, with `from` replaced in its model.
class OwnArm : public SimTest {
 protected:
  RobotSpec Edited(const std::vector<std::pair<std::string, std::string>>& edits,
                   const char* robot = "so101") {
    const std::filesystem::path own = folder_ / "arm";
    std::filesystem::remove_all(own);
    std::filesystem::copy(kRobotRoot / robot, own, std::filesystem::copy_options::recursive);
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
  static std::string Replaced(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
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

TEST_F(OwnArm, JointsWithoutLimitsAreNamed) {
  EXPECT_THAT(StackBy(LoadRobotSpec("so101", kRobotRoot))->info().notes, testing::IsEmpty());
  const std::string text = ReadText(kRobotRoot / "so101/model.xml");
  const size_t at = text.find("<joint name=\"shoulder_pan\"");
  const size_t end = text.find("/>", at);
  const std::string joint = text.substr(at, end - at);
  const RobotSpec robot = Edited({{joint, joint.substr(0, joint.find(" range="))},
                                  {"inheritrange=\"1\"", "ctrlrange=\"-3 3\""}});
  EXPECT_THAT(StackBy(robot)->info().notes,
              testing::ElementsAre(HasSubstr("joints without limits are taken to turn 360 degrees "
                                             "to either side: robot0_shoulder_pan; a `range`")));
}

// Servos that take their targets from limits that are not there: one sentence.
TEST_F(OwnArm, LimitsThatAreNotThereCannotBeInherited) {
  const std::string text = ReadText(kRobotRoot / "so101/model.xml");
  const size_t at = text.find("<joint name=\"shoulder_pan\"");
  const std::string joint = text.substr(at, text.find("/>", at) - at);
  const std::string refusal = Refusal(Edited({{joint, joint.substr(0, joint.find(" range="))}}));
  EXPECT_THAT(
      refusal,
      HasSubstr("model.xml: joint 'shoulder_pan' has no limits that its servo could inherit "
                "(`inheritrange`): give the joint a `range`, or the servo a `ctrlrange`"));
  EXPECT_THAT(refusal, testing::Not(HasSubstr("\n")));
  // nor is any other word of MuJoCo's more than a line
  const std::string massless = Refusal(Edited({{"mass=\"0.100006\"", "mass=\"1e-20\""}}));
  EXPECT_THAT(massless, HasSubstr("mass and inertia of moving bodies"));
  EXPECT_THAT(massless, testing::Not(HasSubstr("\n")));
}

// What cannot be told to hold a posture, or is told it in other units, is refused.
TEST_F(OwnArm, DrivesThatCannotHoldItAreRefused) {
  const std::string motor = "<motor name=\"torque2\" joint=\"joint2\" ctrlrange=\"-87 87\"/>";
  const auto panda = [&](const std::string& drive) {
    return Refusal(Edited({{motor, drive}}, "panda"));
  };
  const std::string neither =
      "robot.joints[1]: what drives 'robot0_joint2' is neither a <motor> nor a <position> servo "
      "without `timeconst`";
  for (const char* kind : {"velocity kv=\"40\"", "intvelocity kp=\"40\" actrange=\"-2 2\"",
                           "damper kv=\"4\"", "position kp=\"40\" timeconst=\"0.1\"",
                           "general gainprm=\"40\" biastype=\"affine\" biasprm=\"0 -90 -9\"",
                           "general gainprm=\"1\" biastype=\"affine\" biasprm=\"9 0 0\""}) {
    EXPECT_THAT(
        panda(std::string("<") + kind + " name=\"torque2\" joint=\"joint2\" ctrlrange=\"0 1\"/>"),
        HasSubstr(neither))
        << kind;
  }
  EXPECT_THAT(panda(motor.substr(0, motor.size() - 2) + " gear=\"-1\"/>"),
              HasSubstr("the motor of 'robot0_joint2' makes -1 Nm of a command of 1 (gear, gain): "
                        "commands are Nm; give it gear 1"));
  EXPECT_THAT(panda("<motor name=\"torque2\" joint=\"joint2\"/>"),
              HasSubstr("the motor of 'robot0_joint2' needs a ctrlrange (Nm)"));
  EXPECT_THAT(panda("<general name=\"torque2\" joint=\"joint2\" ctrlrange=\"-87 87\"/>"),
              testing::Eq("compiled"));
  // several alike are one sentence
  const std::string next = Replaced(Replaced(motor, "torque2", "torque3"), "joint2", "joint3");
  EXPECT_THAT(Refusal(Edited({{motor, Replaced(motor, "<motor", "<velocity")},
                              {next, Replaced(next, "<motor", "<velocity")}},
                             "panda")),
              AllOf(HasSubstr("robot.joints: what drives 'robot0_joint2', 'robot0_joint3' is "
                              "neither a <motor>"),
                    testing::Not(HasSubstr("robot.joints["))));
  const std::string servo = Servo("elbow_flex");
  EXPECT_THAT(Refusal(Edited({{servo, servo.substr(0, servo.size() - 2) + " gear=\"2\"/>"}})),
              HasSubstr("the servo of 'robot0_elbow_flex' has gear 2"));
}

// Motors too weak for the weight on them, in whatever words, and what their controller cannot know.
TEST_F(OwnArm, MotorsThatDoNotHoldTheArmAreNamed) {
  const std::string motor = "<motor name=\"torque2\" joint=\"joint2\" ctrlrange=\"-87 87\"/>";
  const auto panda = [&](const std::string& from, const std::string& to) {
    return Edited({{from, to}}, "panda");
  };
  const auto falls =
      AllOf(HasSubstr("robot 'panda' ("), HasSubstr("commanded to stay at home, the arm "),
            HasSubstr("falls: joint2 needs "), HasSubstr("its motor gives 3 ("));
  EXPECT_THAT(Refusal(panda(motor, Replaced(motor, "-87 87", "-3 3"))), falls);
  EXPECT_THAT(Refusal(panda(motor, Replaced(motor, "/>", " forcerange=\"-3 3\"/>"))), falls);
  EXPECT_THAT(
      Refusal(panda("<joint name=\"joint2\"", "<joint actuatorfrcrange=\"-3 3\" name=\"joint2\"")),
      falls);
  // weight that is taken off twice
  EXPECT_THAT(
      StackBy(panda("<body name=\"link5\"", "<body gravcomp=\"4\" name=\"link5\""))->info().notes,
      testing::ElementsAre(AllOf(HasSubstr("commanded to stay at home, the hand moves by "),
                                 HasSubstr("no springs, `gravcomp` or further actuators"))));
  EXPECT_THAT(StackBy(panda(motor, motor))->info().notes, testing::IsEmpty());
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

// ---- targets of joints ----

// Arms whose command is joints: servos, and motors that are told so.
class ByJoints : public SimTest, public testing::WithParamInterface<const char*> {
 protected:
  ByJoints() {
    RobotSpec robot = LoadRobotSpec(GetParam(), kRobotRoot);
    robot.action = ActionKind::kJoints;
    scene_ = StackBy(robot);
    simulator_ = MakeSimulator(scene_);
    simulator_->Reset("D0", RngKey{4});
  }
  // Somewhere near, a little turned.
  ArmAction Near(Rng& rng) const {
    const Pose& X_WE = simulator_->Observe().arms[0].X_WE;
    const auto vector = [&](double size) {
      return Vector3d(rng.Uniform(-size, size), rng.Uniform(-size, size), rng.Uniform(-size, size));
    };
    return {Pose(RotationExp(vector(0.2)) * X_WE.rotation(), X_WE.translation() + vector(0.02)), 1};
  }

  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<Simulator> simulator_;
};
INSTANTIATE_TEST_SUITE_P(Joints, ByJoints, testing::Values("so101", "ur5e", "panda"));

// What is recorded moves the arm as what was asked for did, bit for bit.
TEST_P(ByJoints, AResolvedTargetIsTheTarget) {
  const auto kinematics = MakeKinematics(scene_);
  EXPECT_EQ(simulator_->info().action_kind, ActionKind::kJoints);
  Rng rng(RngKey{5});
  for (int i = 0; i < 20; ++i) {
    const ArmAction asked = Near(rng), resolved = simulator_->Resolve(0, asked);
    ASSERT_EQ(static_cast<size_t>(resolved.q_cmd.size()), scene_->robot().joints.size());
    EXPECT_EQ(resolved.gripper, asked.gripper);
    const Pose X_WE = kinematics->Forward(resolved.q_cmd);
    EXPECT_LT((X_WE.translation() - resolved.X_WE_cmd.translation()).norm(), 1e-12);
    EXPECT_LT(AngleBetween(X_WE.rotation(), resolved.X_WE_cmd.rotation()), 1e-7);
    EXPECT_LT((X_WE.translation() - asked.X_WE_cmd.translation()).norm(), 1e-4);
    EXPECT_TRUE(simulator_->Resolve(0, resolved) == resolved);
    const SimState before = simulator_->Save();
    simulator_->Step({{asked}});
    const SimState after = simulator_->Save();
    simulator_->Restore(before);
    simulator_->Step({{resolved}});
    ASSERT_EQ(simulator_->Save(), after) << i;
  }
}

TEST_P(ByJoints, TheJointsArriveAndStay) {
  VectorXd q = simulator_->Observe().arms[0].joint_q;
  for (Eigen::Index i = 0; i < q.size(); ++i) q[i] += i % 2 ? 0.15 : -0.1;
  for (int i = 0; i < 40; ++i) {
    // the pose says nothing where joints do
    ArmAction target{Pose(), -1, q};
    simulator_->Step({{target}});
  }
  const ArmObservation& arm = simulator_->Observe().arms[0];
  // servos give way to weight
  EXPECT_LT((arm.joint_q - q).cwiseAbs().maxCoeff(), scene_->robot().name == "so101" ? 0.05 : 2e-3);
  EXPECT_LT(arm.joint_v.cwiseAbs().maxCoeff(), 5e-3);
}

// Motors make of every joint a critically damped system of its own: e(t) = e(0) (1 + w t) exp(-w t)
// with w = sqrt(kp), but for the length of a physics step.
TEST_F(SimTest, MotorsFollowJointsAsTheClosedFormDoes) {
  RobotSpec robot = LoadRobotSpec("panda", kRobotRoot);
  robot.action = ActionKind::kJoints;
  for (const double kp : {50.0, 150.0}) {
    robot.joint_control.kp = kp;
    const auto simulator = MakeSimulator(StackBy(robot));
    const VectorXd q0 = simulator->Observe().arms[0].joint_q;
    const VectorXd error = VectorXd::LinSpaced(q0.size(), 0.02, 0.08);
    const double dt = 1 / simulator->info().control_hz, w = std::sqrt(kp);
    for (int k = 1; k <= 12; ++k) {
      simulator->Step({{ArmAction{Pose(), -1, VectorXd(q0 + error)}}});
      const VectorXd left = q0 + error - simulator->Observe().arms[0].joint_q;
      const double share = (1 + w * k * dt) * std::exp(-w * k * dt);
      EXPECT_LT((left - share * error).cwiseAbs().maxCoeff(), 0.03 * error.maxCoeff())
          << "kp " << kp << ", step " << k;
    }
  }
}

// ---- gains ----

TEST_F(OwnArm, ServosHaveTheGainsOfRobotYaml) {
  const auto gains = [](const RobotSpec& robot) {
    const auto scene = StackBy(robot);
    const mjModel& m = *scene->model();
    Problems problems;
    const ArmIndex arm = IndexModel(m, scene->task(), scene->robot(), &problems).arms[0];
    std::vector<std::array<double, 3>> result;
    for (const int a : arm.actuators) {
      result.push_back({m.actuator_gainprm[mjNGAIN * a], -m.actuator_biasprm[mjNBIAS * a + 1],
                        -m.actuator_biasprm[mjNBIAS * a + 2]});
    }
    return result;
  };
  RobotSpec robot = LoadRobotSpec("so101", kRobotRoot);
  const auto of_model = gains(robot);
  robot.servo.kp = {30};
  EXPECT_THAT(gains(robot), testing::Each(std::array{30.0, 30.0, of_model[0][2]}));
  robot.servo = {.kp = {}, .kd = {1, 2, 3, 4, 5}};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(gains(robot)[i], (std::array{of_model[i][0], of_model[i][1], i + 1.0})) << i;
  }
  // another arm is another robot
  EXPECT_NE(DescribeRobot(robot), DescribeRobot(LoadRobotSpec("so101", kRobotRoot)));

  RobotSpec motors = LoadRobotSpec("panda", kRobotRoot);
  motors.servo.kp = {30};
  EXPECT_THAT(Refusal(motors),
              HasSubstr("robot.servo: its joints have motors, not <position> servos"));
  const std::filesystem::path own = folder_ / "arm";
  Edited({});
  const std::string yaml = ReadText(own / "robot.yaml");
  WriteTextAtomically(own / "robot.yaml", yaml + "servo: {kp: 30, kd: 2}\n");
  EXPECT_THAT(gains(LoadRobotSpec(own.string(), kRobotRoot)),
              testing::Each(std::array{30.0, 30.0, 2.0}));
  WriteTextAtomically(own / "robot.yaml", yaml + "servo: {kp: [1, 2, 3], kd: []}\n");
  EXPECT_THAT([&] { LoadRobotSpec(own.string(), kRobotRoot); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("servo.kp: 3 gains for 5 joints: give one for all, or one each")));
  const size_t safety = yaml.find("safety: {");
  ASSERT_NE(safety, std::string::npos);
  WriteTextAtomically(own / "robot.yaml",
                      yaml.substr(0, safety) + "safety: {x: [0.6, 0.2], z: [0, 0]}\n");
  EXPECT_THAT([&] { LoadRobotSpec(own.string(), kRobotRoot); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(HasSubstr("safety.x = [0.6, 0.2]: the low end comes first"),
                                 HasSubstr("safety.z = [0, 0]"))));
}

// Gains that let the arm sink or swing are named before anything is recorded with it.
TEST_F(OwnArm, ServosThatDoNotHoldTheArmAreNamed) {
  RobotSpec robot = LoadRobotSpec("so101", kRobotRoot);
  const auto notes = [&](double kp, double kd) {
    robot.servo = {.kp = {kp}, .kd = {kd}};
    return StackBy(robot)->info().notes;
  };
  EXPECT_THAT(notes(998, 2.7), testing::IsEmpty());
  EXPECT_THAT(notes(8, 2),
              testing::ElementsAre(AllOf(HasSubstr("commanded to stay at home, the hand sinks by "),
                                         HasSubstr(" mm: raise `servo.kp` in robot.yaml"))));
  EXPECT_THAT(notes(998, 400),
              testing::ElementsAre(AllOf(HasSubstr("the arm does not come to rest in 1 s ("),
                                         HasSubstr("with too large a one it shakes"))));
  // nothing could be recorded with those
  std::vector<std::pair<std::string, std::string>> soft;
  for (const char* n : {"1", "2", "3", "4", "5", "6", "7"}) {
    const std::string motor = std::string("<motor name=\"torque") + n + "\"";
    soft.push_back({motor, Replaced(motor, "<motor", "<position kp=\"20\" kv=\"5\"")});
  }
  EXPECT_THAT(Refusal(Edited(soft, "panda")),
              AllOf(HasSubstr("commanded to stay at home, the hand sinks by "),
                    HasSubstr(" mm: raise `servo.kp` in robot.yaml")));
  robot = Edited({{"forcerange=\"-3.35 3.35\"", ""}});
  robot.servo = {.kp = {998}, .kd = {400}};
  EXPECT_THAT(Refusal(robot), AllOf(HasSubstr("the servos shake the physics apart within "),
                                    HasSubstr("lower `servo.kd` or `servo.kp`")));
  ExpectWarnings();
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
