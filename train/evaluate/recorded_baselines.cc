#include "train/evaluate/recorded_baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/base/error.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

PolicyInfo InfoOf(const TrainingSet& set, const std::string& name) {
  const Embodiment& embodiment = set.embodiment;
  if (embodiment.of_columns()) {
    ThrowBadInput(fmt::format(
        "{}: baseline '{}' needs poses or joint targets of every arm, and it has columns alone",
        set.datasets.at(0).path, name));
  }
  PolicyInfo info;
  info.name = name;
  info.hash = set.datasets.at(0).hash;
  info.cameras.clear();
  info.robot = embodiment.robot;
  info.tasks = set.instructions;
  info.control_hz = set.control_hz;
  info.limits = set.limits;
  info.action_meaning = embodiment.action_meaning;
  info.arms = static_cast<int>(embodiment.arms.size());
  info.X_WB = embodiment.X_WB;
  return info;
}

bool KnowsObjects(const TrainingSet& set) {
  return std::ranges::any_of(ColumnsOf(set, 1),
                             [](const auto& column) { return column.name == kSeenObjectsColumn; });
}

}  // namespace

ReplayPolicy::ReplayPolicy(TrainingSet set) : set_(std::move(set)), info_(InfoOf(set_, "replay")) {
  size_t longest = 1;
  for (const TrainingEpisode& episode : set_.episodes) longest = std::max(longest, episode.length);
  info_.horizon = info_.execute = static_cast<int>(longest);
}

ActionChunk ReplayPolicy::DoAct(const PolicyInput& input, const RngKey& key) const {
  const auto count = static_cast<uint64_t>(set_.episodes.size());
  const TrainingEpisode& episode =
      set_.episodes[Rng(key.WithTerm("demonstration")).UniformInt(count)];
  const size_t arms = input.arms.size(), joints = set_.embodiment.joints_per_arm();
  ActionChunk chunk;
  for (size_t t = 0; t < episode.length; ++t) {
    Action& action = chunk.emplace_back();
    for (size_t a = 0; a < arms; ++a) {
      if (!set_.embodiment.of_joints()) {
        action.arms.push_back(episode.targets[t * arms + a]);
        continue;
      }
      const float* target = &episode.actions_TA[(t * arms + a) * (joints + 1)];
      ArmAction arm{input.arms[a].X_WE, target[joints], {}};
      arm.q_cmd.resize(static_cast<Eigen::Index>(joints));
      for (size_t j = 0; j < joints; ++j) arm.q_cmd[static_cast<Eigen::Index>(j)] = target[j];
      action.arms.push_back(std::move(arm));
    }
  }
  return chunk;
}

NearestPolicy::NearestPolicy(TrainingSet set)
    : set_(std::move(set)),
      info_(InfoOf(set_, "nearest")),
      state_(StateStatistics(set_, {NormalizerMode::kMinMax, 1e-3})) {
  if (KnowsObjects(set_)) {
    for (const LabelledObject& object : set_.objects) info_.objects.push_back(object.name);
    objects_ = ObjectStatistics(set_);
  }
  const auto size = static_cast<size_t>(set_.embodiment.state_size());
  std::vector<float> labels(info_.objects.size() * size_t{kObjectLabel});
  for (size_t e = 0; e < set_.episodes.size(); ++e) {
    const TrainingEpisode& episode = set_.episodes[e];
    for (size_t t = 0; t < episode.length; ++t) {
      // an episode lists its objects in an order of its own
      for (size_t i = 0; i < info_.objects.size(); ++i) {
        std::copy_n(&episode.objects_TO[(t * episode.objects.size() + i) * size_t{kObjectLabel}],
                    size_t{kObjectLabel}, &labels[episode.objects[i] * size_t{kObjectLabel}]);
      }
      const std::vector<float> row = Numbers(&episode.state_TS[t * size], labels.data());
      rows_RN_.insert(rows_RN_.end(), row.begin(), row.end());
      places_R_.emplace_back(e, t);
    }
  }
}

std::vector<float> NearestPolicy::Numbers(const float* state_S, const float* labels_O) const {
  std::vector<float> state(state_S, state_S + set_.embodiment.state_size());
  state_.Encode(state);
  if (info_.objects.empty()) return state;
  std::vector<float> labels(labels_O, labels_O + info_.objects.size() * size_t{kObjectLabel});
  objects_.Encode(labels);
  state.insert(state.end(), labels.begin(), labels.end());
  return state;
}

ActionChunk NearestPolicy::DoAct(const PolicyInput& input, const RngKey&) const {
  const Embodiment& embodiment = set_.embodiment;
  std::vector<float> state(static_cast<size_t>(embodiment.state_size()));
  embodiment.EncodeState(input.arms, state.data());
  const std::vector<float> labels = info_.objects.empty()
                                        ? std::vector<float>()
                                        : EncodeObjects(embodiment.X_WB, set_.objects, input.X_WO);
  const std::vector<float> seen = Numbers(state.data(), labels.data());
  size_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (size_t r = 0; r < places_R_.size(); ++r) {
    double distance = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      const double off = rows_RN_[r * seen.size() + i] - seen[i];
      distance += off * off;
    }
    if (distance < least) {
      least = distance;
      nearest = r;
    }
  }
  const auto [e, t] = places_R_[nearest];
  const std::vector<int> offsets = ChunkOffsets(info_.horizon);
  std::vector<float> chunk(offsets.size() * static_cast<size_t>(embodiment.action_size()));
  std::vector<uint8_t> real(offsets.size());
  set_.Chunk(set_.episodes[e], t, offsets, chunk.data(), real.data());
  return DecodeChunk(embodiment, input.arms, chunk);
}

}  // namespace understudy
