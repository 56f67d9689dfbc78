#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/base/options.h"

namespace understudy {

// Why an attempt failed. The names are stored in datasets.
enum class FailureCause {
  kUnreachable,      // a target outside the robot's reach, or E never arrived where it had to act
  kJointLimit,       // a joint stood at its limit and E did not get where it had to act
  kCollision,        // an arm link touched something in the subtask that failed
  kBridgeLate,       // the segment had to start before E had arrived
  kGraspMissed,      // the grasp that ends the subtask never came about
  kDropped,          // a held object was lost while the gripper was commanded closed
  kMisplaced,        // the subtask or the task ended with its condition unmet
  kSuccessLost,      // success was there, but not at the end
  kTimeout,          // too many steps
  kUnstablePhysics,  // the simulator gave up
  kRough,            // it did not pass a quality gate (QualityGates)
};
template <>
struct EnumNames<FailureCause> {
  static constexpr std::array kNames{
      "unreachable", "joint_limit",  "collision", "bridge_late",      "grasp_missed", "dropped",
      "misplaced",   "success_lost", "timeout",   "unstable_physics", "rough"};
};
inline std::string CauseName(FailureCause cause) {
  return EnumNames<FailureCause>::kNames.at(static_cast<size_t>(cause));
}

struct Failure {
  FailureCause cause = FailureCause::kMisplaced;
  int32_t subtask = 0;
  int32_t step = 0;    // row at which it was found
  std::string detail;  // one line with the numbers behind it
};

}  // namespace understudy
