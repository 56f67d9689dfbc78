#pragma once

#include <functional>
#include <string>
#include <vector>

#include "train/torch/layers.h"

namespace understudy {

// A normalisation over pictures, N C H W, and how one of so many channels is made. Its weights are
// named as those of torchvision's batch norm.
using ImageNorm = std::function<Tensor(const Tensor&)>;
using NormMaker = std::function<ImageNorm(const std::string& name, int channels)>;

// Group norms: statistics of a batch would tie its samples together. The weights are taken by
// `take` whenever a norm is made.
NormMaker GroupNorms(const TakeParameter& take);
// Batch norms whose statistics and weights stay as they are.
NormMaker FrozenBatchNorms(const TakeParameter& take);

// The convolutions of ResNet18 (He et al. 2016) with torchvision's layers and names, without
// pooling and classes at its end: N 3 H W -> N 8*channels H/32 W/32, 64 channels being its own.
class ResNet18 {
 public:
  Tensor operator()(const Tensor& x) const;

 private:
  friend ResNet18 MakeResNet18(const TakeParameter& take, const std::string& name,
                               const NormMaker& norm, int channels);
  struct Step {
    Convolution convolution;
    ImageNorm norm;
    Tensor operator()(const Tensor& x) const { return norm(convolution(x)); }
  };
  struct Block {
    Step first, second, shortcut;  // no norm: the shortcut is the input itself
  };
  Step stem_;
  std::vector<Block> blocks_;
};
ResNet18 MakeResNet18(const TakeParameter& take, const std::string& name, const NormMaker& norm,
                      int channels = 64);

}  // namespace understudy
