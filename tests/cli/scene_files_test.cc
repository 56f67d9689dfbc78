// Datasets of scenes with meshes and pictures carry them, and open where the task's folder is not.
#include "data/formats/formats.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

// A closed box with corners at ±half.
std::string BoxMesh(double half) {
  std::string text;
  for (int corner = 0; corner < 8; ++corner) {
    text += "v";
    for (int axis = 0; axis < 3; ++axis) {
      text += " " + std::to_string(corner >> axis & 1 ? half : -half);
    }
    text += "\n";
  }
  return text +
         "f 1 3 4\nf 1 4 2\nf 5 6 8\nf 5 8 7\nf 1 2 6\nf 1 6 5\nf 3 7 8\nf 3 8 4\nf 1 5 7\n"
         "f 1 7 3\nf 2 4 8\nf 2 8 6\n";
}

class CliScene : public Cli {
 protected:
  // The task stack as `mine`, whose red cube is a mesh with a picture on it.
  void SetUp() override {
    Cli::SetUp();
    const fs::path tasks = folder_ / "away/tasks", parts = folder_ / "away/parts";
    fs::create_directories(tasks);
    fs::create_directories(parts / "pictures");
    for (const char* folder : {"stack", "shared"}) {
      fs::copy(kSource + "/sim/tasks/" + folder, tasks / folder, fs::copy_options::recursive);
    }
    fs::rename(tasks / "stack", tasks / "mine");
    std::ofstream(parts / "cube.obj") << BoxMesh(0.02);
    fs::copy(kSource + "/tests/golden/checks.png", parts / "pictures/checks.png");
    const fs::path task = tasks / "mine/task.yaml", scene = tasks / "mine/scene.xml";
    const std::string yaml = Replaced(ReadText(task), "name: stack\n", "name: mine\n");
    ASSERT_THAT(yaml, HasSubstr("name: mine\n"));
    std::ofstream(task) << yaml;
    std::string xml = Replaced(ReadText(scene), "  <asset>\n",
                               "  <compiler meshdir=\"../../parts\"/>\n  <asset>\n"
                               "    <mesh name=\"cube\" file=\"cube.obj\"/>\n"
                               "    <texture name=\"checks\" type=\"cube\" "
                               "file=\"../../parts/pictures/checks.png\"/>\n    <material "
                               "name=\"checks\" texture=\"checks\"/>\n");
    xml = Replaced(xml, "type=\"box\" size=\"0.02 0.02 0.02\" mass=\"0.064\" material=\"cube_red\"",
                   "type=\"mesh\" mesh=\"cube\" mass=\"0.064\" material=\"checks\"");
    ASSERT_THAT(xml, HasSubstr("type=\"mesh\""));
    std::ofstream(scene) << xml;
  }
  const std::string yaml_ = "away/tasks/mine/task.yaml";
};

// The model's text only names its meshes: attempts in a scene of others are not gone on with.
TEST_F(CliScene, OverwriteClearsTheAttemptsOfAnotherMesh) {
  const std::string record = "teleop --task " + yaml_ + " --demos 2 --seed 1 --out s.h5 ";
  Expect(record + "--max-attempts 1", 1, "1 attempts gave 1 of 2");
  std::ofstream(folder_ / "away/parts/cube.obj") << BoxMesh(0.021);
  Expect(record, 3, "other settings (scene_files): start over with --overwrite");
  Expect(record + "--overwrite", 0, "(scene_files): removed");
  Expect("data verify s.h5 --replay", 0, "2 of 2 bit-exact");
  // the dataset of the other scene is replaced too
  std::ofstream(folder_ / "away/parts/cube.obj") << BoxMesh(0.0205);
  Expect(record + "--overwrite", 0, "2 demonstrations");
  Expect("data verify s.h5 --replay", 0, "2 of 2 bit-exact");
}

