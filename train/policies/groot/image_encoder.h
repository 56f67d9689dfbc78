#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/policies/groot/groot_config.h"
#include "train/torch/layers.h"
#include "train/torch/resnet.h"
#include "train/torch/vit.h"

namespace understudy {

// Parts of the names of weights: of an encoder from another program, image.<n>.<part>.
inline constexpr const char *kResnet = "resnet", *kVit = "vit";

// Pictures of one camera, or of all, as tokens and keypoints.
class ImageEncoder {
 public:
  // `name` is that of its weights; pictures are seen in this size.
  ImageEncoder(const TakeParameter& take, const std::string& name, const GrootConfig& config,
               int height, int width, at::Device device);

  // Tokens B L d and keypoints B 2K of pictures B 3 H W in [-0.5, 0.5].
  std::pair<Tensor, Tensor> operator()(const Tensor& image) const;
  int64_t tokens() const { return 1 + grid_position_.size(0); }  // L

 private:
  void TakeSmall(const TakeParameter& take, const std::string& name, const GrootConfig& config);
  // What keypoints and cells are read off: B C h w.
  Tensor Features(const Tensor& image) const;

  GrootEncoder trunk_;
  bool two_step_;
  int height_, width_;
  Convolution stem_, features_, grid_half_;  // of the small one
  std::vector<Convolution> residuals_;
  ResNet18 resnet_;
  Vit vit_;
  Tensor mean_, deviation_;  // 3 1 1
  Convolution keypoint_maps_, grid_;
  Linear keypoint_token_;
  Tensor grid_position_;  // cells, d
  Tensor keypoint_xy_;    // cells of the feature map, 2; constant
};

}  // namespace understudy
