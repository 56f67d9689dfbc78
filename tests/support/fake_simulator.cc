#include "tests/support/fake_simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr double kTableTop = 0.8;
constexpr double kMaxOpening = 0.08;  // m

// Everything that the next step depends on, in one flat vector, plus names to find it by.
class FakeSimulator : public Simulator {
 public:
  FakeSimulator(const TaskSpec& task, const FakeOptions& options) : task_(task), options_(options) {
    Require(options.arms == 1 || options.arms == 2, "the fake has one or two arms");
    Require(options.lag > 0 && options.lag <= 1, "the fake's lag lies in (0, 1]");
    info_.task = task.name;
    info_.robot = "fake";
    info_.instruction = task.instruction;
    for (const auto& [name, variant] : task.variants) info_.variants.push_back(name);
    for (int arm = 0; arm < options.arms; ++arm)
      info_.arms.push_back("robot" + std::to_string(arm));
    info_.objects = task.object_names();
    info_.signals = task.signal_names();
    std::vector<std::string> joints;
    for (int i = 1; i <= 6; ++i) joints.push_back("joint" + std::to_string(i));
    info_.joint_names.assign(info_.arms.size(), joints);
    info_.gripper_joint_names.assign(info_.arms.size(), {"finger1", "finger2"});
    info_.cameras = task.cameras;
    info_.control_hz = task.control_hz;
    info_.substeps = task.substeps();
    info_.horizon = task.horizon;
    info_.workspace_radius = options.reach;
    info_.X_WB.assign(static_cast<size_t>(options.arms), task.arms[0].X_WB);
    info_.open_fingers_E = options.open_fingers_E;
    inventory_.actuators = {{"arm", options.lag}};
    order_ = PredicateOrder(task);

    arms_.resize(options.arms);
    objects_.resize(info_.objects.size());
    for (const std::string& name : info_.objects) {
      half_.push_back(task.objects.at(name).radius / std::sqrt(2.0));
    }
    counters_.assign(order_.size(), 0);
    info_.state_size = Save().size();
    info_.flat_state_size = 1 + 8 * arms_.size() + 7 * objects_.size();
    DoReset(info_.variants.front(), RngKey{});
  }

 private:
  struct Arm {
    Pose X_WE;
    double opening = 1;  // share of the full opening
    int held = -1;       // object
    int held_steps = 0;
    Pose X_EO;                             // of the held object
    Vector6d velocity = Vector6d::Zero();  // of E in W, per second
    double opening_rate = 0;               // per second
  };

  const SimulatorInfo& DoInfo() const override { return info_; }
  // What can be varied is how far an arm comes in a step.
  const PhysicsInventory& DoInventory() const override { return inventory_; }
  void DoSetWorld(const PhysicsVariation& variation) override {
    double lag = inventory_.actuators[0].gain;
    for (const PhysicsEdit& edit : variation.edits) {
      const auto* gain = std::get_if<ActuatorGainEdit>(&edit);
      if (gain == nullptr || gain->actuator != "arm") ThrowBadInput("the fake varies its arm only");
      lag = gain->gain;
    }
    options_.lag = lag;
  }
  const Observation& DoObserve() const override { return observation_; }
  SimulatorTimes DoTimes() const override { return times_; }
  std::string DoModelText() const override { return "<mujoco model=\"" + task_.name + "\"/>"; }

  void DoReset(const std::string& variant, const RngKey& key) override {
    const auto found = task_.variants.find(variant);
    if (found == task_.variants.end()) ThrowUsage(UnknownName("variant", variant, info_.variants));
    Rng rng(key.WithTerm("reset"));
    time_ = 0;
    steps_ = 0;
    std::fill(counters_.begin(), counters_.end(), 0);

    // fingers down, a little noise; a second arm stands on the other side
    for (size_t i = 0; i < arms_.size(); ++i) {
      arms_[i] = Arm{};
      const double side = i == 0 ? -1 : 1;
      const Eigen::Vector3d noise(rng.Uniform(-1, 1), rng.Uniform(-1, 1), rng.Uniform(-1, 1));
      arms_[i].X_WE = Pose(Eigen::Quaterniond(0, 1, 0, 0),
                           Eigen::Vector3d(0.10 * side, 0, 1.01) + options_.home_noise * noise);
    }

    // place objects apart from each other
    for (size_t i = 0; i < objects_.size(); ++i) {
      const PlacementRange& range = found->second.objects.at(info_.objects[i]);
      const double radius = task_.objects.at(info_.objects[i]).radius;
      for (int attempt = 0;; ++attempt) {
        Require(attempt < 10000, "the fake's placement ranges hold their objects");
        const Eigen::Vector3d p_WO =
            found->second.origin + Eigen::Vector3d(rng.Uniform(range.x[0], range.x[1]),
                                                   rng.Uniform(range.y[0], range.y[1]), range.z);
        objects_[i] = PoseFromYaw(rng.Uniform(range.yaw[0], range.yaw[1]), p_WO);
        bool free = true;
        for (size_t j = 0; j < i; ++j) {
          const double apart = radius + task_.objects.at(info_.objects[j]).radius;
          free &= (objects_[j].translation() - p_WO).head<2>().norm() >= apart;
        }
        if (free) break;
      }
    }
    Look(true);
  }