TEST_F(CliScene, ADatasetOpensWithoutTheFolderOfItsTask) {
  ASSERT_EQ(Run("teleop --task " + yaml_ + " --demos 3 --seed 1 --out s.h5 --quiet").exit_code, 0);
  const auto looks = [&](const std::string& from, const std::string& task) {
    const std::string out = "looks" + task.substr(0, 1) + ".h5";
    const std::string flags = task.empty() ? "" : " --task " + yaml_;
    Expect("augment " + from + flags + " --variants 0 --max-episodes 1 --out " + out, 0, "");
    return OpenDataset(folder_ / out)->content_hash();
  };
  Expect("mimic --source s.h5 --task " + yaml_ + " --attempts 6 --seed 3 --out there.h5", 0, "");
  const std::string there = looks("there.h5", yaml_);

  Expect("train looksa.h5 --steps 2 --batch 2 --out run --quiet --policy.width 32", 0, "");
  const auto rollout = [&](const std::string& policy) {
    Expect("evaluate " + policy + " --episodes 1 --horizon 8 --seed 4 --out r.json --quiet", 0, "");
    Json episode = LoadJson(folder_ / "r.json")["rows"][0];
    episode.erase("seconds");
    return episode;
  };
  const Json evaluated = rollout("run --task " + yaml_);

  // nothing of it is left but the dataset, and the policy
  fs::remove_all(folder_ / "away");
  fs::create_directories(folder_ / "elsewhere");
  fs::rename(folder_ / "s.h5", folder_ / "elsewhere/s.h5");
  folder_ /= "elsewhere";
  Expect("data info s.h5", 0, "scene_files: ");
  Expect("data verify s.h5 --replay", 0, "3 of 3 bit-exact");
  Expect("mimic --source s.h5 --attempts 6 --seed 3 --out here.h5", 0, "");
  EXPECT_EQ(OpenDataset(folder_ / "here.h5")->content_hash(),
            OpenDataset(folder_.parent_path() / "there.h5")->content_hash());
  Expect("data verify here.h5 --replay", 0, "bit-exact");
  EXPECT_EQ(looks("here.h5", ""), there);
  fs::rename(folder_.parent_path() / "run", folder_ / "run");
  EXPECT_EQ(rollout("run/checkpoints/last/pretrained_model"), evaluated);
  // its task by another robot, and what needs no simulator
  Expect("mimic --source s.h5 --robot iiwa14 --attempts 4 --seed 3 --out other.h5", 0, "");
  Expect("data info other.h5", 0, "robot: iiwa14");
  Expect("data verify other.h5 --replay", 0, "bit-exact");
  Expect("data annotate s.h5 --evidence poses --out notes.h5", 0, "");

  // through every edit, and LeRobot and back
  Expect("data filter here.h5 --where 'steps > 1' --out f.h5", 0, "");
  Expect("data merge s.h5 s.h5 --out m.h5", 3, "");
  Expect("data trim f.h5 --out t.h5", 0, "");
  Expect("data relabel t.h5 --instruction stack --out r.h5", 0, "");
  Expect("data repair r.h5 --out p.h5", 0, "");
  Expect("data convert p.h5 --to lerobot --out l", 0, "");
  Expect("data convert l --to understudy --out b.h5", 0, "");
  Expect("data verify b.h5 --replay", 0, "bit-exact");
  const auto files = OpenDataset(folder_ / "s.h5")->header().scene_files;
  EXPECT_EQ(OpenDataset(folder_ / "b.h5")->header().scene_files, files);
  Expect("data convert s.h5 --to robomimic --out s.hdf5", 0,
         "the files of the scene: meshes and pictures");
}

