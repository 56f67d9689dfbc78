#pragma once

#include <array>

#include "core/base/options.h"

namespace understudy {

// Where a network runs.
enum class Device { kAuto, kCpu, kCuda };
template <>
struct EnumNames<Device> {
  static constexpr std::array kNames{"auto", "cpu", "cuda"};
};

}  // namespace understudy
