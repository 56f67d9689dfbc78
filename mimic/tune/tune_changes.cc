#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mimic/tune/tune.h"

namespace understudy {
namespace {

// Collects changes of one subtask, each from the task as it is.
class Changes {
 public:
  explicit Changes(const TaskSpec& task) : task_(task) {}

  // `edit` changes the subtask's field `name`.
  template <class Edit>
  void Try(size_t place, const std::string& name, const Edit& edit) {
    if (place >= task_.subtasks.size()) return;
    TuneChange change{"", task_};
    edit(change.task.subtasks[place]);
    const Json was = Setting(task_, place, name), is = Setting(change.task, place, name);
    if (is == was || !Validate(change.task).empty()) return;
    change.what = fmt::format("subtasks[{}].{}: {} -> {}", place, name, OneLine(was), OneLine(is));
    list_.push_back(std::move(change));
  }

  void Selection(size_t place, const understudy::Selection& selection) {
    Try(place, "selection", [&](Subtask& s) { s.selection = selection; });
  }
  void NearestRobot(size_t place) {
    NearestRobotSelection nearest;
    nearest.k = 1;
    Selection(place, nearest);
  }
  void NearestObject(size_t place, int k) {
    if (!HasObject(place)) return;
    NearestObjectSelection nearest;
    nearest.k = k;
    Selection(place, nearest);
  }
  void Speed(size_t place, double factor) {
    Try(place, "bridge_speed", [&](Subtask& s) {
      s.bridge_speed = std::clamp(Rounded(s.bridge_speed * factor), 0.004, 0.05);
    });
  }
  void Turn(size_t place, double factor) {
    Try(place, "bridge_turn", [&](Subtask& s) {
      s.bridge_turn = std::clamp(Rounded(s.bridge_turn * factor), 0.02, 0.5);
    });
  }
  // A planned way has no arch: it finds its own over what stands there.
  void Arch(size_t place, double metres) {
    if (Planned(place)) return;
    Try(place, "bridge_arch",
        [&](Subtask& s) { s.bridge_arch = std::clamp(Rounded(s.bridge_arch + metres), 0.0, 0.3); });
  }
  // Nothing but a planned way keeps it.
  void Margin(size_t place, double factor) {
    if (!Planned(place)) return;
    Try(place, "transit_margin", [&](Subtask& s) {
      s.transit_margin = std::clamp(Rounded(s.transit_margin * factor), 0.001, 0.05);
    });
  }
  // What is near an object; without one this does nothing.
  void Within(size_t place, double factor) {
    if (!HasObject(place)) return;
    Try(place, "replay_within", [&](Subtask& s) {
      s.replay_within = s.replay_within > 0 ? Rounded(s.replay_within * factor) : 0.12;
    });
  }
  void WholePath(size_t place) {
    if (!HasObject(place)) return;
    Try(place, "replay_within", [](Subtask& s) { s.replay_within = 0; });
  }
  void Held(size_t place) {
    Try(place, "replay", [](Subtask& s) { s.replay = Replayed::kHeld; });
  }
  void TurnHand(size_t place) {
    Try(place, "turn_hand", [](Subtask& s) { s.turn_hand = !s.turn_hand; });
  }
  // Where the segment ends after its signal; of one that ends at once there is no earlier end.
  void Offset(size_t place, double factor) {
    Try(place, "end_offset", [&](Subtask& s) {
      if (s.end_offset == std::array{0, 0}) {
        s.end_offset = {5, 10};
        return;
      }
      for (int& steps : s.end_offset) steps = static_cast<int>(std::lround(factor * steps));
    });
  }
  void Wait(size_t place, int steps) {
    Try(place, "arrival_timeout",
        [&](Subtask& s) { s.arrival_timeout = std::min(s.arrival_timeout + steps, 100); });
  }
  void Exact(size_t place) {
    Try(place, "arrival_tolerance", [](Subtask& s) {
      s.arrival_tolerance = std::max(Rounded(0.6 * s.arrival_tolerance), 0.004);
    });
  }

  std::vector<TuneChange> Take() { return std::move(list_); }

