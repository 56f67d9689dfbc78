#pragma once

#include <array>

#include "core/base/options.h"

namespace understudy {

// What the command of an arm is: the pose of its control frame, or angles of its joints. A fact of
// the robot, and of what is recorded with it.
enum class ActionKind { kPose, kJoints };
template <>
struct EnumNames<ActionKind> {
  static constexpr std::array kNames{"pose", "joints"};
};

}  // namespace understudy
