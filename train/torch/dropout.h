#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "train/torch/loss_net.h"
#include "train/torch/torch.h"

namespace understudy {

// Which of a sample's activations an update keeps at a place of the network: 1 or 0 for each.
using DropoutDraw =
    std::function<void(uint64_t sample, int64_t update, int place, std::span<uint8_t> keep)>;

// Hides a share of them, as a function of (seed, update, sample, place) only.
DropoutDraw DrawDropout(double share, uint64_t seed);

// Hides a share of activations, or none. Its places are counted as they come, so that one object
// serves one pass.
class Dropout {
 public:
  Dropout() = default;
  // Of the samples of a part, where it learns; the part must outlive it.
  Dropout(double share, const DropoutDraw& draw, const BatchPart& part);
  // The first dimension is that of the samples.
  Tensor operator()(const Tensor& x);

 private:
  double share_ = 0;
  DropoutDraw draw_;
  const BatchPart* part_ = nullptr;
  int place_ = 0;
};

}  // namespace understudy