 private:
  static std::string OneLine(const Json& value) {
    std::string text = DumpYaml(Json::array({value}));
    return text.substr(2, text.size() - 3);  // behind its dash, before the line's end
  }
  static Json Setting(const TaskSpec& task, size_t place, const std::string& name) {
    return SubtasksFile(task.subtasks).at("subtasks").at(place).at(name);
  }
  bool HasObject(size_t place) const {
    return place < task_.subtasks.size() && !task_.subtasks[place].object.empty();
  }
  bool Planned(size_t place) const {
    return place < task_.subtasks.size() && task_.subtasks[place].transit == Transit::kPlan;
  }
  // settings are for people too
  static double Rounded(double value) { return std::round(1e4 * value) / 1e4; }

  const TaskSpec& task_;
  std::vector<TuneChange> list_;
};

// The hand is not where it should be in time.
void GoSlowerOrWait(Changes& changes, size_t i) {
  changes.Wait(i, 10);
  changes.Speed(i, 0.7);
  changes.Turn(i, 0.7);
  changes.Within(i, 1.5);
}

// The path itself does not suit: another source, another turn, another way.
void GoOtherwise(Changes& changes, size_t i) {
  changes.NearestRobot(i);
  changes.TurnHand(i);
  changes.NearestObject(i, 1);
  changes.Arch(i, 0.05);
  changes.Within(i, 0.7);
}

}  // namespace

std::vector<TuneChange> ChangesFor(const TaskSpec& task, FailureCause cause, size_t place) {
  Changes changes(task);
  // how it was grasped decides much of what follows; an arm's first subtask has none before it
  const size_t i = place;
  size_t grasp = task.subtasks.size();
  for (size_t j = 0; j < place; ++j) {
    if (ShareArm(task.subtasks[j], task.subtasks[place])) grasp = j;
  }
  switch (cause) {
    case FailureCause::kUnreachable:
    case FailureCause::kJointLimit:
      GoOtherwise(changes, i);
      GoSlowerOrWait(changes, i);
      GoOtherwise(changes, grasp);
      break;
    case FailureCause::kCollision:
      // no way is free, or what is touched lies beside it
      changes.Margin(i, 0.5);
      changes.Margin(i, 2);
      changes.Arch(i, 0.06);
      changes.Arch(i, 0.12);
      GoOtherwise(changes, i);
      GoOtherwise(changes, grasp);
      changes.WholePath(i);
      break;
    case FailureCause::kBridgeLate:
      changes.Speed(i, 0.7);
      changes.Turn(i, 0.7);
      GoOtherwise(changes, i);
      break;
    case FailureCause::kGraspMissed:
      changes.Exact(i);
      GoSlowerOrWait(changes, i);
      GoOtherwise(changes, i);
      changes.WholePath(i);
      changes.Offset(i, 1.5);
      break;
    case FailureCause::kDropped:
      changes.Speed(i, 0.7);
      changes.Turn(i, 0.7);
      changes.Arch(i, 0.06);
      changes.Margin(i, 2);
      changes.Held(i);
      changes.Exact(grasp);
      changes.NearestObject(grasp, 1);
      changes.Offset(grasp, 1.5);
      GoOtherwise(changes, i);
      break;
    case FailureCause::kMisplaced:
    case FailureCause::kSuccessLost:
      changes.Held(i);
      changes.Offset(grasp, 0.4);
      changes.Arch(i, 0.05);
      changes.Exact(i);
      GoSlowerOrWait(changes, i);
      GoOtherwise(changes, i);
      changes.NearestObject(grasp, 1);
      changes.Exact(grasp);
      changes.WholePath(i);
      break;
    case FailureCause::kTimeout:
      changes.Speed(i, 1.4);
      changes.Turn(i, 1.4);
      changes.Within(i, 0.7);
      changes.Speed(grasp, 1.4);
      changes.Within(grasp, 0.7);
      break;
    case FailureCause::kUnstablePhysics:
    case FailureCause::kRough:
      changes.Speed(i, 0.7);
      changes.Turn(i, 0.7);
      changes.Arch(i, 0.05);
      break;
  }
  return changes.Take();
}

}  // namespace understudy
