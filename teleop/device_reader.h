#pragma once

#include <cstdint>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/teleop_device.h"
#include "teleop/pacer.h"
#include "teleop/retarget.h"

namespace understudy {

// What a device gives, policy step by policy step. One thread; allocates nothing once a step was as
// large.
class DeviceReader {
 public:
  // All must outlive this.
  DeviceReader(TeleopDevice& device, Pacer& pacer, int samples_per_step)
      : device_(device), pacer_(pacer), samples_per_step_(samples_per_step) {}

  // Waits for the ticks of one policy step, and reads the samples of each.
  void Read(const Observation& observation);
  // Buttons that are down at the next sample were not pressed there.
  void ForgetButtons() { buttons_known_ = false; }

  // Of the last step.
  const std::vector<RawSample>& samples() const { return samples_; }
  bool Pressed(uint32_t buttons) const { return (pressed_ & buttons) != 0; }  // ButtonBit
  bool Happened(uint32_t events) const { return (events_ & events) != 0; }    // DeviceEvent
  bool on_time() const { return on_time_; }
  int64_t work_ns() const { return work_ns_; }  // that reading took, without waiting

 private:
  void Look(const RawSample& sample);

  TeleopDevice& device_;
  Pacer& pacer_;
  int samples_per_step_;
  std::vector<RawSample> samples_;
  uint32_t pressed_ = 0, events_ = 0, buttons_ = 0;
  bool buttons_known_ = false, on_time_ = true;
  int64_t work_ns_ = 0;
};

// A stream of the device that begins now, without samples.
RawStream BeginStream(const DeviceInfo& device);

// What a step at `now_ns`, of the device's clock, adds to its row.
void FillTeleopStep(const Commanded& commanded, const RawSample& newest, int64_t now_ns,
                    TeleopStep* step);

// Lets each hand feel what began in a step.
void SendHaptics(const TeleopController& controller, const std::vector<HandCue>& cues,
                 TeleopDevice& device);

}  // namespace understudy
