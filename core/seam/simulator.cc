#include "core/seam/simulator.h"

#include <fmt/format.h>

#include <cmath>

#include "core/base/error.h"
#include "core/episode/episode.h"

namespace understudy {

EpisodeMeta MetaOf(const SimulatorInfo& info, const std::string& variant, const RngKey& key) {
  EpisodeMeta meta;
  meta.task = info.task;
  meta.variant = variant;
  meta.robot = info.robot;
  meta.instruction = info.instruction;
  meta.control_hz = info.control_hz;
  meta.limits = info.limits;
  meta.arms = info.arms;
  meta.objects = info.objects;
  meta.signals = info.signals;
  if (info.own_states) meta.state_sizes = {info.state_size, info.flat_state_size};
  meta.seed = key.seed;
  meta.attempt = static_cast<int64_t>(key.parent);
  return meta;
}

Action HoldOf(const Simulator& simulator) {
  Action hold;
  for (const ArmObservation& arm : simulator.Observe().arms) {
    hold.arms.push_back({arm.X_WE, -1, {}});
    if (simulator.info().action_kind == ActionKind::kJoints) hold.arms.back().q_cmd = arm.joint_q;
  }
  return hold;
}

SimState Simulator::Save() const {
  SimState state;
  DoSave(&state);
  return state;
}

void Simulator::Restore(const SimState& state) {
  Require(state.size() == info().state_size, "a state belongs to the simulator that saved it");
  DoRestore(state);
}

std::string Simulator::Revisit(const SimState& state, const std::vector<std::optional<Pose>>& X_WO,
                               bool first) {
  Require(X_WO.size() == info().objects.size(), "a pose per object, or nothing in its place");
  const size_t flat = info().flat_state_size;
  if (state.size() < flat) {
    return fmt::format("states of {} numbers where [time, qpos, qvel] has {}", state.size(), flat);
  }
  // beyond this, physics engines reset themselves
  constexpr double kLargest = 1e9;
  for (const double number : state) {
    if (!(std::abs(number) < kLargest)) return "the state holds a non-finite value";
  }
  return DoRevisit(state, X_WO, first);
}

namespace {

void RequireSound(const SimulatorInfo& info, size_t arm, const ArmAction& action) {
  Require(IsFinite(action), "an action needs finite numbers");
  Require(action.q_cmd.size() == 0 ||
              static_cast<size_t>(action.q_cmd.size()) == info.joint_names.at(arm).size(),
          "joint targets are those of all joints");
}

}  // namespace

ArmAction Simulator::Resolve(size_t arm, const ArmAction& action) const {
  Require(arm < info().arms.size(), "an arm of the simulator");
  RequireSound(info(), arm, action);
  return info().action_kind == ActionKind::kJoints ? DoResolve(arm, action) : action;
}

Pose Simulator::Nearest(size_t arm, const Pose& X_WE) const {
  Require(arm < info().arms.size(), "an arm of the simulator");
  return DoNearest(arm, X_WE);
}

StepOutcome Simulator::Step(const Action& action) {
  Require(action.arms.size() == info().arms.size(), "an action has one entry per arm");
  for (size_t arm = 0; arm < action.arms.size(); ++arm) {
    RequireSound(info(), arm, action.arms[arm]);
  }
  return DoStep(action);
}

Pose Simulator::DoNearest(size_t, const Pose& X_WE) const { return X_WE; }

ArmAction Simulator::DoResolve(size_t, const ArmAction& action) const { return action; }

const PhysicsInventory& Simulator::DoInventory() const {
  static const PhysicsInventory none;
  return none;
}

void Simulator::DoSetWorld(const PhysicsVariation& variation) {
  RequireNominal(variation, "this simulator");
}

const std::vector<SceneFile>& Simulator::DoSceneFiles() const {
  static const std::vector<SceneFile> none;
  return none;
}

}  // namespace understudy
