#include "train/evaluate/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/base/version.h"

namespace understudy {
namespace {

// Places of the episodes that are asked about.
std::vector<size_t> ChooseEpisodes(const TrainingSet& set, const PredictOptions& options) {
  if (options.episodes.empty()) return {0};
  std::vector<std::string> names;
  for (const TrainingEpisode& episode : set.episodes) names.push_back(episode.name);
  std::vector<size_t> chosen;
  for (const std::string& name : options.episodes) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      if (names.size() > 10) names.resize(10);
      ThrowBadInput(fmt::format("{}: {}{}", options.dataset, UnknownName("episode", name, names),
                                set.episodes.size() > 10 ? ", …" : ""));
    }
    chosen.push_back(static_cast<size_t>(found - names.begin()));
  }
  return chosen;
}

}  // namespace

Json PredictReport::ToJson() const {
  Json all = Json::array();
  for (const PredictedEpisode& episode : episodes) {
    Json chunks = Json::array();
    for (const PredictedChunk& chunk : episode.chunks) {
      chunks.push_back(
          {{"row", chunk.row}, {"predicted", chunk.predicted}, {"recorded", chunk.recorded}});
    }
    all.push_back({{"name", episode.name}, {"rows", episode.length}, {"chunks", chunks}});
  }
  Json absolute = Json::object(), square = Json::object();
  for (size_t i = 0; i < mean_absolute.size(); ++i) {
    absolute[names[i]] = mean_absolute[i];
    square[names[i]] = root_mean_square[i];
  }
  return {{"program", ProgramVersion()},
          {"policy", policy},
          {"names", names},
          {"execute", execute},
          {"error", absolute},
          {"root_mean_square", square},
          {"timing", {{"latency_p50_ms", latency_p50_ms}, {"latency_p90_ms", latency_p90_ms}}},
          {"interrupted", interrupted},
          {"episodes", all}};
}

PredictReport Predict(const PolicyArtefact& policy, const SampleLayout& layout,
                      const ChunkModel& model, const PredictOptions& options, Progress& progress) {
  const PolicyConfig& config = policy.config;
  const std::vector<std::string> features =
      options.features.empty() ? std::vector<std::string>{} : std::vector{options.features};
  const RecordedRows rows(policy, layout, model, {options.dataset}, features, options.selection,
                          options.read, progress);
  const std::vector<size_t> chosen = ChooseEpisodes(rows.set(), options);
  const auto size = static_cast<size_t>(config.layout.action);

  PredictReport report;
  report.policy = policy.hash;
  report.names = config.embodiment.ActionNames();
  report.execute = std::min(config.execute, config.layout.horizon);
  const int64_t every = options.every > 0 ? options.every : report.execute;
  std::vector<std::pair<size_t, int64_t>> places;  // of chosen, row
  for (size_t e = 0; e < chosen.size(); ++e) {
    const TrainingEpisode& episode = rows.set().episodes[chosen[e]];
    const auto length = static_cast<int64_t>(episode.length);
    report.episodes.push_back({episode.name, length, {}});
    if (options.row && *options.row >= length) {
      ThrowBadInput(fmt::format("{}: {}: row {}: it has rows 0 to {}", options.dataset,
                                episode.name, *options.row, length - 1));
    }
    if (options.row) places.emplace_back(e, *options.row);
    for (int64_t row = 0; !options.row && row < length; row += every) places.emplace_back(e, row);
  }

  std::vector<double> absolute(size), square(size), latency_s;
  int64_t compared = 0;
  progress.Start("asking the policy", static_cast<int64_t>(places.size()), "chunks");
  for (const auto& [e, row] : places) {
    const double before = MonotonicSeconds();
    const RecordedRows::Answer answer = rows.Ask(chosen[e], static_cast<size_t>(row));
    latency_s.push_back(MonotonicSeconds() - before);
    PredictedChunk chunk{row, {}, {}};
    for (size_t k = 0; k < answer.real_T.size(); ++k) {
      const auto step = [&](const std::vector<float>& numbers) {
        const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(k * size);
        return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(size));
      };
      chunk.predicted.push_back(step(answer.predicted_TA));
      if (answer.real_T[k] == 0) continue;
      chunk.recorded.push_back(step(answer.recorded_TA));
      if (k >= static_cast<size_t>(report.execute)) continue;
      ++compared;
      for (size_t i = 0; i < size; ++i) {
        const double error = chunk.predicted.back()[i] - chunk.recorded.back()[i];
        absolute[i] += std::abs(error);
        square[i] += error * error;
      }
    }
    report.episodes[e].chunks.push_back(std::move(chunk));
    progress.Advance(static_cast<int64_t>(latency_s.size()));
    report.interrupted = InterruptRequested();
    if (report.interrupted) break;
  }
  progress.Finish();
  for (size_t i = 0; i < size; ++i) {
    const double n = static_cast<double>(std::max<int64_t>(1, compared));
    report.mean_absolute.push_back(absolute[i] / n);
    report.root_mean_square.push_back(std::sqrt(square[i] / n));
  }
  report.latency_p50_ms = 1e3 * Quantile(latency_s, 0.5);
  report.latency_p90_ms = 1e3 * Quantile(latency_s, 0.9);
  return report;
}

}  // namespace understudy
