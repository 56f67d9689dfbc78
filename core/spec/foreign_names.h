#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"

namespace understudy {

// Families of foreign files that share their names and frames; keys of the `foreign` sections of
// task.yaml and robot.yaml.
inline constexpr const char* kRobosuiteFamily = "robosuite";  // with robomimic and MimicGen
inline constexpr const char* kIsaacLabFamily = "isaaclab";

// What another family of programs calls a task and what is in it.
struct ForeignTask {
  std::vector<std::string> names;  // of its environments, for reading
  std::map<std::string, std::string> variants;
  std::string interface;
  std::map<std::string, std::string> objects;
  std::map<std::string, std::string> signals;
  std::map<std::string, Pose> frames;
  // robosuite: where the seven numbers of our object's pose begin in obs/object
  std::map<std::string, int> observed;
  template <class V>
  void Visit(V& v) {
    v("names", names, "of the environments; the first is written where no variant fits");
    v("variants", variants, "our variant to the environment that is written");
    v("interface", interface, "MimicGen's env_interface_name");
    v("objects", objects, "our name to theirs, where they differ");
    v("signals", signals, "our name to theirs, where they differ");
    v("frames", frames, "our object's frame in theirs, where they differ");
    v("observed", observed,
      "where the pose of our object begins in obs/object (position, quaternion xyzw), for files "
      "that name no objects",
      Limits{0, 1e6});
  }
};

// What another family calls a robot, and where it measures its hand. S is their control frame.
struct ForeignRobot {
  std::vector<std::string> names;  // of the robot (robosuite) or of the end effector (Isaac Lab)
  Pose X_SE;                       // our control frame E in S
  Pose X_SH;  // frame H that their observations give, in S: robosuite observes the place of its
              // site with the axes of a body
  template <class V>
  void Visit(V& v) {
    v("names", names, "of the robot, or of its end effector");
    v("control_frame", X_SE, "our control frame in theirs");
    v("observed_frame", X_SH, "the frame that they observe, in their control frame");
  }
};

}  // namespace understudy
