// One robot's demonstrations on another, and any gripper on any arm, on the command line.
#include "data/formats/formats.h"
#include "data/store/reader.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

TEST_F(Cli, RobotsAndGrippersAreNamed) {
  Expect("list", 0, "panda            Franka Emika Panda, seven joints; carries panda_hand");
  Expect("list", 0, "wide             wide gripper");
  Expect("teleop --robot panda+wider --out s.h5", 2,
         "unknown gripper 'wider': did you mean 'wide'?");

  std::string task = ReadText(kSource + "/docs/add_a_task.md");
  task = task.substr(task.find("name: tidy"));
  task.resize(task.find("```"));
  Write("task.yaml", task.replace(task.find("robot: panda"), 12, "robot: pandas"));
  Expect("teleop --task ./task.yaml --out s.h5", 3,
         "task 'tidy' (.): robot: unknown robot 'pandas': did you mean 'panda'?");

  // the arm's own gripper need not be said: the datasets are the same
  ASSERT_EQ(Run("teleop --demos 1 --seed 1 --out plain.h5 --quiet").exit_code, 0);
  ASSERT_EQ(
      Run("teleop --robot panda+panda_hand --demos 1 --seed 1 --out said.h5 --quiet").exit_code, 0);
  const DatasetReader plain(folder_ / "plain.h5"), said(folder_ / "said.h5");
  EXPECT_EQ(said.header().simulator.robot, "panda");
  EXPECT_EQ(said.content_hash(), plain.content_hash());
}

TEST_F(Cli, DemonstrationsGoFromRobotToRobot) {
  ASSERT_EQ(Run("teleop --demos 3 --seed 1 --out s.h5 --quiet").exit_code, 0);
  const CommandResult made =
      Run("mimic --source s.h5 --robot iiwa14+wide --attempts 10 --seed 3 --out g.h5 --json "
          "--quiet");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_GE(Json::parse(made.output).at("successes"), 6);
  Expect("data info g.h5", 0, "robot: iiwa14+wide");
  // the dataset's own robot is found again by its name
  Expect("data verify g.h5 --replay", 0, "bit-exact");
  Expect("augment g.h5 --variants 0 --max-episodes 1 --out looks.h5", 0, "1 episodes");
}

