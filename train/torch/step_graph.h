#pragma once

#include <functional>
#include <span>

#include "train/torch/loss_net.h"

namespace understudy {

// A step of training that is recorded once and then repeated as one launch, with the inputs of
// other batches in the same places: a CUDA graph (train/torch/cuda). Only functions of MakeInputs
// run again; all else that a step does in main memory is done once. One thread.
class StepGraph {
 public:
  using Step = std::function<void(std::span<const BatchPart> parts)>;

  virtual ~StepGraph() = default;
  // Does `step` on the parts; its results lie in tensors that were there before. The first times it
  // is called as it is, so that libraries are ready; then it is recorded. Parts whose inputs have
  // other shapes than those recorded go by the step itself.
  virtual void Run(std::span<const BatchPart> parts, const Step& step) = 0;
  // Makes the inputs of the parts that the next Run has, while the last one is still at work; of no
  // parts: what was made is not used. Does nothing before the step is recorded.
  virtual void Prepare(std::span<const BatchPart> parts) = 0;
  virtual int64_t repeated() const = 0;  // how often the record served
};

}  // namespace understudy
