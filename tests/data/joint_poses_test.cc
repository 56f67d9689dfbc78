// Files of joints without poses: what their arms, targets and grippers are read as, with a fake
// robot of two joints.

#include "data/formats/base/joint_poses.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "core/base/error.h"
#include "data/formats/base/translate.h"
#include "data/formats/family/import.h"
#include "data/formats/formats.h"
#include "data/store/files.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/reader.h"
#include "tests/data/store_support.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kPoseRows = 6;
const Pose kBase(Eigen::Quaterniond(0.6, 0, 0, 0.8), {1, 2, 0.5});

// Turns about z, then x, at X_WB: two links of 0.5 m.
class Planar final : public Kinematics {
 public:
  explicit Planar(const Pose& X_WB) : X_WB_(X_WB) {}
  static Pose At(const Pose& X_WB, const Eigen::VectorXd& q) {
    return X_WB * Pose::FromRotvec({0, 0, q[0]}, {0, 0, 0}) *
           Pose::FromRotvec({q[1], 0, 0}, {0.5, 0, 0}) * Pose::FromTranslation({0.5, 0, 0});
  }

 private:
  const Eigen::VectorXd& DoLower() const override { return lower_; }
  const Eigen::VectorXd& DoUpper() const override { return upper_; }
  Pose DoForward(const Eigen::VectorXd& q) override { return At(X_WB_, q); }
  ArmJacobian DoJacobian(const Eigen::VectorXd&) override { return {}; }
  std::optional<IkSolution> DoSolve(const Pose&, const Eigen::VectorXd&) override { return {}; }
  const Pose X_WB_;
  const Eigen::VectorXd lower_ = Eigen::Vector2d(-2, -2), upper_ = Eigen::Vector2d(2, 2);
};

std::shared_ptr<const JointRobot> RobotWith(size_t arms, const Pose& X_SE = Pose(),
                                            ActionKind action = ActionKind::kPose) {
  auto robot = std::make_shared<JointRobot>();
  robot->info.robot = "planar";
  robot->info.action_kind = action;
  robot->joints = {"shoulder", "elbow"};
  robot->info.limits = {0.1, 1};
  robot->info.X_WB.clear();
  robot->X_SE = X_SE;
  robot->identity = {{"robot", "planar"}};
  for (size_t a = 0; a < arms; ++a) {
    robot->info.arms.push_back(fmt::format("robot{}", a));
    robot->info.joint_names.push_back(
        {fmt::format("r{}_shoulder", a), fmt::format("r{}_elbow", a)});
    robot->info.gripper_joint_names.push_back({"finger"});
    robot->info.X_WB.push_back(kBase * Pose::FromTranslation({0, 0.7 * static_cast<double>(a), 0}));
    robot->arms.push_back(std::make_unique<Planar>(robot->info.X_WB.back()));
  }
  return robot;
}

// Joints of an arm before row k.
Eigen::Vector2d Q(size_t k, size_t arm = 0) {
  const auto t = static_cast<double>(k);
  return {0.1 * t - 0.3 + static_cast<double>(arm), 1.4 - 0.05 * t};
}
// And where they are told to go.
Eigen::Vector2d Told(size_t k, size_t arm = 0) { return Q(k, arm) + Eigen::Vector2d(0.12, -0.03); }

template <class Put>
Column Rows(const std::string& path, size_t width, Put put, size_t rows = kPoseRows) {
  Column column(path, ColumnType::kF64, {width});
  column.rows = rows;
  for (size_t k = 0; k < rows; ++k) {
    for (const double v : put(k)) column.Push(v);
  }
  EXPECT_EQ(column.bytes.size(), rows * width * sizeof(double)) << path;
  return column;
}
using Row = std::vector<double>;

