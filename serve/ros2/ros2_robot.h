#pragma once

#include <memory>
#include <string>

#include "core/seam/policy.h"
#include "core/seam/robot.h"
#include "serve/ros2/ros2_options.h"

namespace understudy {

// A robot that publishes its joints and takes commands on topics of ROS 2. Nothing is published
// before the first Send; at the end nothing more is. A reading is as old as its oldest joint; its
// velocities are those of the messages or differences, it has no objects. What is wrong with a
// message is said by problem(), and no reading comes of it. `file` begins messages; `twin` gives
// limits and kinematics, and its robot must be commanded by joints. Throws Error(kBadInput) where
// the options do not fit the twin. Begin throws Error(kFailed) where nobody publishes the joints
// or, unless in its shadow, nobody subscribes to a command.
std::unique_ptr<Robot> OpenRos2Robot(const Ros2Options& options, const std::string& file,
                                     std::unique_ptr<Simulator> twin);

// Its cameras, read by a participant of their own and scaled to what the policy sees; the first
// pictures are awaited. Throws Error(kBadInput) where the policy sees other cameras.
RobotCamerasFactory Ros2Cameras(const Ros2Options& options, const std::string& file,
                                const PolicyInfo& policy);

}  // namespace understudy
