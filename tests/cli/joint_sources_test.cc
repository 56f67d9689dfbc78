// Sources that hold joints and no poses of the hand: recordings of ours, stripped of their poses,
// give the same poses back and are multiplied alike.
#include <fmt/format.h>

#include "data/store/files.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/growing_file.h"
#include "tests/cli/cli_support.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

using store_test::Surgeon;

class JointSources : public Cli {
 protected:
  void Record(const std::string& arguments) const {
    ASSERT_EQ(Run("teleop " + arguments + " --seed 1 --out s.h5 --quiet").exit_code, 0);
  }
  // `paths` of every episode of a file.
  void Delete(const std::string& file, const std::vector<std::string>& paths) const {
    const size_t episodes = DatasetReader(folder_ / "s.h5").episodes().size();
    Surgeon surgeon(folder_ / file);
    for (size_t e = 0; e < episodes; ++e) {
      for (const std::string& path : paths) {
        surgeon.Delete(fmt::format("data/demo_{}/{}", e, path).c_str());
      }
    }
  }
  // Isaac Lab's file of s.h5 whose robot is told in joint space.
  void WriteIsaacLab(const std::string& file, const std::string& options = "") const {
    ASSERT_EQ(Run("data convert s.h5 " + file + " --to isaaclab --isaaclab.double-precision " +
                  options + " --quiet")
                  .exit_code,
              0);
    Delete(file, {"obs/eef_pos", "obs/eef_quat", "obs/datagen_info/eef_pose",
                  "obs/datagen_info/target_eef_pose", "actions", "processed_actions"});
    const DatasetReader ours(folder_ / "s.h5");
    const Surgeon surgeon(folder_ / file);
    for (size_t e = 0; e < ours.episodes().size(); ++e) {
      const Episode episode = ours.ReadEpisode(e);
      std::vector<double> actions;
      for (size_t k = 0; k < episode.length(); ++k) {
        const Observation& next =
            k + 1 < episode.length() ? episode.steps[k + 1].observation : episode.final_observation;
        const Eigen::VectorXd& q = next.arms[0].joint_q;
        actions.insert(actions.end(), q.data(), q.data() + q.size());
        actions.push_back(-episode.steps[k].action.arms[0].gripper);
      }
      const hsize_t dims[2] = {episode.length(), actions.size() / episode.length()};
      const hid_t space = H5Screate_simple(2, dims, nullptr);
      const hid_t array =
          H5Dcreate2(surgeon.id(), fmt::format("data/demo_{}/actions", e).c_str(),
                     H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      H5Dwrite(array, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, actions.data());
      H5Dclose(array);
      H5Sclose(space);
    }
  }
  // Poses of the hand, and with `targets` what it was told, are those that were recorded.
  void ExpectRecordedPoses(const std::string& file, bool targets) const {
    const DatasetReader is(folder_ / file), was(folder_ / "s.h5");
    ASSERT_EQ(is.episodes().size(), was.episodes().size());
    for (size_t e = 0; e < is.episodes().size(); ++e) {
      const Episode a = is.ReadEpisode(e), b = was.ReadEpisode(e);
      ASSERT_EQ(a.meta.arms, b.meta.arms);
      ASSERT_EQ(a.meta.robot, b.meta.robot);
      // where the last action led is not told
      ASSERT_EQ(a.length() + 1, b.length());
      const auto expect_same = [&](const Pose& X, const Pose& Y, size_t k) {
        EXPECT_LT((X.translation() - Y.translation()).norm(), 1e-6) << e << ", " << k;
        EXPECT_LT(AngleBetween(X.rotation(), Y.rotation()), 1e-6) << e << ", " << k;
      };
      for (size_t k = 0; k < a.length(); ++k) {
        for (size_t i = 0; i < a.meta.arms.size(); ++i) {
          expect_same(a.steps[k].observation.arms[i].X_WE, b.steps[k].observation.arms[i].X_WE, k);
          expect_same(a.steps[k].action.arms[i].X_WE_cmd,
                      targets ? b.steps[k].action.arms[i].X_WE_cmd
                              : b.steps[k + 1].observation.arms[i].X_WE,
                      k);
          EXPECT_NEAR(a.steps[k].action.arms[i].gripper, b.steps[k].action.arms[i].gripper, 1e-9);
        }
      }
    }
  }
  // Successes of `attempts` attempts.
  int Successes(const std::string& source, int attempts, const std::string& options = "") const {
    const CommandResult result =
        Run(fmt::format("mimic {} --task stack --attempts {} --seed 3 --out g.h5 --overwrite "
                        "--json --quiet {}",
                        source, attempts, options));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    if (result.exit_code != 0) return -1;
    return Json::parse(result.output.substr(result.output.find("{"))).at("successes").get<int>();
  }
};

TEST_F(JointSources, IsaacLabsJointsGiveTheRecordedPosesAndGenerateAlike) {
  Record("--task stack --demos 2");
  WriteIsaacLab("j.hdf5");
  Expect("data convert j.hdf5 none.h5 --to understudy --task stack", 3,
         "j.hdf5: holds no poses of the hand, and of which robot its joints are is not known (it "
         "does not say): name it with --robot or in a --map");
  Write("map.yaml", "robot: panda\n");
  Expect("data convert j.hdf5 back.h5 --to understudy --map map.yaml", 0,
         "poses of the hand from joints, by the kinematics of 'panda'");
  ExpectRecordedPoses("back.h5", false);

  Expect("mimic j.hdf5 --task stack --attempts 1 --out none.h5", 3,
         "of which robot its joints are is not known");
  Expect("mimic j.hdf5 --task stack --robot ur5e --attempts 1 --out none.h5", 3,
         "7 joints of arm 'robot', robot 'ur5e' has 6: name another one with --robot");
  Expect("mimic j.hdf5 --task stack --robot panda --attempts 1 --out g.h5", 0,
         "j.hdf5: poses of the hand from its joints, by the kinematics of 'panda'; targets from "
         "joint targets of actions");
  EXPECT_EQ(DatasetReader(folder_ / "g.h5").header().settings.at("joints_of")[0].at("robot"),
            "panda");
  const int wanted = Successes("s.h5", 6);
  EXPECT_GE(wanted, 5);
  EXPECT_GE(Successes("j.hdf5", 6, "--robot panda"), wanted - 1);

  // its environment names the robot, by a word that panda's robot.yaml knows
  WriteIsaacLab("franka.hdf5", "--isaaclab.env-name Isaac-Stack-Cube-Franka-v0");
  Expect("mimic franka.hdf5 --task stack --attempts 1 --out none.h5", 3,
         "by the kinematics of 'panda'");
}

// A robot that takes joints: what it was told comes over, and policies of joints learn from it.
TEST_F(JointSources, JointTargetsOfTheSo101ComeOver) {
  Record("--task stack --robot so101 --demos 2");
  WriteIsaacLab("j.hdf5");
  Write("map.yaml", "robot: so101\n");
  Expect("data convert j.hdf5 back.h5 --to understudy --task stack --map map.yaml", 0,
         "by the kinematics of 'so101'");
  ExpectRecordedPoses("back.h5", false);
  const DatasetReader is(folder_ / "back.h5"), was(folder_ / "s.h5");
  EXPECT_EQ(is.header().simulator.joint_names, was.header().simulator.joint_names);
  const Episode a = is.ReadEpisode(0), b = was.ReadEpisode(0);
  for (size_t k = 0; k < a.length(); ++k) {
    ASSERT_EQ(a.steps[k].action.arms[0].q_cmd.size(), 5);
    const Eigen::VectorXd wanted = b.steps[k + 1].observation.arms[0].joint_q;
    EXPECT_EQ(a.steps[k].action.arms[0].q_cmd, wanted);
    const ArmObservation& arm = a.steps[k].observation.arms[0];
    EXPECT_EQ(a.steps[k].delta[0].value,
              DeltaFromTarget(arm.X_WE, a.steps[k].action.arms[0], b.meta.limits).value);
  }
  Expect("data verify back.h5", 0, "");
  // said on the command line, by a path too
  fs::copy(kSource + "/sim/robots/so101", folder_ / "mine", fs::copy_options::recursive);
  const fs::path own = folder_ / "mine/robot.yaml";
  const std::string yaml = Replaced(ReadText(own), "name: so101", "name: mine");
  std::ofstream(own) << yaml;
  for (const std::string robot : {"so101", "mine"}) {
    Expect("data convert j.hdf5 said.h5 --overwrite --to understudy --task stack --robot " + robot,
           0, "by the kinematics of '" + robot + "'");
    const DatasetReader said(folder_ / "said.h5");
    EXPECT_EQ(said.header().simulator.robot, robot);
    const Episode c = said.ReadEpisode(0);
    EXPECT_EQ(c.steps[3].action.arms[0].q_cmd, a.steps[3].action.arms[0].q_cmd);
    EXPECT_EQ(c.steps[3].delta[0].value, a.steps[3].delta[0].value);
  }
  Expect("train back.h5 --actions joints --plan --out run", 0, "");
}

// The file names robosuite's Panda, and what OSC was told.
TEST_F(JointSources, AnUnknownTaskIsNamedWithTheWaysOut) {
  Record("--task stack --demos 1");
  WriteIsaacLab("theirs.h5");
  Surgeon(folder_ / "theirs.h5").Text("/data", "env_args", R"({"env_name": "Isaac-Lift-v0"})");
  const CommandResult refused = Run("data convert theirs.h5 back.h5 --to understudy --quiet");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.output,
              testing::AllOf(testing::HasSubstr("its task must be known here"),
                             testing::HasSubstr("'Isaac-Lift-v0'"),
                             testing::HasSubstr("--task says which it is"),
                             testing::HasSubstr("`--to lerobot` takes all columns")));
}

