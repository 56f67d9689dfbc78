// What a task file can say beyond the listed tasks: a scene with a drawer, a button, a stove and
// containers, and the questions that cleaning up and cooking ask of it.
#include <gmock/gmock.h>

#include <fstream>

#include "core/base/json.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

constexpr const char* kScene = R"(<mujoco>
  <compiler angle="radian" autolimits="true"/>
  <worldbody>
    <camera name="agentview" pos="1 0 1.5"/>
    <body name="table" pos="0 0 0.775"><geom type="box" size="0.5 0.5 0.025"/></body>
    <body name="drawer" mocap="true" pos="0 0.3 0.8">
      <geom name="drawer_back" type="box" size="0.1 0.005 0.04" pos="0 0.1 0.05"/>
      <body name="drawer_box">
        <joint name="drawer_slide" type="slide" axis="0 1 0" range="-0.2 0" damping="5"/>
        <geom name="drawer_floor" type="box" size="0.08 0.08 0.003" pos="0 0 0.013" mass="0.2"/>
        <geom name="drawer_front" type="box" size="0.08 0.003 0.02" pos="0 -0.08 0.036" mass="0.1"/>
      </body>
    </body>
    <body name="stove" mocap="true" pos="0 -0.1 0.8">
      <geom name="plate" type="cylinder" size="0.06 0.005" pos="0 0 0.005"/>
      <body name="knob" pos="0.1 0 0.01">
        <joint name="stove_button" type="hinge" axis="0 0 1" range="0 1.2" damping="0.1"/>
        <geom name="knob" type="box" size="0.015 0.01 0.01" mass="0.02"/>
      </body>
    </body>
    <body name="serving" mocap="true" pos="0 -0.35 0.8">
      <geom name="mat" type="box" size="0.06 0.06 0.001"/>
    </body>
    <body name="pot" pos="0.2 0 0.9"><freejoint/>
      <geom name="pot_floor" type="cylinder" size="0.04 0.003" pos="0 0 -0.02" mass="0.1"/>
      <geom name="pot_side" type="box" size="0.003 0.04 0.02" pos="0.04 0 0" mass="0.02"/>
    </body>
    <body name="bread" pos="0.3 0 0.9"><freejoint/>
      <geom name="bread" type="box" size="0.015 0.015 0.01" mass="0.03"/>
    </body>
  </worldbody>
</mujoco>)";

// Kitchen and clean-up in one: success conditions as reference tables word them.
constexpr const char* kTask = R"(
name: household
description: a drawer, a stove with its button, a pot and a loaf
instruction: cook, serve and tidy up
robot: panda
robot_base: {p: [-0.56, 0, 0.912], q: [1, 0, 0, 0]}
cameras: [agentview]
objects:
  drawer: {body: drawer, radius: 0.1}
  stove: {body: stove, radius: 0.06, symmetry: 0}
  serving: {body: serving, radius: 0.06, symmetry: 4}
  pot: {body: pot, radius: 0.05, symmetry: 0}
  bread: {body: bread, radius: 0.02, symmetry: 4}
predicates:
  hand_at_drawer: {type: near, object: drawer_box, distance: 0.24}
  hand_away: {type: not, of: hand_at_drawer}
  pulled: {type: joint, joint: drawer_slide, low: -1, high: -0.1}
  drawer_open: {type: all, of: [pulled, hand_away]}
  drawer_closed: {type: joint, joint: drawer_slide, low: -0.01, high: 1}
  bread_on_floor: {type: contact, a: bread, b: drawer_box}
  put_away: {type: all, of: [bread_on_floor, drawer_closed]}
  stove_on: {type: joint, joint: stove_button, low: 0.6, high: 2}
  stove_off: {type: not, of: stove_on}
  pot_touches: {type: contact, a: pot, b: stove}
  pot_over: {type: in_box, object: pot, relative_to: stove, low: [-0.03, -0.03, 0], high: [0.03, 0.03, 0.06]}
  pot_on_stove: {type: all, of: [pot_touches, pot_over]}
  bread_touches: {type: contact, a: bread, b: pot}
  bread_inside: {type: in_box, object: bread, relative_to: pot, low: [-0.03, -0.03, -0.02], high: [0.03, 0.03, 0.02]}
  bread_in_pot: {type: all, of: [bread_touches, bread_inside]}
  pot_served: {type: in_box, object: pot, relative_to: serving, low: [-0.05, -0.05, 0], high: [0.05, 0.05, 0.06]}
  meal: {type: all, of: [pot_served, stove_off, bread_in_pot]}
  done: {type: held, of: meal, steps: 2}
