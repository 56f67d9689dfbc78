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

// Restores the episode's states one after the other and looks, without a step. `same_predicates`:
// the states are this simulator's own, counters included; else counting starts with the first
// instant (Simulator::Revisit). The arms and objects of the episode are found by their names.
// `fixed` are poses, known from elsewhere, of objects that the episode does not tell of and that
// flat states do not tell of where they have no joint. States that do not fit are told in
// `problem`; whoever asks judges the errors of the poses.
RevisitedEpisode RevisitEpisode(Simulator& simulator, const Episode& episode, bool same_predicates,
                                const std::map<std::string, Pose>& fixed = {});

}  // namespace understudy
