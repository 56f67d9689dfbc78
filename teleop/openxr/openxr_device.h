#pragma once

#include <memory>

#include "core/seam/teleop_device.h"
#include "teleop/openxr/openxr_options.h"

namespace understudy {

// A headset with two controllers behind whatever OpenXR runtime the Khronos loader finds, without a
// picture (XR_MND_headless). Samples are located at "now" in a y-up tracking space T. One thread;
// one per process, since the loader keeps one instance.
//
// Open throws Error(kFailed) without a runtime, if the runtime lacks XR_MND_headless or
// XR_KHR_convert_timespec_time, and where no headset came within the options' time; it stops early
// when InterruptRequested(). Poll never throws: a lost session or runtime shows as flags 0 and
// kEventSessionLost, and is tried again once a second of the device's clock.
//
// In a sample, parts of a pose whose valid bits are down are identity, and a pose that the runtime
// calls valid but that is no pose (not finite, no length) has its bits taken down. While the
// session is not focused the hands' flags are down. Recentring sets kEventRecentered on the first
// sample located in the moved frame.
class OpenXrDevice {
 public:
  static std::unique_ptr<TeleopDevice> Open(const OpenXrOptions& options);
};

}  // namespace understudy
