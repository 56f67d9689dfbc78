#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/seam/teleop_device.h"
#include "teleop/operator/scripted_person.h"
#include "teleop/pacer.h"

namespace understudy {

// A headset in memory with a virtual clock. Its hands are set by the test; `spoil` may change each
// sample before it is handed out.
class FakeDevice : public TeleopDevice {
 public:
  FakeDevice() {
    for (RawHand& hand : hands) {
      hand.active = true;
      hand.tracking = 15;
    }
  }
  const DeviceInfo& info() const override { return about; }
  RawSample Poll() override {
    RawSample sample;
    sample.id = next_id++;
    sample.monotonic_ns = now_ns;
    sample.device_time_ns = now_ns - 77;
    sample.hands = hands;
    if (spoil) spoil(sample);
    return sample;
  }
  int64_t NowNs() const override { return now_ns; }
  void Haptic(int hand, float amplitude, double) override { felt.push_back({hand, amplitude}); }

  DeviceInfo about{"fake headset", "1", "/fake/profile", -77};
  std::array<RawHand, 2> hands;
  std::function<void(RawSample&)> spoil;
  int64_t now_ns = 5'000'000'000;
  int64_t next_id = 100;
  std::vector<std::pair<int, float>> felt;
};

// A scripted operator whose hands are the fake device's, in lock-step with its clock: the right one
// leads arm 0, the left one arm 1.
class OperatorAtDevice {
 public:
  OperatorAtDevice(const OperatorSpec& spec, const TaskSpec& task, const SimulatorInfo& info,
                   FakeDevice& device)
      : pacer({.now_ns = [&device] { return device.now_ns; },
               .advance_ns = [&device](int64_t ns) { device.now_ns += ns; },
               .begin =
                   [this, spec, task, info](const RngKey& key, const Observation&) {
                     person = std::make_unique<ScriptedPerson>(spec, task, info,
                                                               key.WithTerm("operator"));
                   },
               .move =
                   [this, &device](const Observation& observation, int64_t at_ns) {
                     for (const auto& [arm, target] : person->Move(observation, at_ns)) {
                       RawHand& hand = device.hands[arm == 0 ? 1 : 0];
                       hand.X_TH = target.X_TH;
                       hand.v_TH = target.v_TH;
                       hand.w_TH = target.w_TH;
                       hand.trigger = static_cast<float>(target.trigger);
                       hand.squeeze = static_cast<float>(target.squeeze);
                       hand.buttons = target.buttons;
                     }
                     if (after_move) after_move(person->hands()[0]);
                   },
               .account = [this](const Observation& seen) { return person->Account(seen); }}) {}

  std::unique_ptr<ScriptedPerson> person;
  std::function<void(const ScriptedOperator&)> after_move;
  VirtualPacer pacer;
};

}  // namespace understudy
