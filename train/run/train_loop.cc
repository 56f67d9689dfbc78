#include "train/run/train_loop.h"

#include <algorithm>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/version.h"
#include "train/run/checkpoint.h"
#include "train/run/warm_start.h"

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

// Options that differ, as "path: old and new".
void Differences(const Json& before, const Json& now, const std::string& path, Problems& found) {
  if (before.is_object() && now.is_object()) {
    for (const auto& [key, value] : now.items()) {
      const std::string inner = path.empty() ? key : path + "." + key;
      Differences(before.contains(key) ? before[key] : Json(), value, inner, found);
    }
    for (const auto& [key, value] : before.items()) {
      if (!now.contains(key)) {
        Differences(value, Json(), path.empty() ? key : path + "." + key, found);
      }
    }
  } else if (before != now) {
    found.push_back(fmt::format("{} was {}, is {}", path, before.dump(), now.dump()));
  }
}

// The set's hashes; a dataset without one (another program's file) is named by its path.
std::vector<std::string> HashesOf(const TrainingSet& set) {
  std::vector<std::string> hashes;
  for (const TrainingDataset& dataset : set.datasets) {
    hashes.push_back(dataset.hash.empty() ? dataset.path : dataset.hash);
  }
  return hashes;
}

PolicyConfig MakeConfig(const TrainingSet& set, const TrainOptions& options) {
  PolicyConfig config;
  config.type = options.type;
  config.task = set.task;
  config.robot_place = set.robot_place;
  config.embodiment = set.embodiment;
  config.cameras = set.cameras;
  config.instructions = set.instructions;
  config.control_hz = set.control_hz;
  config.max_linear_delta = set.limits.linear;
  config.max_angular_delta = set.limits.angular;
  config.execute = options.execute;
  config.tokenizer = MakeTokenizer(set.instructions);
  config.state = StateStatistics(set, options.state_normalizer, options.range_floor);
  config.action =
      ActionStatistics(set, options.horizon, options.action_normalizer, options.action_range_floor);
  config.mean_chunk = MeanChunk(set, options.horizon);
  config.dataset_hashes = HashesOf(set);
  config.seed = options.seed;
  config.layout = {static_cast<int>(set.cameras.size()),
                   std::max(1, set.image_height),  // without cameras nothing is seen
                   std::max(1, set.image_width),
                   set.embodiment.state_size(),
                   set.embodiment.action_size(),
                   options.horizon,
                   options.tokens};
  return config;
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
  const WarmStart start =
      StartFrom(from, FindPolicyType(options.type, policies)->word_table, config.tokenizer, &state);
  engine->ImportState(state);
  progress.Message(fmt::format("{}: {} weights taken, {} begin anew{}{}", options.from,
                               start.taken.size(), start.fresh.size(),
                               start.fresh.empty() ? "" : ": ", fmt::join(start.fresh, ", ")));
  if (!start.unused.empty()) {
    progress.Message(
        fmt::format("{}: fit nowhere: {}", options.from, fmt::join(start.unused, ", ")));
  }
  return ToJson(start);
}

// The network and what feeds it.
struct Learner {
  std::unique_ptr<UpdateEngine> engine;
  std::unique_ptr<BatchSource> source;
};

Learner MakeLearner(std::shared_ptr<const TrainingSet> set, const TrainOptions& options,
                    const PolicyConfig& config, const EngineFactory& factory,
                    const PolicyList& policies, Ranks* ranks = nullptr) {
  const SampleLayout layout = AskedColumns(*set, options, policies);
  std::map<std::string, Normalizer> normalizers{{kStateColumn, config.state},
                                                {kActionColumn, config.action}};
  if (layout.Find(kObjectsColumn) != nullptr) normalizers[kObjectsColumn] = ObjectStatistics(*set);
  Learner learner;
  learner.engine =
      factory(options.type, layout, config.tokenizer.vocabulary(), options.policy, options.trainer);
  BatchShare share;
  if (ranks != nullptr) {
    share = {ranks->rank(), ranks->size()};
    learner.engine->Join(*ranks);
  }
  learner.source = std::make_unique<BatchSource>(std::move(set), layout, normalizers,
                                                 config.tokenizer, options.loader, options.weights,
                                                 options.batch, options.seed, share);
  return learner;
}

// ---- several processes ----