TEST_F(JointSources, MimicGensJointsNeedNoRobotToBeNamed) {
  Record("--task stack --demos 2");
  ASSERT_EQ(Run("data convert s.h5 m.hdf5 --to mimicgen --quiet").exit_code, 0);
  Delete("m.hdf5", {"obs/robot0_eef_pos", "obs/robot0_eef_quat", "datagen_info/eef_pose",
                    "datagen_info/target_pose", "actions_abs"});
  Expect("data convert m.hdf5 back.h5 --to understudy", 0, "by the kinematics of 'panda'");
  ExpectRecordedPoses("back.h5", true);
  EXPECT_GE(Successes("m.hdf5", 6), 5);
  // another robot follows that one's hands
  EXPECT_GE(Successes("m.hdf5", 6, "--robot ur5e"), 5);

  // without poses of objects there is nothing to move segments with
  Delete("m.hdf5", {"datagen_info/object_poses", "obs/object"});
  Expect("mimic m.hdf5 --task stack --attempts 1 --out none.h5", 3,
         "no poses of objects (wanted: cubeA, cubeB), with which segments are moved");
}

// The robot that a file names is an input of a pipeline's step.
TEST_F(JointSources, AChangedRobotMakesAStepAnew) {
  Record("--task stack --robot ur5e --demos 1");
  ASSERT_EQ(Run("data convert s.h5 m.hdf5 --to mimicgen --quiet").exit_code, 0);
  Delete("m.hdf5", {"obs/robot0_eef_pos", "obs/robot0_eef_quat", "datagen_info/eef_pose"});
  fs::create_directories(folder_ / "home");
  fs::copy(kSource + "/sim", folder_ / "home/sim", fs::copy_options::recursive);
  const std::string home = "UNDERSTUDY_HOME=" + (folder_ / "home").string();
  Write("p.yaml",
        "name: p\nout: p\nsteps:\n  ours:\n    command: data convert\n"
        "    with: {path: m.hdf5, to: understudy, task: stack}\n");
  Expect("run p.yaml", 0, "by the kinematics of 'ur5e'", home);
  Expect("run p.yaml", 0, "up to date", home);
  const fs::path model = folder_ / "home/sim/robots/ur5e/model.xml";
  WriteTextAtomically(model, ReadText(model) + "<!-- measured anew -->\n");
  Expect("run p.yaml --plan", 0, "settings, inputs or program changed", home);
}

