#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/seam/robot.h"

namespace understudy {

// A robot at the end of a wire (serve/robot_messages.h), whatever program speaks for it. `twin` is
// what it should be, and gives limits, kinematics and resolved commands; objects and signals are
// those that the robot knows. Requests go on a thread of their own; one that is lost is asked again
// until it is back. Throws Error(kFailed) where nobody answers, Error(kBadInput) where it is
// another robot.
std::unique_ptr<Robot> OpenWireRobot(const std::string& address, std::unique_ptr<Simulator> twin);

// Its cameras, asked by a connection of their own.
RobotCamerasFactory WireCameras(const std::string& address, std::vector<std::string> cameras,
                                int width, int height);

}  // namespace understudy