// Ends all ranks where one was given something else than rank 0.
void RequireSame(Ranks& ranks, const Json& here) {
  const std::vector<std::string> all = ranks.Gather(here.dump());
  Problems found;
  for (size_t rank = 1; rank < all.size(); ++rank) {
    Problems differences;
    Differences(Json::parse(all[0]), Json::parse(all[rank]), "", differences);
    for (const std::string& what : differences) {
      found.push_back(fmt::format("rank {}, beside rank 0: {}", rank, what));
    }
  }
  if (!found.empty()) {
    ThrowBadInput(
        fmt::format("the {} ranks do not train the same: {}; give all of them the same "
                    "program, options and files",
                    ranks.size(), fmt::join(found, "; ")));
  }
}

// What all ranks must hold alike, by one number.
std::string HashOf(const TensorMap& tensors) {
  uint64_t hash = 0;
  for (const auto& [name, blob] : tensors) {
    const std::string_view bytes(reinterpret_cast<const char*>(blob.data.data()), blob.data.size());
    hash = hash * 0x9E3779B97F4A7C15ull + understudy::HashOf(name) + understudy::HashOf(bytes);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

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
      policy.update(options.policy);
      resolved.policy = type->resolve(policy);
    } catch (const Error& error) {
      problems.push_back(error.what());
    }
  } else {
    problems.push_back("type: " + UnknownPolicyType(options.type, policies));
  }
  if (!resolved.trainer.steps) resolved.trainer.steps = options.steps;
  if (!resolved.trainer.seed) resolved.trainer.seed = options.seed;
  return resolved;
}

SampleLayout AskedColumns(const TrainingSet& set, const TrainOptions& resolved,
                          const PolicyList& policies) {
  return LayoutFor(*FindPolicyType(resolved.type, policies), resolved.policy,
                   {ColumnsOf(set, resolved.tokens), resolved.horizon});
}

Normalizer StateStatistics(const TrainingSet& set, NormalizerMode mode, double range_floor) {
  const size_t size = static_cast<size_t>(set.embodiment.state_size());
  StatisticsBuilder builder(static_cast<int>(size));
  for (const TrainingEpisode& episode : set.episodes) {
    for (size_t t = 0; t < episode.length; ++t) builder.Add(&episode.state_TS[t * size]);
  }
  return builder.Build(mode, range_floor);
}

Normalizer ActionStatistics(const TrainingSet& set, int horizon, NormalizerMode mode,
                            double range_floor) {
  const size_t size = static_cast<size_t>(set.embodiment.action_size());
  const size_t steps = static_cast<size_t>(horizon);
  std::vector<StatisticsBuilder> builders(steps, StatisticsBuilder(static_cast<int>(size)));
  std::vector<float> chunk(size * steps);
  std::vector<uint8_t> mask(steps);
  const std::vector<int> offsets = ChunkOffsets(horizon);
  size_t longest = 1;  // steps that at least one chunk reaches
  for (const TrainingEpisode& episode : set.episodes) {
    for (size_t row = 0; row < episode.length; ++row) {
      set.Chunk(episode, row, offsets, chunk.data(), mask.data());
      for (size_t k = 0; k < steps; ++k) {
        if (mask[k] == 0) continue;
        builders[k].Add(&chunk[k * size]);
        longest = std::max(longest, k + 1);
      }
    }
  }

  // one vector for the whole chunk, step after step; steps beyond every episode are as the last
  Normalizer all;
  for (size_t k = 0; k < steps; ++k) {
    all.Append(builders[std::min(k, longest - 1)].Build(mode, range_floor));
  }
  return all;
}

double SecondsPerUpdate(std::shared_ptr<const TrainingSet> set, const TrainOptions& resolved,
                        const EngineFactory& factory) {
  const PolicyConfig config = MakeConfig(*set, resolved);
  const Learner learner = MakeLearner(std::move(set), resolved, config, factory, PolicyTypes());
  // the first update chooses the precision and warms caches
  learner.engine->Update(learner.source->Next());
  learner.engine->TakeLosses();
  constexpr int kTimed = 3;
  const double start = MonotonicSeconds();
  for (int i = 0; i < kTimed; ++i) learner.engine->Update(learner.source->Next());
  learner.engine->TakeLosses();
  return (MonotonicSeconds() - start) / kTimed;
}

