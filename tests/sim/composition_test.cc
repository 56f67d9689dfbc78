// Scenes that are composed: furniture, things that lie about, other instances of objects.
#include <gmock/gmock.h>
#include <mujoco/mujoco.h>

#include <numbers>
#include <set>

#include "augment/plan.h"
#include "core/base/hash.h"
#include "core/seam/drawn_world.h"
#include "core/seam/replay.h"
#include "sim/pieces.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

AugmentPlan ShippedPlan(const std::string& name) {
  const std::string path = UNDERSTUDY_SOURCE_DIR "/demo/" + name + ".yaml";
  return FromJson<AugmentPlan>(LoadYaml(path), path);
}
AugmentPlan PlanOf(const std::string& yaml) {
  return FromJson<AugmentPlan>(ParseYaml(yaml, "plan"), "plan");
}
RngKey Key(uint64_t i) { return RngKey{i}.WithStage("composition test"); }
DrawWorld DrawerOf(const AugmentPlan& plan) {
  return
      [plan](const PhysicsInventory& world, const RngKey& key) { return Draw(plan, world, key); };
}

// Places and names of the loose bodies of a world, by the state of a simulator in it.
struct Loose {
  std::shared_ptr<const Scene> scene;
  std::unique_ptr<mjData, MujocoDeleter> data;

  Loose(const std::shared_ptr<const Scene>& nominal, const PhysicsVariation& world,
        const SimState& state)
      : scene(Scene::Vary(nominal, world)), data(mj_makeData(scene->model())) {
    mj_setState(scene->model(), data.get(), state.data(), mjSTATE_INTEGRATION);
    mj_kinematics(scene->model(), data.get());
  }
  Vector3d At(const std::string& body) const {
    const int id = mj_name2id(scene->model(), mjOBJ_BODY, body.c_str());
    EXPECT_GE(id, 0) << body;
    return Vector3d(data->xpos + 3 * id);
  }
};

class CompositionTest : public SimTest {
 protected:
  // A start in a world of this plan.
  PhysicsVariation Start(Simulator& simulator, const AugmentPlan& plan, uint64_t i,
                         const std::string& variant = "D0") {
    return StartInDrawnWorld(simulator, DrawerOf(plan), Key(i), variant, Key(1000 + i));
  }
  std::shared_ptr<const Scene> scene_ = StackScene();
};

// In each of many scenes things come to rest where they stand, within 1 mm in 1 s.
void ExpectScenesSettle(const std::string& task, const std::string& plan_name, uint64_t count,
                        std::set<std::string>* seen) {
  const auto scene = CompileTask(LoadTaskSpec(task, kTaskRoot));
  const auto simulator = MakeSimulator(scene), plain = MakeSimulator(scene);
  const AugmentPlan plan = ShippedPlan(plan_name);
  ASSERT_THAT(Validate(plan, simulator->inventory()), IsEmpty()) << task;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string variant = scene->info().variants.front();
    const PhysicsVariation world =
        StartInDrawnWorld(*simulator, DrawerOf(plan), Key(i), variant, Key(1000 + i));
    seen->insert(ContentHash(simulator->ModelText()));
    const Loose before(scene, world, simulator->Save());
    const Action hold = HoldOf(*simulator);
    plain->Reset(variant, Key(1000 + i));
    for (int step = 0; step < 20; ++step) {
      ASSERT_FALSE(simulator->Step(hold).unstable);
      plain->Step(hold);
    }
    const Loose after(scene, world, simulator->Save());
    for (const PhysicsEdit& edit : world.edits) {
      const auto* thing = std::get_if<DistractorEdit>(&edit);
      if (thing == nullptr) continue;
      const std::string body = "clutter_" + thing->thing;
      EXPECT_LT((before.At(body) - after.At(body)).norm(), 1e-3) << task << " " << i << " " << body;
    }
    // the task's own objects do as in the plain scene, where some are pushed apart or dropped
    for (size_t o = 0; o < scene->info().objects.size(); ++o) {
      const auto place = [o](const Simulator& one) { return one.Observe().X_WO[o].translation(); };
      EXPECT_LT((place(*simulator) - place(*plain)).norm(), 1e-3)
          << task << " " << i << " " << scene->info().objects[o];
    }
  }
}

