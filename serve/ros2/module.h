#pragma once

// Robots on ROS 2 as a module (core/base/module.h): Cyclone DDS is opened when one is driven.

#include <memory>
#include <string>

#include "core/base/module.h"
#include "core/seam/policy.h"
#include "core/seam/robot.h"
#include "serve/ros2/ros2_options.h"

namespace understudy {

struct Ros2Module {
  static constexpr ModuleName kName{"ros2", "Cyclone DDS", "robots on ROS 2", "WITH_DDS"};
  // As OpenRos2Robot and Ros2Cameras in ros2_robot.h, and CycloneVersion in dds_node.h.
  std::unique_ptr<Robot> (*open_robot)(const Ros2Options& options, const std::string& file,
                                       std::unique_ptr<Simulator> twin) = nullptr;
  RobotCamerasFactory (*cameras)(const Ros2Options& options, const std::string& file,
                                 const PolicyInfo& policy) = nullptr;
  std::string (*version)() = nullptr;
};

}  // namespace understudy
