#include "train/evaluate/open_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/base/version.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/evaluate/choose_embodiment.h"

namespace understudy {
namespace {

void RequireSame(const Embodiment& policy, const Embodiment& data, const std::string& path) {
  const std::vector<std::string> problems = Differences(policy, data);
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", path, fmt::join(problems, "; ")));
}

InputOptions InputsWith(const PolicyConfig& config, const std::vector<std::string>& features) {
  if (config.layout.feature_width > 0 && features.empty()) {
    ThrowUsage("the policy sees features of a backbone: name their folder by --features");
  }
  InputOptions inputs = InputsOf(config);
  inputs.features = features;
  return inputs;
}

// Rows of an episode as a policy sees them.
class EpisodeRows {
 public:
  // Throws Error(kBadInput) where the episode does not know an object that the policy sees.
  EpisodeRows(const PolicyConfig& config, const TrainingSet& set, const TrainingEpisode& episode)
      : config_(config), set_(set), episode_(episode) {
    for (const LabelledObject& object : config.objects) {
      size_t place = 0;
      while (place < episode.objects.size() && set.objects[episode.objects[place]] != object) {
        ++place;
      }
      if (place == episode.objects.size()) {
        ThrowBadInput(fmt::format(
            "{}: {}: does not say where '{}' (symmetry {}) is, which the policy sees",
            set.datasets[episode.dataset].path, episode.name, object.name, object.symmetry));
      }
      places_.push_back(place);
    }
  }

  SeenRow operator[](size_t row) const {
    SeenRow seen;
    const auto state = static_cast<size_t>(config_.layout.state);
    seen.state_S.assign(&episode_.state_TS[row * state], &episode_.state_TS[row * state] + state);
    for (const size_t place : places_) {
      const float* label =
          &episode_.objects_TO[(row * episode_.objects.size() + place) * size_t{kObjectLabel}];
      seen.objects_O.insert(seen.objects_O.end(), label, label + kObjectLabel);
    }
    if (const auto& features = set_.datasets[episode_.dataset].features) {
      const int tokens = set_.feature_tokens;
      seen.features_LW.resize(static_cast<size_t>(tokens) *
                              static_cast<size_t>(set_.feature_width));
      seen.kinds_L.resize(static_cast<size_t>(tokens));
      features->ReadFeatures(episode_.feature_file, row, tokens, seen.features_LW.data());
      features->ReadKinds(episode_.feature_file, row, tokens, seen.kinds_L.data());
    }
    seen.pixels = [this, row](size_t camera) {
      std::vector<uint8_t> out(static_cast<size_t>(config_.layout.height) *
                               static_cast<size_t>(config_.layout.width) * 3);
      set_.datasets[episode_.dataset].frames(episode_.index, camera, row, out.data());
      return out;
    };
    return seen;
  }

