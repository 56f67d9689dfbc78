#include "train/torch/dropout.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {

DropoutDraw DrawDropout(double share, uint64_t seed) {
  // 16 bits decide: a tenth is 6554 of 65536
  const auto hidden = static_cast<uint64_t>(std::lround(share * 65536));
  return [seed, hidden](uint64_t sample, int64_t update, int place, std::span<uint8_t> keep) {
    Rng rng(RngKey{seed}
                .WithVariant(static_cast<uint64_t>(update))
                .WithStage("train.dropout")
                .WithParent(sample)
                .WithTerm(static_cast<uint64_t>(place)));
    for (size_t i = 0; i < keep.size(); i += 4) {
      uint64_t bits = rng.NextU64();
      for (size_t j = i; j < std::min(i + 4, keep.size()); ++j, bits >>= 16) {
        keep[j] = (bits & 0xffff) >= hidden;
      }
    }
  };
}

Dropout::Dropout(double share, const DropoutDraw& draw, const BatchPart& part)
    : share_(part.learns ? share : 0),
      draw_(&draw),
      sample_B_(part.batch.sample_B),
      update_(part.update) {}

Tensor Dropout::operator()(const Tensor& x) {
  if (draw_ == nullptr || share_ == 0) return x;
  Require(x.size(0) == static_cast<int64_t>(sample_B_.size()), "activations of every sample");
  Tensor keep = at::empty(x.sizes(), at::kByte);
  const size_t size = static_cast<size_t>(keep.numel()) / sample_B_.size();
  for (size_t b = 0; b < sample_B_.size(); ++b) {
    (*draw_)(sample_B_[b], update_, place_, {keep.data_ptr<uint8_t>() + b * size, size});
  }
  ++place_;
  return x * keep.to(x.device()).to(x.scalar_type()) * (1 / (1 - share_));
}

}  // namespace understudy
