// Grippers that are driven in other ways than the listed ones: open is open, from the start.
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/kinematics.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

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

class GripperFaults : public GripperDrives {
 protected:
  static std::string Refusal(const std::string& drive) {
    const OwnFolder own;
    try {
      Compile({"", drive}, own);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  }
};

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
}

}  // namespace
}  // namespace understudy
