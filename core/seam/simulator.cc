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
  meta.seed = key.seed;
  meta.attempt = static_cast<int64_t>(key.parent);
  return meta;
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

StepOutcome Simulator::Step(const Action& action) {
  Require(action.arms.size() == info().arms.size(), "an action has one entry per arm");
  for (const ArmAction& arm : action.arms) {
    Require(arm.X_WE_cmd.translation().allFinite() && std::isfinite(arm.gripper),
            "an action needs finite numbers");
  }
  return DoStep(action);
}

const std::vector<SceneFile>& Simulator::DoSceneFiles() const {
  static const std::vector<SceneFile> none;
  return none;
}

}  // namespace understudy
