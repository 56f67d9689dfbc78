#pragma once

#include <cstdint>
#include <vector>

#include "core/episode/episode.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/transform.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// One step of the plan of a subtask, for all arms.
struct Waypoint {
  Action target;  // absolute, not clipped, without noise
  std::vector<Pose>
      X_WE_arrived;  // where the source's arms were measured at this step, transformed:
                     // E has arrived when it is near this or near the target
  StepLabel label = StepLabel::kSegment;
  int32_t source_step = -1;  // row of the source; -1 on bridges
  bool led = false;          // a row of the source itself: its command is moved by feedback
};

// The way of a bridge between two poses: straight, or where `arch` (m) is not 0 up to that far
// above the higher end (world z), across and down. Turns evenly all the way, over the shorter arc.
class Bridge {
 public:
  Bridge(const Pose& from, const Pose& to, double arch);
  Pose At(double fraction) const;            // of the way's length, in [0, 1]; exact at the ends
  std::vector<Pose> corners() const;         // the ends, and between them where the way bends
  double length() const { return length_; }  // m

 private:
  Pose from_, to_;
  double rise_ = 0, across_ = 0, length_ = 0;  // m; rise_ < 0: straight
};

// Steps from `from` to `to` at the speeds of `subtask`, at least its bridge_steps and at least one.
int BridgeLength(const Pose& from, const Pose& to, const Subtask& subtask);

// Where the replay of rows [start, end) begins: the first row at which a hand of the source stands
// within `within` (m) of object `object` (place in SourceDemo::X_WO). `start` without an object,
// where `within` is 0, where no hand comes so near, and where a gripper turns before one does: what
// it did there is part of the skill. Of several arms those count that `arm` means (IsMeant).
int ReplayStart(const SourceDemo& source, int start, int end, int object, double within,
                int arm = kAllArms);

// Where the replay of rows [start, end) ends (exclusive): behind the first row at which a hand of
// the source has come `until` (m) away from where it was when its gripper last turned in these
// rows. `end` where `until` is 0, where no gripper turns, and where no hand comes so far. Of
// several arms those count that `arm` means.
int ReplayEnd(const SourceDemo& source, int start, int end, double until, int arm = kAllArms);

// The way from `last` (the last commanded target, or where the arms stand at the beginning) into
// and through rows [start, end) of `source`: first a bridge (Bridge) to where
// the source's arms *were* at row `start` (its commands are ahead of them), then its targets. On
// the bridge the gripper stays as last commanded. Arms that have no part in the subtask stay at
// `last` all the while. `X_SE`: our hands in the source's, per arm;
// empty: the same. Replaces the content of `plan`.
void PlanSubtask(const SourceDemo& source, int start, int end, const SegmentTransform& transform,
                 const std::vector<Pose>& X_SE, const Action& last, const Subtask& subtask,
                 std::vector<Waypoint>* plan);

}  // namespace understudy