TEST_F(CompositionTest, ScenesSettle) {
  std::set<std::string> seen;
  for (const char* task : {"stack", "threading", "two_arm_three_piece_assembly"}) {
    ExpectScenesSettle(task, "scenes", 8, &seen);
  }
  ExpectScenesSettle("stack", "scenes-held-out", 8, &seen);
  EXPECT_EQ(seen.size(), 32u) << "each is another scene";
}

// From three tasks a thousand scenes and more, all different.
TEST(SlowScenes, AThousandSettle) {
  std::set<std::string> seen;
  for (const char* task : {"stack", "coffee", "three_piece_assembly"}) {
    ExpectScenesSettle(task, "scenes", 340, &seen);
  }
  EXPECT_EQ(seen.size(), 1020u);
}

// The task starts as without them: pairs of the same seed stay pairs.
TEST_F(CompositionTest, ObjectsStartAsWithoutThem) {
  const auto plain = MakeSimulator(scene_), composed = MakeSimulator(scene_);
  for (uint64_t i = 0; i < 20; ++i) {
    const AugmentPlan plan = ShippedPlan("scenes");
    composed->SetWorld(Draw(plan, composed->inventory(), Key(i)));
    composed->Reset("D1", Key(i));
    plain->Reset("D1", Key(i));
    for (size_t o = 0; o < 2; ++o) {
      EXPECT_EQ(plain->Observe().X_WO[o].Matrix(), composed->Observe().X_WO[o].Matrix());
    }
    EXPECT_EQ(plain->Observe().arms[0].joint_q, composed->Observe().arms[0].joint_q);
  }
}

// Off the path, on the table, apart, and not before what a camera looks at.
TEST_F(CompositionTest, ThingsLieWhereTheyMay) {
  const auto simulator = MakeSimulator(scene_);
  const AugmentPlan plan = PlanOf(
      "randomizers: {clutter: {type: distractors, count: [3, 3], clearance: 0.05, kinds: [can, "
      "bottle, bottle, plate]}}");
  const auto inventory = simulator->inventory();
  ASSERT_EQ(inventory.cameras.size(), 1u);
  const Vector3d camera = inventory.cameras[0].p_W;
  for (uint64_t i = 0; i < 150; ++i) {
    const PhysicsVariation world = Start(*simulator, plan, i, "D1");
    ASSERT_EQ(world.edits.size(), 3u);
    const Loose loose(scene_, world, simulator->Save());
    const Vector3d a = loose.At("cubeA"), b = loose.At("cubeB");
    std::vector<std::pair<Vector3d, double>> discs;
    for (const PhysicsEdit& edit : world.edits) {
      const auto& thing = std::get<DistractorEdit>(edit);
      const Vector3d p = loose.At("clutter_" + thing.thing);
      const double radius = thing.size.head<2>().norm() / 2;
      EXPECT_NEAR(p.z() - thing.size.z() / 2, 0.8, 1e-6) << "stands on the table";
      EXPECT_LT(p.head<2>().cwiseAbs().maxCoeff() + radius, 0.4 + 1e-9);
      for (const auto& [cube, name] : {std::pair{a, "cubeA"}, std::pair{b, "cubeB"}}) {
        EXPECT_GE((cube - p).head<2>().norm(),
                  radius + 0.05 + scene_->task().objects.at(name).radius);
      }
      // a thousand points of the way from one cube to the other
      for (int k = 0; k <= 1000; ++k) {
        const Vector3d way = a + (b - a) * k / 1000.0;
        EXPECT_GT((way - p).head<2>().norm(), radius + 0.05 - 1e-6);
      }
      for (const auto& [other, other_radius] : discs) {
        EXPECT_GT((other - p).head<2>().norm(), radius + other_radius);
      }
      discs.emplace_back(p, radius);
      // lines of sight to the cubes pass beside it or above it
      for (const Vector3d& cube : {a, b}) {
        for (int k = 0; k <= 1000; ++k) {
          const Vector3d at = camera + (cube - camera) * k / 1000.0;
          const bool inside = (at - p).head<2>().norm() < radius - 1e-3 &&
                              at.z() < p.z() + thing.size.z() / 2 - 1e-3;
          EXPECT_FALSE(inside) << i << " " << thing.thing;
        }
      }
    }
  }
}

