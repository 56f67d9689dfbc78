#include "mimic/attempt/subtask_planner.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/names.h"
#include "mimic/attempt/part_motion.h"
#include "mimic/sources/segmentation.h"

namespace understudy {
namespace {

// starts beside a segment's first pose that a planner may choose from
constexpr int kTransitStarts = 10;
// every so manieth row of a segment is looked at where a planner is asked whether it suits
constexpr int kSuitStride = 4;
constexpr double kFreeGap = 0.003;  // m between hand and parts that noise leaves free
constexpr double kGrazes = 0.008;   // m inside a part that may still go well
constexpr double kRests = 0.002, kRestsAngle = 0.01;  // m, rad

}  // namespace

SubtaskPlanner::SubtaskPlanner(const SourceSet& sources, const TaskSpec& task, Simulator& simulator,
                               TransitPlanner* transits, double reach_margin, const RngKey& key)
    : sources_(sources),
      task_(task),
      simulator_(simulator),
      transits_(transits),
      reach_margin_(reach_margin),
      key_(key) {
  for (const std::string& object : simulator.info().objects) {
    radius_.push_back(task.objects.at(object).radius);
  }
  Rng offsets(key.WithTerm("offsets"));
  for (const SourceDemo& demo : sources.demos()) {
    ends_.push_back(DrawEnds(demo.offsets, demo.ends, offsets));
  }
}

// What the hands hold from earlier subtasks.
std::vector<Carried> SubtaskPlanner::WhatIsCarried(const SubtaskWatch& watch) const {
  const std::vector<std::string>& objects = simulator_.info().objects;
  std::vector<Carried> carried(now().arms.size());
  for (size_t i = 0; i < carried.size(); ++i) {
    carried[i].object = IndexOf(objects, watch.held_by(i));
    if (carried[i].object < 0) continue;
    carried[i].symmetry = task_.objects.at(objects[carried[i].object]).symmetry;
    carried[i].X_EH = now().arms[i].X_WE.Inverse() * now().X_WO[carried[i].object];
  }
  return carried;
}

// All objects but that of the subtask and what it hangs together with.
std::vector<Neighbour> SubtaskPlanner::Neighbours(size_t subtask) const {
  std::vector<Neighbour> neighbours;
  for (size_t o = 0; o < radius_.size(); ++o) {
    const int own = sources_.subtask_objects()[subtask];
    if (own >= 0 && simulator_.info().HangTogether(o, static_cast<size_t>(own))) continue;
    neighbours.push_back({now().X_WO[o].translation(), radius_[o]});
  }
  return neighbours;
}

// The shapes of what has joints of its own, but of what the subtask's object hangs together with
// and of what is carried.
std::vector<Box> SubtaskPlanner::PartsAround(size_t subtask,
                                             const std::vector<Carried>& carried) const {
  std::vector<int> own{sources_.subtask_objects()[subtask]};
  for (const Carried& hand : carried) own.push_back(hand.object);
  const std::vector<int>& trees = simulator_.info().object_trees;
  std::vector<Box> boxes;
  for (const PartShape& part : simulator_.Parts()) {
    const bool is_own = std::any_of(own.begin(), own.end(), [&](int object) {
      return object >= 0 && trees.at(static_cast<size_t>(object)) == part.tree;
    });
    if (!is_own) boxes.push_back(part.box);
  }
  return boxes;
}

// What `object` hangs from, where it is a part and that is an object too, which rests in the rows;
// else -1.
int SubtaskPlanner::BaseOf(const SourceDemo& demo, int object, int start, int end) const {
  for (size_t o = 0; o < demo.X_WO.size(); ++o) {
    const bool other = static_cast<int>(o) != object;
    if (!other || !simulator_.info().HangTogether(o, static_cast<size_t>(object))) continue;
    const Pose moved = demo.X_WO[o][start].Inverse() * demo.X_WO[o][end - 1];
    if (moved.translation().norm() < kRests &&
        AngleBetween(moved.rotation(), Eigen::Quaterniond::Identity()) < kRestsAngle) {
      return static_cast<int>(o);
    }
  }
  return -1;
}

// How rows of a demonstration, carried along, suit the arms and what stands around them.
Fit SubtaskPlanner::FitOf(size_t subtask, const SegmentRows& rows,
                          const std::vector<Carried>& carried, const Surroundings& around) const {
  if (!WithinReach(rows, simulator_.info()) || !Suits(subtask, rows, carried)) {
    return Fit::kOutOfReach;
  }
  const double gap = HandGap(rows, carried, simulator_.info().open_hand_E, around.parts);
  if (gap < kFreeGap) return gap < -kGrazes ? Fit::kMeetsPart : Fit::kGrazesPart;
  return FingersStayFree(rows, carried, simulator_.info().open_fingers_E, around.neighbours)
             ? Fit::kFree
             : Fit::kMeetsObject;
}

// Where transits are planned: whether these rows can be begun without touching, and followed.
bool SubtaskPlanner::Suits(size_t subtask, const SegmentRows& rows,
                           const std::vector<Carried>& carried) const {
  if (task_.subtasks[subtask].transit != Transit::kPlan) return true;
  Require(transits_ != nullptr, "a subtask with transit = plan comes with a planner");
  std::vector<Pose> X_WE_on;
  for (int t = rows.start; t < rows.end; t += kSuitStride) X_WE_on.push_back(rows.X_WE(0, t));
  return transits_->Suits(RequestFor(subtask, {X_WE_on.front()}, carried), X_WE_on);
}

TransitRequest SubtaskPlanner::RequestFor(size_t subtask, std::vector<Pose> X_WE_goals,
                                          const std::vector<Carried>& carried) const {
  TransitRequest request;
  request.state = simulator_.Save();
  request.q = now().arms[0].joint_q;
  request.held = carried[0].object;
  request.X_WE_goals = std::move(X_WE_goals);
  request.margin = task_.subtasks[subtask].transit_margin;
  request.key = key_.WithTerm(fmt::format("transit {}", subtask));
  return request;
}

std::optional<PlanProblem> SubtaskPlanner::Plan(size_t index, const SubtaskWatch& watch, bool first,
                                                Action* last, SubtaskPlan* plan) const {
  const Subtask& subtask = task_.subtasks[index];
  const int object = sources_.subtask_objects()[index];

  // compare where things were in each source with where they are now
  SelectionScene scene;
  scene.has_object = object >= 0;
  if (scene.has_object) {
    scene.X_WO = now().X_WO[object];
    scene.symmetry = task_.objects.at(subtask.object).symmetry;
  }
  for (const ArmAction& arm : last->arms) scene.X_WE.push_back(arm.X_WE_cmd);
  scene.arm = subtask.arm;
  const std::vector<Carried> carried = WhatIsCarried(watch);
  if (subtask.turn_hand) {
    for (const Carried& hand : carried) {
      scene.hand_symmetry.push_back(hand.object < 0 ? simulator_.info().gripper_symmetry : 1);
    }
  }
  std::vector<Candidate> candidates(sources_.demos().size());
  std::vector<int> starts(candidates.size()), ends(candidates.size());  // of what is replayed
  for (size_t d = 0; d < candidates.size(); ++d) {
    const SourceDemo& demo = sources_.demos()[d];
    starts[d] = ReplayStart(demo, StartOf(task_, ends_[d], index), ends_[d][index], object,
                            subtask.replay_within, subtask.arm);
    ends[d] = ReplayEnd(demo, starts[d], ends_[d][index], subtask.replay_until, subtask.arm);
    if (scene.has_object) candidates[d].X_WO = demo.X_WO[object][starts[d]];
    for (const SourceDemo::Arm& arm : demo.arms) candidates[d].X_WE.push_back(arm.X_WE[starts[d]]);
    if (subtask.replay == Replayed::kHeld) {
      candidates[d].X_SE = HandChanges(carried, demo, starts[d]);
    }
  }
  const auto transform_of = [&](size_t d, double turn) {
    return scene.has_object ? SegmentTransform(scene.X_WO, candidates[d].X_WO, turn)
                            : SegmentTransform();
  };
  scene.weights = sources_.weights(index);
  const Surroundings around{Neighbours(index), PartsAround(index, carried)};
  scene.fit = [&](size_t d, double turn, const std::vector<double>& hand_turns) {
    return FitOf(index,
                 {sources_.demos()[d], starts[d], ends[d], transform_of(d, turn),
                  Turned(candidates[d].X_SE, hand_turns), subtask.arm},
                 carried, around);
  };
  Rng rng(key_.WithTerm(fmt::format("select {}", index)));
  const Choice choice = SelectSource(subtask.selection, candidates, scene, rng);
  plan->source = choice.source;

  const SourceDemo& demo = sources_.demos()[choice.source];
  const int start = starts[choice.source];
  for (size_t i = 0; first && i < last->arms.size(); ++i) {
    // who has no part in the first subtasks goes by the first of all
    if (index == 0 || IsMeant(subtask.arm, i)) last->arms[i].gripper = demo.arms[i].gripper[start];
  }
  SegmentTransform transform = transform_of(choice.source, choice.turn);
  if (scene.has_object && choice.turn == 0) {
    const int base = BaseOf(demo, object, start, ends[choice.source]);
    transform.LeadRows(start, LeadPart(demo, start, ends[choice.source], object, base, scene.X_WO,
                                       base < 0 ? Pose() : now().X_WO[base]));
  }
  const std::vector<Pose> X_SE = Turned(candidates[choice.source].X_SE, choice.hand_turns);
  PlanSubtask(demo, start, ends[choice.source], transform, X_SE, *last, subtask, &plan->way);

  // where the source's arms were must be within reach
  const SimulatorInfo& info = simulator_.info();
  for (const Waypoint& waypoint : plan->way) {
    if (waypoint.label != StepLabel::kSegment) continue;
    for (size_t i = 0; i < last->arms.size(); ++i) {
      const Eigen::Vector3d& p_WE = waypoint.X_WE_arrived[i].translation();
      if (!IsMeant(subtask.arm, i) || info.Reaches(p_WE, reach_margin_, i)) continue;
      return PlanProblem{
          FailureCause::kUnreachable,
          fmt::format("the segment of {} leads {:.3f} m from the base of {}; it reaches {:.3f} m",
                      demo.name, (p_WE - info.base(i).translation()).norm(), info.arms[i],
                      info.workspace_radius)};
    }
  }
  return LeadThere(index, carried, *last, plan);
}

// Where the subtask asks for it, a planned way instead of the bridge, or one that leads beside the
// segment's first pose and a recovery from there.
std::optional<PlanProblem> SubtaskPlanner::LeadThere(size_t index,
                                                     const std::vector<Carried>& carried,
                                                     const Action& last, SubtaskPlan* plan) const {
  const Subtask& subtask = task_.subtasks[index];
  const bool planned = subtask.transit == Transit::kPlan;
  const bool beside = subtask.start_shift > 0 || subtask.start_turn > 0;
  if (!planned && !beside) return std::nullopt;
  Require(last.arms.size() == 1, "ways are planned, and starts moved, for one arm");
  const auto first = std::find_if(plan->way.begin(), plan->way.end(), [](const Waypoint& waypoint) {
    return waypoint.label == StepLabel::kSegment;
  });
  const Pose X_WE_first = first->X_WE_arrived[0];
  Rng rng(key_.WithTerm(fmt::format("start {}", index)));
  std::vector<Pose> starts = DrawStarts(X_WE_first, subtask, planned ? kTransitStarts : 1, rng);

  std::vector<Pose> way;
  if (!planned) {
    // the bridge leads to the first draw, wherever that is
    way = Bridge(last.arms[0].X_WE_cmd, starts[0], subtask.bridge_arch).corners();
  } else {
    starts.push_back(X_WE_first);
    PlannedTransit found = transits_->Plan(RequestFor(index, std::move(starts), carried));
    if (found.cause) return PlanProblem{*found.cause, found.detail};
    way = std::move(found.X_WE);
  }
  std::vector<Waypoint> recovery;
  if (beside) recovery = FollowWay({way.back(), X_WE_first}, subtask, last);
  ReplaceBridge(FollowWay(way, subtask, last), std::move(recovery), &plan->way);
  return std::nullopt;
}

}  // namespace understudy
