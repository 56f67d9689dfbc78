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
    : share_(part.learns ? share : 0), draw_(draw), part_(&part) {}

Tensor Dropout::operator()(const Tensor& x) {
  if (part_ == nullptr || share_ == 0) return x;
  const auto make = [draw = draw_, place = place_,
                     shape = x.sizes().vec()](const BatchPart& part) -> std::vector<Tensor> {
    const std::vector<uint64_t>& sample_B = part.batch.sample_B;
    Require(shape[0] == static_cast<int64_t>(sample_B.size()), "activations of every sample");
    Tensor keep = at::empty(shape, at::kByte);
    const size_t size = static_cast<size_t>(keep.numel()) / sample_B.size();
    for (size_t b = 0; b < sample_B.size(); ++b) {
      draw(sample_B[b], part.update, place, {keep.data_ptr<uint8_t>() + b * size, size});
    }
    return {keep};
  };
  ++place_;
  const Tensor keep = TakeInputs(*part_, x.device(), make)[0];
  return x * keep.to(x.scalar_type()) * (1 / (1 - share_));
}

}  // namespace understudy
