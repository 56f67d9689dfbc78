// Worlds other than the nominal one: what is edited, that it acts, that it leaves no trace.
#include "sim/world.h"

#include <gmock/gmock.h>
#include <mujoco/mujoco.h>

#include <cstring>
#include <thread>

#include "augment/plan.h"
#include "core/seam/replay.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kAll = R"(
randomizers:
  centre: {type: centre_of_mass, bodies: [cubeA], shift: 0.005}
  clutter: {type: distractors, count: [1, 3]}
  damping: {type: joint_damping, joints: ["robot*"], draw: {type: log_uniform, low: 0.5, high: 2}}
  delay: {type: actuator_delay, seconds: [0.004, 0.02]}
  gain: {type: actuator_gain, actuators: ["robot*"], draw: {type: uniform, low: 0.8, high: 1.2}}
  grip: {type: friction, draw: {type: truncated_normal, mean: 1, deviation: 0.3, low: 0.4, high: 2}}
  heavy: {type: mass, bodies: ["cube*"], draw: {type: choice, values: [0.5, 2]}}
  mount: {type: robot_mount, position: 0.02, height: 0.01, yaw: 0.05}
  noise: {type: observation_noise, hand_position: 0.002, object_position: 0.004, joints: 0.01, hand_rotation: 0.01}
  posture: {type: start_posture, draw: {type: uniform, low: -0.1, high: 0.1}}
  range: {type: reset_range, factor: 1.5}
  room: {type: fixtures, layouts: {a: {box: {x: [-1.6, -1.4]}, shelf: {kind: shelf, x: [-1.6, -1.4], y: [0.6, 0.8], largest: [0.3, 0.5, 1.5]}}}}
  shape: {type: object_shape, shapes: [cylinder, cross, frame]}
  size: {type: object_size, draw: {type: uniform, low: 0.85, high: 1.15}}
  table: {type: table_height, shift: [-0.03, 0.03]}
)";

AugmentPlan PlanOf(const std::string& yaml) {
  return FromJson<AugmentPlan>(ParseYaml(yaml, "plan"), "plan");
}

RngKey Key(uint64_t i) { return RngKey{i}.WithStage("world test"); }

