#pragma once

#include "train/torch/layers.h"

namespace understudy {

// Hands the weights of a policy's file to a network that takes each once, by name.
class TrainedWeights {
 public:
  // `weights` must outlive it.
  TrainedWeights(const TensorMap& weights, at::Device device)
      : weights_(weights), device_(device) {}

  // Throws Error(kBadInput) where a tensor is missing or of another shape; must not outlive this.
  TakeParameter take();
  // Throws Error(kBadInput) where the file holds more than the network took.
  void RequireAllTaken() const;

 private:
  const TensorMap& weights_;
  const at::Device device_;
  size_t taken_ = 0;
};

}  // namespace understudy
