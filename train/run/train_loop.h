#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "data/store/read_options.h"
#include "train/policies/policies.h"
#include "train/run/checkpoint_trials.h"
#include "train/run/memory.h"
#include "train/run/train_log.h"
#include "train/run/trainer_options.h"
#include "train/run/update_engine.h"
#include "train/samples/batch_source.h"
#include "train/samples/normalizer.h"
#include "train/samples/statistics.h"
#include "train/samples/training_set.h"

namespace understudy {

struct TrainOptions {
  // out of line: GCC 12 warns of maps that it takes for uninitialised where this is inlined
  TrainOptions();

  // changes results
  std::vector<std::string> datasets;
  std::vector<double> weights;
  InputOptions inputs{};
  SelectionOptions selection{};
  ReadOptions read{};  // how datasets are read
  std::string type = "groot";
  Json policy = Json::object();
  std::string from;
  TrainerOptions trainer{};
  int64_t steps = 2000;
  int batch = 64;
  uint64_t seed = 1;
  int horizon = 16, execute = 8, tokens = 16;
  NormalizerMode state_normalizer = NormalizerMode::kMinMax;
  // Most actions are small beside the largest: in units of their deviation the noise of the flow is
  // millimetres, in units of the range it would be centimetres.
  NormalizerMode action_normalizer = NormalizerMode::kMeanStd;
  ActionStatisticsOf action_statistics = ActionStatisticsOf::kPerStep;
  double range_floor = 1e-3, action_range_floor = 5e-3;
  std::map<std::string, NormalizerMode> normalizers{};
  double normal_clip = 0;
  double held_out = 0;
  LoaderOptions loader{};
  // changes speed and files only
  std::string out;
  bool resume = false, overwrite = false;
  int64_t save_every = 1000, log_every = 50;
  int keep = 2;
  TrialOptions trials{};
  static constexpr std::array kUnwritten{ReadOptions::kOutsideLinks,
                                         ReadOptions::kQuaternions,
                                         ReadOptions::kSkipBad,
                                         ReadOptions::kMap,
                                         InputOptions::kUnwritten[0],
                                         InputOptions::kUnwritten[1],
                                         InputOptions::kUnwritten[2],
                                         InputOptions::kUnwritten[3],
                                         InputOptions::kUnwritten[5],
                                         InputOptions::kUnwritten[6],
                                         "from",
                                         "normalizers",
                                         "normal_clip",
                                         "held_out",
                                         "action_statistics",
                                         "trials"};
  template <class V>
  void Visit(V& v) {
    v("datasets", datasets, "files or folders to learn from", kRequired);
    v("weights", weights, "share of each dataset; empty: every row counts the same",
      Limits{1e-9, 1e9});
    inputs.Visit(v);
    v("selection", selection, "episodes to learn from");
    read.Visit(v);
    v("type", type, "network: a listed policy");
    v("policy", policy, "options of the network");
    v("from", from,
      "run, checkpoint or pretrained_model folder whose weights the network starts with, where "
      "name "
      "and shape agree; statistics are those of the data");
    v("trainer", trainer, "options of the optimizer");
    v("steps", steps, "optimizer updates", Limits{1, 1e9});
    v("batch", batch, "samples per update", Limits{1, 65536});
    v("seed", seed, "of order, shifts, weights and noise");
    v("horizon", horizon, "actions per chunk", Limits{1, 4096});
    v("execute", execute, "actions of a chunk executed before the next observation",
      Limits{1, 4096});
    v("tokens", tokens, "most words of an instruction", Limits{1, 4096});
    v("state_normalizer", state_normalizer, "normalisation of states");
    v("action_normalizer", action_normalizer, "normalisation of actions");
    v("action_statistics", action_statistics,
      "of what actions: per_step, each step of the chunk its own, or all_steps, one for all");
    v("range_floor", range_floor, "least range (or deviation) of a state, in its unit",
      Limits{1e-12, 1e6});
    v("action_range_floor", action_range_floor, "least range (or deviation) of an action, m or rad",
      Limits{1e-12, 1e6});
    v("normalizers", normalizers,
      "normalisation of numbers whose names match, such as {\"*_gripper\": \"min_max\"}, instead "
      "of "
      "the two above; --plan lists the names; of several patterns the longest counts");
    v("normal_clip", normal_clip,
      "largest normalised value: what lies beyond is clipped to it; 0: nothing is", Limits{0, 1e6});
    v("held_out", held_out,
      "share of the trajectories that nothing is learnt from; their loss is in the log at every "
      "checkpoint, and checkpoints/best is the one where it was least",
      Limits{0, 0.9});
    v("loader", loader, "pictures and threads");
    v("out", out, "folder of the run", kRequired, kOutput);
    v("resume", resume,
      "resume from the last checkpoint of the folder; with more --steps the run is extended",
      Effect::kPlace);
    v("overwrite", overwrite, "replace the checkpoints of the folder", Effect::kPlace);
    v("save_every", save_every, "updates between checkpoints", Limits{1, 1e9}, Effect::kPlace);
    v("log_every", log_every, "updates between points of the loss curve", Limits{1, 1e9},
      Effect::kPlace);
    v("keep", keep, "checkpoints kept; 0: all", Limits{0, 1e6}, Effect::kPlace);
    v("trials", trials, "checkpoints tried while the training goes on");
  }
};

// `options` with everything that was left open: all options of the network, steps and seed of the
// trainer. Appends every violation that fields alone cannot show; then the rest is not complete.
TrainOptions Resolve(const TrainOptions& options, const PolicyList& policies, Problems& problems);

// Raises the slots of the network to the embodiments of the data. Throws Error(kBadInput) that
// names them where the network learns one alone.
void FitSlots(const TrainingSets& sets, TrainOptions& resolved,
              const PolicyList& policies = PolicyTypes());

// The columns of the sets that the policy of the options (by Resolve) asks for. Throws
// Error(kBadInput) where they are not offered.
SampleLayout AskedColumns(const TrainingSets& sets, const TrainOptions& resolved,
                          const PolicyList& policies = PolicyTypes());

struct TrainReport {
  std::filesystem::path checkpoint;  // the last one written
  int64_t steps = 0, resumed_from = 0;
  bool interrupted = false;
  int64_t episodes = 0, windows = 0;
  std::vector<std::string> dataset_hashes;
  std::vector<int> floored_state, floored_action;  // dimensions whose range is below the floor
  std::vector<CheckpointTrials::Result> trials;    // of this run and those that it resumed
  std::vector<std::string> warnings;               // of the numbers: see train/samples/statistics.h
  std::vector<TrainLogRow> log;
  Json engine = Json::object();  // what the engine says of itself
  MemoryEstimate memory;         // before the first update
  Json from = Json::object();    // WarmStart; empty: it began anew
  // wall clock of this run
  double seconds = 0, samples_per_s = 0, data_wait_share = 0, cache_share = 0;
  std::optional<double> flop_use;  // ComputeCost

