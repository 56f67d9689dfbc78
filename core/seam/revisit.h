#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/simulator.h"

namespace understudy {

// What a simulator sees at the recorded instants of an episode.
struct RevisitedEpisode {
  std::string problem;            // why the states do not fit, in words; empty: they do
  std::vector<Observation> seen;  // one per instant, poses of objects included
  std::vector<SimState> states;   // of this simulator, one per instant; none from flat states
  double position_error = 0;      // m, the largest between a recorded pose and the one seen
  double angle_error = 0;         // rad, likewise
  int objects_compared = 0;       // objects whose recorded poses were compared
};

// Instants of an episode: rows, and the one after the last action where it is known.
size_t CountInstants(const Episode& episode);
const Observation& ObservationAt(const Episode& episode, size_t instant);
Observation& ObservationAt(Episode& episode, size_t instant);

// Restores the episode's states, in its world, one after the other and observes each, without a
// step.
// `same_predicates`: the states are this simulator's own, counters included; otherwise counting
// starts with the first instant (Simulator::Revisit). Arms and objects are matched by name. `fixed`
// holds poses, known from elsewhere, of objects that neither the episode nor flat states hold.
// `problem` reports states that do not fit; the caller judges the errors of the poses.
RevisitedEpisode RevisitEpisode(Simulator& simulator, const Episode& episode, bool same_predicates,
                                const std::map<std::string, Pose>& fixed = {});

}  // namespace understudy
