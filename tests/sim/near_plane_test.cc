// The shipped plan on every shipped task: no wrist camera's near plane lies inside its hand.
#include <gmock/gmock.h>
#include <mujoco/mujoco.h>

#include <numbers>

#include "augment/plan.h"
#include "core/base/json.h"
#include "core/spec/listed.h"
#include "sim/looks/model_look.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

class NearPlaneLaws : public SimTest, public testing::WithParamInterface<std::string> {};

// Found without what the draw goes by: points of the plane in the world, after MuJoCo's kinematics.
std::string GeomAt(const mjModel& model, const mjData& data, int camera, double fovy_deg) {
  const double near = model.vis.map.znear * model.stat.extent;
  const double high = near * std::tan(fovy_deg * std::numbers::pi / 360);
  const int weld = model.body_weldid[model.cam_bodyid[camera]];
  for (int i = -40; i <= 40; ++i) {
    for (int j = -40; j <= 40; ++j) {
      const mjtNum p_C[3] = {high * j / 40, high * i / 40, -near};
      mjtNum p_W[3], p_G[3], from[3];
      mju_mulMatVec3(p_W, data.cam_xmat + 9 * camera, p_C);
      mju_addTo3(p_W, data.cam_xpos + 3 * camera);
      for (int geom = 0; geom < model.ngeom; ++geom) {
        if (model.body_weldid[model.geom_bodyid[geom]] != weld) continue;
        mju_sub3(from, p_W, data.geom_xpos + 3 * geom);
        mju_mulMatTVec3(p_G, data.geom_xmat + 9 * geom, from);
        const mjtNum* size = model.geom_size + 3 * geom;
        bool inside = false;
        if (model.geom_type[geom] == mjGEOM_BOX) {
          inside = std::abs(p_G[0]) < size[0] && std::abs(p_G[1]) < size[1] &&
                   std::abs(p_G[2]) < size[2];
        } else if (model.geom_type[geom] == mjGEOM_CAPSULE) {
          const double beyond = std::max(0.0, std::abs(p_G[2]) - size[1]);
          inside = std::hypot(p_G[0], p_G[1], beyond) < size[0];
        }
        if (inside) return NameOf(model, mjOBJ_GEOM, geom) + " (cut)";
      }
    }
  }
  return "";
}

TEST_P(NearPlaneLaws, NoDrawCutsTheHand) {
  const std::string by = "_by_";
  const size_t at = GetParam().find(by);
  TaskSpec task = LoadTaskSpec(GetParam().substr(0, at), kTaskRoot);
  if (at != std::string::npos) task.robot = GetParam().substr(at + by.size());
  const auto scene = CompileTask(task);
  const SceneInventory inventory = MakeInventory(*scene->model());
  auto plan =
      FromJson<AugmentPlan>(LoadYaml(UNDERSTUDY_SOURCE_DIR "/demo/randomised.yaml"), "plan");
  auto& views = std::get<CameraRandomizer>(plan.randomizers.at("views"));
  views.cameras = {"*eye_in_hand"};
  plan.randomizers = {{"views", views}};

  mjModel* model = mj_copyModel(nullptr, scene->model());
  mjData* data = mj_makeData(model);
  ModelLook look(scene->model(), model);
  int hands = 0;
  for (uint64_t v = 0; v < 200; ++v) {
    const RngKey key = RngKey{.seed = 3}.WithStage("augment").WithVariant(v);
    const SceneVariation drawn = Draw(plan, inventory, key);
    look.Apply(drawn);
    // any posture: the hand and its camera move together
    Rng rng(key.WithTerm("posture"));
    for (int q = 0; q < model->nq; ++q) data->qpos[q] = model->qpos0[q] + 0.1 * rng.Normal();
    mj_kinematics(model, data);
    mj_comPos(model, data);
    mj_camlight(model, data);
    for (const SceneEdit& edit : drawn.edits) {
      const auto& camera = std::get<CameraEdit>(edit);
      const int id = mj_name2id(model, mjOBJ_CAMERA, camera.camera.c_str());
      ASSERT_GE(id, 0);
      EXPECT_EQ(GeomAt(*model, *data, id, camera.fovy_deg), "") << camera.camera << ", draw " << v;
      ++hands;
    }
  }
  EXPECT_EQ(hands, 200 * static_cast<int>(task.arms.size()));
  mj_deleteData(data);
  mj_deleteModel(model);
}

std::vector<std::string> TasksAndRobots() {
  std::vector<std::string> names = ListedTasks();
  for (const std::string& robot : ListedNames(kRobotRoot, "robot.yaml")) {
    if (robot != "panda") names.push_back("stack_by_" + robot);
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Tasks, NearPlaneLaws, testing::ValuesIn(TasksAndRobots()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace understudy
