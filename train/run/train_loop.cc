#include "train/run/train_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/version.h"
#include "train/run/checkpoint.h"
#include "train/run/event_file.h"
#include "train/run/not_finite.h"
#include "train/run/run_config.h"
#include "train/run/same_ranks.h"
#include "train/run/warm_start.h"
#include "train/samples/held_out.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// What must be equal for a run to be resumed: everything that changes results. Datasets may have
// moved: their content hashes are compared instead.
Json ComparedOptions(const TrainOptions& resolved, const PolicyList& policies) {
  Json options = ResultOptions(resolved);
  options["policy"] =
      ResultOptions(resolved.policy, FindPolicyType(resolved.type, policies)->fields);
  options.erase("datasets");
  options.erase("from");  // likewise
  return options;
}

// Whether `now` asks for more updates than the run was started with, and for nothing else of the
// schedule: it then goes on as if the run had been meant to be so long.
bool Extends(const TrainOptions& started, const TrainOptions& now) {
  const bool follows = started.trainer.steps == started.steps && now.trainer.steps == now.steps;
  return now.steps > started.steps && (follows || started.trainer.steps == now.trainer.steps);
}

// Rejects the resume of another run. Returns for how many updates it was meant, which may be fewer
// than are wanted now.
int64_t CheckSameRun(const fs::path& run, const PolicyConfig& config, const TrainOptions& resolved,
                     const PolicyList& policies) {
  // also checks the file of the options
  const PolicyConfig before = LoadPolicy(run).config;
  TrainOptions options =
      FromJson<TrainOptions>(LoadTrainConfig(run), run.string() + ": train_config.json");
  options.from.clear();  // it may have moved, and every option of the network stands here
  Problems found;
  const TrainOptions started = Resolve(options, policies, found);
  if (found.empty()) {
    TrainOptions now = resolved;
    if (Extends(started, resolved)) {
      now.steps = started.steps;
      now.trainer.steps = started.trainer.steps;
    }
    Differences(ComparedOptions(started, policies), ComparedOptions(now, policies), "", found);
    if (resolved.steps < started.steps) {
      found.push_back("a run can be extended and never shortened");
    }
  }
  const Json from = LoadTrainingRun(run).value("from", Json::object());
  const std::string hash = from.value("policy", ""),
                    now = resolved.from.empty() ? "" : LoadPolicy(resolved.from).hash;
  if (hash != now) {
    found.push_back(fmt::format("the policy that it starts from was '{}', is '{}'", hash, now));
  }
  if (before.dataset_hashes != config.dataset_hashes) {
    found.push_back(fmt::format("datasets were {}, are {}", fmt::join(before.dataset_hashes, ", "),
                                fmt::join(config.dataset_hashes, ", ")));
  }
  if (!found.empty()) {
    ThrowBadInput(
        fmt::format("{}: cannot be resumed: {}; give the options that it was started "
                    "with, or another folder",
                    run.string(), fmt::join(found, "; ")));
  }
  return options.steps;
}

// Starts a fresh engine with the weights of another policy.
Json WarmUp(const TrainOptions& options, const PolicyConfig& config, const PolicyList& policies,
            UpdateEngine* engine, Progress& progress) {
  const PolicyArtefact from = LoadPolicy(options.from);
  if (from.config.type != options.type) {
    ThrowBadInput(fmt::format("{}: is a policy of type '{}', and one of type '{}' is to be trained",
                              options.from, from.config.type, options.type));
  }
  TensorMap state = engine->ExportState();
  const WarmStart start = StartFrom(from, *FindPolicyType(options.type, policies), config, &state);
  engine->ImportState(state);
  progress.Message(fmt::format("{}: {} weights taken, {} begin anew{}{}", options.from,
                               start.taken.size(), start.fresh.size(),
                               start.fresh.empty() ? "" : ": ", fmt::join(start.fresh, ", ")));
  if (!start.unused.empty()) {
    progress.Message(
        fmt::format("{}: fit nowhere: {}", options.from, fmt::join(start.unused, ", ")));
  }
  for (const std::string& line : start.embodiments) progress.Message(line);
  return ToJson(start);
}

