// Grippers that are driven in other ways than the listed ones: open is open, from the start.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/kinematics.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The hand of the panda with another drive; its fingers go from 0 to 0.04 m.
struct Drive {
  std::string name;
  std::string drive;  // instead of drive.xml, without its root
  std::string joint1 = "axis=\"0 1 0\"", joint2 = "axis=\"0 -1 0\"";
  double open1 = 0.04, open2 = 0.04;  // where the joints stand then
};

std::string Servo(const std::string& name, const std::string& joint, const std::string& more) {
  return "<position name=\"gripper_" + name + "\" joint=\"" + joint +
         "\" kp=\"1000\" forcerange=\"-20 20\" " + more + "/>";
}

const std::string kBackwards1 = "axis=\"0 -1 0\" range=\"-0.04 0\"";
const std::string kBackwards2 = "axis=\"0 1 0\" range=\"-0.04 0\"";

const std::string kHardStop = "solreflimit=\"0.004 1\" solimplimit=\"0.99 0.999 0.0001\"";

std::vector<Drive> Drives() {
  const auto both = [](const std::string& more) {
    return "<actuator>" + Servo("1", "finger_joint1", more) + Servo("2", "finger_joint2", more) +
           "</actuator>";
  };
  const std::string coupled =
      "<equality><joint joint1=\"finger_joint2\" joint2=\"finger_joint1\" solref=\"0.005 1\" ";
  const std::string one = "<actuator>" +
                          Servo("1", "finger_joint1", "gear=\"-1\" ctrlrange=\"-0.04 0\"") +
                          "</actuator>";
  return {
      {"AsListed", both("ctrlrange=\"0 0.04\"")},
      {"NegativeGear", both("gear=\"-1\" ctrlrange=\"-0.04 0\"")},
      {"NegativeGearOfJointsThatOpenBackwards", both("gear=\"-1\" ctrlrange=\"0 0.04\""),
       kBackwards1, kBackwards2, -0.04, -0.04},
      {"RangeFromOpenToClosed", both("ctrlrange=\"-0.04 0\""), kBackwards1, kBackwards2, -0.04,
       -0.04},
      {"EachItsOwnWay",
       "<actuator>" + Servo("1", "finger_joint1", "ctrlrange=\"0 0.04\"") +
           Servo("2", "finger_joint2", "ctrlrange=\"-0.04 0\"") + "</actuator>",
       "axis=\"0 1 0\"", kBackwards2, 0.04, -0.04},
      {"AFollower", coupled + "/></equality>" + one},
      {"AFollowerTheOtherWay", coupled + "polycoef=\"0 -1 0 0 0\"/></equality>" + one,
       "axis=\"0 1 0\"", kBackwards2, 0.04, -0.04},
      {"LeadByItsFollower",
       "<equality><joint joint1=\"finger_joint1\" joint2=\"finger_joint2\" "
       "polycoef=\"0 -1 0 0 0\" solref=\"0.005 1\"/></equality>" +
           one,
       "axis=\"0 1 0\"", kBackwards2, 0.04, -0.04},
      {"ATendon", coupled +
                      "/></equality><tendon><fixed name=\"split\"><joint joint=\"finger_joint1\" "
                      "coef=\"0.5\"/><joint joint=\"finger_joint2\" coef=\"0.5\"/></fixed></tendon>"
                      "<actuator><general name=\"gripper\" tendon=\"split\" ctrlrange=\"0 255\" "
                      "forcerange=\"-40 40\" biastype=\"affine\" gainprm=\"-0.3137\" "
                      "biasprm=\"80 -2000 0\"/></actuator>"},
      {"Motors",
       "<actuator><motor name=\"gripper_1\" joint=\"finger_joint1\" gear=\"-2\" ctrlrange=\"-1 "
       "1\"/><motor name=\"gripper_2\" joint=\"finger_joint2\" gear=\"2\" ctrlrange=\"-1 "
       "1\"/></actuator>",
       "axis=\"0 1 0\" " + kHardStop, "axis=\"0 -1 0\" " + kHardStop},
  };
}