  Json ToJson() const;
};

// How states and actions are normalised.
NormalizerRules StateRules(const TrainOptions& options);
NormalizerRules ActionRules(const TrainOptions& options);

// What an update costs, from a few that are made and thrown away.
struct UpdateCost {
  double seconds = 0;  // mean wall time, with data
  MemoryEstimate memory;
  double peak_mib = 0;  // what the process had in memory at most, all included; 0: not known
};
// `resolved` by Resolve.
UpdateCost MeasureUpdate(const TrainingSets& sets, const TrainOptions& resolved,
                         const EngineFactory& factory);

// Trains: statistics, engine, updates, checkpoints and log.json under `options.out`. Options that
// change results, and the seed, name the outcome; a run that is stopped and resumed ends with the
// same weights, bit for bit, as one that never stopped. A resume with more `steps` extends the run:
// the schedule goes on as that of the longer run does from there. An interrupt saves a checkpoint.
// Throws Error(kUsage) where the folder holds a run already and neither resume nor overwrite is
// set, and Error(kBadInput) where the run to resume was started with other data or options, naming
// them.
//
// With `ranks` this process is one of several, each of which makes and differentiates its share of
// every batch; rank 0 alone writes. Throws Error(kBadInput) where the ranks were given different
// options, data or programs, and Error(kFailed) where one is lost.
//
// With `trials` every checkpoint is tried, and checkpoints/best is the one of the highest rate.
TrainReport TrainLoop(const TrainingSets& sets, const TrainOptions& options,
                      const EngineFactory& factory, Progress& progress,
                      const PolicyList& policies = PolicyTypes(), Ranks* ranks = nullptr,
                      CheckpointTrials* trials = nullptr);
// Of one embodiment.
inline TrainReport TrainLoop(std::shared_ptr<const TrainingSet> set, const TrainOptions& options,
                             const EngineFactory& factory, Progress& progress,
                             const PolicyList& policies = PolicyTypes(), Ranks* ranks = nullptr,
                             CheckpointTrials* trials = nullptr) {
  return TrainLoop(TrainingSets{std::move(set)}, options, factory, progress, policies, ranks,
                   trials);
}

}  // namespace understudy