  StepOutcome DoStep(const Action& action) override {
    StepOutcome outcome;
    for (size_t i = 0; i < arms_.size(); ++i) MoveArm(i, action.arms[i], &outcome);
    for (size_t i = 0; i < objects_.size(); ++i) Fall(static_cast<int>(i));
    time_ += 1 / task_.control_hz;
    ++times_.steps;
    times_.substeps += info_.substeps;
    if (steps_++ == options_.unstable_at_step) {
      outcome.unstable = true;
      outcome.problem = "the fake was told to become unstable";
    }
    Look(true);
    return outcome;
  }

  void MoveArm(size_t index, const ArmAction& command, StepOutcome* outcome) {
    Arm& arm = arms_[index];
    const Pose X_before = arm.X_WE;

    // first-order lag towards what one step can ask for, inside the reach and above the table
    const Pose X_WE_cmd = ClipTarget(arm.X_WE, command, info_.limits).X_WE_cmd;
    Pose X_WE = Interpolate(arm.X_WE, X_WE_cmd, options_.lag);
    Eigen::Vector3d p_WE = X_WE.translation();
    const Eigen::Vector3d p_WB(index == 0
                                   ? task_.arms[0].X_WB.translation()
                                   : Eigen::Vector3d(-task_.arms[0].X_WB.translation().x(), 0,
                                                     task_.arms[0].X_WB.translation().z()));
    if ((p_WE - p_WB).norm() > options_.reach) {
      p_WE = p_WB + options_.reach * (p_WE - p_WB).normalized();
      outcome->joint_limit = true;
    }
    if (p_WE.z() < kTableTop + 0.005) {
      p_WE.z() = kTableTop + 0.005;
      outcome->collision = true;
      outcome->touching = "robot0_link7 touched table";
    }
    arm.X_WE = Pose(X_WE.rotation(), p_WE);
    const double hz = task_.control_hz;
    arm.velocity.head<3>() = hz * (p_WE - X_before.translation());
    arm.velocity.tail<3>() =
        hz * RotationLog(arm.X_WE.rotation() * X_before.rotation().conjugate());

    // fingers: closing stops at a held object's width
    const double before = arm.opening;
    const double wanted = command.gripper > 0 ? 0 : 1;
    const double step = options_.gripper_speed;
    arm.opening += std::clamp(wanted - arm.opening, -step, step);
    if (arm.held >= 0) {
      const double width = 2 * half_[arm.held] / kMaxOpening;
      ++arm.held_steps;
      const bool slips =
          options_.slip_after_steps >= 0 && arm.held_steps > options_.slip_after_steps;
      if (arm.opening > width + 1e-9 || slips) {
        arm.held = -1;
      } else {
        arm.opening = width;
        objects_[arm.held] = arm.X_WE * arm.X_EO;
      }
    } else if (arm.opening < before) {
      for (size_t i = 0; i < objects_.size(); ++i) {
        const double width = 2 * half_[i] / kMaxOpening;
        const double distance = (objects_[i].translation() - p_WE).norm();
        if (before < width || arm.opening > width || distance > options_.grasp_radius) continue;
        arm.held = static_cast<int>(i);
        arm.held_steps = 0;
        arm.opening = width;
        arm.X_EO = arm.X_WE.Inverse() * objects_[i];
        break;
      }
    }
    arm.opening_rate = hz * (arm.opening - before);
  }

