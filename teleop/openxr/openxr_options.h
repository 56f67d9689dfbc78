#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/options.h"
#include "core/base/progress.h"

namespace understudy {

enum class TrackingSpace { kAuto, kLocalFloor, kStage };
template <>
struct EnumNames<TrackingSpace> {
  static constexpr std::array kNames{"auto", "local_floor", "stage"};
};

struct OpenXrOptions {
  // changes results
  TrackingSpace space = TrackingSpace::kAuto;
  // changes speed only
  double wait_for_headset_s = 60;

  // Clock behind NowNs, in ns; what XR_KHR_convert_timespec_time takes as CLOCK_MONOTONIC. Empty:
  // CLOCK_MONOTONIC. The virtual headset's clock is handed in here.
  std::function<int64_t()> clock;
  // Shows that the headset is awaited; may be null, must outlive Open.
  Progress* progress = nullptr;

  template <class V>
  void Visit(V& v) {
    v("space", space,
      "frame of the poses: local_floor follows the headset's recenter button, stage stays with the "
      "room; auto takes local_floor where the runtime has it");
    v("wait_for_headset_s", wait_for_headset_s,
      "s; how long to wait for a headset that is not connected yet", Limits{0, 86400},
      Effect::kSpeed);
  }
};

}  // namespace understudy