// A copy of a listed task that keeps its name is not taken for the listed one, nor is an arm.
TEST_F(Cli, ACopyUnderAListedNameStaysWhatItIs) {
  fs::create_directories(folder_ / "away/arms");
  for (const char* folder : {"stack", "shared"}) {
    fs::copy(kSource + "/sim/tasks/" + folder, folder_ / "away" / folder);
  }
  const auto change = [&](const std::string& file, const std::string& from, const std::string& to) {
    const std::string text = ReadText(folder_ / "away" / file);
    ASSERT_THAT(text, HasSubstr(from));
    std::ofstream(folder_ / "away" / file) << Replaced(text, from, to);
  };
  const auto record = [&](const std::string& flags, const std::string& out) {
    ASSERT_EQ(Run("teleop " + flags + " --demos 2 --seed 1 --quiet --out " + out).exit_code, 0);
  };
  // the cubes are heavier, nothing else
  change("stack/scene.xml", "mass=\"0.064\"", "mass=\"0.2\"");
  record("--task away/stack", "scene.h5");
  // another reset range, nothing else
  fs::copy(kSource + "/sim/tasks/stack/scene.xml", folder_ / "away/stack/scene.xml",
           fs::copy_options::overwrite_existing);
  change("stack/task.yaml", "x: [-0.08, 0.08]", "x: [0.03, 0.08]");
  record("--task away/stack", "range.h5");
  fs::copy(kSource + "/sim/robots/panda", folder_ / "away/panda", fs::copy_options::recursive);
  change("panda/robot.yaml", "kp: 150", "kp: 90");
  record("--robot away/panda", "arm.h5");

  fs::remove_all(folder_ / "away");
  for (const std::string name : {"scene", "range", "arm"}) {
    Expect("data verify " + name + ".h5 --replay", 0, "2 of 2 bit-exact");
    Expect("mimic --source " + name + ".h5 --attempts 3 --seed 3 --out g.h5 --overwrite", 0, "");
    // and carry it on
    Expect("data verify g.h5 --replay", 0, "bit-exact");
    const std::vector<SceneFile> files =
        OpenDataset(folder_ / (name + ".h5"))->header().scene_files;
    EXPECT_FALSE(files.empty());
    EXPECT_EQ(OpenDataset(folder_ / "g.h5")->header().scene_files, files) << name;
  }
  // and stands in no dataset with the listed one
  record("--task stack", "listed.h5");
  Expect("data merge listed.h5 scene.h5 --out m.h5", 3,
         "'scene.h5' and 'listed.h5' cannot stand in one dataset: their scenes have other meshes, "
         "pictures or models");
  // the listed one where it is asked for
  Expect("mimic --source scene.h5 --task stack --attempts 2 --seed 3 --out l.h5", 0, "");
  EXPECT_TRUE(OpenDataset(folder_ / "l.h5")->header().scene_files.empty());
}

// A gripper with meshes beside it, on an arm in another folder.
TEST_F(Cli, AGripperWithMeshesIsCarried) {
  const fs::path grip = folder_ / "away/grip";
  fs::create_directories(folder_ / "away");
  fs::copy(kSource + "/sim/grippers/wide", grip);
  fs::create_directories(grip / "meshes");
  std::ofstream(grip / "meshes/cover.obj") << BoxMesh(0.01);
  const auto change = [&](const std::string& file, const std::string& from, const std::string& to) {
    const std::string text = ReadText(grip / file);
    ASSERT_THAT(text, HasSubstr(from));
    std::ofstream(grip / file) << Replaced(text, from, to);
  };
  change("gripper.yaml", "name: wide", "name: grip");
  change("drive.xml", "<mujocoinclude>",
         "<mujocoinclude><asset><mesh name=\"cover\" file=\"meshes/cover.obj\"/></asset>");
  change("hand.xml", "<camera", "<geom type=\"mesh\" mesh=\"cover\" mass=\"0\"/><camera");
  ASSERT_EQ(Run("teleop --robot panda+away/grip --demos 2 --seed 1 --out s.h5 --quiet").exit_code,
            0);
  Expect("mimic --source s.h5 --attempts 4 --seed 3 --out there.h5", 0, "");
  fs::remove_all(folder_ / "away");
  fs::create_directories(folder_ / "elsewhere");
  fs::rename(folder_ / "s.h5", folder_ / "elsewhere/s.h5");
  folder_ /= "elsewhere";
  Expect("data info s.h5", 0, "robot: panda+grip");
  Expect("data verify s.h5 --replay", 0, "2 of 2 bit-exact");
  Expect("mimic --source s.h5 --attempts 4 --seed 3 --out here.h5", 0, "");
  EXPECT_EQ(OpenDataset(folder_ / "here.h5")->content_hash(),
            OpenDataset(folder_.parent_path() / "there.h5")->content_hash());
}

}  // namespace
}  // namespace understudy
