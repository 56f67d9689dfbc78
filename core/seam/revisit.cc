#include "core/seam/revisit.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/names.h"

namespace understudy {
namespace {

// Place of every wanted name; -1: missing.
std::vector<int> PlacesOf(const std::vector<std::string>& wanted,
                          const std::vector<std::string>& have) {
  std::vector<int> places;
  for (const std::string& name : wanted) places.push_back(IndexOf(have, name));
  return places;
}

// Per object: recorded, else fixed, else nothing.
std::vector<std::optional<Pose>> PlacesFor(const SimulatorInfo& info,
                                           const std::vector<int>& recorded,
                                           const Observation& observation,
                                           const std::map<std::string, Pose>& fixed) {
  std::vector<std::optional<Pose>> X_WO(recorded.size());
  for (size_t o = 0; o < recorded.size(); ++o) {
    const auto known = fixed.find(info.objects[o]);
    if (recorded[o] >= 0) {
      X_WO[o] = observation.X_WO.at(static_cast<size_t>(recorded[o]));
    } else if (known != fixed.end()) {
      X_WO[o] = known->second;
    }
  }
  return X_WO;
}

void Compare(const Pose& recorded, const Pose& seen, RevisitedEpisode* result) {
  result->position_error =
      std::max(result->position_error, (recorded.translation() - seen.translation()).norm());
  result->angle_error =
      std::max(result->angle_error, AngleBetween(recorded.rotation(), seen.rotation()));
}

}  // namespace

size_t CountInstants(const Episode& episode) {
  return episode.length() + (episode.final_observation.arms.empty() ? 0 : 1);
}

const Observation& ObservationAt(const Episode& episode, size_t instant) {
  Require(instant < CountInstants(episode), "an instant of the episode");
  return instant < episode.length() ? episode.steps[instant].observation
                                    : episode.final_observation;
}

Observation& ObservationAt(Episode& episode, size_t instant) {
  return const_cast<Observation&>(ObservationAt(std::as_const(episode), instant));
}

RevisitedEpisode RevisitEpisode(Simulator& simulator, const Episode& episode, bool same_predicates,
                                const std::map<std::string, Pose>& fixed) {
  RevisitedEpisode result;
  simulator.SetWorld(episode.meta.physics);
  const SimulatorInfo& info = simulator.info();
  const std::vector<int> arms = PlacesOf(info.arms, episode.meta.arms);
  const std::vector<int> objects = PlacesOf(info.objects, episode.meta.objects);
  for (size_t i = 0; i < CountInstants(episode); ++i) {
    const bool last = i == episode.length();
    const SimState& state = last ? episode.final_state : episode.steps[i].state;
    const Observation& recorded = ObservationAt(episode, i);
    const std::vector<std::optional<Pose>> X_WO = PlacesFor(info, objects, recorded, fixed);
    if (state.empty()) {
      result.problem = "it holds no states of a simulator";
    } else if (same_predicates && state.size() != info.state_size) {
      result.problem = fmt::format("states of {} numbers where this simulator's have {}",
                                   state.size(), info.state_size);
    } else {
      result.problem = simulator.Revisit(state, X_WO, i == 0);
    }
    // what has been looked at has been checked: its own counters too may count
    if (result.problem.empty() && same_predicates) simulator.Restore(state);
    if (!result.problem.empty()) return result;

    // what is seen must be what was recorded
    const Observation& seen = result.seen.emplace_back(simulator.Observe());
    if (state.size() > info.flat_state_size) result.states.push_back(simulator.Save());
    for (size_t a = 0; a < arms.size(); ++a) {
      if (arms[a] < 0) continue;
      Compare(recorded.arms.at(static_cast<size_t>(arms[a])).X_WE, seen.arms[a].X_WE, &result);
    }
    for (size_t o = 0; o < objects.size(); ++o) {
      if (objects[o] < 0) continue;
      Compare(recorded.X_WO.at(static_cast<size_t>(objects[o])), seen.X_WO[o], &result);
    }
  }
  result.objects_compared =
      static_cast<int>(std::count_if(objects.begin(), objects.end(), [](int o) { return o >= 0; }));
  return result;
}

}  // namespace understudy
