#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/twin.h"
#include "core/seam/episode_source.h"
#include "core/seam/policy.h"
#include "core/seam/robot.h"
#include "serve/robots/recorded_robot.h"

namespace understudy {

// How a robot is reached, and what is known of it.
struct RobotLink {
  std::unique_ptr<EpisodeSource> recording;  // that the robot plays; null: none
  std::unique_ptr<Robot> robot;
  // Of what a policy sees, which is at least one camera. Throws Error(kBadInput) for others than
  // there are.
  std::function<RobotCamerasFactory(const PolicyInfo& policy)> cameras;
  bool harmless = false;   // nobody can be hurt: it moves without a dead-man input
  bool simulated = false;  // its states can be rendered, and starts follow from a seed
  const RecordedRobot* played = nullptr;  // `robot` where it is a recording
};

// `place`: "sim", the twin on this machine; "tcp://HOST:PORT", a robot that speaks our protocol
// (docs/deploy.md), as `understudy simulate` does; a YAML file that describes an arm of Feetech
// servos or, with `type: ros2`, a robot on ROS 2; a dataset, whose first episode is played. Throws
// Error that says what is wrong with it.
RobotLink OpenRobotLink(const std::string& place, const Twin& twin, const std::string& variant);

}  // namespace understudy