 private:
  const PolicyConfig& config_;
  const TrainingSet& set_;
  const TrainingEpisode& episode_;
  std::vector<size_t> places_;  // of the policy's objects among the episode's
};

}  // namespace

Json OpenLoopReport::ToJson() const {
  Json errors = Json::object(), baseline = Json::object();
  for (size_t i = 0; i < names.size(); ++i) {
    errors[names[i]] = error[i];
    baseline[names[i]] = mean_chunk[i];
  }
  return {{"program", ProgramVersion()},
          {"policy", policy},
          {"episodes", episodes},
          {"rows", rows},
          {"actions", actions},
          {"error", errors},
          {"error_of_mean_chunk", baseline},
          {"share_by_step", by_step},
          {"share", share},
          {"interrupted", interrupted}};
}

RecordedRows::RecordedRows(const PolicyArtefact& policy, const SampleLayout& layout,
                           const ChunkModel& model, const std::vector<std::string>& datasets,
                           const std::vector<std::string>& features,
                           const SelectionOptions& selection, const ReadOptions& read,
                           Progress& progress)
    : config_(policy.config),
      layout_(layout),
      model_(model),
      set_(LoadTrainingSet({datasets.begin(), datasets.end()}, InputsWith(policy.config, features),
                           selection, progress, read)),
      info_(policy.config.Info(policy.hash)) {
  RequireSame(config_.embodiment, set_.embodiment, datasets.at(0));
  Require(set_.embodiment.state_size() == config_.layout.state, "a state as in training");
  RememberBy(layout, &info_);
}

RecordedRows::Answer RecordedRows::Ask(size_t at, size_t row) const {
  const TrainingEpisode& episode = set_.episodes.at(at);
  const EpisodeRows of_episode(config_, set_, episode);
  std::vector<SeenRow> rows;
  for (int64_t before = info_.EarlierAt(static_cast<int64_t>(row)); before >= 0; --before) {
    rows.push_back(of_episode[row - static_cast<size_t>(before)]);
  }
  // the same draws wherever the row stands
  const RngKey key = RngKey{.parent = HashOf(episode.uuid), .variant = row}.WithStage("open loop");
  Answer answer;
  answer.predicted_TA =
      PredictChunk(config_, layout_, model_, rows, set_.instructions[episode.instruction], key);
  const std::vector<int> offsets = ChunkOffsets(config_.layout.horizon);
  answer.recorded_TA.resize(answer.predicted_TA.size());
  answer.real_T.resize(offsets.size());
  set_.Chunk(episode, row, offsets, answer.recorded_TA.data(), answer.real_T.data());
  return answer;
}

OpenLoopReport CompareOpenLoop(const PolicyArtefact& policy, const SampleLayout& layout,
                               const ChunkModel& model, const OpenLoopOptions& options,
                               const SelectionOptions& selection, const ReadOptions& read,
                               Progress& progress) {
  const PolicyConfig& config = policy.config;
  const RecordedRows asked(policy, layout, model, options.datasets, options.features, selection,
                           read, progress);
  const TrainingSet& set = asked.set();
  const auto size = static_cast<size_t>(config.layout.action);
  const auto steps = static_cast<size_t>(std::min(config.execute, config.layout.horizon));
  const auto count =
      static_cast<int64_t>(std::min<uint64_t>(set.windows(), static_cast<uint64_t>(options.rows)));
  std::vector<double> sum(steps * size), baseline(steps * size);
  std::vector<int64_t> actions(steps);

  OpenLoopReport report;
  report.policy = policy.hash;
  report.names = config.embodiment.ActionNames();
  report.episodes = static_cast<int64_t>(set.episodes.size());
  progress.Start("asking the policy", count, "rows");
  uint64_t first = 0;  // window of the episode
  size_t e = 0;
  for (int64_t n = 0; n < count && !report.interrupted; ++n) {
    const uint64_t window = set.windows() * static_cast<uint64_t>(n) / static_cast<uint64_t>(count);
    while (window >= first + set.episodes[e].windows()) first += set.episodes[e++].windows();
    const auto [chunk, recorded, mask] = asked.Ask(e, set.episodes[e].RowOf(window - first));
    for (size_t k = 0; k < steps; ++k) {
      if (mask[k] == 0) continue;
      ++actions[k];
      for (size_t i = 0; i < size; ++i) {
        const size_t at = k * size + i;
        sum[at] += std::abs(chunk[at] - recorded[at]);
        baseline[at] += std::abs(config.mean_chunk[at] - recorded[at]);
      }
    }
    report.rows = n + 1;
    report.interrupted = InterruptRequested();
    progress.Advance(n + 1);
  }
  progress.Finish();

  // errors of each number, and over those of the mean chunk
  const auto of_steps = [&](const std::vector<double>& sums, size_t i, size_t from, size_t end) {
    double total = 0;
    int64_t all = 0;
    for (size_t k = from; k < end; ++k) {
      total += sums[k * size + i];
      all += actions[k];
    }
    return all == 0 ? 0 : total / static_cast<double>(all);
  };
  const auto share_of = [&](size_t from, size_t end) {
    double shares = 0;
    int numbers = 0;
    for (size_t i = 0; i < size; ++i) {
      const double of_mean = of_steps(baseline, i, from, end);
      if (of_mean < 1e-9) continue;  // it never changes
      shares += of_steps(sum, i, from, end) / of_mean;
      ++numbers;
    }
    return numbers == 0 ? 0 : shares / numbers;
  };
  for (const int64_t of_step : actions) report.actions += of_step;
  for (size_t i = 0; i < size; ++i) {
    report.error.push_back(of_steps(sum, i, 0, steps));
    report.mean_chunk.push_back(of_steps(baseline, i, 0, steps));
  }
  for (size_t k = 0; k < steps; ++k) report.by_step.push_back(share_of(k, k + 1));
  report.share = share_of(0, steps);
  return report;
}

}  // namespace understudy