  bool IsHeld(int object) const {
    return std::any_of(arms_.begin(), arms_.end(), [&](const Arm& a) { return a.held == object; });
  }

  // The object that `object` is above of and would rest on, or -1 for the table.
  int Support(int object, double* z) const {
    *z = kTableTop + half_[object];
    int support = -1;
    for (size_t i = 0; i < objects_.size(); ++i) {
      const int other = static_cast<int>(i);
      if (other == object) continue;
      const Eigen::Vector3d d = objects_[object].translation() - objects_[i].translation();
      const double rest = objects_[i].translation().z() + half_[i] + half_[object];
      // the origin must lie over the support, and not below its middle
      if (std::max(std::abs(d.x()), std::abs(d.y())) > half_[i] || d.z() < 0) continue;
      if (rest > *z) {
        *z = rest;
        support = other;
      }
    }
    return support;
  }

  void Fall(int object) {
    if (IsHeld(object)) return;
    double floor = 0;
    Support(object, &floor);
    Eigen::Vector3d p_WO = objects_[object].translation();
    if (p_WO.z() == floor) return;
    p_WO.z() = p_WO.z() > floor ? std::max(floor, p_WO.z() - options_.fall_per_step) : floor;

    // lands flat: only the turn about z stays
    const Eigen::Vector3d x = objects_[object].rotation() * Eigen::Vector3d::UnitX();
    objects_[object] = p_WO.z() == floor ? PoseFromYaw(std::atan2(x.y(), x.x()), p_WO)
                                         : Pose(objects_[object].rotation(), p_WO);
  }

  bool RestsOn(int object, int support) const {
    double z = 0;
    return Support(object, &z) == support &&
           std::abs(objects_[object].translation().z() - z) < 2e-3;
  }

  int Index(const std::string& object) const {
    const auto found = std::find(info_.objects.begin(), info_.objects.end(), object);
    return found == info_.objects.end() ? -1 : static_cast<int>(found - info_.objects.begin());
  }

  using Values = std::map<std::string, bool>;
  struct Evaluate {
    const FakeSimulator& sim;
    const Values& values;
    double* counter;
    bool advance;
    bool operator()(const GraspedPredicate& p) const {
      return static_cast<size_t>(p.arm) < sim.arms_.size() &&
             sim.arms_[p.arm].held == sim.Index(p.object);
    }
    bool operator()(const ReleasedPredicate& p) const { return !sim.IsHeld(sim.Index(p.object)); }
    bool operator()(const OnTopPredicate& p) const {
      const int a = sim.Index(p.object), b = sim.Index(p.support);
      const Eigen::Vector3d d = sim.objects_[a].translation() - sim.objects_[b].translation();
      return sim.RestsOn(a, b) && d.head<2>().norm() <= p.max_xy && d.z() > p.min_dz;
    }
    bool operator()(const InBoxPredicate& p) const {
      const Eigen::Vector3d p_WO = sim.objects_[sim.Index(p.object)].translation();
      const Eigen::Vector3d q =
          p.relative_to.empty() ? p_WO : sim.objects_[sim.Index(p.relative_to)].Inverse() * p_WO;
      return (q.array() >= p.low.array()).all() && (q.array() <= p.high.array()).all();
    }
    bool operator()(const ContactPredicate& p) const {
      const int a = sim.Index(p.a), b = sim.Index(p.b);
      return (a >= 0 && sim.RestsOn(a, b)) || (b >= 0 && sim.RestsOn(b, a));
    }
    bool operator()(const JointPredicate&) const {
      Require(false, "the fake simulator has no scene joints");
      return false;
    }
    bool operator()(const UprightPredicate& p) const {
      const Eigen::Vector3d z =
          sim.objects_[sim.Index(p.object)].rotation() * Eigen::Vector3d::UnitZ();
      return std::acos(std::clamp(z.z(), -1.0, 1.0)) <= p.max_tilt;
    }
    bool operator()(const NearPredicate& p) const {
      const Eigen::Vector3d& p_WE = sim.observation_.arms.at(p.arm).X_WE.translation();
      return (p_WE - sim.objects_[sim.Index(p.object)].translation()).norm() <= p.distance;
    }
    bool operator()(const AllPredicate& p) const {
      return std::all_of(p.of.begin(), p.of.end(), [&](auto& name) { return values.at(name); });
    }
    bool operator()(const AnyPredicate& p) const {
      return std::any_of(p.of.begin(), p.of.end(), [&](auto& name) { return values.at(name); });
    }
    bool operator()(const NotPredicate& p) const { return !values.at(p.of); }
    bool operator()(const HeldPredicate& p) const {
      if (advance) *counter = values.at(p.of) ? *counter + 1 : 0;
      return *counter >= p.steps;
    }
  };

