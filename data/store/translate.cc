#include "data/store/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "data/store/foreign_parts.h"

namespace understudy {
namespace {

constexpr const char* kOnlyArm = "robot0";

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

// E is fixed in S and in H.
void Translation::ToOurFrame(Episode* episode) const {
  const auto from = [&](const char* key) { return episode->meta.settings.value(key, ""); };
  const bool observed = from("pose_from") == foreign::kFromObservations;
  const bool target_observed = observed && from("target_from") == "actions";
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

// a pose times the identity is that pose, but not in its last bits
Pose Translation::Control(const Pose& X_WE) const {
  return same_control_ ? X_WE : X_WE * robot_.X_SE.Inverse();
}

Pose Translation::Observed(const Pose& X_WE) const {
  return same_observed_ ? X_WE : X_WE * robot_.X_SE.Inverse() * robot_.X_SH;
}

}  // namespace understudy
