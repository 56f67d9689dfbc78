#pragma once

#include <string>
#include <vector>

#include "train/torch/first_values.h"
#include "train/torch/layers.h"

namespace understudy {

// The layers of a vision transformer (Dosovitskiy et al. 2021) with timm's names, without what
// timm puts behind its last norm: N 3 H W -> N width H/patch W/patch, the tokens of the patches.
struct VitShape {
  int height = 0, width = 0;  // px, multiples of the patch
  int patch = 16, channels = 192, layers = 12, heads = 3;
};

class Vit {
 public:
  Tensor operator()(const Tensor& x) const;

 private:
  friend Vit MakeVit(const TakeParameter& take, const std::string& name, const VitShape& shape);
  struct Layer {
    Norm norm1, norm2;
    Attention attention;
    FeedForward mlp;
  };
  Convolution patches_;
  Tensor class_token_, positions_;
  std::vector<Layer> layers_;
  Norm norm_;
};
Vit MakeVit(const TakeParameter& take, const std::string& name, const VitShape& shape);

// Positions of a grid of another size, as timm resamples them (bicubic, smoothed where the grid
// shrinks). `rows` of `cells` that the wanted grid has; a square grid was learnt.
TensorBlob ResamplePositions(const TensorBlob& positions, int rows, int columns);

}  // namespace understudy