// What feeds a network from `sets`; normalisers are those of what is learnt from.
std::unique_ptr<BatchSource> MakeSource(
    const TrainingSets& sets, const SampleLayout& layout,
    const std::vector<std::map<std::string, Normalizer>>& normalizers, const TrainOptions& options,
    const PolicyConfig& config, const Ranks* ranks) {
  BatchShare share;
  if (ranks != nullptr) share = {ranks->rank(), ranks->size()};
  std::vector<LearntSet> learnt;
  std::vector<double> weights;  // as datasets stand in the sets
  for (size_t slot = 0; slot < sets.size(); ++slot) {
    learnt.push_back({sets[slot], normalizers[slot]});
    for (const TrainingDataset& dataset : sets[slot]->datasets) {
      if (sets.size() > 1 && !options.weights.empty()) {
        weights.push_back(options.weights.at(dataset.place));
      }
    }
  }
  if (sets.size() == 1) weights = options.weights;
  return std::make_unique<BatchSource>(std::move(learnt), layout, config.tokenizer, options.loader,
                                       weights, options.batch, options.seed, share);
}

// The network and what feeds it.
struct Learner {
  SampleLayout layout;
  std::vector<std::map<std::string, Normalizer>> normalizers;  // by slot and column
  std::unique_ptr<UpdateEngine> engine;
  std::unique_ptr<BatchSource> source;
};

Learner MakeLearner(const TrainingSets& sets, const TrainOptions& options,
                    const PolicyConfig& config, const EngineFactory& factory,
                    const PolicyList& policies, Ranks* ranks = nullptr) {
  Learner learner;
  learner.layout = AskedColumns(sets, options, policies);
  for (const PolicyEmbodiment& one : config.Embodiments()) {
    learner.normalizers.push_back({{kStateColumn, one.state}, {kActionColumn, one.action}});
  }
  // of one embodiment alone
  for (const char* objects : {kObjectsColumn, kSeenObjectsColumn}) {
    if (learner.layout.Find(objects) == nullptr) continue;
    learner.normalizers[0][objects] = ObjectStatistics(*sets[0]);
  }
  learner.engine = factory(options.type, learner.layout, config.tokenizer.vocabulary(),
                           options.policy, options.trainer);
  if (ranks != nullptr) learner.engine->Join(*ranks);
  learner.source = MakeSource(sets, learner.layout, learner.normalizers, options, config, ranks);
  return learner;
}

// The loss of some samples of what is not learnt from, always the same ones, without shifts and
// other variations.
double HeldOutLoss(const TrainingSets& apart, const Learner& learner, const TrainOptions& options,
                   const PolicyConfig& config, const Ranks* ranks) {
  constexpr uint64_t kMostBatches = 16;
  TrainOptions plain = options;
  plain.loader = {};
  plain.loader.end_padding = options.loader.end_padding;
  plain.loader.threads = 0;
  plain.loader.cache_mib = 0;
  plain.loader.frame_store = options.loader.frame_store;
  plain.loader.frame_store_gib = options.loader.frame_store_gib;
  plain.weights.clear();
  const std::unique_ptr<BatchSource> source =
      MakeSource(apart, learner.layout, learner.normalizers, plain, config, ranks);
  const auto batch = static_cast<uint64_t>(options.batch);
  const uint64_t batches = std::clamp<uint64_t>(WindowsOf(apart) / batch, 1, kMostBatches);
  double sum = 0;
  for (uint64_t i = 0; i < batches; ++i) sum += learner.engine->HeldOutLoss(source->Next());
  return sum / static_cast<double>(batches);
}

// The checkpoint where it was least.
std::optional<int64_t> BestStep(const std::vector<TrainLogRow>& log) {
  const TrainLogRow* best = nullptr;
  for (const TrainLogRow& row : log) {
    if (row.held_out && (best == nullptr || *row.held_out < *best->held_out)) best = &row;
  }
  return best == nullptr ? std::nullopt : std::optional(best->step);
}

// Of all ranks; none where the engine does not know.
std::optional<double> UseOf(const ComputeCost& cost, double samples_per_s, const Ranks* ranks) {
  if (cost.peak_flops_per_s <= 0) return std::nullopt;
  const int processes = ranks == nullptr ? 1 : ranks->size();
  return samples_per_s * cost.flops_per_sample / (processes * cost.peak_flops_per_s);
}

std::string UseText(std::optional<double> use) {
  return use ? fmt::format(", FLOP use {:.0f} %", 100 * *use) : "";
}

