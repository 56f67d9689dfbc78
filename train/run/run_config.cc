#include "train/run/run_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "train/samples/object_labels.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

// The sets' hashes; a dataset without one (another program's file) is named by its path.
std::vector<std::string> HashesOf(const TrainingSets& sets) {
  std::vector<std::string> hashes;
  for (const auto& set : sets) {
    for (const TrainingDataset& dataset : set->datasets) {
      hashes.push_back(dataset.hash.empty() ? dataset.path : dataset.hash);
    }
  }
  return hashes;
}

}  // namespace

std::vector<std::string> DescribeEmbodiments(const TrainingSets& sets) {
  std::vector<std::string> lines;
  if (sets.size() <= 1) return lines;
  const std::vector<std::string> names = NamesOf(sets);
  for (size_t slot = 0; slot < sets.size(); ++slot) {
    const TrainingSet& set = *sets[slot];
    std::vector<std::string> paths;
    for (const TrainingDataset& dataset : set.datasets) paths.push_back(dataset.path);
    lines.push_back(fmt::format(
        "embodiment {}, '{}': {} numbers of state, {} of action, cameras [{}], {} rows of {}", slot,
        names[slot], set.embodiment.state_size(), set.embodiment.action_size(),
        fmt::join(set.cameras, ", "), set.windows(), fmt::join(paths, ", ")));
  }
  return lines;
}

PolicyConfig MakeConfig(const TrainingSets& sets, const TrainOptions& options,
                        const PolicyList& policies) {
  PolicyConfig config;
  config.type = options.type;
  config.execute = options.execute;
  config.dataset_hashes = HashesOf(sets);
  config.seed = options.seed;
  config.layout.height = config.layout.width = 1;  // without cameras nothing is seen
  config.layout.horizon = options.horizon;
  config.layout.tokens = options.tokens;
  const std::vector<std::string> names = NamesOf(sets);
  for (size_t slot = 0; slot < sets.size(); ++slot) {
    const TrainingSet& set = *sets[slot];
    config.embodiments.push_back(
        {names[slot], set.task, set.robot_place, set.embodiment, set.cameras, set.control_hz,
         set.limits.linear, set.limits.angular, StateStatistics(set, StateRules(options)),
         ActionStatistics(set, options.horizon, ActionRules(options), options.action_statistics),
         MeanChunk(set, options.horizon)});
    config.layout.height = std::max(config.layout.height, set.image_height);
    config.layout.width = std::max(config.layout.width, set.image_width);
    for (const std::string& text : set.instructions) {
      std::vector<std::string>& known = config.instructions;
      if (std::ranges::find(known, text) == known.end()) known.push_back(text);
    }
  }
  config = config.For(0);
  if (sets.size() == 1) config.embodiments.clear();
  const SampleLayout asked = AskedColumns(sets, options, policies);
  if (asked.Find(kFeaturesColumn) != nullptr) {
    config.layout.feature_tokens = sets[0]->feature_tokens;
    config.layout.feature_width = sets[0]->feature_width;
  }
  config.tokenizer = MakeTokenizer(config.instructions);
  if (asked.Find(kSeenObjectsColumn) != nullptr) {
    config.objects = sets[0]->objects;
    config.object_statistics = ObjectStatistics(*sets[0]);
  }
  return config;
}

}  // namespace understudy
