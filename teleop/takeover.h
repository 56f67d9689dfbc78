#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/seam/takeover.h"
#include "core/seam/teleop_device.h"
#include "teleop/announcer.h"
#include "teleop/device_reader.h"
#include "teleop/pacer.h"
#include "teleop/retarget.h"

namespace understudy {

// How a person takes over from a policy. All but `haptics` changes results.
struct TakeoverOptions {
  RetargetOptions retarget;
  int samples_per_step = 6;
  double max_seconds = 60;
  double patience = 8;
  bool haptics = true;
  template <class V>
  void Visit(V& v) {
    v("retarget", retarget, "from hand to command");
    v("samples_per_step", samples_per_step, "device samples per policy step, all stored",
      Limits{1, 100});
    v("max_seconds", max_seconds, "s of simulated time that the person may act in an episode",
      Limits{1, 3600});
    v("patience", patience,
      "s without a new subtask signal after which the scripted operator takes over",
      Limits{0, 3600});
    v("haptics", haptics, "vibrate on clutch, clamping and loss", Effect::kSpeed);
  }
};

// Whether a rollout makes no progress: no subtask signal has come that had not held before.
class StallGate {
 public:
  explicit StallGate(double patience_s) : patience_s_(patience_s) {}
  // Sees the world of an episode, instant after instant. True: nothing new for the patience.
  bool Stalled(const Observation& now);

 private:
  double patience_s_;
  double progress_s_ = -1;     // simulated time of the last progress; below 0: nothing was seen
  std::vector<uint8_t> came_;  // by signal
};

// A person at a device. A clutch that takes hold takes over: in that step the command of the step
// before is repeated bit for bit, and the arm follows the hand from there. The arms stay the
// person's, also while the clutch is open, until the start button hands them back. Discard leaves
// the episode out, reset ends it as a failure, stop and an interrupt end all.
class DeviceTakeover final : public Takeover {
 public:
  // All must outlive this. `settings`: what is stored with every episode beside the options.
  DeviceTakeover(TeleopDevice& device, Pacer& pacer, const TakeoverOptions& options,
                 Announcer& announcer, Json settings = Json::object());

  void Begin(const Simulator& simulator, const RngKey& key) override;
  const TakeoverStep& Next(const Simulator& simulator, const Action& last) override;
  TakeoverRecord End(bool success, const std::string& cause) override;

 private:
  const TakeoverStep& Ends(TakeoverEnd end, std::string cause);
  bool Decided(const Observation& now);
  void Show(const Simulator& simulator, const Action& last);

  TeleopDevice& device_;
  Pacer& pacer_;
  TakeoverOptions options_;
  Announcer& announcer_;
  Json settings_;
  DeviceReader reader_;
  std::optional<TeleopController> controller_;  // of the episode
  std::vector<int> hands_;                      // of the arms
  OperatorPlacement placement_;                 // where the operator stands now
  double control_hz_ = 0;
  TakeoverStep step_;
  TakeoverRecord record_;
  bool stopped_ = false;
  int64_t steps_ = 0, acted_ = 0;  // of the episode; of the person
  LiveFrame frame_;
};

}  // namespace understudy