// Joints are the command of the SO-101, through all that is done with it.
TEST_F(Cli, TargetsOfJointsGoThroughAllCommands) {
  Expect("teleop --robot so101 --demos 3 --seed 1 --out s.h5", 0, "3 demonstrations");
  Expect("data verify s.h5 --replay", 0, "3 of 3 bit-exact");
  Expect("mimic --source s.h5 --attempts 10 --seed 3 --out g.h5", 0, "");
  Expect("data verify g.h5 --replay", 0, "bit-exact");
  const DatasetReader made(folder_ / "g.h5");
  ASSERT_GE(made.episodes().size(), 8u);
  const Episode first = made.ReadEpisode(0);
  for (const Step& step : first.steps) {
    for (const Action* action : {&step.action, &step.action_clean}) {
      ASSERT_EQ(action->arms[0].q_cmd.size(), 5);
    }
  }
  EXPECT_FALSE(first.steps[5].action == first.steps[5].action_clean);

  // LeRobot's `action` is what the robot takes, by its names
  Expect("data convert g.h5 lr --to lerobot", 0, "");
  const Json features = LoadJson(folder_ / "lr/meta/info.json").at("features");
  EXPECT_EQ(features.at("action").at("names"),
            Json({"robot0_shoulder_pan", "robot0_shoulder_lift", "robot0_elbow_flex",
                  "robot0_wrist_flex", "robot0_wrist_roll", "robot0_gripper"}));
  const Episode back = OpenDataset(folder_ / "lr")->ReadEpisode(0);
  ASSERT_EQ(back.length(), first.length());
  for (size_t k = 0; k < first.length(); ++k) {
    const ArmAction &was = first.steps[k].action.arms[0], &is = back.steps[k].action.arms[0];
    EXPECT_LT((was.q_cmd - is.q_cmd).norm(), 1e-6);
    EXPECT_EQ(was.X_WE_cmd.translation(), is.X_WE_cmd.translation());
    EXPECT_EQ(was.gripper, is.gripper);
  }

  // other formats hold poses, and that is said
  for (const char* format : {"robomimic", "isaaclab"}) {
    Expect(std::string("data convert g.h5 poses.hdf5 --overwrite --to ") + format, 0,
           "lost: targets of the joints, the robot's command: actions are the poses that they");
  }

  // policies of joints and of poses drive it
  Expect("augment g.h5 --variants 0 --max-episodes 2 --width 64 --height 64 --out looks.h5", 0, "");
  const std::string train = "train looks.h5 --steps 1 --batch 2 --save-every 1 --quiet ";
  Expect(train + "--out joints", 0, "");
  Expect(train + "--actions pose --out poses", 0, "");
  const auto meaning = [&](const std::string& run) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / run)) {
      if (entry.path().filename() == "config.json") {
        return LoadJson(entry.path()).at("embodiment").at("action_meaning").get<std::string>();
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(meaning("joints"), "relative_joints");
  EXPECT_EQ(meaning("poses"), "relative_eef");
  for (const char* run : {"joints", "poses"}) {
    Expect(std::string("evaluate ") + run + " --episodes 1 --horizon 4", 0, "0 of 1 episodes");
  }
  ASSERT_EQ(Run("teleop --demos 1 --seed 1 --out panda.h5 --quiet").exit_code, 0);
  Expect("augment panda.h5 --variants 0 --width 64 --height 64 --out pl.h5", 0, "");
  Expect("train pl.h5 --steps 1 --actions joints --out none", 3,
         "pl.h5: --actions joints: it has no targets of the joints of every arm");
}

// The law of objects that have not moved, for targets of joints. The servos begin beside the
// source's home (home_noise, 0.02 rad), and what five joints make of a pose depends a little on
// where they are: the first segment, which begins there, is the source's to 0.1 mm and 1e-3 rad,
// and once they have gone one way the next one is it but for rounding. Twice of that is allowed.
TEST_F(Cli, TargetsOfJointsReproduceTheSourceWhereNothingHasMoved) {
  fs::copy(kSource + "/sim/tasks/stack", folder_ / "still");
  fs::copy(kSource + "/sim/tasks/shared", folder_ / "shared");
  std::string task = ReadText(folder_ / "still/task.yaml");
  const std::string anywhere = "x: [-0.08, 0.08], y: [-0.08, 0.08], z: ",
                    turned = "yaw: [0, 6.283185307179586]";
  const size_t a = task.find("cubeA: {" + anywhere), b = task.find("cubeB: {" + anywhere);
  ASSERT_TRUE(a != std::string::npos && b != std::string::npos);
  task.replace(b + 8, anywhere.size(), "x: [0.02, 0.02], y: [0.07, 0.07], z: ");
  task.replace(a + 8, anywhere.size(), "x: [0, 0], y: [-0.05, -0.05], z: ");
  std::ofstream(folder_ / "still/task.yaml") << Replaced(task, turned, "yaw: [0.3, 0.3]");
  Expect("teleop --task still/task.yaml --robot so101 --demos 1 --seed 1 --out s.h5", 0,
         "1 demonstration");
  Expect(
      "mimic s.h5 --task still/task.yaml --attempts 3 --seed 2 --set generate.noise_scale=0 "
      "--set generate.feedback=0 "
      "--out g.h5",
      0, "3 of 3 attempts succeeded");
  const DatasetReader sources(folder_ / "s.h5"), generated(folder_ / "g.h5");
  const Episode source = sources.ReadEpisode(0);
  for (size_t e = 0; e < generated.episodes().size(); ++e) {
    std::array<int, 2> same{};
    std::array<double, 2> off_m{}, off_rad{};
    const Episode again = generated.ReadEpisode(e);
    for (const Step& row : again.steps) {
      if (row.label != StepLabel::kSegment) continue;
      const auto i = static_cast<size_t>(row.subtask);
      const ArmAction& was = source.steps.at(static_cast<size_t>(row.source_step)).action.arms[0];
      const ArmAction& is = row.action.arms[0];
      ASSERT_EQ(is.q_cmd.size(), 5);
      EXPECT_EQ(is.gripper, was.gripper);
      off_m[i] =
          std::max(off_m[i], (is.X_WE_cmd.translation() - was.X_WE_cmd.translation()).norm());
      off_rad[i] = std::max(off_rad[i], (is.q_cmd - was.q_cmd).cwiseAbs().maxCoeff());
      ++same[i];
    }
    EXPECT_GT(std::min(same[0], same[1]), 30);
    EXPECT_LT(off_m[0], 2e-4) << e;
    EXPECT_LT(off_rad[0], 2e-3) << e;
    EXPECT_LT(off_m[1], 1e-8) << e;
    EXPECT_LT(off_rad[1], 1e-8) << e;
  }
}

// Five joints cannot hold the hand like every arm of seven does: said before the run.
TEST_F(Cli, OrientationsThatFiveJointsCannotReachAreRefused) {
  fs::copy(kSource + "/sim/tasks/stack", folder_ / "slanted");
  fs::copy(kSource + "/sim/tasks/shared", folder_ / "shared");
  // cubes that stand straight before the arm: what tilts the hand leaves its plane
  const std::string task = ReadText(folder_ / "slanted/task.yaml");
  std::ofstream(folder_ / "slanted/task.yaml") << Replaced(
      Replaced(task, "yaw: [0, 6.283185307179586]", "yaw: [0, 0]"), "symmetry: 4", "symmetry: 1");
  const fs::path place = folder_ / "slanted/operator.yaml";
  const auto record = [&](const std::string& q) {
    const std::string text = ReadText(kSource + "/sim/tasks/stack/operator.yaml");
    std::ofstream(place) << Replaced(text, "q: [0, 1, 0, 0]", q);
    Expect("teleop --task slanted/task.yaml --demos 2 --seed 1 --out s.h5 --overwrite", 0,
           "2 demonstrations");
  };
  const std::string mimic =
      "mimic --task slanted/task.yaml --source s.h5 --robot so101 --attempts 2 --seed 3 "
      "--overwrite --out g.h5";
  record("q: [0, 1, 0, 0]");
  Expect(mimic, 0, "of 2 attempts");
  // fingers down, and 40 degrees about the line on which they close
  record("q: [-0.34202, 0.93969, 0, 0]");
  Expect(mimic, 3,
         "the 5 joints of 'so101' cannot follow the sources: subtasks[0]: the hand stays");
  Expect(mimic, 3,
         "and 0.50 count as arrived (generate.arrival_angle and the robot's tilt); record sources "
         "with");
  EXPECT_FALSE(fs::exists(folder_ / "g.h5.part"));
}

// A push has no gripper event; how its hand leans where it presses is looked at as well, and said:
// the button gives way all the same. The hand closes above it, where five joints follow it.
TEST_F(Cli, PushesThatFiveJointsCannotFollowAreNamedBeforeTheRun) {
  fs::copy(kSource + "/tests/tasks/box", folder_ / "press");
  fs::copy(kSource + "/sim/tasks/shared", folder_ / "shared");
  std::string task = ReadText(folder_ / "press/task.yaml");
  task = task.substr(0, task.find("  - object: box"));
  task = Replaced(task, "    signal: pressed\n    end_offset: [1, 3]\n", "");
  task = Replaced(task, "success: {type: held, of: shut, steps: 10}",
                  "success: {type: held, of: pressed, steps: 2}");
  std::ofstream(folder_ / "press/task.yaml")
      << Replaced(task, "panel: {x: [-0.1, 0], y: [0.1, 0.2], z: 0, yaw: [-0.5, 0.5]}",
                  "panel: {x: [0, 0], y: [0, 0], z: 0, yaw: [0, 0]}");
  const std::string phases = ReadText(folder_ / "press/operator.yaml");
  const std::string press = "object: panel, pose: {p: [0, 0, 0.05], q: [0, 1, 0, 0]}";
  const auto record = [&](const std::string& q) {
    std::ofstream(folder_ / "press/operator.yaml")
        << Replaced(phases.substr(0, phases.find("  - {name: away")), press,
                    "object: panel, pose: {p: [0, 0, 0.05], " + q + "}");
    Expect("teleop --task press/task.yaml --demos 2 --seed 1 --out s.h5 --overwrite", 0,
           "2 demonstrations");
  };
  const std::string mimic =
      "mimic --task press/task.yaml --source s.h5 --robot so101 --attempts 2 --seed 3 "
      "--overwrite --out g.h5";
  record("q: [0, 1, 0, 0]");
  EXPECT_THAT(Run(mimic).output, testing::Not(HasSubstr("where the hand pushes")));
  record("q: [-0.34202, 0.93969, 0, 0]");
  Expect(mimic, 0, "subtasks[0]: where the hand pushes, it stays 0.");
}

// robosuite's law is exported as robosuite's default, ours as the exception that it is.
TEST_F(Cli, ExportsNameTheLawThatTheRobotWasDrivenBy) {
  for (const auto& [robot, uncoupled] : {std::pair{"panda", false}, {"panda_robosuite", true}}) {
    const std::string name = robot;
    ASSERT_EQ(Run("teleop --robot " + name + " --demos 2 --seed 1 --out s.h5 --overwrite --quiet")
                  .exit_code,
              0);
    Expect("mimic --source s.h5 --attempts 4 --seed 3 --out g.h5 --overwrite", 0, "");
    Expect("data verify g.h5 --replay", 0, "bit-exact");
    Expect("data convert g.h5 --to robomimic --out " + name + ".hdf5", 0, "episodes");
    const auto exported = OpenDataset(folder_ / (name + ".hdf5"));
    const Json kwargs = exported->header().settings.at("env_args").at("env_kwargs");
    EXPECT_EQ(kwargs.at("robots"), Json({"Panda"}));
    EXPECT_EQ(kwargs.at("controller_configs").at("uncouple_pos_ori"), uncoupled) << robot;
  }
}

// A copy of the robot `name` as robots/mine and of the gripper `wide` as robots/grip.
void CopyRobots(const fs::path& folder) {
  const auto copy = [&](const char* from, const std::string& file, const std::string& to) {
    fs::create_directories(folder / "robots");
    fs::copy(kSource + "/sim/" + from, folder / "robots" / to, fs::copy_options::recursive);
    const fs::path yaml = folder / "robots" / to / file;
    const std::string text = ReadText(yaml), old = fs::path(from).filename().string();
    ASSERT_THAT(text, HasSubstr("name: " + old + "\n"));
    std::ofstream(yaml) << Replaced(text, "name: " + old + "\n", "name: " + to + "\n");
  };
  copy("robots/panda", "robot.yaml", "mine");
  copy("grippers/wide", "gripper.yaml", "grip");
}

// Given by a path from one folder, a robot is found from every other, by every command.
TEST_F(Cli, ARobotGivenByPathIsFoundFromItsDatasets) {
  CopyRobots(folder_);
  const fs::path root = folder_;
  ASSERT_EQ(Run("teleop --robot robots/mine --demos 2 --seed 1 --out s.h5 --quiet").exit_code, 0);
  fs::create_directories(root / "elsewhere");
  folder_ = root / "elsewhere";
  Expect("data verify ../s.h5 --replay", 0, "bit-exact");
  Expect("mimic --source ../s.h5 --attempts 4 --seed 3 --out g.h5", 0, "");
  Expect("data info g.h5", 0, "robot: mine");
  Expect("data verify g.h5 --replay", 0, "bit-exact");
  // and from what is made of them
  Expect("data merge ../s.h5 g.h5 --out both.h5", 0, "");
  Expect("data verify both.h5 --replay", 0, "bit-exact");
  Expect("augment both.h5 --variants 0 --max-episodes 1 --width 64 --height 64 --out looks.h5", 0,
         "1 episodes");
  Expect("data verify looks.h5 --replay", 0, "bit-exact");
  Expect("train looks.h5 --steps 1 --batch 2 --save-every 1 --out run --quiet", 0, "");
  Expect("evaluate run --episodes 1 --horizon 4 --out e.json", 0, "0 of 1 episodes");
  EXPECT_EQ(LoadJson(folder_ / "e.json").at("robot"), "mine");

  // moved away: datasets and policies carry it, and it is taken where it is
  fs::rename(root / "robots", root / "moved");
  const std::string verify = "data verify g.h5 --replay",
                    mimic = "mimic --source g.h5 --attempts 2 --seed 4 --out h.h5 --overwrite",
                    augment =
                        "augment g.h5 --variants 0 --max-episodes 1 --width 64 --height 64 "
                        "--overwrite --out looks.h5",
                    evaluate = "evaluate run --episodes 1 --horizon 4";
  for (const std::string& command : {verify, mimic, augment, evaluate}) {
    Expect(command, 0, "");
    Expect(command + " --robot ../moved/mine", 0, "");
  }
  EXPECT_EQ(DatasetReader(folder_ / "h.h5").header().simulator.robot, "mine");
  Expect(augment + " --robot panda", 3, "holds states of robot 'mine'");
  // what needs no robot does not ask
  Expect("data info g.h5", 0, "robot: mine");
  Expect("data convert g.h5 c.h5 --to robomimic", 0, "");
  Expect("data trim g.h5 --out t.h5", 0, "");
}

TEST_F(Cli, AGripperGivenByPathIsFoundFromItsDatasets) {
  CopyRobots(folder_);
  const fs::path root = folder_;
  ASSERT_EQ(Run("teleop --robot panda+robots/grip --demos 1 --seed 1 --out s.h5 --quiet").exit_code,
            0);
  // a task.yaml names its robot from its own folder
  fs::create_directories(root / "tasks");
  fs::copy(kSource + "/sim/tasks/stack", root / "tasks/mine", fs::copy_options::recursive);
  const std::string task = ReadText(root / "tasks/mine/task.yaml");
  ASSERT_THAT(task, HasSubstr("robot: panda\n"));
  Write("tasks/mine/task.yaml",
        Replaced(Replaced(task, "robot: panda\n", "robot: ../../robots/mine/robot.yaml\n"),
                 "../shared", kSource + "/sim/tasks/shared"));
  std::string scene = ReadText(root / "tasks/mine/scene.xml");
  Write("tasks/mine/scene.xml", Replaced(scene, "../shared", kSource + "/sim/tasks/shared"));
  fs::create_directories(root / "elsewhere");
  folder_ = root / "elsewhere";
  Expect("data info ../s.h5", 0, "robot: panda+grip");
  Expect("data verify ../s.h5 --replay", 0, "bit-exact");
  Expect("teleop --task ../tasks/mine --demos 1 --seed 1 --out t.h5 --quiet", 0, "");
  EXPECT_EQ(DatasetReader(folder_ / "t.h5").header().simulator.robot, "mine");
  folder_ = root;
  Expect("data verify elsewhere/t.h5 --replay --task tasks/mine", 0, "bit-exact");
  // a policy finds it too, and carries it where it has moved
  Expect("augment s.h5 --variants 0 --width 64 --height 64 --out l.h5", 0, "1 episodes");
  Expect("train l.h5 --steps 1 --batch 2 --save-every 1 --out run --quiet", 0, "");
  folder_ = root / "elsewhere";
  const std::string evaluate = "evaluate ../run --episodes 1 --horizon 4";
  Expect(evaluate, 0, "0 of 1 episodes");
  fs::rename(root / "robots", root / "moved");
  Expect(evaluate, 0, "0 of 1 episodes");
  EXPECT_EQ(Json::parse(Run(evaluate + " --json --quiet").output).at("robot"), "panda+grip");
  Expect(evaluate + " --robot panda+../moved/grip", 0, "0 of 1 episodes");
}

// Exports describe the robot that moved.
TEST_F(Cli, ExportsNameTheRobotOfTheDataset) {
  ASSERT_EQ(Run("teleop --robot ur5e --demos 1 --seed 1 --out s.h5 --quiet").exit_code, 0);
  ASSERT_EQ(Run("data convert s.h5 r.h5 --to robomimic --quiet").exit_code, 0);
  Expect("data info r.h5", 0, "robot: ur5e");
}

// A policy is evaluated with the robot that it was trained with.
TEST_F(Cli, APolicysRobotIsFoundFromIt) {
  ASSERT_EQ(Run("teleop --robot panda+wide --demos 1 --seed 1 --out s.h5 --quiet").exit_code, 0);
  ASSERT_EQ(Run("augment s.h5 --variants 0 --width 64 --height 64 --out l.h5").exit_code, 0);
  ASSERT_EQ(Run("train l.h5 --steps 1 --batch 2 --save-every 1 --out run --quiet").exit_code, 0);
  Expect("evaluate run --episodes 1 --horizon 4", 0, "0 of 1 episodes");
  Expect("evaluate run --episodes 1 --horizon 4 --robot panda", 3, "robot: the policy has");
}

}  // namespace
}  // namespace understudy
