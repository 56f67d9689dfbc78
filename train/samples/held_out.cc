#include "train/samples/held_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {

std::pair<TrainingSet, TrainingSet> HoldOut(TrainingSet set, double share, uint64_t seed) {
  // origins in an order that the seed names, whatever their places in files
  std::map<double, std::string> order;
  for (const TrainingEpisode& episode : set.episodes) {
    const double at =
        Rng(RngKey{seed}.WithStage("train.held_out").WithTerm(episode.origin)).Uniform();
    order[at] = episode.origin;
  }
  const auto wanted =
      static_cast<size_t>(std::max(1.0, std::round(share * static_cast<double>(order.size()))));
  if (wanted >= order.size()) {
    ThrowBadInput(fmt::format(
        "held_out = {}: {} of {} trajectories would be kept apart and nothing learnt; give more "
        "episodes, or a smaller share",
        share, wanted, order.size()));
  }
  std::set<std::string> apart;
  for (const auto& [at, origin] : order) {
    if (apart.size() < wanted) apart.insert(origin);
  }

  std::pair<TrainingSet, TrainingSet> result;
  std::vector<TrainingEpisode> episodes = std::move(set.episodes);
  set.episodes.clear();
  for (TrainingDataset& dataset : set.datasets) dataset.first_episode = dataset.episodes = 0;
  result.first = set;
  result.second = std::move(set);
  for (TrainingEpisode& episode : episodes) {
    TrainingSet& home = apart.contains(episode.origin) ? result.second : result.first;
    TrainingDataset& dataset = home.datasets[episode.dataset];
    if (dataset.episodes == 0) dataset.first_episode = home.episodes.size();
    ++dataset.episodes;
    home.episodes.push_back(std::move(episode));
  }
  return result;
}

}  // namespace understudy
