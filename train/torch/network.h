#pragma once

#include <memory>

#include "train/run/chunk_model.h"
#include "train/run/update_engine.h"

namespace understudy {

// The network of a listed policy, as its <Name>Network() gives it: see EngineFactory and
// ChunkModelFactory.
struct PolicyNetwork {
  const char* type;
  std::unique_ptr<UpdateEngine> (*make_engine)(const SampleLayout& layout, int vocabulary,
                                               const Json& policy_config,
                                               const TrainerOptions& trainer);
  std::unique_ptr<ChunkModel> (*make_chunk_model)(const SampleLayout& layout, const Json& config,
                                                  const TensorMap& weights);
};

}  // namespace understudy
