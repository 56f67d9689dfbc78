// What a scene with meshes and pictures is made of, carried and put down elsewhere.
#include <gmock/gmock.h>
#include <mujoco/mujoco.h>

#include <fstream>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/spec/carried_scene.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SceneFilesTest : public SimTest {
 protected:
  void Write(const std::string& file, const std::string& text) const {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text;
  }
  void CopyParts(const std::string& to) const {
    Write(to + "/tetra.obj",
          "v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n");
    fs::copy(UNDERSTUDY_SOURCE_DIR "/tests/golden/checks.png", folder_ / to / "checks.png");
  }
  static std::string Replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  }
  // All that the files themselves say.
  static void ExpectSameParts(const mjModel& a, const mjModel& b) {
    const auto same = [](const auto* x, const auto* y, int64_t n) {
      return std::equal(x, x + n, y);
    };
    ASSERT_EQ(mj_stateSize(&a, mjSTATE_INTEGRATION), mj_stateSize(&b, mjSTATE_INTEGRATION));
    ASSERT_EQ(a.nmeshvert, b.nmeshvert);
    ASSERT_EQ(a.ntexdata, b.ntexdata);
    ASSERT_EQ(a.nhfielddata, b.nhfielddata);
    EXPECT_GT(a.nmeshvert * a.ntexdata * a.nhfielddata, 0);
    EXPECT_TRUE(same(a.mesh_vert, b.mesh_vert, 3 * a.nmeshvert));
    EXPECT_TRUE(same(a.tex_data, b.tex_data, a.ntexdata));
    EXPECT_TRUE(same(a.hfield_data, b.hfield_data, a.nhfielddata));
    EXPECT_TRUE(same(a.body_inertia, b.body_inertia, 3 * a.nbody));
  }
  // Where the hand is led, from the same start.
  static SimState StateAfterSteps(const std::shared_ptr<const Scene>& scene) {
    const auto simulator = MakeSimulator(scene);
    simulator->Reset("D0", RngKey{1});
    const Pose X_WE = simulator->Observe().arms[0].X_WE;
    for (int i = 0; i < 10; ++i) simulator->Step(OneArm(X_WE, -1));
    return simulator->Save();
  }
  static std::vector<std::string> Paths(const Scene& scene) {
    std::vector<std::string> paths;
    for (const SceneFile& file : scene.files()) paths.push_back(file.path);
    return paths;
  }
  OwnFolder folder_;
};

TEST_F(SceneFilesTest, AreEmptyWhereTheModelSaysItAll) {
  for (const std::string& task : ListedTasks()) {
    EXPECT_THAT(CompileTask(LoadTaskSpec(task, kTaskRoot))->files(), IsEmpty()) << task;
  }
}