// Nothing stands in what is there besides the task's objects.
TEST_F(CompositionTest, ThingsTouchNothing) {
  const auto simulator = MakeSimulator(scene_);
  PhysicsVariation world;
  FixtureEdit post;
  post.fixture = "post";
  post.X_WF = Pose(Eigen::Quaterniond::Identity(), {0.2, 0.2, 0.8});
  post.size = {0.3, 0.3, 0.2};
  world.edits.push_back(post);
  for (int i = 0; i < 3; ++i) {
    DistractorEdit block;
    block.thing = "block_" + std::to_string(i);
    world.edits.push_back(block);
  }
  simulator->SetWorld(world);
  for (uint64_t i = 0; i < 20; ++i) {
    simulator->Reset("D0", Key(i));
    const Loose loose(scene_, world, simulator->Save());
    const Eigen::AlignedBox3d solid(Vector3d(0.05, 0.05, 0.8), Vector3d(0.35, 0.35, 1.0));
    for (int k = 0; k < 3; ++k) {
      // a block of 0.05 m has no corner in the post
      EXPECT_GT(solid.exteriorDistance(loose.At("clutter_block_" + std::to_string(k))), 0.024);
    }
  }
}

// Relations are those of the start, seen from the arm's base.
TEST_F(CompositionTest, RelationsHold) {
  const auto simulator = MakeSimulator(scene_);
  const AugmentPlan plan = PlanOf(R"(
randomizers:
  table:
    type: distractors
    things: [mug, plate, can]
    relations:
      - {thing: mug_0, relation: left_of, to: plate_1}
      - {thing: mug_0, relation: near, to: plate_1, distance: 0.25}
      - {thing: "*", relation: within_reach}
      - {thing: plate_1, relation: seen_by, to: agentview}
      - {thing: can_2, relation: behind, to: cubeA}
      - {thing: can_2, relation: away_from, to: mug_0, distance: 0.2}
)");
  ASSERT_THAT(Validate(plan, simulator->inventory()), IsEmpty());
  for (uint64_t i = 0; i < 15; ++i) {
    const PhysicsVariation world = Start(*simulator, plan, i);
    const Loose loose(scene_, world, simulator->Save());
    const Vector3d mug = loose.At("clutter_mug_0"), plate = loose.At("clutter_plate_1");
    const Vector3d can = loose.At("clutter_can_2"), cube = loose.At("cubeA");
    // the base of the arm stands as the world does
    EXPECT_GT(mug.y() - plate.y(), std::abs(mug.x() - plate.x()));
    EXPECT_LE((mug - plate).head<2>().norm(), 0.25);
    EXPECT_GT(can.x() - cube.x(), std::abs(can.y() - cube.y()));
    EXPECT_GE((can - mug).head<2>().norm(), 0.2);
    // the plate is in the picture: in front of the camera, within its field of view
    const mjModel& model = *loose.scene->model();
    const int camera = mj_name2id(&model, mjOBJ_CAMERA, "agentview");
    mj_comPos(&model, loose.data.get());
    mj_camlight(&model, loose.data.get());
    using Rotation = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>;
    const Vector3d p_C = Rotation(loose.data->cam_xmat + 9 * camera).transpose() *
                         (plate - Vector3d(loose.data->cam_xpos + 3 * camera));
    const double half = std::tan(model.cam_fovy[camera] * std::numbers::pi / 360);
    EXPECT_LT(std::abs(p_C.x()), -half * p_C.z());
    EXPECT_LT(std::abs(p_C.y()), -half * p_C.z());
  }
}

