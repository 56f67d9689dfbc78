#pragma once

#include <string>
#include <vector>

#include "core/episode/episode.h"

namespace understudy {

// A stretch of a demonstration in which a hand seems to hold an object, inferred from poses and the
// gripper alone. Instants are rows, and the one after the last action.
struct InferredGrasp {
  int arm = 0, object = 0;  // places in the episode's lists
  int closes = 0;           // row whose command closes the gripper
  int first = 0;            // first instant at which both fingers are taken to touch the object
  int moves = -1;           // first instant at which it has moved along with the hand; -1: never
  int opens = -1;           // row whose command opens the gripper again; -1: none
  int end = 0;              // first instant at which the hand no longer holds it, or their number
  bool measured = false;    // `first` and `end` come from the opening of the fingers
  bool ambiguous = false;   // another object might be meant
  double confidence = 0;    // (0, 1)
};

// Every time that a gripper closes and something then moves rigidly with the hand, or, where the
// hand does not move before it opens again, something lies between the fingers. The instant of
// contact is the first at which the fingers slow down near, or stand at, the place where they stay
// while they are closed, and they let go where they met it; without measured fingers, contact is
// the instant at which the object has begun to move. In the order of `closes`.
std::vector<InferredGrasp> InferGrasps(const Episode& episode);

}  // namespace understudy
