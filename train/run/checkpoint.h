#pragma once

// A run's folder, as users of LeRobot know it:
//
//   <run>/checkpoints/<step, 6 digits>/
//     pretrained_model/   config.json model.safetensors train_config.json training_run.json
//                         manifest.json, and scene/ where the data carried theirs
//     training_state/     training_step.json sampler.json weights.safetensors
//                         optimizer_state.safetensors manifest.json
//   <run>/checkpoints/last -> the newest
//   <run>/checkpoints/best -> that of the highest rate of success where they are tried, else of the
//                             least held-out loss where there is one
//
// pretrained_model alone is the policy: train_config.json holds every option of its training, those
// of network and trainer resolved, training_run.json what chose itself: precision, device, threads,
// the versions of this program and of LibTorch, and where the run was extended. A manifest names
// every file of its folder with size and hash. Checkpoints are written beside their place, fsynced
// and renamed: what has its name is whole.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/spec/scene_file.h"
#include "train/run/policy_config.h"
#include "train/tensors/tensor_blob.h"

namespace understudy {

struct PolicyArtefact {
  PolicyConfig config;
  TensorMap weights;
  std::string hash;              // of configuration and weights
  std::filesystem::path folder;  // pretrained_model
};

struct TrainingState {
  int64_t step = 0;
  Json sampler = Json::object();
  TensorMap engine;  // of UpdateEngine::ExportState
};

// Writes <run>/checkpoints/<step>, moves `last` to it and removes all but the newest `keep` (0:
// keep all) and that of step `best`, which may be this one; none: there is no best one. A
// checkpoint of the same step is replaced. Throws Error(kFailed); what was there stays.
std::filesystem::path SaveCheckpoint(const std::filesystem::path& run, const PolicyConfig& config,
                                     const TensorMap& weights, const Json& train_config,
                                     const Json& training_run, const TrainingState& state, int keep,
                                     const std::vector<SceneFile>& scene = {},
                                     std::optional<int64_t> best = {},
                                     const std::vector<int64_t>& needed = {});

// Moves `best` to the checkpoint of a step, if that is there. Throws Error(kFailed).
void MarkBest(const std::filesystem::path& run, int64_t step);

// Checkpoints of a run, oldest first. What a killed run left of an unfinished one does not count;
// one that was damaged later does.
std::vector<int64_t> ListCheckpoints(const std::filesystem::path& run);

// `place`: a run (its last checkpoint), a checkpoint, or a pretrained_model folder, of another
// program too, or a file of one (PolicyType::open_foreign). Checks every
// hash of the manifest. Throws Error(kBadInput) naming the file, what is wrong with it and, for a
// checkpoint of a run, which folder to remove to resume from the checkpoint before it. An older
// checkpoint is never taken in place of a damaged one.
PolicyArtefact LoadPolicy(const std::filesystem::path& place);

// The folder scene/ of a policy as LoadPolicy finds it; empty where it has none.
std::filesystem::path SceneOfPolicy(const std::filesystem::path& place);

// config.json of a policy as LoadPolicy finds it; neither its hash nor the weights are checked.
PolicyConfig LoadPolicyConfig(const std::filesystem::path& place);

// The other half of a checkpoint; `checkpoint` as for LoadPolicy, without pretrained_model.
TrainingState LoadTrainingState(const std::filesystem::path& checkpoint);

// training_run.json of a policy as LoadPolicy finds it; empty where there is none.
Json LoadTrainingRun(const std::filesystem::path& place);

// train_config.json of a policy as LoadPolicy finds it; of another
// program's, the options of the network alone.
Json LoadTrainConfig(const std::filesystem::path& place);

}  // namespace understudy