TrainReport TrainLoop(std::shared_ptr<const TrainingSet> set, const TrainOptions& given,
                      const EngineFactory& factory, Progress& progress, const PolicyList& policies,
                      Ranks* ranks) {
  Problems problems;
  const TrainOptions options = Resolve(given, policies, problems);
  if (ranks != nullptr && options.batch < ranks->size()) {
    problems.push_back(fmt::format("batch = {}: {} ranks share it, and each needs a sample",
                                   options.batch, ranks->size()));
  }
  if (!problems.empty()) ThrowUsage(fmt::format("train: {}", fmt::join(problems, "; ")));
  Require(set != nullptr && set->windows() > 0, "something to learn from");
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
  PolicyConfig config = MakeConfig(*set, options);
  const Json train_config = ToJson(options);
  report.episodes = static_cast<int64_t>(set->episodes.size());
  report.windows = static_cast<int64_t>(set->windows());
  report.dataset_hashes = config.dataset_hashes;
  report.floored_state = config.state.Floored();
  report.floored_action = config.action.Floored();
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
  const Learner learner = MakeLearner(set, options, config, factory, policies, ranks);
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
    if (ranks != nullptr) RequireSame(*ranks, {{"weights", HashOf(engine->ExportState())}});
  };
  require_same_weights();
  // now every rank has read what it needs of an older run
  if (exists && !options.resume && writes) {
    fs::remove_all(run / "checkpoints");
    fs::remove(run / "log.json");
  }
  std::error_code cannot;
  if (writes) fs::create_directories(run, cannot);
  if (cannot) ThrowFailed(fmt::format("{}: {}", run.string(), cannot.message()));
  report.engine = engine->Describe();

  const double start = MonotonicSeconds();
  double mark = start, mark_wait = 0;
  const int64_t first = step;
  // closes a stretch of updates: reads the losses and writes the curve
  const auto log = [&] {
    TrainLogRow row;
    row.step = step;
    row.losses = engine->TakeLosses();
    if (row.losses.updates == 0) return;
    const double now = MonotonicSeconds(), wait = source.times().wait_s;
    row.samples_per_s =
        static_cast<double>(row.losses.updates * options.batch) / std::max(1e-9, now - mark);
    row.data_wait_share = (wait - mark_wait) / std::max(1e-9, now - mark);
    mark = now;
    mark_wait = wait;
    report.log.push_back(row);
    if (writes) curve.Append(row);
    progress.Advance(
        step, fmt::format("loss {:.4f}, {:.0f} samples/s, data wait {:.0f} %", row.losses.loss,
                          row.samples_per_s, 100 * row.data_wait_share));
    if (!std::isfinite(row.losses.loss)) {
      ThrowFailed(
          fmt::format("training diverged: loss {} at update {}; the last good checkpoint "
                      "is {}; lower the learning rate, or look for outliers in the dataset",
                      row.losses.loss, step, report.checkpoint.string()));
    }
  };
  const auto save = [&] {
    log();
    require_same_weights();
    report.checkpoint = run / "checkpoints" / fmt::format("{:06}", step);
    if (!writes) return;
    config.network = engine->PolicyConfig();
    Json used{{"program", ProgramVersion()}, {"engine", engine->Describe()}};
    if (!extended.empty()) used["extended"] = extended;
    if (!report.from.empty()) used["from"] = report.from;
    report.checkpoint = SaveCheckpoint(run, config, engine->ExportPolicy(), train_config, used,
                                       {step, source.Save(), engine->ExportState()}, options.keep,
                                       set->scene_files);
  };

  progress.Start("training", options.steps, "updates");
  progress.Advance(step);
  while (step < options.steps && !report.interrupted) {
    engine->Update(source.Next());
    ++step;
    const bool asked = InterruptRequested();
    report.interrupted = (ranks == nullptr ? asked : ranks->Any(asked)) && step < options.steps;
    if (step % options.log_every == 0) log();
    if (step % options.save_every == 0 || step == options.steps || report.interrupted) save();
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
  progress.Finish(fmt::format("{:.0f} samples/s, data wait {:.1f} %", report.samples_per_s,
                              100 * report.data_wait_share));
  return report;
}

Json TrainReport::ToJson() const {
  Json rows = Json::array();
  for (const TrainLogRow& row : log) rows.push_back(understudy::ToJson(row));
  return Json{{"checkpoint", checkpoint.string()},
              {"steps", steps},
              {"resumed_from", resumed_from},
              {"interrupted", interrupted},
              {"episodes", episodes},
              {"windows", windows},
              {"dataset_hashes", dataset_hashes},
              {"floored_state", floored_state},
              {"floored_action", floored_action},
              {"engine", engine},
              {"from", from},
              {"timing",
               {{"seconds", seconds},
                {"samples_per_s", samples_per_s},
                {"data_wait_share", data_wait_share},
                {"cache_share", cache_share}}},
              {"log", rows}};
}

}  // namespace understudy
