#pragma once

// What `understudy train` and `understudy evaluate` do, for app/: it hands over the parts that this
// folder does not know (network, simulator, renderer, looks, videos).

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/progress.h"
#include "core/seam/policy.h"
#include "train/evaluate/evaluate.h"
#include "train/evaluate/open_loop.h"
#include "train/evaluate/predict.h"
#include "train/run/chunk_model.h"
#include "train/run/train_loop.h"

namespace understudy {

// Opens the datasets and trains. Throws Error(kUsage) that lists every violation of the options,
// those of network and trainer included, before any data is read. Other errors: of LoadTrainingSet
// and TrainLoop. With `ranks` the others learn of an error here.
TrainReport RunTrain(const TrainOptions& options, const EngineFactory& factory, Progress& progress,
                     Ranks* ranks = nullptr, CheckpointTrials* trials = nullptr);

// Options of all listed policies as fields of TrainOptions ("policy.width"), and the options of a
// network with all defaults: see PolicyType. Throws Error that lists every violation.
std::vector<FieldInfo> PolicyFields();
Json ResolvePolicy(const std::string& type, const Json& policy);

// Values of TrainOptions that the policy in `given` brings along (PolicyType::preset); `given`
// holds options of training as far as they are said. Empty where it names no listed policy.
Json PresetOfPolicy(const Json& given);

// What train would do, nothing written: episodes, rows, epochs, steps, the columns that the network
// asks for, memory of the pictures, all options of network and trainer and, unless `factory` is
// empty, the seconds that it would take, from four updates. Errors: of RunTrain.
Json PlanTrain(const TrainOptions& options, const EngineFactory& factory, Progress& progress);

enum class BaselinePolicy { kNone, kHold, kMeanChunk, kReplay, kNearest };
template <>
struct EnumNames<BaselinePolicy> {
  static constexpr std::array kNames{"none", "hold", "mean_chunk", "replay", "nearest"};
};

// Whether the baseline needs no checkpoint.
inline bool StandsAlone(BaselinePolicy baseline) {
  return baseline == BaselinePolicy::kHold || baseline == BaselinePolicy::kReplay ||
         baseline == BaselinePolicy::kNearest;
}

struct EvalCommandOptions {
  // changes results
  std::string checkpoint;
  std::string embodiment;  // of a policy that was trained on several; empty: the one that fits
  BaselinePolicy baseline = BaselinePolicy::kNone;
  std::string baseline_dataset;
  EvalOptions eval;
};

// Of the data that the checkpoint was trained on: task, robot, its robot.yaml where it was given by
// path, and the folder of the scene that the checkpoint carries. All empty if the options name no
// checkpoint. Of several embodiments the one that is named, else the first one that was trained on
// `task` and `robot` where these are not empty, else the first. Throws Error(kBadInput) where the
// checkpoint is not sound.
struct TwinOfTraining {
  std::string task, robot, robot_place;
  std::filesystem::path scene;
};
TwinOfTraining TwinOfPolicy(const EvalCommandOptions& options, const std::string& task = "",
                            const std::string& robot = "");

// The policy that the options name, for a simulator of `simulator`. Throws Error(kUsage) where they
// name none, Error(kBadInput) where the checkpoint or the dataset is not sound.
std::unique_ptr<Policy> MakePolicy(const EvalCommandOptions& options,
                                   const SimulatorInfo& simulator, const ChunkModelFactory& factory,
                                   Progress& progress);

// Compares the policy of a checkpoint with recorded actions: CompareOpenLoop; of several
// embodiments the one that is named or fits. Throws Error(kUsage) where `checkpoint` is empty.
OpenLoopReport RunOpenLoop(const std::string& checkpoint, const std::string& embodiment,
                           const OpenLoopOptions& options, const SelectionOptions& selection,
                           const ReadOptions& read, const ChunkModelFactory& factory,
                           Progress& progress);

// Writes the policy of a checkpoint for the program whose networks they are:
// PolicyType::write_foreign. `to` names that program (PolicyType::foreign). With `plan` only what
// would be written is said. Throws Error(kUsage) where a folder is not named.
Json ExportPolicy(const std::string& checkpoint, const std::string& to, const std::string& out,
                  bool plan);

// Asks the policy of a checkpoint about recorded rows: Predict.
PredictReport RunPredict(const std::string& checkpoint, const PredictOptions& options,
                         const ChunkModelFactory& factory, Progress& progress);

}  // namespace understudy