void PrintTo(const Drive& drive, std::ostream* out) { *out << drive.name; }

class GripperDrives : public SimTest, public testing::WithParamInterface<Drive> {
 protected:
  static std::shared_ptr<const Scene> Compile(const Drive& drive, const OwnFolder& own) {
    const std::filesystem::path folder = own / "grip";
    std::filesystem::copy(kRobotRoot.parent_path() / "grippers/panda_hand", folder);
    const auto change = [&](const std::string& file, const std::string& from,
                            const std::string& to) {
      std::string text = ReadText(folder / file);
      const size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      WriteTextAtomically(folder / file, text.replace(at, from.size(), to));
    };
    change("gripper.yaml", "name: panda_hand", "name: mine");
    change("hand.xml", "axis=\"0 1 0\"", drive.joint1);
    change("hand.xml", "axis=\"0 -1 0\"/>\n    <geom name=\"right",
           drive.joint2 + "/>\n    <geom name=\"right");
    WriteTextAtomically(folder / "drive.xml", "<mujocoinclude>" + drive.drive + "</mujocoinclude>");
    TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
    task.robot = "panda+" + folder.string();
    return CompileTask(task);
  }
};

TEST_P(GripperDrives, StartAsCommandedCloseAndOpen) {
  const OwnFolder own;
  const Drive& drive = GetParam();
  const auto scene = Compile(drive, own);
  const auto simulator = MakeSimulator(scene);
  simulator->Reset("D0", RngKey{1});
  const Pose X_WE = simulator->Observe().arms[0].X_WE;
  const auto expect = [&](double q1, double q2, double tolerance, const char* when) {
    const Eigen::VectorXd& q = simulator->Observe().arms[0].gripper_q;
    EXPECT_NEAR(q[0], q1, tolerance) << when;
    EXPECT_NEAR(q[1], q2, tolerance) << when;
  };
  const auto go = [&](double command) {
    for (int i = 0; i < 60; ++i) simulator->Step(OneArm(X_WE, command));
  };
  expect(drive.open1, drive.open2, 1e-12, "at reset");
  go(-1);
  expect(drive.open1, drive.open2, 1e-3, "commanded open");
  go(1);
  expect(0, 0, 1e-3, "commanded closed");
  go(-1);
  expect(drive.open1, drive.open2, 1e-3, "opened again");
  // and what others take for the open hand
  ASSERT_EQ(scene->info().open_fingers_E.size(), 2u);
  for (size_t finger = 0; finger < 2; ++finger) {
    const Eigen::AlignedBox3d box = scene->info().open_fingers_E[finger],
                              listed = StackScene()->info().open_fingers_E[finger];
    EXPECT_LT((box.min() - listed.min()).norm() + (box.max() - listed.max()).norm(), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, GripperDrives, testing::ValuesIn(Drives()),
                         [](const auto& info) { return info.param.name; });

// What a gripper says of itself and what its model does are told apart before anything runs.
TEST_F(SimTest, AGripperThatOpensOtherwiseThanItSaysIsNamed) {
  const TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  RobotSpec robot = LoadRobotSpec("panda", kRobotRoot);
  const auto notes = [&](double max_opening) {
    robot.gripper.max_opening = max_opening;
    return Scene::Compile(task, robot)->info().notes;
  };
  for (const double right : {0.08, 0.084, 0.076}) {
    EXPECT_THAT(notes(right), testing::IsEmpty()) << right;
  }
  EXPECT_THAT(notes(0.14),
              testing::ElementsAre(HasSubstr("gripper 'panda_hand': max_opening is 0.14 m, but "
                                             "commanded open its pads stand 0.08 m apart")));
  EXPECT_THAT(notes(0.06), testing::SizeIs(1));
  robot.gripper.right_pads = {"right_finger"};
  EXPECT_THAT(notes(0.14), testing::ElementsAre(HasSubstr("pads stand 0.082")));
}

// Frame E stands between the pads, its x along the way on which they close.
TEST_F(SimTest, ASiteBesideThePadsIsNamed) {
  const TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  RobotSpec robot = LoadRobotSpec("panda", kRobotRoot);
  robot.gripper.right_pads = {"hand"};
  EXPECT_THAT(Scene::Compile(task, robot)->info().notes,
              testing::Contains(AllOf(
                  HasSubstr("gripper 'panda_hand': in the frame of site 'grip_site' its open pads "
                            "stand at ["),
                  HasSubstr("turn it until they close along its x"))));
}

class GripperFaults : public GripperDrives {
 protected:
  static std::string Refusal(const std::string& drive, const std::string& joint1 = Drive{}.joint1,
                             const std::string& joint2 = Drive{}.joint2) {
    const OwnFolder own;
    try {
      Compile({"", drive, joint1, joint2}, own);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  }
};

TEST_F(GripperFaults, OfNamesThatTheArmHas) {
  EXPECT_THAT(Refusal("<worldbody><body name=\"link1\"/></worldbody>"),
              AllOf(HasSubstr("repeated name 'link1' in body Element 'body' of a file that it "
                              "includes: "),
                    HasSubstr("the parts of an arm and of its gripper need different names")));
}

// What is commanded and what is measured must be the same fingers.
TEST_F(GripperFaults, AreOneSentenceEach) {
  const std::string range = "ctrlrange=\"0 0.04\"";
  const std::string one = "<actuator>" + Servo("1", "finger_joint1", range) + "</actuator>";
  EXPECT_THAT(Refusal(one),
              HasSubstr("robot.gripper.joints: joint 'robot0_finger_joint2' is moved neither by "
                        "actuator 'robot0_gripper_1' nor by an equality: what the gripper "
                        "measures would not follow its command"));
  EXPECT_THAT(Refusal("<actuator>" + Servo("1", "joint7", range) + "</actuator>"),
              HasSubstr("joint 'robot0_finger_joint1' is moved neither by"));
  EXPECT_THAT(Refusal("<actuator>" + Servo("1", "finger_joint1", "ctrlrange=\"-0.04 0\"") +
                      Servo("2", "finger_joint2", range) + "</actuator>"),
              HasSubstr("robot.gripper.actuator_prefix: joint 'robot0_finger_joint1' stands at 0 "
                        "at both ends of the ctrlrange of actuator 'robot0_gripper_1' and "
                        "actuator 'robot0_gripper_2': the range of the joint and what it is "
                        "commanded must overlap"));
  EXPECT_THAT(Refusal("<actuator>" + Servo("1", "finger_joint1", "") +
                      Servo("2", "finger_joint2", range) + "</actuator>"),
              testing::EndsWith("with robot 'panda+mine': robot.gripper.actuator_prefix: "
                                "'robot0_gripper_1' needs a ctrlrange between closed and open"));
}

// Fingers on linkages: a crank that is driven and a rocker beside it carry each finger, and the pad
// hangs on the rocker, which no actuator and no equality between joints moves.
struct Linkage {
  std::string name;
  double angle;       // of the cranks as drawn: 0.9273 rad open, 1.8133 rad closed
  std::string range;  // of the cranks, from there
  std::string actuator;
  double open;  // where they stand then
  std::string joint = "armature=\"0.001\" damping=\"0.1\"";
};

constexpr double kOpenAngle = 0.9273, kClosedAngle = 1.8133;

std::vector<Linkage> Linkages() {
  const auto servo = [](const std::string& range) {
    return "<position name=\"gripper\" joint=\"left_crank\" kp=\"20\" forcerange=\"-2 2\" "
           "ctrlrange=\"" +
           range + "\"/>";
  };
  const std::string tendon =
      "<general name=\"gripper\" tendon=\"split\" forcerange=\"-5 5\" ctrlrange=\"0 255\" "
      "biastype=\"affine\" gainprm=\"0.3475\" biasprm=\"0 -100 -0.5\"/>";
  return {{"DrawnOpen", kOpenAngle, "0 0.886", servo("0 0.886"), 0},
          {"DrawnClosed", kClosedAngle, "-0.886 0", servo("-0.886 0"), -0.886},
          {"DrawnHalfWay", (kOpenAngle + kClosedAngle) / 2, "-0.443 0.443", servo("-0.443 0.443"),
           -0.443},
          {"OnATendon", kOpenAngle, "0 0.886", tendon, 0}};
}

void PrintTo(const Linkage& linkage, std::ostream* out) { *out << linkage.name; }

std::string LinkageFinger(const std::string& side, double y, const std::string& quat,
                          const Linkage& linkage) {
  const std::string crank =
      fmt::format("{:.9f} {:.9f}", 0.05 * std::cos(linkage.angle), 0.05 * std::sin(linkage.angle));
  const std::string joint = linkage.joint + " axis=\"1 0 0\"";
  const std::string link = "contype=\"0\" conaffinity=\"0\" mass=\"0.01\"";
  return fmt::format(R"(
  <body name="{0}_crank" pos="0 {1} 0.06" quat="{2}" childclass="finger">
    <joint name="{0}_crank" type="hinge" range="{3}" {4}/>
    <geom name="{0}_crank" type="capsule" size="0.004" fromto="0 0 0 0 {5}" {6}/>
  </body>
  <body name="{0}_rocker" pos="0 {7} 0.066" quat="{2}" childclass="finger">
    <joint name="{0}_rocker" type="hinge" range="-2 2" {4}/>
    <geom name="{0}_rocker" type="capsule" size="0.004" fromto="0 0 0 0 {5}" {6}/>
    <body name="{0}_finger" pos="0 {5}">
      <joint name="{0}_finger" type="hinge" range="-2 2" {4}/>
      <geom name="{0}_pad" class="pad" size="0.01 0.004 0.02" pos="0 0 0.02" mass="0.01"/>
    </body>
  </body>)",
                     side, y, quat, linkage.range, joint, crank, link, y - std::copysign(0.018, y));
}

class GripperLinkages : public SimTest, public testing::WithParamInterface<Linkage> {
 protected:
  static std::shared_ptr<const Scene> Compile(const Linkage& linkage, const OwnFolder& own) {
    const std::filesystem::path folder = own / "grip";
    std::filesystem::copy(kRobotRoot.parent_path() / "grippers/panda_hand", folder);
    const auto write = [&](const std::string& file, const std::string& text) {
      WriteTextAtomically(folder / file, text);
    };
    write("gripper.yaml", R"(
name: linkage
joints: [left_crank, left_rocker, left_finger, right_crank, right_rocker, right_finger]
left_pads: [left_pad]
right_pads: [right_pad]
)");
    write("hand.xml",
          R"(<mujocoinclude>
  <inertial mass="0.7" pos="0 0 0.03" diaginertia="0.001 0.002 0.001"/>
  <camera name="eye_in_hand" pos="0.05 0 0" quat="0 0.7071067812 0.7071067812 0"/>
  <site name="grip_site" pos="0 0 0.13" quat="0.7071067812 0 0 -0.7071067812"/>)" +
              LinkageFinger("left", 0.03, "1 0 0 0", linkage) +
              LinkageFinger("right", -0.03, "0 0 0 1", linkage) + "</mujocoinclude>");
    write("drive.xml", R"(<mujocoinclude>
  <tendon><fixed name="split">
    <joint joint="left_crank" coef="0.5"/><joint joint="right_crank" coef="0.5"/>
  </fixed></tendon>
  <equality>
    <connect body1="left_finger" body2="left_crank" anchor="0 0.018 -0.006" solref="0.005 1"/>
    <connect body1="right_finger" body2="right_crank" anchor="0 0.018 -0.006" solref="0.005 1"/>
    <joint joint1="right_crank" joint2="left_crank" solref="0.005 1"/>
  </equality>
  <actuator>)" + linkage.actuator +
                           "</actuator></mujocoinclude>");
    TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
    task.robot = "panda+" + folder.string();
    return CompileTask(task);
  }
};

