#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/failure.h"
#include "mimic/attempt/stitch.h"

namespace understudy {

// A way that a planner is asked for.
struct TransitRequest {
  SimState state;     // the world, which stands still
  Eigen::VectorXd q;  // rad: where the arm stands in it
  int held = -1;      // place among SimulatorInfo::objects of what the hand holds; -1: nothing
  // The way leads to the first of these poses of E that is within reach and free, and from which a
  // straight recovery to the last one is. One pose: no recovery.
  std::vector<Pose> X_WE_goals;
  double margin = 0.01;  // m to keep from everything
  RngKey key;
};

// The way, or why there is none.
struct PlannedTransit {
  std::vector<Pose> X_WE;  // from where E stands to the goal; straight lines between
  int goal = 0;            // which of the goals
  std::optional<FailureCause> cause;
  std::string detail;
};

// Finds ways on which an arm, with what it holds, touches nothing. One per thread. The answer
// depends on the request only.
class TransitPlanner {
 public:
  virtual ~TransitPlanner() = default;
  PlannedTransit Plan(const TransitRequest& request) { return DoPlan(request); }

  // Whether the last goal can be reached and is free, and E can follow `X_WE_on` from there: what
  // selection prefers. Says nothing of a way to it.
  bool Suits(const TransitRequest& request, const std::vector<Pose>& X_WE_on) {
    return DoSuits(request, X_WE_on);
  }

 private:
  virtual PlannedTransit DoPlan(const TransitRequest& request) = 0;
  virtual bool DoSuits(const TransitRequest& request, const std::vector<Pose>& X_WE_on) = 0;
};

// Makes one planner per thread. Safe to call from any thread.
using TransitPlannerFactory = std::function<std::unique_ptr<TransitPlanner>()>;

// Whether any subtask asks for a planned transit.
bool NeedsPlanner(const TaskSpec& task);

// Poses of E beside `X_WE_first`, to begin a segment at: Subtask::start_shift and start_turn. Empty
// where they are 0.
std::vector<Pose> DrawStarts(const Pose& X_WE_first, const Subtask& subtask, int count, Rng& rng);

// Steps along `X_WE` at the speeds of `subtask`, at least its bridge_steps: targets of arm 0, the
// gripper as in `last`. The last one is the last pose, bit for bit. Requires two poses or more.
std::vector<Waypoint> FollowWay(const std::vector<Pose>& X_WE, const Subtask& subtask,
                                const Action& last);

// Takes the bridge out of `plan` and puts `way` there, as bridge, and then `recovery`, which is
// part of the segment.
void ReplaceBridge(std::vector<Waypoint> way, std::vector<Waypoint> recovery,
                   std::vector<Waypoint>* plan);

}  // namespace understudy