// Rows of ALOHA's file: joints and gripper of both arms, the poses of objects beside them.
TEST_F(JointSources, AlohasTwoArmsGiveTheRecordedPoses) {
  Record("--task two_arm_three_piece_assembly --demos 1");
  const DatasetReader ours(folder_ / "s.h5");
  const Episode episode = ours.ReadEpisode(0);
  const size_t objects = episode.meta.objects.size();
  fs::create_directories(folder_ / "set");
  h5::GrowingFile out = h5::GrowingFile::Create(folder_ / "set/episode_0.hdf5");
  Column qpos("observations/qpos", ColumnType::kF64, {16}),
      action("action", ColumnType::kF64, {16}),
      placed("observations/objects", ColumnType::kF64, {7 * objects});
  for (Column* column : {&qpos, &action, &placed}) column->rows = episode.length();
  for (size_t k = 0; k < episode.length(); ++k) {
    const Observation& now = episode.steps[k].observation;
    const Observation& next =
        k + 1 < episode.length() ? episode.steps[k + 1].observation : episode.final_observation;
    for (size_t a = 0; a < 2; ++a) {
      for (Eigen::Index i = 0; i < 7; ++i) {
        qpos.Push(now.arms[a].joint_q[i]);
        action.Push(next.arms[a].joint_q[i]);
      }
      qpos.Push(now.arms[a].gripper_q[0] / 0.04);
      action.Push((1 - episode.steps[k].action.arms[a].gripper) / 2);
    }
    for (const Pose& X_WO : now.X_WO) {
      for (const double v : X_WO.translation()) placed.Push(v);
      for (const double v : X_WO.rotation().coeffs()) placed.Push(v);
    }
  }
  for (const Column& column : {qpos, action, placed}) out.root().Write(column);
  out.Close();

  Expect("mimic set --task stack --robot panda --attempts 1 --out none.h5", 3,
         "observations/qpos: has 16 numbers per row, one arm of robot 'panda' are 8: 7 joints and "
         "a gripper each");
  Expect("mimic set --task two_arm_three_piece_assembly --robot panda --attempts 1 --out none.h5",
         3, "no poses of objects (wanted: ");
  // where the objects are stands in columns of another name
  std::string map = "state:\n  - column: observations/objects\n    parts:\n";
  for (size_t o = 0; o < objects; ++o) {
    map += fmt::format(
        "      - {{name: {0}_p, from: {1}, size: 3, is: position, object: {0}}}\n"
        "      - {{name: {0}_q, from: {2}, size: 4, is: quaternion_xyzw, object: {0}}}\n",
        episode.meta.objects[o], 7 * o, 7 * o + 3);
  }
  map += "robot: panda\ntask: two_arm_three_piece_assembly\ncontrol_hz: 20\n";
  Write("map.yaml", map);
  Expect("data annotate set --map map.yaml --out a.h5", 0, "1 with every end");
  ExpectRecordedPoses("a.h5", false);
  Expect("mimic a.h5 --attempts 2 --seed 1 --out g.h5", 0, "attempts succeeded");

  // the same rows in a folder of LeRobot's, where names tell them
  ASSERT_EQ(Run("data convert set folder --to lerobot --control-hz 20 --lerobot.task assemble "
                "--quiet")
                .exit_code,
            0);
  Json names = Json::array();
  for (const char* arm : {"left", "right"}) {
    for (int i = 1; i <= 7; ++i) names.push_back(fmt::format("{}_joint{}", arm, i));
    names.push_back(fmt::format("{}_gripper", arm));
  }
  const fs::path info = folder_ / "folder/meta/info.json";
  Json json = Json::parse(ReadText(info));
  for (const char* feature : {"observation.state", "action"}) {
    json["features"][feature]["names"] = names;
  }
  json["robot_type"] = "aloha_panda";
  WriteTextAtomically(info, json.dump());
  Write("robot.yaml", "robot: panda\ntask: two_arm_three_piece_assembly\n");
  Expect("data convert folder back.h5 --to understudy --map robot.yaml", 0,
         "by the kinematics of 'panda'");
  ExpectRecordedPoses("back.h5", false);
  Write("folder.yaml", Replaced(map, "observations/objects", "observations.objects"));
  Expect("data annotate folder --map folder.yaml --out b.h5", 0, "1 with every end");
  ExpectRecordedPoses("b.h5", false);
  // and a gripper that only the map knows
  json["robot_type"] = "panda";
  WriteTextAtomically(info, json.dump());
  Expect("data convert folder none.h5 --to understudy --map robot.yaml", 3,
         "no gripper command of arm 'left' is known");
  Write("grippers.yaml",
        "action:\n  - column: action\n    parts:\n"
        "      - {name: l, from: 7, is: gripper, arm: left, open: 1, closed: 0}\n"
        "      - {name: r, from: 15, is: gripper, arm: right, open: 1, closed: 0}\n"
        "robot: panda\ntask: two_arm_three_piece_assembly\n");
  const CommandResult more = Run("data convert folder more.h5 --to understudy --map grippers.yaml");
  EXPECT_EQ(more.exit_code, 0);
  EXPECT_THAT(more.output, HasSubstr("by the kinematics of 'panda'"));
  EXPECT_THAT(more.output, testing::Not(HasSubstr("nothing is known here of the task")));
  ExpectRecordedPoses("more.h5", false);
}

