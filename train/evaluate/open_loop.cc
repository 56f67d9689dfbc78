#include "train/evaluate/open_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "train/evaluate/checkpoint_policy.h"

namespace understudy {
namespace {

// What the policy sees, as options of training.
InputOptions InputsOf(const PolicyConfig& config) {
  InputOptions inputs;
  inputs.cameras = config.cameras;
  if (!config.embodiment.of_columns()) {
    inputs.actions = config.embodiment.of_joints() ? ActionKind::kJoints : ActionKind::kPose;
  }
  for (const EmbodimentColumn& column : config.embodiment.state_columns) {
    inputs.state_columns.push_back(column.name);
  }
  for (const EmbodimentColumn& column : config.embodiment.action_columns) {
    inputs.action_columns.push_back(column.name);
  }
  if (!config.cameras.empty()) {
    inputs.image_width = config.layout.width;
    inputs.image_height = config.layout.height;
  }
  return inputs;
}

void RequireSame(const Embodiment& policy, const Embodiment& data, const std::string& path) {
  std::vector<std::string> problems;
  const auto differ = [&](const char* what, const auto& wanted, const auto& found) {
    if (wanted == found) return;
    problems.push_back(fmt::format("{}: the policy has {}, the dataset {}", what, wanted, found));
  };
  const auto sizes = [](const std::vector<EmbodimentColumn>& columns) {
    std::vector<std::string> texts;
    for (const EmbodimentColumn& c : columns)
      texts.push_back(fmt::format("{} ({})", c.name, c.size));
    return fmt::format("{}", fmt::join(texts, ", "));
  };
  differ("action meaning", policy.action_meaning, data.action_meaning);
  differ("arms", policy.arms.size(), data.arms.size());
  differ("state", sizes(policy.state_columns), sizes(data.state_columns));
  differ("action", sizes(policy.action_columns), sizes(data.action_columns));
  if (policy.of_joints() && data.of_joints()) {
    differ("joints", fmt::format("{}", fmt::join(policy.joints, ", ")),
           fmt::format("{}", fmt::join(data.joints, ", ")));
  }
  if (!policy.of_columns()) differ("finger joints", policy.gripper_joints, data.gripper_joints);
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", path, fmt::join(problems, "; ")));
}

std::vector<std::string> NamesOf(const Embodiment& embodiment) {
  std::vector<std::string> names;
  if (embodiment.of_columns()) {
    for (const EmbodimentColumn& column : embodiment.action_columns) {
      for (int i = 0; i < column.size; ++i) {
        const bool named = column.parts.size() == static_cast<size_t>(column.size);
        names.push_back(named              ? column.parts[static_cast<size_t>(i)]
                        : column.size == 1 ? column.name
                                           : fmt::format("{}_{}", column.name, i));
      }
    }
    return names;
  }
  for (size_t a = 0; embodiment.of_joints() && a < embodiment.arms.size(); ++a) {
    const auto first =
        embodiment.joints.begin() + static_cast<std::ptrdiff_t>(a * embodiment.joints_per_arm());
    names.insert(names.end(), first,
                 first + static_cast<std::ptrdiff_t>(embodiment.joints_per_arm()));
    names.push_back(embodiment.arms[a] + "_gripper");
  }
  if (embodiment.of_joints()) return names;
  for (const std::string& arm : embodiment.arms) {
    for (const char* part : {"dx", "dy", "dz", "drx", "dry", "drz", "gripper"}) {
      names.push_back(arm + "_" + part);
    }
  }
  return names;
}

}  // namespace

Json OpenLoopReport::ToJson() const {
  Json errors = Json::object(), baseline = Json::object();
  for (size_t i = 0; i < names.size(); ++i) {
    errors[names[i]] = error[i];
    baseline[names[i]] = mean_chunk[i];
  }
  return {{"policy", policy},         {"episodes", episodes}, {"rows", rows},
          {"actions", actions},       {"error", errors},      {"error_of_mean_chunk", baseline},
          {"share_by_step", by_step}, {"share", share},       {"interrupted", interrupted}};
}

OpenLoopReport CompareOpenLoop(const PolicyArtefact& policy, const SampleLayout& layout,
                               const ChunkModel& model, const OpenLoopOptions& options,
                               const SelectionOptions& selection, const ReadOptions& read,
                               Progress& progress) {
  const PolicyConfig& config = policy.config;
  const std::vector<std::filesystem::path> paths(options.datasets.begin(), options.datasets.end());
  const TrainingSet set = LoadTrainingSet(paths, InputsOf(config), selection, progress, read);
  RequireSame(config.embodiment, set.embodiment, options.datasets.at(0));
  Require(set.embodiment.state_size() == config.layout.state, "a state as in training");

  const auto size = static_cast<size_t>(config.layout.action);
  const auto steps = static_cast<size_t>(std::min(config.execute, config.layout.horizon));
  const std::vector<int> offsets = ChunkOffsets(config.layout.horizon);
  const auto count =
      static_cast<int64_t>(std::min<uint64_t>(set.windows(), static_cast<uint64_t>(options.rows)));
  std::vector<double> sum(steps * size), baseline(steps * size);
  std::vector<int64_t> actions(steps);
  std::vector<float> recorded(offsets.size() * size);
  std::vector<uint8_t> mask(offsets.size());

  OpenLoopReport report;
  report.policy = policy.hash;
  report.names = NamesOf(config.embodiment);
  report.episodes = static_cast<int64_t>(set.episodes.size());
  progress.Start("asking the policy", count, "rows");
  uint64_t first = 0;  // window of the episode's first row
  size_t e = 0;
  for (int64_t n = 0; n < count && !report.interrupted; ++n) {
    const uint64_t window = set.windows() * static_cast<uint64_t>(n) / static_cast<uint64_t>(count);
    while (window >= first + set.episodes[e].length) first += set.episodes[e++].length;
    const TrainingEpisode& episode = set.episodes[e];
    const size_t row = window - first;
    const auto state =
        episode.state_TS.begin() + static_cast<std::ptrdiff_t>(row) * config.layout.state;
    const auto pixels = [&](size_t camera) {
      std::vector<uint8_t> out(static_cast<size_t>(config.layout.height) *
                               static_cast<size_t>(config.layout.width) * 3);
      set.datasets[episode.dataset].frames(episode.index, camera, row, out.data());
      return out;
    };
    const std::vector<float> chunk =
        PredictChunk(config, layout, model, {state, state + config.layout.state},
                     set.instructions[episode.instruction], pixels,
                     RngKey{.parent = window}.WithStage("open loop"));
    set.Chunk(episode, row, offsets, recorded.data(), mask.data());
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
