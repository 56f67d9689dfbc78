#include <algorithm>
#include <cmath>

#include "core/base/hash.h"
#include "tests/support/fake_simulator.h"

namespace understudy {
Pose GraspPose(const Pose& X_WO, const Pose& X_WE, double z) {
  const Eigen::Vector3d x_O = X_WO.rotation() * Eigen::Vector3d::UnitX();
  const Eigen::Vector3d x_E = X_WE.rotation() * Eigen::Vector3d::UnitX();
  double yaw = std::atan2(x_O.y(), x_O.x());
  const double now = std::atan2(x_E.y(), x_E.x());
  yaw -= std::round((yaw - now) / (M_PI / 2)) * (M_PI / 2);
  const Eigen::Vector3d p(X_WO.translation().x(), X_WO.translation().y(), z);
  return Pose(RotationExp({0, 0, yaw}) * Eigen::Quaterniond(0, 1, 0, 0), p);
}

void RecordStep(Simulator& simulator, const Action& command, Episode* episode) {
  const DeltaLimits& limits = simulator.info().limits;
  Step row;
  row.observation = simulator.Observe();
  row.state = simulator.Save();
  for (size_t i = 0; i < command.arms.size(); ++i) {
    const Pose& X_WE = row.observation.arms[i].X_WE;
    row.action.arms.push_back(ClipTarget(X_WE, command.arms[i], limits));
    row.delta.push_back(DeltaFromTarget(X_WE, row.action.arms[i], limits));
  }
  row.action_clean = row.action;
  simulator.Step(row.action);
  episode->steps.push_back(std::move(row));
}

Episode ScriptedStack(Simulator& simulator, const TaskSpec& task, const std::string& variant,
                      const RngKey& key, const StackScript& script) {
  const SimulatorInfo& info = simulator.info();
  const auto index = [&](size_t subtask) {
    const std::string& name = task.subtasks.at(subtask).object;
    return std::find(info.objects.begin(), info.objects.end(), name) - info.objects.begin();
  };
  const size_t a = index(0), b = index(1);

  Episode episode;
  EpisodeMeta& meta = episode.meta;
  meta = MetaOf(info, variant, key);
  meta.uuid = MakeUuid("scripted stack", key);
  meta.program_version = "test";
  simulator.Reset(variant, key);

  Action command;
  for (const ArmObservation& arm : simulator.Observe().arms) {
    command.arms.push_back({arm.X_WE, -1});
  }

  const auto step = [&] { RecordStep(simulator, command, &episode); };
  const auto go = [&](const Pose& X_WE_goal, double gripper, int settle) {
    ArmAction& arm = command.arms[0];
    const Pose X_WE_from = arm.X_WE_cmd;
    arm.gripper = gripper;
    const double distance = (X_WE_goal.translation() - X_WE_from.translation()).norm();
    const double angle = AngleBetween(X_WE_from.rotation(), X_WE_goal.rotation());
    const int count =
        std::max(1, static_cast<int>(std::ceil(std::max(distance / script.speed, angle / 0.15))));
    for (int i = 1; i <= count; ++i) {
      arm.X_WE_cmd = Interpolate(X_WE_from, X_WE_goal, static_cast<double>(i) / count);
      step();
    }
    for (int i = 0; i < settle; ++i) step();
  };
  const auto lifted = [](const Pose& X, double dz) {
    return Pose(X.rotation(), X.translation() + Eigen::Vector3d(0, 0, dz));
  };

  // above A, down, close, lift
  const Pose X_WA = simulator.Observe().X_WO[a];
  const Pose X_WE_grasp = GraspPose(X_WA, simulator.Observe().arms[0].X_WE, X_WA.translation().z());
  go(lifted(X_WE_grasp, script.above), -1, 0);
  go(X_WE_grasp, -1, script.settle);
  go(X_WE_grasp, 1, script.settle);
  go(lifted(X_WE_grasp, script.above), 1, 0);

  // above B with A in hand, down, open, up
  const Pose X_EA = simulator.Observe().arms[0].X_WE.Inverse() * simulator.Observe().X_WO[a];
  const Pose X_WB = simulator.Observe().X_WO[b];
  const double z = X_WB.translation().z() + script.half_b + script.half_a + script.release_gap;
  Pose X_WE_place = GraspPose(X_WB, simulator.Observe().arms[0].X_WE, z);
  const Eigen::Vector3d p_EA_W = X_WE_place.rotation() * X_EA.translation();
  X_WE_place = Pose(X_WE_place.rotation(), X_WE_place.translation() - p_EA_W);
  go(lifted(X_WE_place, script.above), 1, 0);
  go(X_WE_place, 1, script.settle);
  go(X_WE_place, -1, script.settle);
  go(lifted(X_WE_place, script.above), -1, script.settle);

  episode.final_state = simulator.Save();
  episode.final_observation = simulator.Observe();
  meta.success = episode.final_observation.success;
  if (!meta.success) meta.cause = "scripted stack failed";
  return episode;
}

}  // namespace understudy