  // Rebuilds the observation; `advance` counts this instant for the held predicates.
  void Look(bool advance) {
    Values values;
    for (size_t i = 0; i < order_.size(); ++i) {
      values[order_[i]] = std::visit(Evaluate{*this, values, &counters_[i], advance},
                                     task_.predicates.at(order_[i]));
    }
    observation_.sim_time_s = time_;
    observation_.arms.resize(arms_.size());
    for (size_t i = 0; i < arms_.size(); ++i) {
      ArmObservation& arm = observation_.arms[i];
      arm.X_WE = arms_[i].X_WE;
      arm.joint_q.resize(6);
      arm.joint_q << arms_[i].X_WE.translation(), RotationLog(arms_[i].X_WE.rotation());
      arm.joint_v = arms_[i].velocity;
      const double finger = 0.5 * kMaxOpening * arms_[i].opening;
      arm.gripper_q = Eigen::Vector2d(finger, finger);
      arm.gripper_v = Eigen::Vector2d::Constant(0.5 * kMaxOpening * arms_[i].opening_rate);
    }
    observation_.X_WO = objects_;
    observation_.signals.clear();
    for (const std::string& name : info_.signals) observation_.signals.push_back(values.at(name));
    observation_.success = values.at(task_.success);
  }

  static void Put(SimState* state, const Pose& X) {
    const Eigen::Quaterniond& q = X.rotation();
    for (double v : {X.translation().x(), X.translation().y(), X.translation().z(), q.w(), q.x(),
                     q.y(), q.z()}) {
      state->push_back(v);
    }
  }
  static Pose TakePose(const double*& at) {
    const Pose X(Eigen::Quaterniond(at[3], at[4], at[5], at[6]), {at[0], at[1], at[2]});
    at += 7;
    return X;
  }

  void DoSave(SimState* state) const override {
    state->assign(1, time_);
    for (const Arm& arm : arms_) {
      Put(state, arm.X_WE);
      state->push_back(arm.opening);
    }
    for (const Pose& X_WO : objects_) Put(state, X_WO);
    for (const Arm& arm : arms_) {
      state->push_back(arm.held);
      state->push_back(arm.held_steps);
      Put(state, arm.X_EO);
      state->insert(state->end(), arm.velocity.data(), arm.velocity.data() + 6);
      state->push_back(arm.opening_rate);
    }
    state->push_back(steps_);
    // last, so that states of other predicates can be looked at
    state->insert(state->end(), counters_.begin(), counters_.end());
  }

  void DoRestore(const SimState& state) override {
    const double* at = TakeWorld(state);
    for (double& counter : counters_) counter = *at++;
    Look(false);
  }

  // what a hand holds stands behind the flat part
  std::string DoRevisit(const SimState& state, const std::vector<std::optional<Pose>>&,
                        bool first) override {
    if (state.size() == info_.flat_state_size) {
      return "the fake does not know from poses what it holds";
    }
    if (state.size() < info_.state_size - counters_.size()) {
      return fmt::format("states of {} numbers: [time, qpos, qvel] and more, but no whole state",
                         state.size());
    }
    TakeWorld(state);
    if (first) std::fill(counters_.begin(), counters_.end(), 0);
    Look(true);
    return "";
  }

  // All but the counters; returns what comes behind.
  const double* TakeWorld(const SimState& state) {
    const double* at = state.data();
    time_ = *at++;
    for (Arm& arm : arms_) {
      arm.X_WE = TakePose(at);
      arm.opening = *at++;
    }
    for (Pose& X_WO : objects_) X_WO = TakePose(at);
    for (Arm& arm : arms_) {
      arm.held = static_cast<int>(*at++);
      arm.held_steps = static_cast<int>(*at++);
      arm.X_EO = TakePose(at);
      for (int i = 0; i < 6; ++i) arm.velocity[i] = *at++;
      arm.opening_rate = *at++;
    }
    steps_ = static_cast<int>(*at++);
    return at;
  }

