#pragma once

// The OpenXR headers as the runtime uses them: types only, no prototypes of the loader.
#define XR_NO_PROTOTYPES
#define XR_USE_TIMESPEC
#include <openxr/openxr.h>
#include <openxr/openxr_platform.h>
#include <time.h>

namespace understudy::vh {

// XR_EXT_local_floor is younger than Debian 12's headers.
inline constexpr auto kLocalFloor = static_cast<XrReferenceSpaceType>(1000426000);

}  // namespace understudy::vh
