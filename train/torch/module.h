#pragma once

// LibTorch as a module (core/base/module.h): training and policies without linking it.

#include <memory>
#include <string>

#include "core/base/module.h"
#include "train/run/chunk_model.h"
#include "train/run/update_engine.h"
#include "train/torch/probe.h"

namespace understudy {

struct TorchModule {
  static constexpr ModuleName kName{"torch", "LibTorch", "training and policies", "WITH_TORCH",
                                    /*variants=*/true};
  TorchProbe (*probe)() = nullptr;
  // As EngineFactory and ChunkModelFactory. Both throw Error(kBadInput) for a type without a
  // network.
  std::unique_ptr<UpdateEngine> (*make_engine)(const std::string& type, const SampleLayout& layout,
                                               int vocabulary, const Json& policy_config,
                                               const TrainerOptions& trainer) = nullptr;
  std::unique_ptr<ChunkModel> (*make_chunk_model)(const std::string& type,
                                                  const SampleLayout& layout, const Json& config,
                                                  const TensorMap& weights) = nullptr;
  std::unique_ptr<Ranks> (*join_ranks)(const RankPlace& place) = nullptr;  // see JoinRanks
};

}  // namespace understudy