  TaskSpec task_;
  FakeOptions options_;
  SimulatorInfo info_;
  PhysicsInventory inventory_;
  std::vector<std::string> order_;  // predicates, operands first
  std::vector<double> half_;        // m, half edge per object
  double time_ = 0;
  int steps_ = 0;
  std::vector<Arm> arms_;
  std::vector<Pose> objects_;
  std::vector<double> counters_;  // of held predicates, by order_
  Observation observation_;
  SimulatorTimes times_;
};

}  // namespace

TaskSpec FakeTask() {
  TaskSpec task;
  task.name = "fake_stack";
  task.description = "kinematic stack task of the tests";
  task.instruction = "put the small cube on the large cube";
  task.robot = "fake";
  task.arms[0].X_WB = Pose::FromTranslation({-0.56, 0, 0.912});
  task.cameras = {"agentview"};
  task.objects["cubeA"] = {.body = "cubeA", .radius = 0.02 * std::sqrt(2.0), .symmetry = 4};
  task.objects["cubeB"] = {.body = "cubeB", .radius = 0.025 * std::sqrt(2.0), .symmetry = 4};
  GraspedPredicate grasped;
  grasped.object = "cubeA";
  ReleasedPredicate released;
  released.object = "cubeA";
  OnTopPredicate on_top;
  on_top.object = "cubeA";
  on_top.support = "cubeB";
  AllPredicate placed;
  placed.of = {"a_on_b", "a_released"};
  HeldPredicate held;
  held.of = "placed";
  held.steps = 5;
  task.predicates = {{"grasp", grasped},
                     {"a_released", released},
                     {"a_on_b", on_top},
                     {"placed", placed},
                     {"stacked", held}};
  task.success = "stacked";
  for (const auto& [name, reach] : {std::pair{"D0", 0.08}, {"D1", 0.20}}) {
    ResetVariant& variant = task.variants[name];
    variant.origin = {0, 0, kTableTop};
    for (const auto& [object, half] : {std::pair{"cubeA", 0.02}, {"cubeB", 0.025}}) {
      variant.objects[object] = {
          .x = {-reach, reach}, .y = {-reach, reach}, .z = half, .yaw = {0, 2 * M_PI}};
    }
  }
  Subtask grasp;
  grasp.object = "cubeA";
  grasp.signal = "grasp";
  grasp.end_offset = {2, 4};
  grasp.check = "grasp";
  Subtask place;
  place.object = "cubeB";
  task.subtasks = {grasp, place};
  return task;
}

TaskSpec FakePairTask() {
  TaskSpec task = FakeTask();
  task.name = "fake_pair";
  task.arms.push_back(task.arms[0]);
  for (const auto& [name, object, arm] :
       {std::tuple{"grasp_a", "cubeA", 0}, {"grasp_b", "cubeB", 1}}) {
    GraspedPredicate grasped;
    grasped.object = object;
    grasped.arm = arm;
    task.predicates[name] = grasped;
  }
  for (const auto& [name, object] : {std::pair{"a_high", "cubeA"}, {"b_high", "cubeB"}}) {
    InBoxPredicate high;
    high.object = object;
    high.low = {-1, -1, 0.88};
    high.high = {1, 1, 2};
    task.predicates[name] = high;
  }
  AllPredicate both;
  both.of = {"a_high", "b_high"};
  task.predicates["both"] = both;
  task.success = "both";
  const auto subtask = [](int arm, const char* object, const char* signal, bool parallel) {
    Subtask made;
    made.arm = arm;
    made.object = object;
    made.signal = signal;
    made.parallel = parallel;
    return made;
  };
  task.subtasks = {subtask(0, "cubeA", "grasp_a", false), subtask(1, "cubeB", "grasp_b", true),
                   subtask(0, "cubeA", "a_high", true), subtask(1, "cubeB", "", false)};
  task.subtasks[0].check = "grasp_a";
  task.subtasks[1].check = "grasp_b";
  return task;
}

std::unique_ptr<Simulator> MakeFakeSimulator(const TaskSpec& task, const FakeOptions& options) {
  return std::make_unique<FakeSimulator>(task, options);
}

SimulatorFactory FakeSimulatorFactory(const TaskSpec& task, const FakeOptions& options) {
  return [task, options] { return MakeFakeSimulator(task, options); };
}

}  // namespace understudy
