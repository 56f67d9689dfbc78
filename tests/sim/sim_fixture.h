#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "sim/mujoco_guard.h"
#include "sim/scene.h"

namespace understudy {

inline const std::filesystem::path kTaskRoot = UNDERSTUDY_SOURCE_DIR "/sim/tasks";
inline const std::filesystem::path kRobotRoot = UNDERSTUDY_SOURCE_DIR "/sim/robots";

inline std::shared_ptr<const Scene> CompileTask(const TaskSpec& task) {
  return Scene::Compile(task, LoadRobotSpec(task.robot, kRobotRoot));
}

// Compiled once per test program.
inline std::shared_ptr<const Scene> StackScene() {
  static const std::shared_ptr<const Scene> scene = CompileTask(LoadTaskSpec("stack", kTaskRoot));
  return scene;
}

// Every task that the program lists.
inline std::vector<std::string> ListedTasks() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTaskRoot)) {
    if (std::filesystem::exists(entry.path() / "task.yaml")) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Any warning of MuJoCo that a test did not take itself fails it.
class SimTest : public testing::Test {
 protected:
  void SetUp() override { warnings_ = MujocoWarningCount(); }
  void TearDown() override {
    EXPECT_EQ(MujocoWarningCount(), warnings_)
        << "MuJoCo warned: " << testing::PrintToString(TakeMujocoWarnings());
  }
  void ExpectWarnings() { warnings_ = MujocoWarningCount(); }

 private:
  int64_t warnings_ = 0;
};

// Whether a signal of the simulator's task holds now; fails the test where there is none such.
inline bool SignalOf(const Simulator& simulator, const std::string& name) {
  const auto& names = simulator.info().signals;
  const auto found = std::find(names.begin(), names.end(), name);
  EXPECT_NE(found, names.end()) << name;
  return found != names.end() && simulator.Observe().signals[size_t(found - names.begin())] != 0;
}

inline Action OneArm(const Pose& X_WE_cmd, double gripper) { return {{{X_WE_cmd, gripper}}}; }

// The fingers point down and close along the horizontal direction at `yaw` from world x.
inline Pose FingersDown(double yaw, const Eigen::Vector3d& p_WE) {
  const Eigen::Quaterniond q_WE =
      Eigen::Quaterniond(Eigen::AngleAxisd(yaw, Eigen::Vector3d::UnitZ())) *
      Eigen::Quaterniond(0, 1, 0, 0);
  return Pose(q_WE, p_WE);
}

// Straight lines through E's targets with a bounded step, as a careful operator would ask for.
class Script {
 public:
  explicit Script(Simulator& simulator)
      : simulator_(simulator), X_WE_cmd_(simulator.Observe().arms[0].X_WE) {}

  void MoveTo(const Pose& X_WE, double gripper, double step = 0.02, double turn = 0.1) {
    const double distance = (X_WE.translation() - X_WE_cmd_.translation()).norm();
    const double angle = AngleBetween(X_WE.rotation(), X_WE_cmd_.rotation());
    const int steps = 1 + static_cast<int>(std::max(distance / step, angle / turn));
    const Pose X_WE_start = X_WE_cmd_;
    for (int i = 1; i <= steps; ++i) {
      X_WE_cmd_ = Interpolate(X_WE_start, X_WE, double(i) / steps);
      Do(gripper);
    }
  }
  void Wait(double gripper, int steps) {
    for (int i = 0; i < steps; ++i) Do(gripper);
  }

  int steps = 0, collisions = 0, joint_limits = 0, unstable = 0;
  StepOutcome last;

 private:
  void Do(double gripper) {
    const StepOutcome outcome = simulator_.Step(OneArm(X_WE_cmd_, gripper));
    last = outcome;
    ++steps;
    collisions += outcome.collision;
    joint_limits += outcome.joint_limit;
    unstable += outcome.unstable;
  }

  Simulator& simulator_;
  Pose X_WE_cmd_;
};

// Yaw of a grasp of a cube: the face nearest to how the hand stands now.
inline double GraspYaw(const Pose& X_WO, const Pose& X_WE) {
  const Eigen::Vector3d x_O = X_WO.rotation() * Eigen::Vector3d::UnitX();
  const Eigen::Vector3d x_E = X_WE.rotation() * Eigen::Vector3d::UnitX();
  const double turn = std::atan2(x_O.y(), x_O.x()) - std::atan2(x_E.y(), x_E.x());
  const double quarter = std::acos(-1.0) / 2;
  return std::atan2(x_E.y(), x_E.x()) + turn - quarter * std::round(turn / quarter);
}

// Picks up cube A where it lies and holds it 0.12 m above the table.
inline void PickCubeA(Simulator& simulator, Script& script) {
  const Observation start = simulator.Observe();
  const Eigen::Vector3d p_WA = start.X_WO[0].translation();
  const double yaw = GraspYaw(start.X_WO[0], start.arms[0].X_WE);
  script.MoveTo(FingersDown(yaw, p_WA + Eigen::Vector3d(0, 0, 0.1)), -1);
  script.MoveTo(FingersDown(yaw, p_WA), -1, 0.01);
  script.Wait(-1, 6);
  script.Wait(1, 10);
  script.MoveTo(FingersDown(yaw, p_WA + Eigen::Vector3d(0, 0, 0.12)), 1, 0.01);
  script.Wait(1, 6);
}

// Puts the held cube A on cube B, lets go and moves away.
inline void PlaceOnCubeB(Simulator& simulator, Script& script) {
  const Observation held = simulator.Observe();
  // what matters is where the cube is, not where the fingers are
  const Pose X_AE = held.X_WO[0].Inverse() * held.arms[0].X_WE;
  const auto target = [&](double height) {
    Eigen::Vector3d p_WA = held.X_WO[1].translation();
    p_WA.z() += height;
    return Pose(held.X_WO[0].rotation(), p_WA) * X_AE;
  };
  script.MoveTo(target(0.12), 1);
  script.MoveTo(target(0.048), 1, 0.01);
  script.Wait(1, 6);
  script.Wait(-1, 10);
  script.MoveTo(target(0.15), -1);
}

}  // namespace understudy
