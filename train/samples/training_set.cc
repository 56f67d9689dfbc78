#include "train/samples/training_set.h"

#include <algorithm>

#include "core/base/error.h"

namespace understudy {
namespace {

// Labels of the objects whose poses stand in every row; equal objects share a number.
void AddObjects(TrainingSet& set, const Episode& episode,
                const std::map<std::string, int>& symmetry, TrainingEpisode& result) {
  const std::vector<std::string>& names = episode.meta.objects;
  const auto knows_all = [&](const Step& step) {
    return step.observation.X_WO.size() == names.size();
  };
  if (!std::all_of(episode.steps.begin(), episode.steps.end(), knows_all)) return;
  for (const std::string& name : names) {
    const auto order = symmetry.find(name);
    const LabelledObject object{name, order == symmetry.end() ? 1 : order->second};
    const auto known = std::find(set.objects.begin(), set.objects.end(), object);
    result.objects.push_back(static_cast<size_t>(known - set.objects.begin()));
    if (known == set.objects.end()) set.objects.push_back(object);
  }
  const Pose X_BW = set.embodiment.X_WB.Inverse();
  result.objects_TO.resize(result.length * names.size() * kObjectLabel);
  float* label = result.objects_TO.data();
  for (const Step& step : episode.steps) {
    for (size_t i = 0; i < names.size(); ++i, label += kObjectLabel) {
      EncodeObject(X_BW * step.observation.X_WO[i], set.objects[result.objects[i]].symmetry, label);
    }
  }
}

}  // namespace

size_t TrainingEpisode::windows() const {
  return learnt.empty() ? length
                        : static_cast<size_t>(
                              std::ranges::count_if(learnt, [](uint8_t row) { return row != 0; }));
}

size_t TrainingEpisode::RowOf(size_t window) const {
  if (learnt.empty()) return window;
  size_t row = 0;
  while (learnt[row] == 0 || window-- > 0) ++row;
  return row;
}

std::pair<uint64_t, uint64_t> TrainingSet::WindowsOf(size_t dataset) const {
  uint64_t first = 0, count = 0;
  for (const TrainingEpisode& episode : episodes) {
    if (episode.dataset < dataset) first += episode.windows();
    if (episode.dataset == dataset) count += episode.windows();
  }
  return {first, count};
}

uint64_t TrainingSet::windows() const {
  uint64_t count = 0;
  for (const TrainingEpisode& episode : episodes) count += episode.windows();
  return count;
}

uint64_t TrainingSet::rows() const {
  uint64_t count = 0;
  for (const TrainingEpisode& episode : episodes) count += episode.length;
  return count;
}

void TrainingSet::Chunk(const TrainingEpisode& episode, size_t row, std::span<const int> offsets,
                        float* actions_TA, uint8_t* mask_T, bool own_row) const {
  Require(row < episode.length, "a window starts at a row");
  const size_t arms = embodiment.arms.size();
  const int size = embodiment.action_size();
  const int64_t last = static_cast<int64_t>(episode.length) - 1;
  for (const int offset : offsets) {
    const int64_t wanted = static_cast<int64_t>(row) + offset;
    const size_t step = static_cast<size_t>(std::clamp<int64_t>(wanted, 0, last));
    const size_t from = own_row ? step : row;
    if (embodiment.of_columns()) {
      std::copy_n(&episode.actions_TA[step * static_cast<size_t>(size)], size, actions_TA);
    } else if (embodiment.of_joints()) {
      const auto state = static_cast<size_t>(embodiment.state_size());
      embodiment.SeeFrom(&episode.state_TS[from * state],
                         &episode.actions_TA[step * static_cast<size_t>(size)], actions_TA);
    } else {
      embodiment.EncodeAction(&episode.X_WE[from * arms], &episode.targets[step * arms],
                              actions_TA);
    }
    *mask_T++ = wanted >= 0 && wanted <= last && episode.Learns(step);
    actions_TA += size;
  }
}

bool TrainingSet::KnowsObjects() const {
  return std::ranges::all_of(episodes, [&](const TrainingEpisode& episode) {
    return episode.objects.size() == objects.size();
  });
}

namespace {

EmbodimentOffer OfferOf(const TrainingSet& set) {
  return {set.cameras, set.embodiment.state_size(), set.embodiment.action_size()};
}

}  // namespace

uint64_t WindowsOf(const TrainingSets& sets) {
  uint64_t windows = 0;
  for (const auto& set : sets) windows += set->windows();
  return windows;
}

std::vector<std::string> NamesOf(const TrainingSets& sets) {
  std::vector<Embodiment> embodiments;
  for (const auto& set : sets) embodiments.push_back(set->embodiment);
  return EmbodimentNames(embodiments);
}

std::vector<ColumnInfo> ColumnsOf(const TrainingSet& set, int tokens) {
  const EmbodimentOffer offer = OfferOf(set);
  std::vector<ColumnInfo> offered =
      OfferedColumns(std::span(&offer, 1), set.image_height, set.image_width, tokens,
                     kObjectLabel * static_cast<int>(set.objects.size()), set.KnowsObjects());
  OfferFeatures(set.feature_tokens, set.feature_width, &offered);
  return offered;
}

std::vector<ColumnInfo> ColumnsOf(const TrainingSets& sets, int tokens) {
  if (sets.size() == 1) return ColumnsOf(*sets[0], tokens);
  std::vector<EmbodimentOffer> offers;
  int height = 0, width = 0;
  for (const auto& set : sets) {
    offers.push_back(OfferOf(*set));
    height = std::max(height, set->image_height);
    width = std::max(width, set->image_width);
  }
  return OfferedColumns(offers, height, width, tokens, 0, false);
}

namespace {

// All but the rows.
TrainingEpisode BeginEpisode(TrainingSet& set, const EpisodeMeta& meta, size_t dataset,
                             size_t index) {
  Require(dataset < set.datasets.size(), "an episode belongs to a dataset of the set");
  Require(set.episodes.empty() || set.episodes.back().dataset <= dataset,
          "episodes come dataset by dataset");
  TrainingEpisode result;
  result.dataset = dataset;
  result.index = index;
  result.name = meta.name;
  // files of other programs name no uuid: there the place must do
  result.uuid = meta.uuid.empty() ? set.datasets[dataset].path + "/" + meta.name : meta.uuid;
  // looks name the trajectory that they were rendered from
  result.origin = meta.parents.size() == 1 ? meta.parents[0] : result.uuid;
  set.draws.Add(meta.variation, meta.physics);
  // equal instructions share a number
  const auto known = std::find(set.instructions.begin(), set.instructions.end(), meta.instruction);
  result.instruction = static_cast<size_t>(known - set.instructions.begin());
  if (known == set.instructions.end()) set.instructions.push_back(meta.instruction);
  return result;
}

void EndEpisode(TrainingSet& set, TrainingEpisode result) {
  Require(result.learnt.empty() || result.learnt.size() == result.length,
          "every row says whether it is learnt");
  TrainingDataset& home = set.datasets[result.dataset];
  if (home.episodes == 0) home.first_episode = set.episodes.size();
  ++home.episodes;
  set.episodes.push_back(std::move(result));
}

}  // namespace

std::vector<uint8_t> CorrectedRows(const Episode& episode) {
  std::vector<uint8_t> learnt;
  for (const Step& step : episode.steps) learnt.push_back(step.label != StepLabel::kPolicy);
  const bool all = std::ranges::all_of(learnt, [](uint8_t row) { return row != 0; });
  return all ? std::vector<uint8_t>{} : learnt;
}

void AddColumns(TrainingSet& set, const EpisodeMeta& meta, size_t dataset, size_t index,
                std::vector<float> state_TS, std::vector<float> actions_TA,
                std::vector<uint8_t> learnt) {
  TrainingEpisode result = BeginEpisode(set, meta, dataset, index);
  const auto action_size = static_cast<size_t>(set.embodiment.action_size());
  result.length = actions_TA.size() / action_size;
  Require(actions_TA.size() == result.length * action_size &&
              state_TS.size() == result.length * static_cast<size_t>(set.embodiment.state_size()),
          "a state and an action for every row");
  result.state_TS = std::move(state_TS);
  result.actions_TA = std::move(actions_TA);
  result.learnt = std::move(learnt);
  EndEpisode(set, std::move(result));
}

void AddEpisode(TrainingSet& set, const Episode& episode, size_t dataset, size_t index,
                ActionLabel label, std::vector<uint8_t> learnt) {
  TrainingEpisode result = BeginEpisode(set, episode.meta, dataset, index);
  result.length = episode.length();
  const size_t state_size = static_cast<size_t>(set.embodiment.state_size());
  const auto action_size = static_cast<size_t>(set.embodiment.action_size());
  const bool joints = set.embodiment.of_joints();
  result.state_TS.resize(result.length * state_size);
  if (joints) result.actions_TA.resize(result.length * action_size);
  for (size_t t = 0; t < result.length; ++t) {
    const Step& step = episode.steps[t];
    const Action& action = label == ActionLabel::kClean ? step.action_clean : step.action;
    Require(action.arms.size() == set.embodiment.arms.size(), "one target per arm");
    set.embodiment.EncodeState(step.observation.arms, &result.state_TS[t * state_size]);
    if (joints) {
      set.embodiment.EncodeJoints(action.arms, &result.actions_TA[t * action_size]);
      continue;
    }
    for (const ArmObservation& arm : step.observation.arms) result.X_WE.push_back(arm.X_WE);
    result.targets.insert(result.targets.end(), action.arms.begin(), action.arms.end());
  }
  result.learnt = std::move(learnt);
  AddObjects(set, episode, set.datasets[dataset].symmetry, result);
  EndEpisode(set, std::move(result));
}

std::vector<float> MeanChunk(const TrainingSet& set, int horizon) {
  const size_t size = static_cast<size_t>(set.embodiment.action_size());
  const size_t steps = static_cast<size_t>(horizon);
  std::vector<double> sum(steps * size);
  std::vector<int64_t> count(steps);
  std::vector<float> chunk(steps * size);
  std::vector<uint8_t> mask(steps);
  const std::vector<int> offsets = ChunkOffsets(horizon);
  for (const TrainingEpisode& episode : set.episodes) {
    for (size_t row = 0; row < episode.length; ++row) {
      if (!episode.Learns(row)) continue;
      set.Chunk(episode, row, offsets, chunk.data(), mask.data());
      for (size_t k = 0; k < steps; ++k) {
        if (mask[k] == 0) continue;
        ++count[k];
        for (size_t a = 0; a < size; ++a) sum[k * size + a] += chunk[k * size + a];
      }
    }
  }
  // where the horizon is longer than every episode, the last known step stands
  for (size_t k = 0; k < steps; ++k) {
    for (size_t a = 0; a < size; ++a) {
      chunk[k * size + a] = count[k] > 0 ? static_cast<float>(sum[k * size + a] / count[k])
                                         : (k > 0 ? chunk[(k - 1) * size + a] : 0);
    }
  }
  return chunk;
}

}  // namespace understudy
