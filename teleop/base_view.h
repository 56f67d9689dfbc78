#pragma once

#include "core/episode/episode.h"
#include "teleop/frames.h"

namespace understudy {

// Where the operator stands in the scene, moved by the sticks: the left one ahead and to the sides,
// the right one up and down, and to the sides 22.5 degrees at a time, about the head (a
// turn that glides makes people sick). A value.
class BaseView {
 public:
  explicit BaseView(const OperatorPlacement& placement) : placement_(placement) {}

  // Takes one sample, in order of time; `held`: a hand moves an arm or is about to, so that the
  // view stays. Says whether the view has moved.
  bool Follow(const RawSample& sample, bool held);

  const OperatorPlacement& placement() const { return placement_; }

 private:
  OperatorPlacement placement_;
  int64_t last_ns_ = -1;
  bool turned_ = true;  // until the stick has been let go
};

}  // namespace understudy
