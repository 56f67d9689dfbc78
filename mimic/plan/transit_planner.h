#pragma once

#include <memory>

#include "core/seam/kinematics.h"
#include "core/seam/state_validity.h"
#include "mimic/attempt/transit.h"

namespace understudy {

struct TransitPlannerOptions {
  // m around where a way begins and where the segment begins: what is nearer than the margin there,
  // as what a hand lets go of or is about to grasp, may be as near here
  double near_ends = 0.05;
  double line_step = 0.01;  // m between the postures of a straight line of E
  double line_turn = 0.05;  // rad, likewise
  double retreat = 0.10;    // m that the hand may back out of where it is in a straight line
  int postures = 12;        // random ones that inverse kinematics starts from, beside where it is
  int suit_postures = 3;    // likewise, where it is only asked whether a segment suits
  int tries = 3;            // goal postures that a way is looked for to, the nearest first
};

// The transit of SkillGen (Garrett et al., "SkillMimicGen", CoRL 2024) on `kinematics` and
// `validity` of one arm: postures that reach the goal by inverse kinematics from several starts,
// the nearest free one first. To it a straight way of E where that is free, else RRT-Connect in
// joint space, from where the arm is or where it backs out to. No posture: kUnreachable; none that
// is free, or no way: kCollision.
std::unique_ptr<TransitPlanner> MakeTransitPlanner(std::unique_ptr<Kinematics> kinematics,
                                                   std::unique_ptr<StateValidity> validity,
                                                   const TransitPlannerOptions& options = {});

}  // namespace understudy