success: done
variants:
  D0:
    objects:
      drawer: {x: [0, 0], y: [0.3, 0.3], z: 0.8}
      stove: {x: [0, 0], y: [-0.1, -0.1], z: 0.8}
      serving: {x: [0, 0], y: [-0.35, -0.35], z: 0.8}
      pot: {x: [0.2, 0.2], y: [0, 0], z: 0.823}
      bread: {x: [0.3, 0.3], y: [0, 0], z: 0.81}
subtasks:
  - {object: drawer, signal: drawer_open}
  - {object: stove, signal: stove_on}
  - {object: stove, signal: pot_on_stove}
  - {object: pot, signal: bread_in_pot}
  - {object: serving, signal: pot_served}
  - {object: stove, signal: stove_off}
  - {object: drawer, signal: put_away}
  - {object: drawer, check: drawer_closed}
)";

class Household : public SimTest {
 protected:
  explicit Household(const std::string& task = kTask) {
    std::ofstream(folder_ / "scene.xml") << kScene;
    std::ofstream(folder_ / "task.yaml") << task;
    scene_ = CompileTask(LoadTaskSpec((folder_ / "task.yaml").string(), kTaskRoot));
    simulator_ = MakeSimulator(scene_);
    simulator_->Reset("D0", RngKey{1});
  }
  // [time, qpos: drawer, button, pot, bread, …]
  enum Place : size_t { kDrawer = 1, kButton = 2, kPot = 3, kBread = 10 };
  void Turn(Place joint, double value) {
    SimState state = simulator_->Save();
    state[joint] = value;
    simulator_->Restore(state);
  }
  void Put(Place body, const Vector3d& p_W) {
    SimState state = simulator_->Save();
    for (size_t i = 0; i < 3; ++i) state[body + i] = p_W[Eigen::Index(i)];
    simulator_->Restore(state);
  }
  bool Signal(const std::string& name) const { return SignalOf(*simulator_, name); }
  void Wait() { simulator_->Step(OneArm(simulator_->Observe().arms[0].X_WE, -1)); }

  const OwnFolder folder_;
  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<Simulator> simulator_;
};

TEST_F(Household, ADrawerIsOpenOnceTheHandHasLeftIt) {
  EXPECT_FALSE(Signal("drawer_open"));
  EXPECT_TRUE(Signal("drawer_closed"));
  Turn(kDrawer, -0.15);
  EXPECT_TRUE(Signal("drawer_open"));
  EXPECT_FALSE(Signal("drawer_closed"));
  // the hand at the front of the drawer
  const Pose at = FingersDown(0, Vector3d(0, 0.1, 0.9));
  Script(*simulator_).MoveTo(at, -1);
  EXPECT_FALSE(Signal("drawer_open"));

  // what lies on the floor of the closed drawer has been put away
  Put(kBread, {0, 0.15, 0.8255});
  Turn(kDrawer, -0.15);
  EXPECT_FALSE(Signal("put_away"));
  Put(kBread, {0, 0.3, 0.8255});
  Turn(kDrawer, 0);
  EXPECT_TRUE(Signal("put_away"));
}

