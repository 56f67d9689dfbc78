#include "mimic/run/weigh.h"

#include <fmt/format.h>

#include "core/base/ordered_pool.h"

namespace understudy {

SourceScores::SourceScores(size_t subtasks, size_t sources)
    : good_(subtasks, std::vector<int64_t>(sources, 0)), begun_(good_) {}

void SourceScores::Add(const Attempt& attempt) {
  for (size_t i = 0; i < attempt.sources.size(); ++i) {
    if (attempt.sources[i] < 0) continue;
    const auto source = static_cast<size_t>(attempt.sources[i]);
    ++begun_[i][source];
    const bool failed = attempt.failure && static_cast<size_t>(attempt.failure->subtask) == i;
    good_[i][source] += !failed;
  }
}

SourceWeights SourceScores::Weights() const {
  SourceWeights weights;
  for (size_t i = 0; i < begun_.size(); ++i) {
    std::vector<double>& of_subtask = weights.emplace_back();
    for (size_t d = 0; d < begun_[i].size(); ++d) {
      of_subtask.push_back((static_cast<double>(good_[i][d]) + 1) /
                           (static_cast<double>(begun_[i][d]) + 2));
    }
  }
  return weights;
}

std::optional<SourceWeights> WeighSources(const SourceSet& sources, const TaskSpec& task,
                                          const WorkerSeams& seams, const std::string& variant,
                                          uint64_t seed, const GenerateOptions& generate,
                                          int64_t attempts, int threads, Progress& progress) {
  SourceScores scores(task.subtasks.size(), sources.demos().size());
  Workers workers(task, seams, ThreadCount(threads, attempts));
  progress.Start(fmt::format("weigh the sources of {} {}", task.name, variant), attempts,
                 "attempts");
  RunOrdered<Attempt>(
      workers.count(), 0, attempts,
      [&](int place, int64_t index) {
        const RngKey key = AttemptKey(seed, index, variant).WithStage("mimic weigh");
        return Generate(sources, task, workers[place], variant, generate, key);
      },
      [&](int64_t index, Attempt&& attempt) {
        scores.Add(attempt);
        progress.Advance(index + 1);
        return !InterruptRequested();
      });
  progress.Finish();
  if (InterruptRequested()) return {};
  return scores.Weights();
}

}  // namespace understudy