// What cannot be says which relation failed, and how often.
TEST_F(CompositionTest, NoPlaceSaysWhy) {
  const auto simulator = MakeSimulator(scene_);
  const AugmentPlan far = PlanOf(
      "randomizers: {c: {type: distractors, things: [mug], relations: [{thing: mug_0, relation: "
      "away_from, to: cubeA, distance: 3}]}}");
  EXPECT_THAT([&] { Start(*simulator, far, 1); },
              ThrowsMessage<Error>(AllOf(HasSubstr("no place for 'mug_0' on 'table': of 300 draws"),
                                         HasSubstr("were not away from cubeA"))));
  const AugmentPlan crowd = PlanOf(
      "randomizers: {c: {type: distractors, count: [40, 40], kinds: [plate], scale: [2, 2]}}");
  EXPECT_THAT([&] { Start(*simulator, crowd, 1); },
              ThrowsMessage<Error>(HasSubstr("were too near to another thing")));
}

// Furniture leaves the arm, its work and the camera's view of it free.
TEST_F(CompositionTest, FurnitureKeepsOff) {
  const PhysicsInventory& world = scene_->inventory();
  ASSERT_FALSE(world.working_W.isEmpty());
  for (const char* name : {"scenes", "scenes-held-out"}) {
    const AugmentPlan plan = Chosen(ShippedPlan(name), {"furniture"}, 1);
    std::set<std::string> kinds;
    for (uint64_t i = 0; i < 100; ++i) {
      const PhysicsVariation drawn = Draw(plan, world, Key(i));
      ASSERT_FALSE(drawn.edits.empty());
      const auto varied = Scene::Vary(scene_, drawn);
      const mjModel& model = *varied->model();
      const std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(&model));
      mj_kinematics(&model, data.get());
      for (const PhysicsEdit& edit : drawn.edits) {
        const auto& fixture = std::get<FixtureEdit>(edit);
        kinds.insert(ToJson(fixture.kind));
        const int body = mj_name2id(&model, mjOBJ_BODY, ("fixture_" + fixture.fixture).c_str());
        ASSERT_GE(body, 0);
        for (int geom = model.body_geomadr[body];
             geom < model.body_geomadr[body] + model.body_geomnum[body]; ++geom) {
          // where the camera sees through to the work, sampled
          for (int corner = 0; corner < 8; ++corner) {
            const Vector3d target =
                world.working_W.corner(static_cast<Eigen::AlignedBox3d::CornerType>(corner));
            for (int k = 0; k <= 200; ++k) {
              const Vector3d at =
                  world.cameras[0].p_W + (target - world.cameras[0].p_W) * k / 200.0;
              const Vector3d in = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(
                                      data->geom_xmat + 9 * geom)
                                      .transpose() *
                                  (at - Vector3d(data->geom_xpos + 3 * geom));
              const Vector3d half(model.geom_size + 3 * geom);
              EXPECT_FALSE((in.array().abs() < half.array()).all()) << fixture.fixture;
            }
          }
        }
      }
    }
    EXPECT_GT(kinds.size(), 2u);
  }
}

