#include "data/formats/base/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/base/error.h"
#include "core/episode/episode.h"

namespace understudy {
namespace {

constexpr const char* kOnlyArm = "robot0";
constexpr size_t kPoseNumbers = 7;  // position, quaternion xyzw
constexpr double kUnit = 1e-3;      // of a quaternion in single precision, and to spare

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string OurName(const std::map<std::string, std::string>& names, const std::string& theirs) {
  for (const auto& [ours, other] : names) {
    if (other == theirs) return ours;
  }
  return theirs;
}

std::string TheirName(const std::map<std::string, std::string>& names, const std::string& ours) {
  const auto found = names.find(ours);
  return found == names.end() ? ours : found->second;
}

// Renames in place and returns the order that brings the names into ours; others come last.
std::vector<size_t> Rename(const std::map<std::string, std::string>& names,
                           const std::vector<std::string>& order, std::vector<std::string>* list) {
  std::vector<size_t> places(list->size());
  std::iota(places.begin(), places.end(), size_t{0});
  for (std::string& name : *list) name = OurName(names, name);
  const auto rank = [&](size_t i) {
    return std::find(order.begin(), order.end(), (*list)[i]) - order.begin();
  };
  std::stable_sort(places.begin(), places.end(),
                   [&](size_t a, size_t b) { return rank(a) < rank(b); });
  std::vector<std::string> sorted;
  for (const size_t place : places) sorted.push_back((*list)[place]);
  *list = std::move(sorted);
  return places;
}

// Rows that do not have an entry per name stay as they are.
template <class T>
void Reorder(const std::vector<size_t>& places, std::vector<T>* values) {
  if (values->size() != places.size()) return;
  std::vector<T> sorted;
  for (const size_t place : places) sorted.push_back((*values)[place]);
  *values = std::move(sorted);
}

}  // namespace

Translation::Translation(const std::string& family, const TaskSpec* task, const RobotSpec* robot)
    : isaaclab_(family == kIsaacLabFamily) {
  if (task != nullptr) {
    has_task_ = true;
    our_task_ = task->name;
    instruction_ = task->instruction;
    our_objects_ = task->object_names();
    our_signals_ = task->signal_names();
    if (const auto found = task->foreign.find(family); found != task->foreign.end()) {
      task_ = found->second;
    }
  }
  if (robot != nullptr) {
    has_robot_ = true;
    our_robot_ = robot->name;
    osc_ = robot->osc;
    if (const auto found = robot->foreign.find(family); found != robot->foreign.end()) {
      robot_ = found->second;
    }
  }
  same_control_ = robot_.X_SE == Pose();
  same_observed_ = robot_.X_SH == robot_.X_SE;
}

bool Translation::KnowsTask(const std::string& name) const {
  return has_task_ && (name == our_task_ || Contains(task_.names, name));
}

Translation::Owner Translation::OwnerOf(const std::vector<std::string>& arms,
                                        const std::string& robot) const {
  if (!has_robot_) return Owner::kNobody;
  // Isaac Lab's files name the end effector, not the robot
  const std::string name = !isaaclab_ ? robot : arms.size() == 1 ? arms[0] : "";
  if (Contains(robot_.names, name)) return Owner::kThem;
  return name == our_robot_ || (isaaclab_ && name == kOnlyArm) ? Owner::kUs : Owner::kNobody;
}

void Translation::ToOurs(DatasetHeader* header) const {
  SimulatorInfo& info = header->simulator;
  if (KnowsTask(info.task)) {
    info.task = our_task_;
    Rename(task_.objects, our_objects_, &info.objects);
    Rename(task_.signals, our_signals_, &info.signals);
    if (info.objects.empty()) {
      info.objects = ObservedIn(header->settings.value(foreign::kUnnamedObjects, size_t{0}));
    }
    if (info.instruction.empty()) info.instruction = instruction_;
  }
  if (OwnerOf(info.arms, info.robot) == Owner::kNobody) return;
  info.robot = our_robot_;
  if (isaaclab_) {
    info.arms = {kOnlyArm};
    info.limits = limits();
  }
}

void Translation::ToOurs(Episode* episode) const {
  EpisodeMeta& meta = episode->meta;
  if (KnowsTask(meta.task)) {
    const bool their_task = Contains(task_.names, meta.task);
    if (const std::string variant = OurName(task_.variants, meta.task); variant != meta.task) {
      meta.variant = variant;
    }
    meta.task = our_task_;
    const std::vector<size_t> objects = Rename(task_.objects, our_objects_, &meta.objects),
                              signals = Rename(task_.signals, our_signals_, &meta.signals);
    const auto reorder = [&](Observation& o) {
      Reorder(objects, &o.X_WO);
      Reorder(signals, &o.signals);
    };
    for (Step& step : episode->steps) reorder(step.observation);
    reorder(episode->final_observation);
    NameObjects(episode);
    if (their_task) ToOurObjectFrames(episode);
    if (meta.instruction.empty()) meta.instruction = instruction_;
  }
  const Owner owner = OwnerOf(meta.arms, meta.robot);
  if (owner == Owner::kNobody) return;
  meta.robot = our_robot_;
  if (isaaclab_) {
    meta.arms = {kOnlyArm};
    meta.limits = limits();
  }
  if (owner == Owner::kThem) ToOurFrame(episode);
  // what a file without limits calls its deltas cannot stand
  if (owner == Owner::kUs && !isaaclab_) return;
  for (Step& step : episode->steps) {
    for (size_t a = 0; a < std::min(step.delta.size(), step.action.arms.size()); ++a) {
      if (a >= step.observation.arms.size()) break;
      step.delta[a] =
          DeltaFromTarget(step.observation.arms[a].X_WE, step.action.arms[a], meta.limits);
    }
  }
}

std::vector<std::string> Translation::ObservedIn(size_t numbers) const {
  std::vector<std::string> names;
  for (const std::string& object : our_objects_) {
    const auto found = task_.observed.find(object);
    if (found == task_.observed.end()) continue;
    if (static_cast<size_t>(found->second) + kPoseNumbers <= numbers) names.push_back(object);
  }
  return names;
}

void Translation::NameObjects(Episode* episode) const {
  const UnnamedObjects unnamed = std::exchange(episode->unnamed_objects, {});
  if (unnamed.numbers.empty() || !episode->meta.objects.empty()) return;
  Require(unnamed.numbers.size() == episode->length() * unnamed.width, "objects in every row");
  episode->meta.objects = ObservedIn(unnamed.width);
  for (const std::string& object : episode->meta.objects) {
    const auto first = static_cast<size_t>(task_.observed.at(object));
    for (size_t k = 0; k < episode->length(); ++k) {
      const double* v = unnamed.numbers.data() + k * unnamed.width + first;
      const Eigen::Vector3d p_WO(v[0], v[1], v[2]);
      const Eigen::Quaterniond q_WO(v[6], v[3], v[4], v[5]);
      if (!p_WO.allFinite() || !(std::abs(q_WO.norm() - 1) < kUnit)) {
        ThrowBadInput(fmt::format(
            "{}[{}]: its numbers from {} on are no pose of {} (position, quaternion xyzw): "
            "`observed` in the `foreign` section of the task.yaml says where that stands",
            unnamed.place, k, first, object));
      }
      episode->steps[k].observation.X_WO.push_back(Pose(q_WO, p_WO));
    }
  }
}

void Translation::ToOurObjectFrames(Episode* episode) const {
  for (size_t o = 0; o < episode->meta.objects.size(); ++o) {
    const auto found = task_.frames.find(episode->meta.objects[o]);
    if (found == task_.frames.end()) continue;
    const auto move = [&](Observation& observation) {
      if (o < observation.X_WO.size()) observation.X_WO[o] = observation.X_WO[o] * found->second;
    };
    for (Step& step : episode->steps) move(step.observation);
    move(episode->final_observation);
  }
}

// E is fixed in S and in H.
void Translation::ToOurFrame(Episode* episode) const {
  const auto from = [&](const char* key) { return episode->meta.settings.value(key, ""); };
  if (from("pose_from") == foreign::kFromJoints) return;
  const bool observed = from("pose_from") == foreign::kFromObservations;
  const bool target_observed = observed && from("target_from") == foreign::kFromActions;
  const Pose X_HE = robot_.X_SH.Inverse() * robot_.X_SE;
  const auto place = [&](Observation& o) {
    for (ArmObservation& arm : o.arms) arm.X_WE = arm.X_WE * (observed ? X_HE : robot_.X_SE);
  };
  for (Step& step : episode->steps) {
    place(step.observation);
    for (size_t a = 0; a < step.action.arms.size(); ++a) {
      Pose& X_WE_cmd = step.action.arms[a].X_WE_cmd;
      X_WE_cmd = X_WE_cmd * (target_observed ? X_HE : robot_.X_SE);
    }
    step.action_clean = step.action;
  }
  place(episode->final_observation);
}

std::string Translation::TaskName(const std::string& variant) const {
  if (const auto found = task_.variants.find(variant); found != task_.variants.end()) {
    return found->second;
  }
  return task_.names.empty() ? "" : task_.names[0];
}

std::string Translation::RobotName() const { return robot_.names.empty() ? "" : robot_.names[0]; }

std::string Translation::ObjectName(const std::string& ours) const {
  return TheirName(task_.objects, ours);
}

std::string Translation::SignalName(const std::string& ours) const {
  return TheirName(task_.signals, ours);
}

Pose Translation::Object(const std::string& ours, const Pose& X_WO) const {
  const auto found = task_.frames.find(ours);
  return found == task_.frames.end() ? X_WO : X_WO * found->second.Inverse();
}

// a pose times the identity is that pose, but not in its last bits
Pose Translation::Control(const Pose& X_WE) const {
  return same_control_ ? X_WE : X_WE * robot_.X_SE.Inverse();
}

Pose Translation::Observed(const Pose& X_WE) const {
  return same_observed_ ? X_WE : X_WE * robot_.X_SE.Inverse() * robot_.X_SH;
}

}  // namespace understudy
