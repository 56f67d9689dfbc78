#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/seam/robot.h"

namespace understudy {

// A camera of an arm: a device that libavdevice reads.
struct CameraDevice {
  std::string device = "/dev/video0";
  std::string format = "v4l2";
  int width = 640, height = 480;
  int fps = 30;
  std::string pixels;
  template <class V>
  void Visit(V& v) {
    v("device", device, "as libavdevice takes it");
    v("format", format, "of libavdevice: v4l2 for cameras of Linux");
    v("width", width, "px", Limits{1, 8192});
    v("height", height, "px", Limits{1, 8192});
    v("fps", fps, "pictures per second", Limits{1, 1000});
    v("pixels", pixels, "input_format of v4l2, as mjpeg; empty: its own choice");
  }
};

// The file of an arm of Feetech servos (docs/deploy.md), as the SO-101's follower.
struct FeetechArmOptions {
  std::string port = "/dev/ttyACM0";
  int baud = 1'000'000;
  std::string calibration;
  std::vector<std::string> motors;
  std::string gripper = "gripper";
  std::vector<int> signs;
  std::vector<double> zero_deg;
  double gripper_open = 52;
  double gripper_closed = 0;
  std::array<double, 2> gripper_rad{-0.1745, 1.7453};
  bool release = false;
  std::map<std::string, CameraDevice> cameras;
  template <class V>
  void Visit(V& v) {
    v("port", port, "serial line");
    v("baud", baud, "bits per second");
    v("calibration", calibration, "JSON file that lerobot-calibrate wrote", kRequired);
    v("motors", motors,
      "of the joints, base to tip, as the calibration calls them; empty: as the "
      "robot calls its joints");
    v("gripper", gripper, "motor of the fingers");
    v("signs", signs, "1 or -1, of each joint; empty: 1");
    v("zero_deg", zero_deg,
      "deg of each joint, as LeRobot counts them, where the robot's is 0; "
      "empty: 0");
    v("gripper_open", gripper_open, "% of the calibrated range where the gripper counts as open",
      Limits{0, 100});
    v("gripper_closed", gripper_closed, "%, where as closed", Limits{0, 100});
    v("gripper_rad", gripper_rad, "finger joint at 0 and at 100 %", Limits{-10, 10});
    v("release", release, "switch the motors off at the end: the arm falls");
    v("cameras", cameras, "by the name that the policy calls them");
  }
};

// An arm of Feetech servos on a serial line. Motors are switched on where the arm is; at the end
// they hold, or are switched off (`release`). Its readings have no objects. `twin` gives limits and
// kinematics; its robot must be one arm commanded by joints. Throws Error(kUsage) for the line,
// Error(kBadInput) for a calibration that is not that of the servos or has other motors,
// Error(kFailed) where one does not answer.
std::unique_ptr<Robot> OpenFeetechArm(const FeetechArmOptions& options, const std::string& file,
                                      std::unique_ptr<Simulator> twin);

}  // namespace understudy