// Parts beside, above and at absolute places, of scene and arm, named in included files too, give
// the same model to the last bit when they are put down elsewhere.
TEST_F(SceneFilesTest, GiveTheSameModelElsewhere) {
  const std::string here = folder_.path().string();
  CopyParts("lib/meshes");
  CopyParts("pictures");
  CopyParts("arm");
  CopyParts("tasks/mine/more/deep/meshes");
  fs::create_directories(folder_ / "tasks");
  fs::create_directories(folder_ / "robots");
  fs::copy(kTaskRoot / "shared", folder_ / "tasks/shared", fs::copy_options::recursive);
  fs::copy(kTaskRoot / "stack", folder_ / "tasks/mine", fs::copy_options::recursive);
  const std::string xml = ReadText(folder_ / "tasks/mine/scene.xml");
  Write("tasks/mine/scene.xml",
        "<mujoco model=\"mine\"><include file=\"more/parts.xml\"/>"
        "<!-- <include file=\"none.xml\"/> -->" +
            Replaced(xml.substr(xml.find("<mujoco model=\"stack\">") + 22), "../shared/room.xml",
                     here + "/tasks/shared/room.xml"));
  Write("tasks/mine/more/parts.xml",
        "<mujoco><include file=\"deep/meshes.xml\"/><asset>"
        "<texture name=\"a\" type=\"2d\" file=\"" +
            here +
            "/pictures/checks.png\"/>"
            "<texture name=\"c\" type=\"cube\" fileup=\"" +
            here +
            "/pictures/checks.png\" "
            "filedown=\"../../pictures/checks.png\"/>"
            "<hfield name=\"h\" file=\"../../../lib/meshes/checks.png\" size=\"1 1 .1 "
            ".1\"/></asset></mujoco>");
  Write("tasks/mine/more/deep/meshes.xml",
        "<mujoco><asset><mesh name=\"t\" file=\"meshes/tetra.obj\"/></asset><worldbody>"
        "<geom type=\"mesh\" mesh=\"t\" pos=\"1 1 1\"/></worldbody></mujoco>");
  fs::copy(kRobotRoot / "panda", folder_ / "robots/mine", fs::copy_options::recursive);
  std::string arm = ReadText(folder_ / "robots/mine/model.xml");
  const size_t at = arm.find("<asset>");
  arm.insert(at, "<compiler texturedir=\"" + here + "/arm\"/>");
  arm.insert(arm.find("<asset>") + 7, "<texture name=\"arm\" type=\"2d\" file=\"checks.png\"/>");
  Write("robots/mine/model.xml", arm);

  TaskSpec task = LoadTaskSpec((folder_ / "tasks/mine").string() + "/task.yaml", kTaskRoot);
  task.robot = (folder_ / "robots/mine/robot.yaml").string();
  const auto scene = Scene::Compile(task, LoadRobotSpec(task.robot + "+wide", kRobotRoot));
  EXPECT_THAT(Paths(*scene), Each(Not(HasSubstr(".."))));
  EXPECT_THAT(Paths(*scene), Contains("gripper/hand.xml"));
  EXPECT_THAT(Paths(*scene), Contains(HasSubstr("/absolute" + here + "/tasks/shared/room.xml")));

  fs::remove_all(folder_ / "lib");
  fs::remove_all(folder_ / "pictures");
  fs::remove_all(folder_ / "arm");
  fs::remove_all(folder_ / "tasks");
  fs::remove_all(folder_ / "robots");
  fs::create_directories(folder_ / "new");
  WriteScene(scene->files(), folder_ / "new", "dataset");
  const CarriedScene carried = ReadScene(folder_ / "new", "dataset");
  EXPECT_EQ(carried.robot.name, "panda+wide");
  EXPECT_EQ(ToJson(carried.task), ToJson(task));
  EXPECT_FALSE(carried.task.listed || carried.robot.listed);
  const auto again = Scene::Compile(carried.task, carried.robot);
  ExpectSameParts(*again->model(), *scene->model());
  EXPECT_EQ(StateAfterSteps(again), StateAfterSteps(scene));
}