TEST_F(CompositionTest, LayoutsThatCannotBeAreNamed) {
  const auto complaints = [&](const std::string& yaml) {
    return testing::PrintToString(Validate(PlanOf(yaml), scene_->inventory()));
  };
  EXPECT_THAT(
      complaints(
          "randomizers: {f: {type: fixtures, layouts: {a: {box: {x: [0, 0.1], smallest: [0.3, 0.3, "
          "1], largest: [0.3, 0.3, 1]}}}}}"),
      AllOf(HasSubstr("layouts.a.box: finds no place: of 300 draws 300 stood in the table")));
  EXPECT_THAT(complaints("randomizers: {f: {type: fixtures, layouts: {a: {box: {x: [-2, -3]}}}}}"),
              HasSubstr("low end must not be above"));
  EXPECT_THAT(complaints("randomizers: {f: {type: fixtures, layouts: {a: {box: {x: [-2, -2], on: "
                         "counter}}}}}"),
              HasSubstr("'counter' is no fixture of the layout that stands on the floor"));
  EXPECT_THAT(complaints("randomizers: {f: {type: fixtures, layouts: {a: {box: {x: [-2, -2]}}}, "
                         "styles: {s: {materials: [mahogany]}}}}"),
              HasSubstr("'mahogany' matches nothing"));
  EXPECT_THAT(complaints("randomizers: {c: {type: distractors, count: [2, 1], relations: [{thing: "
                         "plate_0, relation: near, to: cubeC}]}}"),
              AllOf(HasSubstr("count: [2, 1]"), HasSubstr("'plate_0' matches nothing"),
                    HasSubstr("did you mean 'cubeA'?")));
}

// Another instance fills the same box, weighs the same, and is held and stacked as the task asks.
TEST_F(CompositionTest, InstancesFillTheSameBox) {
  const mjModel& nominal = *scene_->model();
  const int body = mj_name2id(&nominal, mjOBJ_BODY, "cubeA");
  for (const BlockShape shape :
       {BlockShape::kBox, BlockShape::kCylinder, BlockShape::kCross, BlockShape::kFrame}) {
    const auto world = Scene::Vary(scene_, {{ObjectSizeEdit{"cubeA", 1.1}, MassEdit{"cubeA", 2},
                                             ObjectShapeEdit{"cubeA", shape}}});
    const mjModel& model = *world->model();
    EXPECT_NEAR(model.body_mass[body], 2 * std::pow(1.1, 3) * nominal.body_mass[body], 1e-9);
    Eigen::AlignedBox3d box;
    for (int geom = model.body_geomadr[body];
         geom < model.body_geomadr[body] + model.body_geomnum[body]; ++geom) {
      const Vector3d p(model.geom_pos + 3 * geom), half(model.geom_aabb + 6 * geom + 3);
      box.extend(p - half).extend(p + half);
      EXPECT_EQ(model.geom_matid[geom], nominal.geom_matid[nominal.body_geomadr[body]]);
      EXPECT_EQ(model.geom_friction[3 * geom],
                nominal.geom_friction[3 * nominal.body_geomadr[body]]);
    }
    EXPECT_TRUE(box.max().isApprox(Vector3d::Constant(0.022), 1e-9)) << box.max().transpose();
    EXPECT_TRUE(box.min().isApprox(Vector3d::Constant(-0.022), 1e-9));
  }
}

// A step says what the hand holds, of the task and besides, and that it stands on the table.
TEST_F(CompositionTest, StepsSayWhatIsHeld) {
  const auto simulator = MakeSimulator(scene_);
  DistractorEdit block;
  block.thing = "block";
  block.size = Vector3d::Constant(0.04);
  block.relations = {{RelationKind::kWithinReach, "", 0}, {RelationKind::kNear, "cubeA", 0.25}};
  simulator->SetWorld({{block}});
  simulator->Reset("D0", Key(2));
  EXPECT_EQ(simulator->info().asked_grasps, (std::vector<uint8_t>{1, 0}));
  Script script(*simulator);
  script.Wait(-1, 1);
  EXPECT_EQ(script.last.held_objects, 0u);
  EXPECT_FALSE(script.last.touches_stand);
  PickCubeA(*simulator, script);
  EXPECT_TRUE(script.last.Holds(0));
  EXPECT_FALSE(script.last.Holds(1) || script.last.holds_other || script.last.touches_stand);
  // and the block, where it lies
  simulator->Reset("D0", Key(2));
  const Loose loose(scene_, {{block}}, simulator->Save());
  const int id = mj_name2id(loose.scene->model(), mjOBJ_BODY, "clutter_block");
  const mjtNum* q = loose.data->xquat + 4 * id;
  const Pose X_WO(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), loose.At("clutter_block"));
  const double yaw = GraspYaw(X_WO, simulator->Observe().arms[0].X_WE);
  Script other(*simulator);
  const Vector3d up(0, 0, 0.1);
  other.MoveTo(FingersDown(yaw, X_WO.translation() + up), -1);
  other.MoveTo(FingersDown(yaw, X_WO.translation()), -1, 0.01);
  other.Wait(1, 10);
  other.MoveTo(FingersDown(yaw, X_WO.translation() + up), 1, 0.01);
  EXPECT_TRUE(other.last.holds_other);
  EXPECT_EQ(other.last.held_objects, 0u);
  EXPECT_FALSE(other.last.touches_stand);
  // fingers on the table
  simulator->Reset("D0", Key(2));
  Script down(*simulator);
  const Vector3d free(-0.2, 0.25, 0.8);
  down.MoveTo(FingersDown(0, free + up), 1);
  down.MoveTo(FingersDown(0, free - 0.3 * up), 1, 0.01);
  EXPECT_TRUE(down.last.touches_stand);
  EXPECT_EQ(down.collisions, 0) << "fingers are no links";
}