// The bytes of a model.
std::string BytesOf(const mjModel* model) {
  std::string bytes(static_cast<size_t>(mj_sizeModel(model)), '\0');
  mj_saveModel(model, nullptr, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

class WorldTest : public SimTest {
 protected:
  WorldTest() : simulator_(MakeSimulator(scene_)) {}
  PhysicsVariation Drawn(const std::string& yaml, uint64_t i) {
    return Draw(PlanOf(yaml), simulator_->inventory(), Key(i));
  }
  std::shared_ptr<const Scene> World(const PhysicsEdit& edit) {
    return Scene::Vary(scene_, PhysicsVariation{{edit}});
  }
  int Id(mjtObj type, const char* name) { return mj_name2id(scene_->model(), type, name); }
  // A short wandering rollout from a start: states, T+1 of them, and actions.
  void Wander(Simulator& simulator, uint64_t seed, std::vector<SimState>* states,
              std::vector<Action>* actions) {
    simulator.Reset("D0", Key(seed));
    Rng rng(Key(seed));
    states->push_back(simulator.Save());
    for (int step = 0; step < 12; ++step) {
      Pose X_WE = simulator.Observe().arms[0].X_WE;
      const Eigen::Vector3d move(rng.Normal(), rng.Normal(), rng.Normal());
      actions->push_back(
          OneArm(Pose(X_WE.rotation(), X_WE.translation() + 0.02 * move), step < 6 ? -1 : 1));
      simulator.Step(actions->back());
      states->push_back(simulator.Save());
    }
  }

  std::shared_ptr<const Scene> scene_ = StackScene();
  std::unique_ptr<Simulator> simulator_;
};

TEST_F(WorldTest, EveryLabelUnsafeRandomizerIsInThePlan) {
  std::vector<std::string> used, listed;
  for (const auto& [name, randomizer] : PlanOf(kAll).randomizers) {
    used.push_back(LineOf(randomizer).name);
  }
  for (const RandomizerLine& line : RandomizerLines()) {
    if (!line.label_safe) listed.push_back(line.name);
  }
  EXPECT_THAT(used, testing::UnorderedElementsAreArray(listed));
  EXPECT_THAT(Validate(PlanOf(kAll), simulator_->inventory()), testing::IsEmpty());
}

// Ranges of width zero are the nominal world, to the last bit.
TEST_F(WorldTest, ZeroWidthIsNominal) {
  AugmentPlan plan = PlanOf(kAll);
  for (auto& [name, randomizer] : plan.randomizers) {
    std::visit([](auto& one) { one = one.Scaled(0); }, randomizer);
  }
  for (uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(Scene::Vary(scene_, Draw(plan, simulator_->inventory(), Key(i))), scene_);
  }
}

// The same draws are the same world and the same future; nothing is left of worlds before.
TEST_F(WorldTest, WorldsRepeatAndDoNotDrift) {
  std::vector<SimState> nominal, first, states;
  std::vector<Action> actions;
  Wander(*simulator_, 1, &nominal, &actions);
  const std::string model = BytesOf(scene_->model());
  simulator_->SetWorld(Drawn(kAll, 7));
  actions.clear();
  Wander(*simulator_, 1, &first, &actions);
  EXPECT_NE(nominal, first);
  for (uint64_t i = 8; i < 40; ++i) simulator_->SetWorld(Drawn(kAll, i));
  simulator_->SetWorld(Drawn(kAll, 7));
  actions.clear();
  Wander(*simulator_, 1, &states, &actions);
  EXPECT_EQ(states, first);
  // the replay of what was recorded, by another simulator that has been elsewhere
  const auto other = MakeSimulator(scene_);
  other->SetWorld(Drawn(kAll, 9));
  other->SetWorld(Drawn(kAll, 7));
  EXPECT_TRUE(CheckReplay(*other, states, actions).bit_exact);
  // and nominal again
  simulator_->SetWorld({});
  states.clear();
  actions.clear();
  Wander(*simulator_, 1, &states, &actions);
  EXPECT_EQ(states, nominal);
  EXPECT_EQ(BytesOf(scene_->model()), model) << "the scene that all share is never written";
}

// Every factor changes something that a rollout shows, alone.
TEST_F(WorldTest, EveryFactorActs) {
  const AugmentPlan all = PlanOf(kAll);
  std::vector<SimState> nominal;
  std::vector<Action> actions;
  Wander(*simulator_, 3, &nominal, &actions);
  for (const auto& [name, randomizer] : all.randomizers) {
    simulator_->SetWorld(Draw(Chosen(all, {name}, 1), simulator_->inventory(), Key(4)));
    std::vector<SimState> states;
    actions.clear();
    Wander(*simulator_, 3, &states, &actions);
    EXPECT_NE(states, nominal) << name;
  }
}

TEST_F(WorldTest, EditsAreInTheModel) {
  const mjModel* nominal = scene_->model();
  const int a = Id(mjOBJ_BODY, "cubeA"), top = Id(mjOBJ_GEOM, "cubeA");
  {
    const auto world = World(MassEdit{"cubeA", 3});
    EXPECT_NEAR(world->model()->body_mass[a], 3 * nominal->body_mass[a], 1e-12);
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(world->model()->body_inertia[3 * a + i], 3 * nominal->body_inertia[3 * a + i],
                  1e-12);
    }
  }
  {
    const auto world = World(ObjectSizeEdit{"cubeA", 1.2});
    EXPECT_NEAR(world->model()->geom_size[3 * top], 1.2 * nominal->geom_size[3 * top], 1e-12);
    EXPECT_NEAR(world->model()->geom_rbound[top], 1.2 * nominal->geom_rbound[top], 1e-12);
    EXPECT_NEAR(world->model()->body_mass[a], std::pow(1.2, 3) * nominal->body_mass[a], 1e-12);
    EXPECT_NEAR(world->model()->body_inertia[3 * a],
                std::pow(1.2, 5) * nominal->body_inertia[3 * a], 1e-12);
    EXPECT_NEAR(world->task().objects.at("cubeA").radius,
                1.2 * scene_->task().objects.at("cubeA").radius, 1e-12);
    // it starts on the table
    const auto simulator = MakeSimulator(world);
    simulator->Reset("D0", Key(1));
    EXPECT_NEAR(simulator->Observe().X_WO[0].translation().z(), 0.8 + 1.2 * 0.02, 1e-9);
  }
  {
    const auto world = World(CentreOfMassEdit{"cubeA", {0.004, 0, -0.002}});
    EXPECT_NEAR(world->model()->body_ipos[3 * a], 0.004, 1e-12);
    EXPECT_NEAR(world->model()->body_mass[a], nominal->body_mass[a], 1e-12);
    EXPECT_EQ(world->model()->body_simple[a], 0) << "no shortcut for bodies whose mass is central";
  }
  {
    const auto world = World(FrictionEdit{"cubeA", 0.3});
    EXPECT_EQ(world->model()->geom_friction[3 * top], 0.3);
    EXPECT_EQ(world->model()->geom_friction[3 * top + 1], nominal->geom_friction[3 * top + 1]);
  }
  {
    const int joint = Id(mjOBJ_JOINT, "robot0_joint1");
    const auto world = World(JointDampingEdit{"robot0_joint1", 3.5});
    EXPECT_EQ(world->model()->dof_damping[nominal->jnt_dofadr[joint]], 3.5);
  }
  {
    const std::string name = simulator_->inventory().actuators[0].name;
    const int actuator = Id(mjOBJ_ACTUATOR, name.c_str());
    const auto world = World(ActuatorGainEdit{name, 0.5});
    EXPECT_EQ(world->model()->actuator_gainprm[mjNGAIN * actuator], 0.5);
  }
  {
    const int table = Id(mjOBJ_BODY, "table");
    const auto world = World(TableHeightEdit{"table", 0.04});
    EXPECT_NEAR(world->model()->body_pos[3 * table + 2], nominal->body_pos[3 * table + 2] + 0.04,
                1e-12);
    const auto simulator = MakeSimulator(world);
    simulator->Reset("D0", Key(1));
    EXPECT_NEAR(simulator->Observe().X_WO[0].translation().z(), 0.84 + 0.02, 1e-9);
  }
  {
    const Pose X_WB = scene_->info().X_WB[0] * PoseFromYaw(0.2, {0.01, 0.02, 0.03});
    const auto world = World(RobotMountEdit{"robot0", X_WB});
    EXPECT_EQ(world->info().X_WB[0].Matrix(), X_WB.Matrix());
    const auto moved = MakeSimulator(world);
    // without noise at the start the hand stands as before, seen from the base
    const Pose X_BE = scene_->info().X_WB[0].Inverse() * simulator_->Observe().arms[0].X_WE;
    EXPECT_TRUE((X_WB * X_BE).Matrix().isApprox(moved->Observe().arms[0].X_WE.Matrix(), 1e-9));
  }
  {
    std::vector<double> q = simulator_->inventory().arms[0].home;
    q[0] += 0.1;
    const auto world = MakeSimulator(World(StartPostureEdit{"robot0", q}));
    EXPECT_NEAR(world->Observe().arms[0].joint_q[0], q[0], 1e-12);
  }
}

TEST_F(WorldTest, StartsAreDrawnWider) {
  const auto world = World(ResetRangeEdit{"cubeA", 1.5});
  const PlacementRange& wide = world->task().variants.at("D0").objects.at("cubeA");
  EXPECT_NEAR(wide.x[0], -0.12, 1e-12);
  EXPECT_NEAR(wide.y[1], 0.12, 1e-12);
  EXPECT_EQ(world->task().variants.at("D0").objects.at("cubeB").x[1], 0.08);
  // about the middle of the range, wherever that is
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.variants.at("D0").objects.at("cubeA").x = {0.1, 0.2};
  const auto aside = Scene::Vary(CompileTask(task), {{ResetRangeEdit{"cubeA", 2}}});
  EXPECT_NEAR(aside->task().variants.at("D0").objects.at("cubeA").x[0], 0.05, 1e-12);
  EXPECT_NEAR(aside->task().variants.at("D0").objects.at("cubeA").x[1], 0.25, 1e-12);
}

// A servo that pushes more also pulls more: it rests where it is asked to.
TEST_F(WorldTest, ServosKeepTheirRest) {
  const auto scene =
      Scene::Compile(LoadTaskSpec("stack", kTaskRoot), LoadRobotSpec("so101", kRobotRoot));
  const mjModel* model = scene->model();
  const int joint = mj_name2id(model, mjOBJ_JOINT, scene->info().joint_names[0][0].c_str());
  for (int i = 0; i < model->nu; ++i) {
    if (model->actuator_trnid[2 * i] != joint) continue;
    const double gain = model->actuator_gainprm[mjNGAIN * i];
    const double bias = model->actuator_biasprm[mjNBIAS * i + 1];
    ASSERT_EQ(bias, -gain);
    const auto stiff =
        Scene::Vary(scene, {{ActuatorGainEdit{mj_id2name(model, mjOBJ_ACTUATOR, i), 2 * gain}}});
    EXPECT_EQ(stiff->model()->actuator_gainprm[mjNGAIN * i], 2 * gain);
    EXPECT_EQ(stiff->model()->actuator_biasprm[mjNBIAS * i + 1], 2 * bias);
    return;
  }
  FAIL() << "an actuator drives the first joint";
}

// What reaches the actuators comes later, and no later than asked.
TEST_F(WorldTest, DelaysHoldTheLastCommands) {
  const auto delayed = MakeSimulator(World(ActuatorDelayEdit{0.02}));
  simulator_->Reset("D0", Key(5));
  delayed->Reset("D0", Key(5));
  const Pose X_WE = simulator_->Observe().arms[0].X_WE;
  const Action move =
      OneArm(Pose(X_WE.rotation(), X_WE.translation() + Eigen::Vector3d(0.04, 0, 0)), -1);
  const auto moved = [&](Simulator& simulator) {
    simulator.Step(move);
    return simulator.Observe().arms[0].X_WE.translation().x() - X_WE.translation().x();
  };
  const double now = moved(*simulator_), late = moved(*delayed);
  EXPECT_GT(now, 0.005);
  EXPECT_LT(late, 0.7 * now);
  EXPECT_GT(late, 0.1 * now);
  // state, restore, step is the step without the detour
  const SimState here = delayed->Save();
  delayed->Step(move);
  const SimState there = delayed->Save();
  delayed->Restore(here);
  delayed->Step(move);
  EXPECT_EQ(delayed->Save(), there);
}

// Only what is observed is off; the same state is observed alike.
TEST_F(WorldTest, NoiseIsOfObservationsOnly) {
  ObservationNoiseEdit edit{.hand_position = 0.01, .object_position = 0.02, .seed = 5};
  const auto noisy = MakeSimulator(World(edit));
  Eigen::Array2d sums = Eigen::Array2d::Zero();
  constexpr int kStarts = 50;
  for (uint64_t i = 0; i < kStarts; ++i) {
    simulator_->Reset("D0", Key(i));
    noisy->Reset("D0", Key(i));
    EXPECT_EQ(noisy->Save(), simulator_->Save());
    const Observation seen = noisy->Observe(), is = simulator_->Observe();
    EXPECT_EQ(seen.arms[0].joint_q, is.arms[0].joint_q);
    const Action stay = OneArm(is.arms[0].X_WE, -1);
    for (uint64_t step = 0; step < i % 5; ++step) {
      noisy->Step(stay);
      simulator_->Step(stay);
    }
    const Observation after = noisy->Observe(), true_after = simulator_->Observe();
    sums[0] +=
        (after.arms[0].X_WE.translation() - true_after.arms[0].X_WE.translation()).squaredNorm();
    sums[1] += (after.X_WO[0].translation() - true_after.X_WO[0].translation()).squaredNorm();
    noisy->Restore(noisy->Save());
    EXPECT_EQ(noisy->Observe().X_WO[0].Matrix(), after.X_WO[0].Matrix());
  }
  // the same noise for the same step of all starts: five draws
  EXPECT_GT(std::sqrt(sums[0] / (3 * kStarts)), 0.003);
  EXPECT_LT(std::sqrt(sums[0] / (3 * kStarts)), 0.03);
  EXPECT_GT(sums[1], sums[0]);
}

// A smaller cube on a smaller one is a stack too: what predicates measure follows.
TEST_F(WorldTest, ASmallStackIsAStack) {
  PhysicsVariation small;
  for (const char* cube : {"cubeA", "cubeB"}) small.edits.push_back(ObjectSizeEdit{cube, 0.8});
  simulator_->SetWorld(small);
  simulator_->Reset("D0", Key(2));
  Script script(*simulator_);
  PickCubeA(*simulator_, script);
  ASSERT_TRUE(SignalOf(*simulator_, "grasp"));
  PlaceOnCubeB(*simulator_, script);
  EXPECT_TRUE(SignalOf(*simulator_, "on_b"));
}

TEST_F(WorldTest, RefusalsListEverything) {
  PhysicsVariation bad;
  bad.edits.push_back(MassEdit{"cubeC", 1});
  bad.edits.push_back(MassEdit{"cubeA", -1});
  bad.edits.push_back(MassEdit{"cubeB", 2000});
  bad.edits.push_back(MassEdit{"cubeB", 2});
  bad.edits.push_back(TableHeightEdit{"tabel", 0.1});
  bad.edits.push_back(ActuatorDelayEdit{0.05});
  bad.edits.push_back(StartPostureEdit{"robot0", {1, 2}});
  bad.edits.push_back(StartPostureEdit{"robot0", std::vector<double>(7, 9.0)});
  EXPECT_THAT([&] { simulator_->SetWorld(bad); },
              ThrowsMessage<Error>(testing::AllOf(
                  HasSubstr("'cubeC'"), HasSubstr("did you mean 'cubeA'?"),
                  HasSubstr("mass of 'cubeA': factor: = -1 must lie in [0.001, 1000]"),
                  HasSubstr("mass of 'cubeB': factor: = 2000 must lie in [0.001, 1000]"),
                  HasSubstr("mass of 'cubeB' is changed twice"), HasSubstr("did you mean 'table'?"),
                  HasSubstr("actuator_delay = 0.05 s must lie in [0, 0.05)"),
                  HasSubstr("2 angles for 7 joints"), HasSubstr("9 rad of joint 0 lies outside"))));
  // with nothing changed
  std::vector<SimState> states, again;
  std::vector<Action> actions;
  Wander(*simulator_, 1, &states, &actions);
  const auto fresh = MakeSimulator(scene_);
  actions.clear();
  Wander(*fresh, 1, &again, &actions);
  EXPECT_EQ(states, again);
}

// The text that is stored with an episode is a model of its world.
TEST_F(WorldTest, TheTextIsOfTheWorld) {
  simulator_->SetWorld(Drawn(kAll, 7));
  char error[1000] = "";
  const std::string text = simulator_->ModelText();
  EXPECT_NE(text, scene_->model_text());
  mjSpec* spec = mj_parseXMLString(text.c_str(), nullptr, error, sizeof(error));
  ASSERT_NE(spec, nullptr) << error;
  mjModel* read = mj_compile(spec, nullptr);
  ASSERT_NE(read, nullptr) << mjs_getError(spec);
  const auto world = Scene::Vary(scene_, Drawn(kAll, 7));
  const mjModel* made = world->model();
  const auto near = [](const mjtNum* a, const mjtNum* b, int64_t count, const char* what) {
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << what << " " << i;
    }
  };
  ASSERT_EQ(read->nbody, made->nbody);
  near(read->body_mass, made->body_mass, made->nbody, "mass");
  near(read->body_ipos, made->body_ipos, 3 * made->nbody, "centre");
  near(read->body_pos, made->body_pos, 3 * made->nbody, "place");
  near(read->geom_size, made->geom_size, 3 * made->ngeom, "size");
  near(read->geom_friction, made->geom_friction, 3 * made->ngeom, "friction");
  near(read->dof_damping, made->dof_damping, made->nv, "damping");
  near(read->actuator_gainprm, made->actuator_gainprm, mjNGAIN * made->nu, "gain");
  mj_deleteModel(read);
  mj_deleteSpec(spec);
}

