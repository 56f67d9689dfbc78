// train: a policy from datasets.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "app/commands.h"
#include "app/models.h"
#include "app/process_trials.h"
#include "core/base/ordered_pool.h"
#include "train/command.h"
#include "train/torch/module.h"

namespace understudy {
namespace {

// The module is opened when the first network is made.
EngineFactory Engines() {
  return [](const std::string& type, const SampleLayout& layout, int vocabulary, const Json& policy,
            const TrainerOptions& trainer) {
    return Module<TorchModule>().make_engine(type, layout, vocabulary, policy, trainer);
  };
}

// Trains alone, or as one of the ranks that a launcher started. Rank 0 has the result.
Json Train(TrainOptions options, CommandContext& context) {
  const std::optional<RankPlace> place = FindRankPlace(std::getenv);
  const bool speaks = !place || place->rank == 0;
  if (context.plan) {
    if (!speaks) return nullptr;
    // without LibTorch a plan counts, and only the run needs it
    const bool timed = HasModule(TorchModule::kName);
    return PlanTrain(options, timed ? Engines() : EngineFactory(), *context.progress);
  }
  std::unique_ptr<ProcessTrials> trials;
  if (speaks && options.trials.episodes > 0) {
    trials = std::make_unique<ProcessTrials>(options.trials, options.out, options.resume,
                                             *context.progress);
  }
  if (!place) {
    return RunTrain(options, Engines(), *context.progress, nullptr, trials.get()).ToJson();
  }
  const std::unique_ptr<Ranks> ranks = Module<TorchModule>().join_ranks(*place);
  // ranks of one machine share its cores
  if (options.trainer.threads == 0) {
    options.trainer.threads = std::max(1, ThreadCount(0) / place->local_size);
  }
  Progress silent;
  const TrainReport report =
      RunTrain(options, Engines(), speaks ? *context.progress : silent, ranks.get(), trials.get());
  if (report.interrupted) RequestInterrupt();  // whichever rank was asked, all end alike
  return speaks ? report.ToJson() : Json();
}

std::string DescribeTraining(const Json& result) {
  const Json& timing = result["timing"];
  std::string text =
      fmt::format("{} updates in {:.0f} s, {:.0f} samples/s\n", result["steps"].dump(),
                  timing["seconds"].get<double>(), timing["samples_per_s"].get<double>());
  if (!result["log"].empty()) {
    text += fmt::format("loss {:.4f}\n", result["log"].back().value("loss", 0.0));
  }
  text += result["checkpoint"].get<std::string>() + "\n";
  if (result["interrupted"].get<bool>()) {
    text += "interrupted: the same command with --resume continues from this checkpoint\n";
  }
  return text;
}

}  // namespace

ChunkModelFactory Models() {
  return [](const std::string& type, const SampleLayout& layout, const Json& config,
            const TensorMap& weights) {
    return Module<TorchModule>().make_chunk_model(type, layout, config, weights);
  };
}

Command TrainCommand() {
  Command command = MakeCommand<TrainOptions>("train", "train a policy on rendered datasets", Train,
                                              DescribeTraining);
  command.positional = {"datasets"};
  command.writes = [all = command.writes](const Json& options) {
    const std::optional<RankPlace> place = FindRankPlace(std::getenv);
    return place && place->rank > 0 ? std::vector<std::string>() : all(options);
  };
  // what the network offers depends on `type`
  for (FieldInfo& field : PolicyFields()) command.fields.push_back(std::move(field));
  command.preset = PresetOfPolicy;
  command.resolve = [checked = command.resolve](const Json& options) {
    Json resolved = checked(options);
    // what is not said of a network that starts from another is the other's, read when it trains
    if (!resolved.value("from", "").empty()) return resolved;
    resolved["policy"] = ResolvePolicy(resolved["type"].get<std::string>(), resolved["policy"]);
    return resolved;
  };
  return command;
}

}  // namespace understudy