TEST_F(Household, AMealIsCookedServedAndTheStoveOff) {
  Turn(kButton, 1);
  EXPECT_TRUE(Signal("stove_on"));
  Put(kPot, {0, -0.1, 0.8329});
  EXPECT_TRUE(Signal("pot_on_stove"));
  Put(kBread, {0, -0.1, 0.8257});
  EXPECT_TRUE(Signal("bread_in_pot"));
  Put(kPot, {0, -0.35, 0.8239});
  EXPECT_TRUE(Signal("pot_served"));
  EXPECT_FALSE(Signal("bread_in_pot")) << "it stayed behind";
  Put(kBread, {0, -0.35, 0.8167});
  Wait();
  Wait();
  EXPECT_TRUE(Signal("bread_in_pot"));
  EXPECT_FALSE(simulator_->Observe().success) << "the stove is on";
  Turn(kButton, 0.1);
  EXPECT_TRUE(Signal("stove_off"));
  Wait();
  Wait();
  EXPECT_TRUE(simulator_->Observe().success);
}

// The same house, with its drawer and its knob as parts that subtasks may refer to, and joints that
// start anywhere.
std::string TaskWithParts() {
  std::string task = kTask;
  const auto add = [&](const std::string& before, const std::string& text) {
    task.insert(task.find(before), text);
  };
  add("predicates:", "  box: {body: drawer_box}\n  knob: {body: knob}\n");
  add("  meal:",
      "  holds: {type: grasped, object: drawer_box}\n"
      "  free: {type: released, object: box}\n"
      "  bread_in_box: {type: in_box, object: bread, relative_to: drawer_box, low: [-0.08, -0.08, "
      "0], high: [0.08, 0.08, 0.05]}\n"
      "  bread_on_box: {type: on_top, object: bread, support: drawer_box, max_xy: 0.1}\n"
      "  knob_up: {type: upright, object: knob}\n");
  add("subtasks:", "      drawer_slide: {joint: [-0.2, -0.1]}\n      knob: {joint: [0.2, 0.4]}\n");
  task +=
      "  - {object: box, check: holds}\n  - {object: knob, check: free}\n"
      "  - {object: box, check: bread_in_box}\n  - {object: box, check: bread_on_box}\n"
      "  - {object: box, check: knob_up}\n";
  // the last subtask alone has no signal
  int n = 0;
  for (size_t at = task.find("subtasks:"); (at = task.find("check: ", at + 1)) != std::string::npos;
       ++n) {
    if (task.find("check: ", at + 1) == std::string::npos) break;
    const size_t end = task.find('}', at);
    task.insert(end, ", signal: " + task.substr(at + 7, end - at - 7));
  }
  return task;
}

class Parts : public Household {
 protected:
  Parts() : Household(TaskWithParts()) {}
  Pose At(const std::string& object) const {
    const std::vector<std::string>& names = simulator_->info().objects;
    const auto found = std::find(names.begin(), names.end(), object);
    return simulator_->Observe().X_WO.at(static_cast<size_t>(found - names.begin()));
  }
  double Value(Place joint) const { return simulator_->Save()[joint]; }
};

TEST_F(Parts, MoveWithTheirJoints) {
  Turn(kDrawer, -0.15);
  EXPECT_TRUE((At("drawer").Inverse() * At("box").translation()).isApprox(Vector3d(0, -0.15, 0)));
  Turn(kButton, 0.7);
  EXPECT_NEAR(AngleBetween(At("knob").rotation(), At("stove").rotation()), 0.7, 1e-9);
  const SimulatorInfo& info = simulator_->info();
  const auto place = [&](const std::string& name) {
    return static_cast<size_t>(std::find(info.objects.begin(), info.objects.end(), name) -
                               info.objects.begin());
  };
  EXPECT_TRUE(info.HangTogether(place("drawer"), place("box")));
  EXPECT_FALSE(info.HangTogether(place("stove"), place("box")));
}