TEST_P(GripperLinkages, StartOpenAndClosedInTheirLoops) {
  const OwnFolder own;
  const Linkage& linkage = GetParam();
  const auto scene = Compile(linkage, own);
  const auto simulator = MakeSimulator(scene);
  simulator->Reset("D0", RngKey{1});
  const Pose X_WE = simulator->Observe().arms[0].X_WE;
  const auto q = [&] { return Eigen::VectorXd(simulator->Observe().arms[0].gripper_q); };
  // crank, rocker and finger of a parallelogram, each side
  const auto postures = [&](double crank) {
    Eigen::VectorXd all(6);
    all << crank, crank, -crank, crank, crank, -crank;
    return all;
  };
  const Eigen::VectorXd open = q();
  EXPECT_LT((open - postures(linkage.open)).lpNorm<Eigen::Infinity>(), 3e-3) << open.transpose();
  const auto go = [&](double command) {
    for (int i = 0; i < 60; ++i) simulator->Step(OneArm(X_WE, command));
  };
  // nothing flies apart: the first step leaves them where they are
  simulator->Step(OneArm(X_WE, -1));
  EXPECT_LT((q() - open).lpNorm<Eigen::Infinity>(), 1e-3) << q().transpose();
  go(-1);
  EXPECT_LT((q() - open).lpNorm<Eigen::Infinity>(), 2e-3) << q().transpose();
  // pad meets pad just before the end of the range
  go(1);
  EXPECT_NEAR(q()[0], linkage.open + 0.886, 0.12);
  go(-1);
  EXPECT_LT((q() - open).lpNorm<Eigen::Infinity>(), 2e-3) << q().transpose();
  // the same numbers from every compilation and simulator
  const auto other = MakeSimulator(scene);
  other->Reset("D0", RngKey{1});
  EXPECT_EQ(Eigen::VectorXd(other->Observe().arms[0].gripper_q), open);
}

