#pragma once

#include <functional>
#include <vector>

#include "core/base/rng.h"
#include "core/geometry/pose.h"
#include "core/spec/task_spec.h"

namespace understudy {

// What selection knows of a source demonstration for one subtask.
struct Candidate {
  Pose X_WO;               // the reference object at the segment's start; unused without one
  std::vector<Pose> X_WE;  // measured arms there
  std::vector<Pose> X_SE;  // our hands in the source's (HandChange); empty: the same
};

// How well a way suits the arm and what stands around it, best first.
enum class Fit {
  kFree,
  kMeetsObject,  // a finger may touch another object
  kGrazesPart,   // the hand stands a little inside something with joints of its own, or deep in it
  kMeetsPart,
  kOutOfReach,
};

// The world at the start of the subtask.
struct SelectionScene {
  bool has_object = false;
  Pose X_WO;               // reference object
  int symmetry = 1;        // TaskObject::symmetry
  std::vector<Pose> X_WE;  // where the arms stand (their last targets, if any)
  int arm = kAllArms;      // whose travel counts (IsMeant)
  // per arm: turns of E about its z by 2 pi / this may stand in for the source's; empty: none do
  std::vector<int> hand_symmetry;
  // Of the candidates: among the k best one is drawn in proportion to these; empty: uniformly.
  std::vector<double> weights;
  // How what candidate `source` asks for with these turns suits the arms; empty: all of it does.
  std::function<Fit(size_t source, double turn, const std::vector<double>& hand_turns)> fit;
};

struct Choice {
  int source = 0;    // place in the candidates
  double turn = 0;   // rad: symmetric turn of the source's object to transform with
  double score = 0;  // of the strategy, lower is better; 0 for random
  // rad per arm, about E's z, on top of the candidate's X_SE: those of least travel; empty: none
  std::vector<double> hand_turns;
};

// Picks the source demonstration of a subtask. The metrics add metres and radians only after
// dividing each by its scale; objects are compared up to their symmetry, and the turn that compares
// best comes with the choice. With nearest_robot the best turn is the one with least travel.
// What fits worse (`fit`) is chosen only where nothing fits better: a turn that looks alike or
// another source takes its place. Among the k best (ties: first come first) it draws
// from `rng`, once per call.
Choice SelectSource(const Selection& selection, const std::vector<Candidate>& candidates,
                    const SelectionScene& scene, Rng& rng);

}  // namespace understudy
