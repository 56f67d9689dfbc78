#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/carried.h"
#include "mimic/attempt/clearance.h"
#include "mimic/attempt/failure.h"
#include "mimic/attempt/selection.h"
#include "mimic/attempt/stitch.h"
#include "mimic/attempt/transit.h"
#include "mimic/attempt/watch.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// A subtask laid out: whose segment it is, and the steps of its arms.
struct SubtaskPlan {
  int source = -1;            // place in the SourceSet
  std::vector<Waypoint> way;  // first what leads there, then the segment
};

// Why a subtask cannot be done from here.
struct PlanProblem {
  FailureCause cause = FailureCause::kUnreachable;
  std::string detail;
};

// Lays out the subtasks of one attempt from where things are when each begins. All that it is made
// from must outlive it. One thread.
class SubtaskPlanner {
 public:
  // Draws where the segments of every source end. `reach_margin`: m beyond the robot's reach that a
  // segment may ask for. `transits` may be null where no subtask asks for a planned way.
  SubtaskPlanner(const SourceSet& sources, const TaskSpec& task, Simulator& simulator,
                 TransitPlanner* transits, double reach_margin, const RngKey& key);

  // Chooses the source of a subtask, carries its segment to where the object is and leads its arms
  // there from `last`, their last command. `first`: there was no command yet; the grippers of
  // `last` become as the source begins. `plan` names the source also where there is a problem.
  std::optional<PlanProblem> Plan(size_t subtask, const SubtaskWatch& watch, bool first,
                                  Action* last, SubtaskPlan* plan) const;

 private:
  const Observation& now() const { return simulator_.Observe(); }
  std::vector<Carried> WhatIsCarried(const SubtaskWatch& watch) const;
  std::vector<Neighbour> Neighbours(size_t subtask) const;
  // What open hands should keep clear of.
  struct Surroundings {
    std::vector<Neighbour> neighbours;
    std::vector<Box> parts;
  };
  std::vector<Box> PartsAround(size_t subtask, const std::vector<Carried>& carried) const;
  int BaseOf(const SourceDemo& demo, int object, int start, int end) const;
  Fit FitOf(size_t subtask, const SegmentRows& rows, const std::vector<Carried>& carried,
            const Surroundings& around) const;
  bool Suits(size_t subtask, const SegmentRows& rows, const std::vector<Carried>& carried) const;
  TransitRequest RequestFor(size_t subtask, std::vector<Pose> X_WE_goals,
                            const std::vector<Carried>& carried) const;
  std::optional<PlanProblem> LeadThere(size_t subtask, const std::vector<Carried>& carried,
                                       const Action& last, SubtaskPlan* plan) const;

  const SourceSet& sources_;
  const TaskSpec& task_;
  Simulator& simulator_;
  TransitPlanner* transits_;
  const double reach_margin_;  // m
  const RngKey key_;
  std::vector<double> radius_;          // m, per object
  std::vector<std::vector<int>> ends_;  // [source][subtask] with this attempt's offsets
};

}  // namespace understudy
