#include "teleop/device_reader.h"

#include <chrono>

#include "core/base/clock.h"

namespace understudy {

void DeviceReader::Read(const Observation& observation) {
  samples_.clear();
  work_ns_ = 0;
  pressed_ = events_ = 0;
  on_time_ = true;
  for (int i = 0; i < samples_per_step_; ++i) {
    on_time_ &= pacer_.Tick(observation);
    const int64_t begin_ns = MonotonicNs();
    const size_t known = samples_.size();
    device_.TakeSamples(&samples_);
    for (size_t s = known; s < samples_.size(); ++s) Look(samples_[s]);
    work_ns_ += MonotonicNs() - begin_ns;
  }
}

void DeviceReader::Look(const RawSample& sample) {
  events_ |= sample.events;
  // the first sample shows which buttons are held down: only later changes are presses
  const uint32_t down = sample.hands[0].buttons | sample.hands[1].buttons;
  if (buttons_known_) pressed_ |= down & ~buttons_;
  buttons_ = down;
  buttons_known_ = true;
}

RawStream BeginStream(const DeviceInfo& device) {
  RawStream raw;
  raw.device = device.name + " " + device.version;
  raw.profile = device.profile;
  raw.device_minus_monotonic_ns = device.device_minus_monotonic_ns;
  raw.utc_at_start_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
  return raw;
}

void FillTeleopStep(const Commanded& commanded, const RawSample& newest, int64_t now_ns,
                    TeleopStep* step) {
  step->arms = commanded.arms;
  step->sample_id = newest.id;
  step->device_time_ns = newest.device_time_ns;
  step->monotonic_ns = now_ns;
  step->sample_age_ns = now_ns - newest.monotonic_ns;
}

void SendHaptics(const TeleopController& controller, const std::vector<HandCue>& cues,
                 TeleopDevice& device) {
  for (size_t i = 0; i < cues.size(); ++i) {
    const int hand = controller.hand(i);
    if (cues[i].lost != ClutchLoss::kNone) {
      device.Haptic(hand, 0.9f, 0.2);
    } else if (cues[i].engaged) {
      device.Haptic(hand, 0.5f, 0.04);
    } else if (cues[i].clamped) {
      device.Haptic(hand, 0.25f, 0.02);
    }
  }
}

}  // namespace understudy
