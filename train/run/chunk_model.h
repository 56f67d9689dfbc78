#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/base/json.h"
#include "core/base/rng.h"
#include "train/samples/batch.h"
#include "train/tensors/tensor_blob.h"

namespace understudy {

// A trained network as a function of normalised inputs. Thread-safe; the answer for a sample
// depends on its inputs and its key only, not on the other samples of the batch or on other
// callers.
class ChunkModel {
 public:
  virtual ~ChunkModel() = default;
  // `inputs` without the action and what is offered in training only, with kCommittedColumn where
  // actions are given; one key per sample. Returns normalised actions, B T A.
  virtual std::vector<float> Predict(const Batch& inputs,
                                     const std::vector<RngKey>& keys) const = 0;
};

// `type` is a listed policy, `config` the policy's own (what UpdateEngine::PolicyConfig returned),
// `weights` its tensors.
using ChunkModelFactory =
    std::function<std::unique_ptr<ChunkModel>(const std::string& type, const SampleLayout& layout,
                                              const Json& config, const TensorMap& weights)>;

}  // namespace understudy