class JointPosesTest : public testing::Test {
 protected:
  // A file of robomimic's family with one episode.
  template <class Fill>
  fs::path Write(const Json& env, Fill fill) const {
    const fs::path file = folder_ / "joints.hdf5";
    h5::GrowingFile out = h5::GrowingFile::Create(file);
    const h5::Group data = out.root().Create("data");
    data.SetText("env_args", env.dump());
    const h5::Group demo = data.Create("demo_0");
    demo.SetInt("num_samples", kPoseRows);
    fill(demo, out.root());
    out.Close();
    return file;
  }
  static ReadOptions With(std::shared_ptr<const JointRobot> robot, ReadOptions read = {}) {
    read.joint_robot = [robot](const EpisodeSource&) { return robot; };
    return read;
  }
  static std::string WhyNot(const fs::path& file, const ReadOptions& read) {
    try {
      OpenDataset(file, read)->ReadEpisode(0);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  }
  static void ExpectPose(const Pose& is, const Pose& wanted) {
    EXPECT_LT((is.translation() - wanted.translation()).norm(), 1e-12);
    EXPECT_LT(AngleBetween(is.rotation(), wanted.rotation()), 1e-7);
  }
  static Pose ArmAt(const Eigen::VectorXd& q, size_t arm = 0) {
    return Planar::At(RobotWith(arm + 1)->info.base(arm), q);
  }

  Folder folder_;
};

Json Robosuite(const Json& controller) {
  return {{"env_name", "Lift"},
          {"type", 1},
          {"env_kwargs", {{"robots", {"Planar"}}, {"controller_configs", controller}}}};
}

// ---- robomimic ----

TEST_F(JointPosesTest, JointActionsOfRobosuiteAreTargetsOrDifferences) {
  for (const bool absolute : {true, false}) {
    Json controller{{"type", "JOINT_POSITION"},
                    {"input_max", 1},
                    {"input_min", -1},
                    {"output_max", {0.2, 0.1}}};
    if (absolute) controller["input_type"] = "absolute";
    const fs::path file = Write(Robosuite(controller), [&](const h5::Group& demo, const auto&) {
      demo.Write(Rows("obs/robot0_joint_pos", 2, [](size_t k) { return Row{Q(k)[0], Q(k)[1]}; }));
      demo.Write(Rows("actions", 3, [&](size_t k) {
        return absolute ? Row{Told(k)[0], Told(k)[1], 1.0} : Row{0.12 / 0.2, -0.03 / 0.1, -1.0};
      }));
    });
    // as it is, nothing is known of its hand
    EXPECT_THAT(OpenDataset(file)->ReadEpisode(0).steps[0].observation.arms, IsEmpty());
    const auto source = OpenDataset(file, With(RobotWith(1)));
    EXPECT_THAT(source->header().simulator.arms, ElementsAre("robot0"));
    EXPECT_EQ(source->header().simulator.robot, "planar");
    EXPECT_EQ(source->header().settings[kJointsOf], Json({{"robot", "planar"}}));
    EXPECT_FALSE(source->header().settings.contains(foreign::kUnreadColumns));
    const Episode episode = source->ReadEpisode(0);
    EXPECT_EQ(episode.meta.settings["pose_from"], "joints");
    EXPECT_EQ(episode.meta.settings["target_from"], "joint targets of actions");
    for (size_t k = 0; k < kPoseRows; ++k) {
      const Step& step = episode.steps[k];
      ExpectPose(step.observation.arms[0].X_WE, ArmAt(Q(k)));
      EXPECT_EQ(step.observation.arms[0].joint_q, Q(k));
      ExpectPose(step.action.arms[0].X_WE_cmd, ArmAt(Told(k)));
      EXPECT_EQ(step.action.arms[0].gripper, absolute ? 1 : -1);
      EXPECT_EQ(
          step.delta[0].value,
          DeltaFromTarget(step.observation.arms[0].X_WE, step.action.arms[0], {0.1, 1}).value);
    }
  }
}

// Poses of the hand are missing, but not what its controller was told.
TEST_F(JointPosesTest, TargetsThatTheFileHasCountInItsOwnFrame) {
  const Pose X_SE(Eigen::Quaterniond(0.8, 0, 0.6, 0), {0.01, 0, 0.05});
  const auto robot = RobotWith(1, X_SE);
  const fs::path file = Write(
      Robosuite({{"type", "OSC_POSE"}, {"output_max", 0.05}}),
      [&](const h5::Group& demo, const auto&) {
        demo.Write(Rows("obs/robot0_joint_pos", 2, [](size_t k) { return Row{Q(k)[0], Q(k)[1]}; }));
        demo.Write(Rows("actions", 7, [](size_t) { return Row{0.5, 0, -0.25, 0, 0.1, 0, 1}; }));
      });
  const Episode episode = OpenDataset(file, With(robot))->ReadEpisode(0);
  EXPECT_EQ(episode.meta.settings["target_from"], "actions");
  Eigen::Matrix<double, 7, 1> delta;
  delta << 0.5, 0, -0.25, 0, 0.1, 0, 1;
  const Pose X_WS = ArmAt(Q(2)) * X_SE.Inverse();
  ExpectPose(episode.steps[2].action.arms[0].X_WE_cmd,
             TargetFromDelta(X_WS, delta, {0.05, 0.05}).X_WE_cmd * X_SE);
  // they are ours now: a translation leaves them alone
  RobotSpec spec;
  spec.name = "planar";
  spec.foreign[kRobosuiteFamily] = {{"Planar"}, X_SE, Pose()};
  Episode same = episode;
  Translation(kRobosuiteFamily, nullptr, &spec).ToOurs(&same);
  EXPECT_EQ(same.steps[2].observation.arms[0].X_WE, episode.steps[2].observation.arms[0].X_WE);
  EXPECT_EQ(same.steps[2].action, episode.steps[2].action);
}

TEST_F(JointPosesTest, WithoutTargetsTheNextRowIsOne) {
  const fs::path file = Write(Robosuite(Json::object()), [](const h5::Group& demo, const auto&) {
    demo.Write(Rows("obs/robot0_joint_pos", 2, [](size_t k) { return Row{Q(k)[0], Q(k)[1]}; }));
    demo.Write(Rows("actions", 7, [](size_t) { return Row{0, 0, 0, 0, 0, 0, -1}; }));
  });
  const Episode episode = OpenDataset(file, With(RobotWith(1)))->ReadEpisode(0);
  EXPECT_EQ(episode.meta.settings["target_from"],
            "the next row's joints (its actions are no joint targets)");
  ExpectPose(episode.steps[0].action.arms[0].X_WE_cmd, ArmAt(Q(1)));
  ExpectPose(episode.steps[kPoseRows - 1].action.arms[0].X_WE_cmd, ArmAt(Q(kPoseRows - 1)));
}

// A robot that takes joints gets the joints that were told, in our file too; else the next row's.
TEST_F(JointPosesTest, ARobotOfJointsKeepsJointTargets) {
  const auto robot = RobotWith(2, Pose(), ActionKind::kJoints);
  for (const bool told : {true, false}) {
    Json controller = Json::object();
    if (told) controller = {{"type", "JOINT_POSITION"}, {"input_type", "absolute"}};
    const fs::path file = Write(Robosuite(controller), [&](const h5::Group& demo, const auto&) {
      for (size_t a = 0; a < 2; ++a) {
        demo.Write(Rows(fmt::format("obs/robot{}_joint_pos", a), 2, [&](size_t k) {
          return Row{Q(k, a)[0], Q(k, a)[1]};
        }));
      }
      demo.Write(Rows("actions", told ? 6 : 14, [&](size_t k) {
        if (!told) return Row(14, -1.0);
        return Row{Told(k)[0], Told(k)[1], -1, Told(k, 1)[0], Told(k, 1)[1], 1};
      }));
      // where the hand was told to be does not count beside joints
      if (told) {
        demo.Write(Rows("actions_abs", 14, [](size_t) { return Row(14, 0.1); }));
      }
    });
    Progress quiet;
    const fs::path ours = folder_ / "ours.h5";
    ImportForeign(*OpenDataset(file, With(robot)), ours, {.control_hz = 10, .overwrite = true},
                  Translation(), quiet);
    const DatasetReader reader(ours);
    EXPECT_EQ(reader.header().simulator.joint_names, robot->info.joint_names);
    const Episode episode = reader.ReadEpisode(0);
    for (size_t k = 0; k < episode.length(); ++k) {
      for (size_t a = 0; a < 2; ++a) {
        const Eigen::Vector2d wanted = told ? Told(k, a) : Q(k + 1, a);
        const ArmAction& action = episode.steps[k].action.arms[a];
        ASSERT_EQ(action.q_cmd.size(), 2);
        EXPECT_EQ(action.q_cmd, wanted);
        EXPECT_EQ(episode.steps[k].action_clean.arms[a].q_cmd, wanted);
        ExpectPose(action.X_WE_cmd, ArmAt(wanted, a));
        EXPECT_EQ(action.gripper, told && a == 1 ? 1 : -1);
      }
    }
    // one of poses takes the poses alone
    const auto posed = OpenDataset(file, With(RobotWith(2)));
    EXPECT_EQ(posed->ReadEpisode(0).steps[0].action.arms[0].q_cmd.size(), 0);
  }
}

// Only where the hand was told to be is known: no joints are made up.
TEST_F(JointPosesTest, TargetsOfTheHandAloneStayPosesForARobotOfJoints) {
  const fs::path file = Write(
      Robosuite({{"type", "OSC_POSE"}, {"output_max", 0.05}}),
      [&](const h5::Group& demo, const auto&) {
        demo.Write(Rows("obs/robot0_joint_pos", 2, [](size_t k) { return Row{Q(k)[0], Q(k)[1]}; }));
        demo.Write(Rows("actions", 7, [](size_t) { return Row{0.5, 0, 0, 0, 0, 0, 1}; }));
      });
  const auto source = OpenDataset(file, With(RobotWith(1, Pose(), ActionKind::kJoints)));
  EXPECT_EQ(source->ReadEpisode(0).steps[0].action.arms[0].q_cmd.size(), 0);
}

TEST_F(JointPosesTest, WhatDoesNotFitTheRobotIsRefusedInOneSentence) {
  const auto file = [&](double scale, size_t arms, size_t width) {
    return Write(Robosuite(Json::object()), [&](const h5::Group& demo, const auto&) {
      for (size_t a = 0; a < arms; ++a) {
        demo.Write(Rows(fmt::format("obs/robot{}_joint_pos", a), 2, [&](size_t k) {
          return Row{scale * Q(k)[0], scale * Q(k)[1]};
        }));
      }
      demo.Write(Rows("actions", width, [&](size_t) { return Row(width, 0.0); }));
    });
  };
  EXPECT_THAT(
      WhyNot(file(180 / M_PI, 1, 7), With(RobotWith(1))),
      HasSubstr("demo_0: obs/robot0_joint_pos, row 0: shoulder is at -17.19, its limits "
                "are -2 and 2 rad: these are joints of another robot than 'planar', or no "
                "radians (--map: `is: joints, scale: 0.0174533` makes radians of degrees)"));
  EXPECT_THAT(WhyNot(file(1, 2, 14), With(RobotWith(1))),
              HasSubstr("holds joints of 2 arms, the task has 1 of robot 'planar'"));
  auto other = std::make_shared<JointRobot>();
  other->info = RobotWith(1)->info;
  other->joints = {"shoulder", "elbow", "wrist"};
  class Three final : public Kinematics {
    const Eigen::VectorXd& DoLower() const override { return limits_; }
    const Eigen::VectorXd& DoUpper() const override { return limits_; }
    Pose DoForward(const Eigen::VectorXd&) override { return {}; }
    ArmJacobian DoJacobian(const Eigen::VectorXd&) override { return {}; }
    std::optional<IkSolution> DoSolve(const Pose&, const Eigen::VectorXd&) override { return {}; }
    const Eigen::VectorXd limits_ = Eigen::Vector3d(0, 0, 0);
  };
  other->arms.push_back(std::make_unique<Three>());
  EXPECT_THAT(
      WhyNot(file(1, 1, 7), With(other)),
      HasSubstr("obs/robot0_joint_pos: 2 joints of arm 'robot0', robot 'planar' has 3: name "
                "another one with --robot, or say with --map which numbers are its joints"));
  EXPECT_THAT(WhyNot(file(1, 1, 5), With(RobotWith(1))),
              HasSubstr("no gripper command of arm 'robot0' is known: --map says which number it "
                        "is, and which of its values mean open and closed (`is: gripper`)"));
}

// ---- Isaac Lab ----

// Joint positions with a finger, after each step; `base` in the file's frame.
template <class Actions>
void FillIsaacLab(const h5::Group& demo, const h5::Group& root, const Pose& base, bool version,
                  Actions actions) {
  if (version) root.SetInt("format_version", 1);
  const std::string robot = "articulation/robot/";
  const auto q = [](size_t k) { return Row{Q(k)[0], Q(k)[1], 0.04}; };
  demo.Write(Rows("initial_state/" + robot + "joint_position", 3, q, 1));
  demo.Write(Rows("states/" + robot + "joint_position", 3, [&](size_t k) { return q(k + 1); }));
  const auto pose = [](const Pose& X) {
    const Eigen::Vector3d p = X.translation();
    const Eigen::Quaterniond r = X.rotation();
    return Row{p.x(), p.y(), p.z(), r.x(), r.y(), r.z(), r.w()};
  };
  demo.Write(Rows(
      "initial_state/" + robot + "root_pose", 7, [&](size_t) { return pose(base); }, 1));
  const auto cube = [&](size_t) { return pose(Pose::FromTranslation({0.3, 0.1, 0})); };
  demo.Write(Rows("initial_state/rigid_object/cube/root_pose", 7, cube, 1));
  demo.Write(Rows("states/rigid_object/cube/root_pose", 7, cube));
  actions(demo);
}

const Json kIsaacEnv{{"env_name", "Isaac-Lift-Cube-Planar-v0"}, {"type", 2}};

TEST_F(JointPosesTest, IsaacLabsJointsStandWhereItsArmStands) {
  const Pose elsewhere(Eigen::Quaterniond(std::sqrt(0.5), 0, 0, std::sqrt(0.5)), {-3, 0, 0.2});
  const fs::path file = Write(kIsaacEnv, [&](const h5::Group& demo, const h5::Group& root) {
    FillIsaacLab(demo, root, elsewhere, true, [](const h5::Group& episode) {
      // before scale and offset; then what the actuators got, the finger too
      episode.Write(Rows("actions", 3, [](size_t k) { return Row{7, 7, k < 3 ? 1.0 : -1.0}; }));
      episode.Write(Rows("processed_actions", 3, [](size_t k) {
        return Row{Told(k)[0], Told(k)[1], 0.04};
      }));
    });
  });
  const auto source = OpenDataset(file, With(RobotWith(1)));
  const Episode episode = source->ReadEpisode(0);
  EXPECT_EQ(episode.meta.settings["target_from"], "joint targets of processed_actions");
  for (size_t k = 0; k < kPoseRows; ++k) {
    const Step& step = episode.steps[k];
    ExpectPose(step.observation.arms[0].X_WE, Planar::At(elsewhere, Q(k)));
    ExpectPose(step.action.arms[0].X_WE_cmd, Planar::At(elsewhere, Told(k)));
    EXPECT_EQ(step.action.arms[0].gripper, k < 3 ? -1 : 1);
    EXPECT_EQ(step.observation.arms[0].gripper_q[0], 0.04);
    ExpectPose(step.observation.X_WO.at(0), Pose::FromTranslation({0.3, 0.1, 0}));
  }
  EXPECT_THAT(source->header().settings.value(foreign::kUnreadColumns, std::vector<std::string>{}),
              IsEmpty());
}

TEST_F(JointPosesTest, IsaacLabsActionsBeforeScaleAndOffsetAreNoTargets) {
  const fs::path file = Write(kIsaacEnv, [&](const h5::Group& demo, const h5::Group& root) {
    FillIsaacLab(demo, root, Pose(), true, [](const h5::Group& episode) {
      episode.Write(Rows("actions", 3, [](size_t) { return Row{0.1, 0.1, 1.0}; }));
    });
  });
  const Episode episode = OpenDataset(file, With(RobotWith(1)))->ReadEpisode(0);
  EXPECT_EQ(episode.meta.settings["target_from"],
            "the next row's joints (its actions are no absolute joint targets: --map can give "
            "their scale and offset)");
  // the state after the last action is known here
  ExpectPose(episode.steps[kPoseRows - 1].action.arms[0].X_WE_cmd,
             Planar::At(Pose(), Q(kPoseRows)));
}

TEST_F(JointPosesTest, IsaacLabsQuaternionsAreAskedFor) {
  const fs::path file = Write(kIsaacEnv, [&](const h5::Group& demo, const h5::Group& root) {
    FillIsaacLab(demo, root, Pose(), false, [](const h5::Group& episode) {
      episode.Write(Rows("actions", 3, [](size_t) { return Row{0.1, 0.1, 1.0}; }));
    });
  });
  const auto asked = [&](const ReadOptions& read) {
    return ErrorOf([&] { OpenDataset(file, read); }, ErrorKind::kUsage);
  };
  const std::string question =
      "poses are needed (base of the joints, objects): give --quaternions wxyz (Isaac Lab before "
      "2026) or --quaternions xyzw (since), the order of its quaternions, which nothing in it says";
  EXPECT_THAT(asked(With(RobotWith(1))), HasSubstr(question));
  EXPECT_THAT(asked(With(RobotWith(1), {.control_hz = 20})), testing::EndsWith(question));
  // with what else is not known
  ReadOptions unknown;
  unknown.joint_robot = [](const EpisodeSource&) -> std::shared_ptr<const JointRobot> {
    ThrowBadInput("name its robot");
  };
  EXPECT_THAT(asked(unknown), testing::AllOf(HasSubstr(question), HasSubstr("--control-hz"),
                                             testing::EndsWith("; name its robot")));
  EXPECT_THAT(WhyNot(file, With(RobotWith(1), {.quaternions = QuaternionOrder::kXyzw})), "");
}

// ---- ALOHA ----

fs::path WriteTwoArms(const fs::path& folder, double wide = 1) {
  fs::create_directories(folder);
  h5::GrowingFile out = h5::GrowingFile::Create(folder / "episode_0.hdf5");
  out.root().Write(Rows("observations/qpos", 6, [](size_t k) {
    return Row{Q(k)[0], Q(k)[1], 0.5, Q(k, 1)[0], Q(k, 1)[1], 0.6};
  }));
  out.root().Write(Rows("action", 6, [&](size_t k) {
    return Row{Told(k)[0], Told(k)[1], wide, Told(k, 1)[0], Told(k, 1)[1], 0};
  }));
  out.Close();
  return folder;
}

TEST_F(JointPosesTest, AlohasTwoArmsStandAtTheirBases) {
  const fs::path set = WriteTwoArms(folder_ / "set");
  const Episode episode = OpenDataset(set, With(RobotWith(2)))->ReadEpisode(0);
  EXPECT_THAT(episode.meta.arms, ElementsAre("robot0", "robot1"));
  for (size_t k = 0; k < kPoseRows; ++k) {
    for (size_t a = 0; a < 2; ++a) {
      ExpectPose(episode.steps[k].observation.arms[a].X_WE, ArmAt(Q(k, a), a));
      ExpectPose(episode.steps[k].action.arms[a].X_WE_cmd, ArmAt(Told(k, a), a));
      EXPECT_EQ(episode.steps[k].action.arms[a].gripper, a == 0 ? -1 : 1);
    }
  }
  EXPECT_THAT(
      WhyNot(set, With(RobotWith(1))),
      HasSubstr("observations/qpos: has 6 numbers per row, one arm of robot 'planar' are 3: "
                "2 joints and a gripper each; --map says what others are"));
  // a gripper in degrees
  EXPECT_THAT(WhyNot(WriteTwoArms(folder_ / "odd", 40), With(RobotWith(2))),
              HasSubstr("no gripper command of arm 'left' is known"));
}

// ---- --map ----

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_F(JointPosesTest, AMapTellsJointsObjectsAndGripper) {
  const fs::path file = folder_ / "pendant.hdf5";
  h5::GrowingFile out = h5::GrowingFile::Create(file);
  constexpr double kDegrees = 180 / M_PI;
  out.root().Write(Rows("observations/qpos", 9, [&](size_t k) {
    return Row{kDegrees * Q(k)[0], kDegrees * Q(k)[1], 100, 200, 300, 0, 0, 0, 1};
  }));
  out.root().Write(Rows("action", 3, [](size_t k) {
    return Row{(Told(k)[0] - 0.7) / 0.5, (Told(k)[1] + 0.2) / 0.5, k < 3 ? 80.0 : 0.0};
  }));
  out.Close();
  const fs::path map = folder_ / "map.yaml";
  const std::string yaml = R"(
state:
  - column: observations/qpos
    parts:
      - {name: q, from: 0, size: 2, is: joints, scale: 0.017453292519943295}
      - {name: cube_at, from: 2, size: 3, is: position, object: cube, scale: 0.001}
      - {name: cube_turn, from: 5, size: 4, is: quaternion_xyzw, object: cube}
action:
  - column: action
    parts:
      - {name: to, from: 0, size: 2, is: joints, scale: 0.5, offset: [0.7, -0.2]}
      - {name: grip, from: 2, is: gripper, open: 80, closed: 0}
task: lift
control_hz: 10
)";
  WriteTextAtomically(map, yaml);
  const ReadOptions read{.map = map.string()};
  EXPECT_THAT(OpenDataset(file, read)->ReadEpisode(0).steps[0].observation.arms, IsEmpty());
  const auto source = OpenDataset(file, With(RobotWith(1), read));
  EXPECT_EQ(source->header().simulator.task, "lift");
  EXPECT_THAT(source->header().simulator.objects, ElementsAre("cube"));
  const Episode episode = source->ReadEpisode(0);
  EXPECT_EQ(episode.meta.task, "lift");
  EXPECT_EQ(episode.meta.settings["target_from"], "joint targets of action");
  for (size_t k = 0; k < kPoseRows; ++k) {
    ExpectPose(episode.steps[k].observation.arms[0].X_WE, ArmAt(Q(k)));
    ExpectPose(episode.steps[k].action.arms[0].X_WE_cmd, ArmAt(Told(k)));
    EXPECT_EQ(episode.steps[k].action.arms[0].gripper, k < 3 ? -1 : 1);
    ExpectPose(episode.steps[k].observation.X_WO.at(0), Pose::FromTranslation({0.1, 0.2, 0.3}));
  }
  // it comes over
  Progress quiet;
  ImportForeign(*source, folder_ / "ours.h5", {.control_hz = 10}, Translation(), quiet);
  const DatasetReader ours(folder_ / "ours.h5");
  EXPECT_EQ(ours.header().settings[kJointsOf], Json({{"robot", "planar"}}));
  ExpectPose(ours.ReadEpisode(0).steps[4].observation.arms[0].X_WE, ArmAt(Q(4)));

  WriteTextAtomically(map, Replace(yaml, "is: quaternion_xyzw, object: cube", "is: numbers"));
  EXPECT_THAT(WhyNot(file, read), HasSubstr("cube_at: object 'cube' has its pose in the state: a "
                                            "position and a rotation"));
  WriteTextAtomically(map, Replace(yaml, "[0.7, -0.2]", "[0.7, -0.2, 0]"));
  EXPECT_THAT(WhyNot(file, read),
              HasSubstr("to of action: 3 offsets of 2 numbers: one for all, or one for each"));
}

}  // namespace
}  // namespace understudy::store_test