// Shapes of what has joints of its own move with them; plain objects and arms are none of them.
TEST_F(Parts, AreShapesWhereTheyAre) {
  const SimulatorInfo& info = simulator_->info();
  const auto of = [&](const std::string& name) {
    const auto place = std::find(info.objects.begin(), info.objects.end(), name);
    const int tree = info.object_trees.at(static_cast<size_t>(place - info.objects.begin()));
    std::vector<Box> boxes;
    for (const PartShape& part : simulator_->Parts()) {
      if (part.tree == tree) boxes.push_back(part.box);
    }
    return boxes;
  };
  Turn(kDrawer, 0);
  const std::vector<Box> before = of("drawer");
  ASSERT_GT(before.size(), 1u);
  EXPECT_EQ(simulator_->Parts().size(), before.size() + of("stove").size());
  Turn(kDrawer, -0.15);
  const std::vector<Box> after = of("drawer");
  int moved = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    const double way = (after[i].X_WB.translation() - before[i].X_WB.translation()).norm();
    EXPECT_TRUE(way < 1e-9 || std::abs(way - 0.15) < 1e-9) << way;
    moved += way > 1e-9;
  }
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, static_cast<int>(before.size())) << "the cabinet stays";
  // palm and fingers, around E
  double highest = -1, lowest = 1;
  for (const Box& shape : info.open_hand_E) {
    lowest = std::min(lowest, shape.X_WB.translation().z());
    highest = std::max(highest, shape.X_WB.translation().z());
  }
  EXPECT_LT(lowest, -0.06);
  EXPECT_GT(highest, -0.02);
}

TEST_F(Parts, JointsStartWhereTheVariantSays) {
  double least = 0, most = -1;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    simulator_->Reset("D0", RngKey{seed});
    EXPECT_GE(Value(kDrawer), -0.2);
    EXPECT_LE(Value(kDrawer), -0.1);
    EXPECT_GE(Value(kButton), 0.2) << "named by the part that it moves";
    EXPECT_LE(Value(kButton), 0.4);
    least = std::min(least, Value(kDrawer));
    most = std::max(most, Value(kDrawer));
  }
  EXPECT_GT(most - least, 0.08);
  const double last = Value(kDrawer);
  simulator_->Reset("D0", RngKey{3});
  EXPECT_NE(Value(kDrawer), last);
  simulator_->Reset("D0", RngKey{49});
  EXPECT_EQ(Value(kDrawer), last);
}

TEST_F(Parts, AreWhatPredicatesAskAbout) {
  Turn(kDrawer, -0.15);
  Put(kBread, {0, 0.15, 0.8255});
  EXPECT_TRUE(Signal("bread_in_box"));
  EXPECT_TRUE(Signal("bread_on_box"));
  Turn(kDrawer, 0);
  EXPECT_FALSE(Signal("bread_in_box"));
  EXPECT_TRUE(Signal("knob_up"));
  EXPECT_TRUE(Signal("free"));
  // both fingers at the front of the open drawer: it touches the part and what it hangs from
  Turn(kDrawer, -0.15);
  EXPECT_FALSE(Signal("holds"));
  const Pose at = FingersDown(M_PI / 2, Vector3d(0, 0.07, 0.84));
  Script script(*simulator_);
  script.MoveTo(FingersDown(M_PI / 2, Vector3d(0, 0.07, 1)), -1);
  script.MoveTo(at, -1);
  script.Wait(-1, 20);
  script.Wait(1, 20);
  EXPECT_TRUE(Signal("holds"));
  EXPECT_FALSE(Signal("free"));
}

// Of a flat state nothing is missing for a part: its pose follows from the joints.
TEST_F(Parts, FollowFromAFlatState) {
  Turn(kDrawer, -0.13);
  SimState flat = simulator_->Save();
  flat.resize(simulator_->info().flat_state_size);
  const Pose X_WO = At("box");
  std::vector<std::optional<Pose>> known;
  for (const std::string& object : simulator_->info().objects) {
    known.push_back(object == "box" || object == "knob" ? std::nullopt
                                                        : std::optional<Pose>(At(object)));
  }
  Turn(kDrawer, 0);
  EXPECT_EQ(simulator_->Revisit(flat, known, true), "");
  EXPECT_TRUE(At("box").translation().isApprox(X_WO.translation()));
}

}  // namespace
}  // namespace understudy