INSTANTIATE_TEST_SUITE_P(Ways, GripperLinkages, testing::ValuesIn(Linkages()),
                         [](const auto& info) { return info.param.name; });

class CreepingLinkages : public GripperLinkages {
 protected:
  static void CompileWith(const std::string& frictionloss) {
    const OwnFolder own;
    Linkage linkage = Linkages()[3];
    linkage.joint = "armature=\"0.1\" damping=\"0.1\" frictionloss=\"" + frictionloss + "\"";
    Compile(linkage, own);
  }
};

// Friction lets the last of the way take long; where it leaves hardly any way, it is refused.
TEST_F(CreepingLinkages, HaveArrivedUnlessFrictionHoldsThem) {
  EXPECT_NO_THROW(CompileWith("0.65"));
  EXPECT_THROW(CompileWith("1"), Error);
}

TEST_F(GripperFaults, OfPadsAndOfJointsThatRunOn) {
  // both fingers the same way: the pads stay as far apart
  EXPECT_THAT(
      Refusal("<actuator>" + Servo("1", "finger_joint1", "ctrlrange=\"0 0.04\"") +
                  "</actuator><equality><joint joint1=\"finger_joint2\" joint2=\"finger_joint1\" "
                  "polycoef=\"0 -1 0 0 0\"/></equality>",
              "axis=\"0 1 0\"", "axis=\"0 -1 0\" range=\"-0.04 0\""),
      HasSubstr("robot.gripper.left_pads, right_pads: they are 0.0140 m apart at both ends of the "
                "ctrlrange of actuator 'robot0_gripper_1': name geoms of the two fingers that the "
                "gripper holds with"));
  EXPECT_THAT(Refusal("<actuator><motor name=\"gripper\" joint=\"finger_joint1\" gear=\"10\" "
                      "ctrlrange=\"-1 1\"/></actuator><equality><joint joint1=\"finger_joint2\" "
                      "joint2=\"finger_joint1\"/></equality>",
                      "axis=\"0 1 0\" limited=\"false\" damping=\"1\"",
                      "axis=\"0 -1 0\" limited=\"false\" damping=\"1\""),
              HasSubstr("still moves 5 s after actuator 'robot0_gripper' came to the open end of "
                        "the ctrlrange: give it a range, or a spring, damping and armature with "
                        "which it comes to rest"));
}

}  // namespace
}  // namespace understudy
