#pragma once

#include <memory>
#include <optional>

#include "app/twin.h"
#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/browser_link.h"
#include "core/seam/teleop_device.h"
#include "teleop/pacer.h"
#include "teleop/retarget.h"

namespace understudy {

enum class DeviceKind { kVirtual, kOpenXr, kWebXr, kPage };
template <>
struct EnumNames<DeviceKind> {
  static constexpr std::array kNames{"virtual", "openxr", "webxr", "page"};
};
inline constexpr const char* kDeviceKinds =
    "virtual: our virtual headset, moved by the task's scripted operator; "
    "openxr: the headset of the active OpenXR runtime; webxr: a headset's browser; page: mouse "
    "and keys in a browser";

// Whether the device is a page of the live twin.
inline bool IsPage(DeviceKind kind) {
  return kind == DeviceKind::kPage || kind == DeviceKind::kWebXr;
}

// A device that a person moves, not kVirtual. A page's needs `link`, which must outlive it. Throws
// Error where it does not come within `wait_s`, or the program was built without it.
std::unique_ptr<TeleopDevice> OpenDevice(DeviceKind kind, BrowserLink* link, double wait_s,
                                         Progress& progress);

// The task's scripted operator in our virtual headset, in a virtual time.
class VirtualOperator {
 public:
  // Without `patience` it begins with every attempt; else it takes over from whoever acts once that
  // makes no progress for so long (s). Throws Error(kUsage) where the program was built without
  // OpenXR or two arms have one hand, Error(kBadInput) where the task has no such operator.
  VirtualOperator(const Twin& twin, const RetargetOptions& retarget, std::optional<double> patience,
                  Progress& progress);
  ~VirtualOperator();

  TeleopDevice& device();
  Pacer& pacer();
  // Its operator.yaml, resolved.
  const Json& spec() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