// A row as TensorBoard shows it.
std::vector<std::pair<std::string, double>> ScalarsOf(const TrainLogRow& row) {
  std::vector<std::pair<std::string, double>> scalars{
      {"loss", row.losses.loss},
      {"gradient_norm", row.losses.gradient_norm},
      {"learning_rate", row.losses.learning_rate},
      {"speed/samples_per_s", row.samples_per_s},
      {"speed/data_wait_share", row.data_wait_share}};
  if (row.flop_use) scalars.emplace_back("speed/flop_use", *row.flop_use);
  if (row.held_out) scalars.emplace_back("held_out/loss", *row.held_out);
  for (const auto& [name, value] : row.losses.parts) scalars.emplace_back("loss/" + name, value);
  return scalars;
}

}  // namespace

TrainOptions::TrainOptions() = default;

NormalizerRules StateRules(const TrainOptions& options) {
  return {options.state_normalizer, options.range_floor, options.normal_clip, options.normalizers};
}

NormalizerRules ActionRules(const TrainOptions& options) {
  return {options.action_normalizer, options.action_range_floor, options.normal_clip,
          options.normalizers};
}

TrainOptions Resolve(const TrainOptions& options, const PolicyList& policies, Problems& problems) {
  if (options.out.empty()) problems.push_back("out: names no folder");
  if (options.execute > options.horizon) {
    problems.push_back(fmt::format("execute = {}: must not be more than horizon = {}",
                                   options.execute, options.horizon));
  }
  if (!options.weights.empty() && options.weights.size() != options.datasets.size()) {
    problems.push_back(fmt::format("weights: {} for {} datasets", options.weights.size(),
                                   options.datasets.size()));
  }
  if (options.resume && options.overwrite) {
    problems.push_back("resume and overwrite: only one of them");
  }
  TrainOptions resolved = options;
  if (const PolicyType* type = FindPolicyType(options.type, policies)) {
    try {
      // the network of the policy that it starts from, but for what is said
      Json policy = options.from.empty() ? Json::object() : LoadTrainConfig(options.from)["policy"];
      if (!type->slots.empty()) policy.erase(type->slots);  // as many as the data have
      policy.update(options.policy);
      resolved.policy = type->resolve(policy);
      if (MemoryOf(*type, resolved.policy) > 1 && options.horizon != 1) {
        problems.push_back(fmt::format("horizon = {}: '{}' answers with 1 action: --horizon 1",
                                       options.horizon, options.type));
      }
    } catch (const Error& error) {
      problems.push_back(error.what());
    }
    if (type->bounded && options.action_normalizer == NormalizerMode::kMeanStd) {
      problems.push_back(fmt::format(
          "action_normalizer = mean_std: '{}' answers within [-1, 1]: min_max or quantile",
          options.type));
    }
  } else {
    problems.push_back("type: " + UnknownPolicyType(options.type, policies));
  }
  for (const auto& [pattern, mode] : options.normalizers) {
    if (pattern.empty()) problems.push_back("normalizers: a pattern is empty");
  }
  if (!resolved.trainer.steps) resolved.trainer.steps = options.steps;
  if (!resolved.trainer.seed) resolved.trainer.seed = options.seed;
  return resolved;
}

void FitSlots(const TrainingSets& sets, TrainOptions& resolved, const PolicyList& policies) {
  if (sets.size() <= 1) return;
  const PolicyType& type = *FindPolicyType(resolved.type, policies);
  const std::vector<std::string> names = NamesOf(sets);
  if (type.slots.empty()) {
    ThrowBadInput(fmt::format("{} is of '{}' and {} of '{}', and policy '{}' learns one embodiment",
                              sets[0]->datasets.at(0).path, names[0], sets[1]->datasets.at(0).path,
                              names[1], resolved.type));
  }
  Json& slots = resolved.policy.at(type.slots);
  if (slots.get<size_t>() < sets.size()) slots = sets.size();
}

SampleLayout AskedColumns(const TrainingSets& sets, const TrainOptions& resolved,
                          const PolicyList& policies) {
  return LayoutFor(*FindPolicyType(resolved.type, policies), resolved.policy,
                   {ColumnsOf(sets, resolved.tokens), resolved.horizon});
}

UpdateCost MeasureUpdate(const TrainingSets& sets, const TrainOptions& resolved,
                         const EngineFactory& factory) {
  ForgetPeakMemory();
  const PolicyConfig config = MakeConfig(sets, resolved, PolicyTypes());
  const Learner learner = MakeLearner(sets, resolved, config, factory, PolicyTypes());
  // the first update chooses the precision and warms caches
  learner.engine->Update(learner.source->Next());
  learner.engine->TakeLosses();
  constexpr int kTimed = 3;
  const double start = MonotonicSeconds();
  for (int i = 0; i < kTimed; ++i) learner.engine->Update(learner.source->Next());
  learner.engine->TakeLosses();
  UpdateCost cost;
  cost.seconds = (MonotonicSeconds() - start) / kTimed;
  cost.memory = EstimateMemory(learner.engine->Describe(), sets, learner.layout, resolved);
  cost.peak_mib = PeakMemoryMib();
  return cost;
}

