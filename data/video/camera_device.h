#pragma once

#include <memory>

#include "core/seam/live_camera.h"

namespace understudy {

// Opens a camera by libavdevice, which is looked for only here (it brings half a desktop along),
// and waits for its first picture. Its pictures come on a thread; the time of one is the kernel's
// where the device reports it, else that of its arrival. Throws Error(kUsage) where libavdevice or
// the device is missing, Error(kFailed) where no picture comes within 5 s.
std::unique_ptr<LiveCamera> OpenLiveCamera(const LiveCameraOptions& options);

}  // namespace understudy
