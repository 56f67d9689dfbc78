#include "teleop/takeover.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/progress.h"

namespace understudy {

bool StallGate::Stalled(const Observation& now) {
  came_.resize(now.signals.size());
  bool progress = progress_s_ < 0;
  for (size_t i = 0; i < came_.size(); ++i) {
    if (now.signals[i] == 0 || came_[i] != 0) continue;
    came_[i] = 1;
    progress = true;
  }
  if (progress) progress_s_ = now.sim_time_s;
  return now.sim_time_s - progress_s_ >= patience_s_;
}

DeviceTakeover::DeviceTakeover(TeleopDevice& device, Pacer& pacer, const TakeoverOptions& options,
                               Announcer& announcer, Json settings)
    : device_(device),
      pacer_(pacer),
      options_(options),
      announcer_(announcer),
      settings_(std::move(settings)),
      reader_(device, pacer, options.samples_per_step),
      placement_(options.retarget.placement) {}

void DeviceTakeover::Begin(const Simulator& simulator, const RngKey& key) {
  const SimulatorInfo& info = simulator.info();
  // kinematics and limits are those of the episode's world
  RetargetOptions retarget = options_.retarget;
  retarget.placement = placement_;
  controller_.emplace(retarget, info, KinematicsOf(simulator));
  controller_->Reset(simulator.Observe());
  hands_ = HandsOfArms(retarget, info.arms.size());
  control_hz_ = info.control_hz;
  reader_.ForgetButtons();
  record_ = {};
  record_.raw = BeginStream(device_.info());
  record_.settings = settings_;
  TakeoverOptions as_it_is = options_;
  as_it_is.retarget = retarget;
  record_.settings["options"] = ToJson(as_it_is);
  step_ = {};
  steps_ = acted_ = 0;
  pacer_.Begin(key, simulator.Observe(), std::llround(1e9 / control_hz_),
               options_.samples_per_step);
  announcer_.NewAttempt();
  announcer_.Say(moments::PolicyActs(device_.info()));
}

const TakeoverStep& DeviceTakeover::Ends(TakeoverEnd end, std::string cause) {
  step_.end = end;
  step_.cause = std::move(cause);
  step_.acts = false;
  stopped_ = stopped_ || end == TakeoverEnd::kStopped;
  return step_;
}

// Decisions of the person, which come before the robot moves.
bool DeviceTakeover::Decided(const Observation& now) {
  if (reader_.Happened(kEventSessionLost)) {
    Ends(TakeoverEnd::kStopped, "device lost");
  } else if (reader_.Pressed(kButtonStop) || reader_.Happened(kEventExit)) {
    Ends(TakeoverEnd::kStopped, "stopped");
  } else if (reader_.Pressed(kButtonDiscard)) {
    // a scripted operator that has given up says why: that is a failure to be kept
    const std::string account = pacer_.Account(now);
    Ends(account.empty() ? TakeoverEnd::kDiscarded : TakeoverEnd::kGivenUp,
         account.empty() ? "discarded by the operator" : account);
  } else if (reader_.Pressed(kButtonReset)) {
    Ends(TakeoverEnd::kGivenUp, "ended by the operator");
  } else if (static_cast<double>(acted_) >= options_.max_seconds * control_hz_) {
    Ends(TakeoverEnd::kGivenUp, fmt::format("the operator acted for {} s", options_.max_seconds));
  }
  return step_.end != TakeoverEnd::kNone;
}

const TakeoverStep& DeviceTakeover::Next(const Simulator& simulator, const Action& last) {
  Require(controller_.has_value(), "an episode has begun");
  if (stopped_ || InterruptRequested()) return Ends(TakeoverEnd::kStopped, "interrupted");
  const Observation& now = simulator.Observe();
  Show(simulator, last);
  reader_.Read(now);
  record_.raw.samples.insert(record_.raw.samples.end(), reader_.samples().begin(),
                             reader_.samples().end());
  if (Decided(now)) return step_;
  if (step_.acts && reader_.Pressed(kButtonStart)) {
    step_.acts = false;
    announcer_.Say(moments::PolicyActs(device_.info()));
  }
  const bool acted = step_.acts;
  if (!acted) controller_->Follow(last);
  const int64_t now_ns = device_.NowNs();
  const Commanded& commanded = controller_->Update(reader_.samples(), now, now_ns, 1 / control_hz_);
  if (!(placement_ == controller_->placement())) {
    placement_ = controller_->placement();
    announcer_.Describe({{"placement", ToJson(placement_)}});
  }
  step_.acts = acted || std::ranges::any_of(commanded.cues, &HandCue::engaged);
  if (step_.acts && options_.haptics) SendHaptics(*controller_, commanded.cues, device_);
  if (step_.acts) announcer_.Step(device_.info(), hands_, commanded, "hands back to the policy");
  record_.takeovers += step_.acts && !acted;
  acted_ += step_.acts;
  ++steps_;
  step_.action = commanded.action;
  for (size_t i = 0; i < last.arms.size(); ++i) {
    // a pose that stays is brought about by the same joints
    ArmAction& arm = step_.action.arms[i];
    if (arm.X_WE_cmd == last.arms[i].X_WE_cmd) arm.q_cmd = last.arms[i].q_cmd;
  }
  FillTeleopStep(commanded, reader_.samples().back(), now_ns, &step_.teleop);
  for (TeleopArmStep& arm : step_.teleop.arms) {
    if (!reader_.on_time()) arm.flags |= kOverrun;
  }
  return step_;
}

void DeviceTakeover::Show(const Simulator& simulator, const Action& last) {
  if (!announcer_.shows()) return;
  const Observation& now = simulator.Observe();
  simulator.Save(&frame_.state);
  frame_.arms.clear();
  for (const ArmAction& arm : last.arms) {
    const size_t i = frame_.arms.size();
    const uint32_t flags = i < step_.teleop.arms.size() ? step_.teleop.arms[i].flags : 0;
    frame_.arms.push_back({arm.X_WE_cmd, arm.gripper, flags});
  }
  frame_.step = steps_;
  frame_.sim_time_s = now.sim_time_s;
  frame_.success = now.success;
  frame_.sample_ns = steps_ == 0 ? 0 : step_.teleop.device_time_ns;
  announcer_.Show(frame_);
}

TakeoverRecord DeviceTakeover::End(bool success, const std::string& cause) {
  if (success) {
    announcer_.Say(moments::Saved());
  } else {
    announcer_.Say(moments::EpisodeFailed(cause));
  }
  return std::move(record_);
}

}  // namespace understudy