TrainReport TrainLoop(const TrainingSets& given_sets, const TrainOptions& given,
                      const EngineFactory& factory, Progress& progress, const PolicyList& policies,
                      Ranks* ranks, CheckpointTrials* trials) {
  Problems problems;
  TrainOptions options = Resolve(given, policies, problems);
  if (ranks != nullptr && options.batch < ranks->size()) {
    problems.push_back(fmt::format("batch = {}: {} ranks share it, and each needs a sample",
                                   options.batch, ranks->size()));
  }
  if (!problems.empty()) ThrowUsage(fmt::format("train: {}", fmt::join(problems, "; ")));
  Require(WindowsOf(given_sets) > 0, "something to learn from");
  FitSlots(given_sets, options, policies);
  TrainingSets sets = given_sets, apart;
  for (size_t slot = 0; options.held_out > 0 && slot < sets.size(); ++slot) {
    auto [learnt, kept] = HoldOut(*sets[slot], options.held_out, options.seed);
    sets[slot] = std::make_shared<const TrainingSet>(std::move(learnt));
    apart.push_back(std::make_shared<const TrainingSet>(std::move(kept)));
  }
  const fs::path run = options.out;
  const bool exists = !ListCheckpoints(run).empty();
  if (exists && !options.resume && !options.overwrite) {
    ThrowUsage(
        fmt::format("{}: holds the checkpoints of a run: resume it by --resume, replace "
                    "it by --overwrite, or name another folder",
                    run.string()));
  }

  // what the data says, and the network that is to learn it
  TrainReport report;
  PolicyConfig config = MakeConfig(sets, options, policies);
  const Json train_config = ToJson(options);
  report.windows = static_cast<int64_t>(WindowsOf(sets));
  report.dataset_hashes = config.dataset_hashes;
  report.floored_state = config.state.Floored();
  report.floored_action = config.action.Floored();
  for (size_t slot = 0; slot < sets.size(); ++slot) {
    report.episodes += static_cast<int64_t>(sets[slot]->episodes.size());
    for (const std::string& line :
         Warnings(ReportNumbers(*sets[slot], StateRules(options), ActionRules(options)))) {
      report.warnings.push_back(sets.size() > 1 ? config.embodiments[slot].name + ": " + line
                                                : line);
    }
  }
  for (const std::string& line : DescribeEmbodiments(sets)) progress.Message(line);
  for (const std::string& line : report.warnings) progress.Message(line);
  int64_t meant = options.steps;
  if (exists && options.resume) meant = CheckSameRun(run, config, options, policies);
  if (ranks != nullptr) {
    RequireSame(*ranks, {{"program", ProgramVersion()},
                         {"options", ComparedOptions(options, policies)},
                         {"save_every", options.save_every},
                         {"datasets", config.dataset_hashes},
                         {"checkpoints", ListCheckpoints(run)}});
  }
  const bool writes = ranks == nullptr || ranks->rank() == 0;
  const Learner learner = MakeLearner(sets, options, config, factory, policies, ranks);
  UpdateEngine* const engine = learner.engine.get();
  BatchSource& source = *learner.source;
  TrainLog curve(run / "log.json");
  int64_t step = 0;
  Json extended = Json::array();  // how often, in the order in which it was
  if (exists && options.resume) {
    extended = LoadTrainingRun(run).value("extended", extended);
    const TrainingState state = LoadTrainingState(run);
    engine->ImportState(state.engine);
    source.Restore(state.sampler);
    step = report.resumed_from = state.step;
    if (writes) report.log = curve.Resume(step);
    report.checkpoint = run / "checkpoints" / fmt::format("{:06}", step);
    if (meant < options.steps) {
      extended.push_back({{"at", step}, {"from", meant}, {"to", options.steps}});
      progress.Message(fmt::format("{}: the run of {} updates goes on from update {} as one of {}",
                                   run.string(), meant, step, options.steps));
    }
    report.from = LoadTrainingRun(run).value("from", report.from);
  } else {
    if (!options.from.empty()) report.from = WarmUp(options, config, policies, engine, progress);
  }
  const auto require_same_weights = [&] {
    if (ranks != nullptr) RequireSame(*ranks, {{"weights", HashOfTensors(engine->ExportState())}});
  };
  require_same_weights();
  // now every rank has read what it needs of an older run
  if (exists && !options.resume && writes) {
    fs::remove_all(run / "checkpoints");
    fs::remove(run / "log.json");
    fs::remove_all(run / "tensorboard");
    fs::remove_all(run / "trials");
  }
  EventFile events(run / "tensorboard", step);
  std::error_code cannot;
  if (writes) fs::create_directories(run, cannot);
  if (cannot) ThrowFailed(fmt::format("{}: {}", run.string(), cannot.message()));
  report.engine = engine->Describe();
  report.memory = EstimateMemory(report.engine, sets, learner.layout, options);
  progress.Message(DescribeMemory(report.memory, FreeMemoryMib()));

  const double start = MonotonicSeconds();
  double mark = start, mark_wait = 0;
  const int64_t first = step;
  // closes a stretch of updates: reads the losses and writes the curve
  const auto log = [&](std::optional<double> held_out) {
    TrainLogRow row;
    row.step = step;
    row.losses = engine->TakeLosses();
    row.held_out = held_out;
    const double now = MonotonicSeconds(), wait = source.times().wait_s;
    row.samples_per_s =
        static_cast<double>(row.losses.updates * options.batch) / std::max(1e-9, now - mark);
    row.data_wait_share = (wait - mark_wait) / std::max(1e-9, now - mark);
    row.flop_use = UseOf(engine->cost(), row.samples_per_s, ranks);
    mark = now;
    mark_wait = wait;
    report.log.push_back(row);
    if (writes) {
      curve.Append(row);
      events.Append(step, ScalarsOf(row));
    }
    progress.Advance(
        step, fmt::format("loss {:.4f}, {:.0f} samples/s, data wait {:.0f} %{}", row.losses.loss,
                          row.samples_per_s, 100 * row.data_wait_share, UseText(row.flop_use)));
    if (!std::isfinite(row.losses.loss)) {
      ThrowFailed(
          fmt::format("training diverged: loss {} at update {}; the last good checkpoint "
                      "is {}; lower the learning rate, or look for outliers in the dataset",
                      row.losses.loss, step, report.checkpoint.string()));
    }
  };
  std::optional<Batch> ahead;  // of the next update
  Json position;               // of the source in front of it; null: where it is
  const auto best = [&] {
    return trials != nullptr && !trials->results().empty() ? BestOf(trials->results())
                                                           : BestStep(report.log);
  };
  DrawnRanges draws;
  for (const auto& set : sets) draws.Add(set->draws);
  // and what the policy has seen before this run, or before it was stopped
  std::vector<fs::path> before;
  if (!options.from.empty()) before.push_back(options.from);
  if (report.resumed_from > 0) before.push_back(run);
  for (const fs::path& place : before) {
    draws.Add(DrawnRanges(LoadTrainingRun(place).value("draws", Json::object()), place.string()));
  }
  const auto save = [&] {
    require_same_weights();
    report.checkpoint = run / "checkpoints" / fmt::format("{:06}", step);
    if (!writes) return;
    config.network = engine->PolicyConfig();
    Json used{{"program", ProgramVersion()}, {"engine", engine->Describe()}};
    if (!extended.empty()) used["extended"] = extended;
    if (!report.from.empty()) used["from"] = report.from;
    if (!draws.empty()) used["draws"] = draws.ToJson();
    report.checkpoint =
        SaveCheckpoint(run, config, engine->ExportPolicy(), train_config, used,
                       {step, position.is_null() ? source.Save() : position, engine->ExportState()},
                       options.keep, sets[0]->scene_files, best(),
                       trials == nullptr ? std::vector<int64_t>() : trials->pending());
    if (trials != nullptr && !report.interrupted) trials->Start(step, report.checkpoint);
  };
  // the rates that have come
  const auto see_trials = [&](bool wait) {
    if (trials == nullptr) return;
    for (const CheckpointTrials::Result& result : trials->Take(wait)) {
      events.Append(result.step, {{"success", result.rate()}}, result.films);
      progress.Message(fmt::format("checkpoint {}: {} of {} episodes succeeded", result.step,
                                   result.successes, result.episodes));
      if (const auto step_of_best = best()) MarkBest(run, *step_of_best);
    }
    report.trials = trials->results();
  };

  // what an update could not learn from, named and kept
  const auto end_not_finite = [&](const NotFinite& fault, const Batch& batch, int64_t update) {
    const bool own = ranks == nullptr || !fault.samples().empty();
    const std::string rows =
        own ? NameRows(batch, fault.samples(), sets) : "samples of another rank";
    const fs::path file =
        run / (ranks == nullptr ? std::string("not_finite.safetensors")
                                : fmt::format("not_finite_rank{}.safetensors", ranks->rank()));
    if (own) WriteBatch(file, batch, learner.layout, rows);
    ThrowFailed(fmt::format(
        "training diverged at update {}: {} from {}{}; the last good checkpoint is {}; lower the "
        "learning rate, or look for outliers in these rows",
        update, fault.what(), rows, own ? fmt::format(" (kept in {})", file.string()) : "",
        report.checkpoint.empty() ? "none" : report.checkpoint.string()));
  };

  // a checkpoint whose trial was interrupted is tried anew
  if (trials != nullptr && report.resumed_from > 0 && step < options.steps) {
    const auto& results = trials->results();
    const bool tried = std::any_of(results.begin(), results.end(),
                                   [&](const auto& result) { return result.step == step; });
    if (!tried) trials->Start(step, report.checkpoint);
  }
  progress.Start("training", options.steps, "updates");
  progress.Advance(step);
  while (step < options.steps && !report.interrupted) {
    const Batch batch = ahead ? *std::move(ahead) : source.Next();
    ahead.reset();
    if (engine->TakesAhead()) {
      position = source.Save();
      if (step + 1 < options.steps) engine->Announce(ahead.emplace(source.Next()));
    }
    try {
      engine->Update(batch);
    } catch (const NotFinite& fault) {
      end_not_finite(fault, batch, step + 1);
    }
    ++step;
    const bool asked = InterruptRequested();
    report.interrupted = (ranks == nullptr ? asked : ranks->Any(asked)) && step < options.steps;
    const bool saves =
        step % options.save_every == 0 || step == options.steps || report.interrupted;
    std::optional<double> held_out;
    if (saves && !apart.empty()) held_out = HeldOutLoss(apart, learner, options, config, ranks);
    if (saves || step % options.log_every == 0) log(held_out);
    if (saves) save();
    if (saves || step % options.log_every == 0) see_trials(false);
  }
  report.steps = step;
  // once more: an automatic precision is chosen at the first update
  report.engine = engine->Describe();
  report.seconds = MonotonicSeconds() - start;
  const LoaderTimes times = source.times();
  report.samples_per_s =
      static_cast<double>((step - first) * options.batch) / std::max(1e-9, report.seconds);
  report.data_wait_share = times.wait_s / std::max(1e-9, report.seconds);
  report.cache_share = static_cast<double>(times.frames_from_cache) /
                       static_cast<double>(std::max<int64_t>(1, times.frames));
  report.flop_use = UseOf(engine->cost(), report.samples_per_s, ranks);
  progress.Finish(fmt::format("{:.0f} samples/s, data wait {:.1f} %{}", report.samples_per_s,
                              100 * report.data_wait_share, UseText(report.flop_use)));
  see_trials(!report.interrupted);
  return report;
}

Json TrainReport::ToJson() const {
  Json rows = Json::array();
  for (const TrainLogRow& row : log) rows.push_back(understudy::ToJson(row));
  Json tried = Json::array();
  for (const CheckpointTrials::Result& trial : trials) {
    tried.push_back(
        {{"step", trial.step}, {"successes", trial.successes}, {"episodes", trial.episodes}});
  }
  Json timing{{"seconds", seconds},
              {"samples_per_s", samples_per_s},
              {"data_wait_share", data_wait_share},
              {"cache_share", cache_share}};
  if (flop_use) timing["flop_use"] = *flop_use;
  return Json{{"checkpoint", checkpoint.string()},
              {"steps", steps},
              {"resumed_from", resumed_from},
              {"interrupted", interrupted},
              {"episodes", episodes},
              {"windows", windows},
              {"dataset_hashes", dataset_hashes},
              {"floored_state", floored_state},
              {"floored_action", floored_action},
              {"trials", tried},
              {"warnings", warnings},
              {"engine", engine},
              {"memory_mib", memory.ToJson()},
              {"from", from},
              {"timing", timing},
              {"log", rows}};
}

}  // namespace understudy