// A gripper names its meshes from its own folder, whichever arm carries it; an arm with a file of
// the same name keeps its own.
TEST_F(SceneFilesTest, MeshesOfAGripperLieBesideIt) {
  const fs::path hand = folder_ / "hands/mine", here = folder_.path();
  fs::create_directories(folder_ / "hands");
  fs::create_directories(folder_ / "robots & more");
  fs::copy(kRobotRoot.parent_path() / "grippers/panda_hand", hand);
  fs::copy(kRobotRoot / "panda", folder_ / "robots & more/arm", fs::copy_options::recursive);
  for (const char* folder : {"hands/mine/meshes", "hands/shared", "lib"}) CopyParts(folder);
  Write("robots & more/arm/meshes/tetra.obj",
        "v 0 0 0\nv .2 0 0\nv 0 .2 0\nv 0 0 .2\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n");
  const auto change = [&](const std::string& file, const std::string& from, const std::string& to) {
    std::string text = ReadText(folder_ / file);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    Write(file, text.replace(at, from.size(), to));
  };
  change("hands/mine/gripper.yaml", "name: panda_hand", "name: mine");
  change("hands/mine/drive.xml", "<mujocoinclude>",
         "<mujocoinclude><!-- file=\"none.obj\" --><asset>"
         "<mesh name=\"beside\" file=\"meshes/tetra.obj\"/>"
         "<mesh name=\"above\" file='../shared/tetra.obj' scale=\"2 2 2\"/>"
         "<mesh name=\"far\" file=\"" +
             here.string() +
             "/lib/tetra.obj\" scale=\"3 3 3\"/>"
             "<texture name=\"t\" type=\"2d\" file=\"meshes/checks.png\"/>"
             "<hfield name=\"h\" file=\"meshes/checks.png\" size=\"1 1 .1 .1\"/></asset>");
  // one that no arm includes
  Write("hands/mine/alone.xml", "<mujoco><asset><mesh file=\"not_there.obj\"/></asset></mujoco>");
  const std::string geom = " type=\"mesh\" contype=\"0\" conaffinity=\"0\" mesh=\"";
  change("hands/mine/hand.xml", "<camera",
         "<geom" + geom + "beside\"/><geom" + geom + "above\"/><geom" + geom + "far\"/><camera");
  change("robots & more/arm/model.xml", "<compiler ", "<compiler meshdir=\"meshes\" ");
  change("robots & more/arm/model.xml", "<asset>",
         "<asset><mesh name=\"arm\" file=\"tetra.obj\"/>");
  change("robots & more/arm/model.xml", "<geom name=\"link0\"",
         "<geom" + geom + "arm\"/><geom name=\"link0\"");

  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.robot = (folder_ / "robots & more/arm/robot.yaml").string() + "+" + hand.string();
  const auto scene = CompileTask(task);
  const mjModel& model = *scene->model();
  ASSERT_EQ(model.nmesh, 4);
  // the arm's is twice as large as the gripper's
  std::map<std::string, double> sizes;
  for (int m = 0; m < model.nmesh; ++m) {
    const float* v = model.mesh_vert + 3 * model.mesh_vertadr[m];
    const auto [low, high] = std::minmax_element(v, v + 3 * model.mesh_vertnum[m]);
    sizes[mj_id2name(&model, mjOBJ_MESH, m)] = *high - *low;
  }
  EXPECT_NEAR(sizes["robot0_arm"], 2 * sizes["robot0_beside"], 1e-6);
  EXPECT_NEAR(sizes["robot0_above"], 2 * sizes["robot0_beside"], 1e-6);
  EXPECT_NEAR(sizes["robot0_far"], 3 * sizes["robot0_beside"], 1e-6);

  // carried, and the same wherever it is put down
  EXPECT_THAT(Paths(*scene), Contains("gripper/in/meshes/tetra.obj"));
  EXPECT_THAT(Paths(*scene), Contains("gripper/shared/tetra.obj"));
  EXPECT_THAT(Paths(*scene), Not(Contains(HasSubstr("not_there"))));
  EXPECT_THAT(scene->model_text(), HasSubstr("file=\"gripper/meshes/tetra.obj\""));
  fs::create_directories(folder_ / "new");
  WriteScene(scene->files(), folder_ / "new", "dataset");
  const SimState state = StateAfterSteps(scene);
  for (const char* folder : {"hands", "robots & more", "lib"}) fs::remove_all(folder_ / folder);
  const CarriedScene carried = ReadScene(folder_ / "new", "dataset");
  const auto again = Scene::Compile(carried.task, carried.robot);
  ExpectSameParts(*again->model(), model);
  EXPECT_EQ(StateAfterSteps(again), state);

  // one that is missing is looked for beside the gripper
  fs::remove(folder_ / "new/gripper/in/meshes/tetra.obj");
  EXPECT_THAT([&] { Scene::Compile(carried.task, carried.robot); },
              testing::ThrowsMessage<Error>(
                  HasSubstr((folder_ / "new/gripper/in/meshes/tetra.obj: ").string())));
}

TEST_F(SceneFilesTest, PathsOfStrangersStayInTheFolder) {
  const auto held = [](const std::string& path, const std::string& content) {
    return SceneFile{path, ContentHash(content), [content] { return content; }};
  };
  const auto error = [&](const std::vector<SceneFile>& files) -> std::string {
    try {
      WriteScene(files, folder_.path(), "x.h5");
      ReadScene(folder_.path(), "x.h5");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  };
  for (const char* path : {"../a.xml", "/tmp/a.xml", "a/../../b.xml", "", "..", "a/../.."}) {
    EXPECT_THAT(error({held(path, "x")}), HasSubstr("x.h5: the scene's file")) << path;
  }
  EXPECT_THAT(error({held("task/a.xml", "x")}), HasSubstr("has no scene.json"));
  EXPECT_THAT(error({held("scene.json", "{}")}), HasSubstr("x.h5: scene.json"));
  EXPECT_THAT(error({held("scene.json", "no json")}), HasSubstr("x.h5: scene.json"));
}

}  // namespace
}  // namespace understudy
