#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "serve/ros2/ros2_robot.h"
#include "sim/scene.h"
#include "tests/ros2/ros2_cell.h"

namespace understudy {

inline constexpr const char* kStart =
    "shoulder_pan=0.1,shoulder_lift=-0.1,elbow_flex=0.7,wrist_flex=0.9,wrist_roll=1.7,jaw=0.2";

inline std::unique_ptr<Simulator> TwinOf(const char* robot, const char* name = "stack") {
  const TaskSpec task = LoadTaskSpec(name, UNDERSTUDY_SOURCE_DIR "/sim/tasks");
  const RobotSpec spec = LoadRobotSpec(robot, UNDERSTUDY_SOURCE_DIR "/sim/robots");
  return MakeSimulator(Scene::Compile(task, spec));
}

// An SO-101 that a cell on ROS 2 has.
class Ros2RobotTest : public testing::Test {
 protected:
  Ros2RobotTest() {
    UseLoopback();
    options_.domain = OwnDomain();
    Ros2Arm& arm = options_.arms["robot0"];
    arm.command.topic = "/arm/trajectory";
    arm.gripper.joints = {"jaw"};
    arm.gripper.open = 1.2;
    options_.cameras["front"] = {"/front/image", 64, 48};
  }
  std::unique_ptr<Robot> Open() { return OpenRos2Robot(options_, "cell.yaml", TwinOf("so101")); }
  void StartCell() { cell_ = std::make_unique<Ros2Cell>(OwnDomain(), kStart, 5); }
  static void Sleep(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

  // trajectories, arrays, time from start, positions
  std::vector<double> Report() {
    std::istringstream in(cell_->Ask("report"));
    std::vector<double> numbers;
    for (double number; in >> number;) numbers.push_back(number);
    EXPECT_EQ(numbers.size(), 9u);
    numbers.resize(9);
    return numbers;
  }
  // Readings for `ms`.
  static int Readings(Robot& robot, RobotReading* reading, int ms) {
    int count = 0;
    for (int i = 0; i < ms / 10; ++i) {
      count += robot.Read(reading);
      Sleep(10);
    }
    return count;
  }
  // What robot.problem() says when none has come for a while.
  std::string Silence(Robot& robot, RobotReading* reading) {
    Sleep(300);
    robot.Read(reading);
    EXPECT_EQ(Readings(robot, reading, 200), 0);
    return robot.problem();
  }

  Ros2Options options_;
  std::unique_ptr<Ros2Cell> cell_;
};

}  // namespace understudy
