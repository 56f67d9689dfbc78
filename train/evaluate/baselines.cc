#include "train/evaluate/baselines.h"

#include "train/evaluate/checkpoint_policy.h"

namespace understudy {

HoldPolicy::HoldPolicy(PolicyInfo info) : info_(std::move(info)) {
  info_.name = "hold";
  info_.hash.clear();
  info_.cameras.clear();
  info_.objects.clear();
}

ActionChunk HoldPolicy::DoAct(const PolicyInput& input, const RngKey&) const {
  Action action;
  for (const ArmObservation& arm : input.arms) action.arms.push_back({arm.X_WE, -1});
  return ActionChunk(static_cast<size_t>(info_.horizon), action);
}

MeanChunkPolicy::MeanChunkPolicy(const PolicyConfig& config)
    : info_(config.Info("")), embodiment_(config.embodiment), mean_chunk_(config.mean_chunk) {
  info_.name = "mean chunk";
  info_.cameras.clear();
  info_.objects.clear();
}

ActionChunk MeanChunkPolicy::DoAct(const PolicyInput& input, const RngKey&) const {
  return DecodeChunk(embodiment_, input.arms, mean_chunk_);
}

PolicyInfo InfoFor(const SimulatorInfo& simulator) {
  PolicyInfo info;
  info.robot = simulator.robot;
  info.tasks = {simulator.instruction};
  info.control_hz = simulator.control_hz;
  info.limits = simulator.limits;
  info.action_meaning = kRelativeEef;
  info.arms = static_cast<int>(simulator.arms.size());
  info.X_WB = simulator.base(0);
  return info;
}

}  // namespace understudy