TEST_F(CompositionTest, RefusalsNameWhatIsWrong) {
  const auto simulator = MakeSimulator(scene_);
  DistractorEdit thing;
  thing.thing = "mug";
  thing.on = "tabel";
  thing.relations = {{RelationKind::kNear, "cubeC"}, {RelationKind::kSeenBy, "robot0_eye_in_hand"}};
  FixtureEdit fixture;
  fixture.material = "wodd";
  fixture.size = {0, 1, 1};
  EXPECT_THAT(
      [&] {
        simulator->SetWorld({{thing, fixture}});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("did you mean 'table'?"), HasSubstr("'cubeC'"),
                                 HasSubstr("'robot0_eye_in_hand'"), HasSubstr("needs a name"),
                                 HasSubstr("'wodd'"), HasSubstr("size"))));
  thing = {};
  thing.thing = "mug";
  EXPECT_THAT(
      [&] {
        simulator->SetWorld({{thing, thing}});
      },
      ThrowsMessage<Error>(HasSubstr("distractor of 'mug' is changed twice")));
}

// Volumes of pieces are those of their shapes, and they lie within the box that they are to fill.
TEST(Pieces, LieWithinTheirBox) {
  const Vector3d size(0.3, 0.5, 0.9);
  const auto check = [&](const std::vector<Piece>& pieces, double low, const std::string& what) {
    ASSERT_FALSE(pieces.empty()) << what;
    Eigen::AlignedBox3d box;
    for (const Piece& piece : pieces) {
      EXPECT_GT(piece.volume(), 0) << what;
      box.extend(piece.p - piece.half).extend(piece.p + piece.half);
    }
    const Vector3d foot(0, 0, low);
    EXPECT_TRUE((box.min().array() >= (foot - size / 2).array() - 2e-4).all()) << what;
    EXPECT_TRUE((box.max().array() <= (foot + size / 2).array() + 2e-4).all()) << what;
    EXPECT_NEAR(box.max().z() - box.min().z(), size.z(), 3e-4) << what;
    EXPECT_NEAR(box.min().z(), low - size.z() / 2, 1e-9) << what << " stands on its foot";
  };
  for (size_t i = 0; i < EnumNames<FixtureKind>::kNames.size(); ++i) {
    const auto kind = static_cast<FixtureKind>(i);
    check(PiecesOf(kind, size), size.z() / 2, EnumNames<FixtureKind>::kNames[i]);
  }
  for (size_t i = 0; i < EnumNames<ThingKind>::kNames.size(); ++i) {
    check(PiecesOf(static_cast<ThingKind>(i), size), 0, EnumNames<ThingKind>::kNames[i]);
  }
  for (size_t i = 0; i < EnumNames<BlockShape>::kNames.size(); ++i) {
    check(PiecesOf(static_cast<BlockShape>(i), size), 0, EnumNames<BlockShape>::kNames[i]);
  }
}

}  // namespace
}  // namespace understudy
