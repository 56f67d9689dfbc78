#pragma once

#include <array>
#include <memory>
#include <optional>

#include "app/devices.h"
#include "app/watch.h"
#include "core/seam/takeover.h"
#include "teleop/takeover.h"

namespace understudy {

// Who may take over from a policy that is evaluated.
struct TakeoverFlags {
  std::optional<DeviceKind> takeover;
  TakeoverOptions correction;
  double wait_for_headset_s = 60;
  static constexpr const char* kTakeover = "takeover";
  static constexpr const char* kCorrection = "correction";
  static constexpr const char* kWait = "wait_for_headset_s";
  template <class V>
  void Visit(V& v) {
    v(kTakeover, takeover,
      "device by which a person may take over from the policy and correct it; --save holds what "
      "each did; null: nobody; virtual: our virtual headset, where the task's scripted operator "
      "takes over when the policy makes no progress; openxr: the headset of the active OpenXR "
      "runtime; webxr: a headset's browser; page: mouse and keys in a browser");
    v(kCorrection, correction, "how the person takes over");
    v(kWait, wait_for_headset_s, "s to wait for a headset to be put on, or for a page",
      Limits{0, 86400}, Effect::kSpeed);
  }
};

// A person beside the policy, with all that belongs to it. One thread.
class PersonBeside {
 public:
  virtual ~PersonBeside() = default;
  virtual Takeover& takeover() = 0;
  // The page on which the person or others see the twin; null: none.
  virtual BrowserLink* link() = 0;
};

// Opens the device. Requires `flags.takeover`. Throws Error as OpenDevice and VirtualOperator.
std::unique_ptr<PersonBeside> OpenPerson(const TakeoverFlags& flags, const Twin& twin,
                                         const WatchFlags& watch, Progress& progress);

}  // namespace understudy