// Worlds of several threads come from one scene.
TEST_F(WorldTest, ThreadsMakeWorldsAtOnce) {
  std::vector<SimState> expected;
  for (uint64_t i = 0; i < 8; ++i) {
    simulator_->SetWorld(Drawn(kAll, i));
    simulator_->Reset("D0", Key(i));
    expected.push_back(simulator_->Save());
  }
  std::vector<SimState> states(8);
  std::vector<std::jthread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto own = MakeSimulator(scene_);
      for (uint64_t i = t; i < 8; i += 4) {
        own->SetWorld(Draw(PlanOf(kAll), own->inventory(), Key(i)));
        own->Reset("D0", Key(i));
        states[i] = own->Save();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(states, expected);
}

// Every listed task has worlds.
TEST_F(WorldTest, EveryTaskVaries) {
  for (const std::string& name : ListedTasks()) {
    const auto scene = CompileTask(LoadTaskSpec(name, kTaskRoot));
    const auto simulator = MakeSimulator(scene);
    const AugmentPlan plan = PlanOf(R"(
randomizers:
  grip: {type: friction, draw: {type: uniform, low: 0.7, high: 1.3}}
  heavy: {type: mass, draw: {type: uniform, low: 0.9, high: 1.1}}
  damping: {type: joint_damping, joints: ["robot*"], draw: {type: uniform, low: 0.8, high: 1.3}}
  posture: {type: start_posture, draw: {type: uniform, low: -0.05, high: 0.05}}
  table: {type: table_height, shift: [-0.02, 0.02]}
)");
    EXPECT_THAT(Validate(plan, simulator->inventory()), testing::IsEmpty()) << name;
    simulator->SetWorld(Draw(plan, simulator->inventory(), Key(1)));
    const std::string variant = scene->info().variants.front();
    simulator->Reset(variant, Key(1));
    Action stay;
    for (const ArmObservation& arm : simulator->Observe().arms) stay.arms.push_back({arm.X_WE, -1});
    EXPECT_FALSE(simulator->Step(stay).unstable) << name;
  }
}

}  // namespace
}  // namespace understudy