TEST_F(JointSources, LerobotsNumbersAreKnownByTheirNames) {
  Record("--task stack --demos 1");
  // features named as the joints, beside those of the poses
  ASSERT_EQ(Run("data convert s.h5 folder --to lerobot --no-lerobot.extras --quiet").exit_code, 0);
  const fs::path info = folder_ / "folder/meta/info.json";
  Json json = Json::parse(ReadText(info));
  Json& state = json["features"]["observation.state"]["names"];
  Json& action = json["features"]["action"]["names"];
  const auto rename = [&](Json& names, const std::string& from, const std::string& to) {
    std::string text = Replaced(names.dump(), from, to);
    names = Json::parse(text);
  };
  rename(state, "robot0_x", "place_x");
  rename(action, "robot0_dx", "delta_x");
  const auto mimic = [&](const std::string& robot_type, const std::string& text) {
    json["robot_type"] = robot_type;
    WriteTextAtomically(info, json.dump());
    Expect("mimic folder --task stack --attempts 1 --out none.h5", 3, text);
  };
  mimic("arm", "of which robot its joints are is not known (it says 'arm')");
  mimic("panda", "no gripper command of arm 'robot0' is known");
  rename(state, "_joint1", "_joint1.pos");
  mimic("panda", "'robot0_joint1.pos' is degrees or a share of the calibrated range");
  rename(state, "_joint1.pos", "_turn");
  mimic("panda", "are not those of the joints of robot 'panda' (joint1, joint2, ");
}

}  // namespace
}  // namespace understudy
