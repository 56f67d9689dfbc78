#include "train/policies/groot/image_encoder.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {
namespace {

using Cells = std::pair<int, int>;  // along height and width

// Cells after so many convolutions of stride 2.
Cells Halved(Cells cells, int times) {
  for (int i = 0; i < times; ++i) cells = {(cells.first + 1) / 2, (cells.second + 1) / 2};
  return cells;
}

Tensor OfChannels(const std::array<double, 3>& numbers, at::Device device) {
  return at::tensor(std::vector<double>(numbers.begin(), numbers.end()), at::kFloat)
      .view({3, 1, 1})
      .to(device);
}

}  // namespace

void ImageEncoder::TakeSmall(const TakeParameter& take, const std::string& name,
                             const GrootConfig& config) {
  if (config.stem == GrootStem::kStride4) {
    if (height_ % 4 != 0 || width_ % 4 != 0) {
      ThrowBadInput(
          fmt::format("policy: stem = stride4 needs images whose sides are multiples of "
                      "4, not {}x{}; use stem: two_step",
                      width_, height_));
    }
    stem_ = MakeConvolution(take, name + ".stem", 3, config.feature_channels, 8, 4);
    stem_.padding = 2;
  } else {
    stem_ = MakeConvolution(take, name + ".stem", 3, config.stem_channels, 5, 2);
    features_ = MakeConvolution(take, name + ".features", config.stem_channels,
                                config.feature_channels, 3, 2);
  }
  for (int i = 0; i < config.feature_blocks; ++i) {
    residuals_.push_back(MakeConvolution(take, fmt::format("{}.residual.{}", name, i),
                                         config.feature_channels, config.feature_channels, 3, 1));
  }
}

ImageEncoder::ImageEncoder(const TakeParameter& take, const std::string& name,
                           const GrootConfig& config, int height, int width, at::Device device)
    : trunk_(config.trunk()),
      two_step_(config.stem == GrootStem::kTwoStep),
      height_(height),
      width_(width),
      mean_(OfChannels(config.image_mean, device)),
      deviation_(OfChannels(config.image_std, device)) {
  int channels = config.feature_channels;
  Cells fine(height, width);
  if (trunk_ == GrootEncoder::kResnet18) {
    channels = 512;
    fine = Halved(fine, 5);
    resnet_ = MakeResNet18(take, name + "." + kResnet,
                           config.frozen_norms() ? FrozenBatchNorms(take) : GroupNorms(take));
  } else if (trunk_ == GrootEncoder::kVit) {
    channels = config.vit_width;
    fine = {height / config.vit_patch, width / config.vit_patch};
    vit_ = MakeVit(
        take, name + "." + kVit,
        {height, width, config.vit_patch, config.vit_width, config.vit_layers, config.vit_heads});
  } else {
    fine = Halved(fine, 2);
    TakeSmall(take, name, config);
  }
  keypoint_maps_ = MakeConvolution(take, name + ".keypoint_maps", channels, config.keypoints, 1, 1);
  keypoint_token_ = MakeLinear(take, name + ".keypoint_token", 2 * config.keypoints, config.width);
  Cells coarse = fine;
  if (trunk_ == GrootEncoder::kSmall) {
    coarse = Halved(fine, 2);
    grid_half_ = MakeConvolution(take, name + ".grid_half", channels, config.grid_channels, 3, 2);
    grid_ = MakeConvolution(take, name + ".grid", config.grid_channels, config.width, 3, 2);
  } else {
    grid_ = MakeConvolution(take, name + ".grid", channels, config.width, 1, 1);
  }

  // positions of the coarse cells are learned, of the fine ones given
  grid_position_ = take({name + ".grid_position",
                         {int64_t{coarse.first} * coarse.second, config.width},
                         Init::kNormal,
                         0.02,
                         false});
  const auto yx =
      at::meshgrid({at::linspace(-1, 1, fine.first), at::linspace(-1, 1, fine.second)}, "ij");
  keypoint_xy_ = at::stack({yx[1].flatten(), yx[0].flatten()}, 1).to(device);
}

Tensor ImageEncoder::Features(const Tensor& image) const {
  if (trunk_ != GrootEncoder::kSmall) {
    const Tensor scaled = (image.to(at::kFloat) + 0.5 - mean_) / deviation_;
    return trunk_ == GrootEncoder::kVit ? vit_(scaled) : resnet_(scaled);
  }
  // convolutions to a quarter of the resolution
  Tensor features = at::relu(stem_(image));
  if (two_step_) features = at::relu(features_(features));
  for (const Convolution& residual : residuals_) {
    features = at::relu(features + residual(features));
  }
  return features;
}

std::pair<Tensor, Tensor> ImageEncoder::operator()(const Tensor& image) const {
  const bool whole = image.size(2) == height_ && image.size(3) == width_;
  const Tensor features =
      Features(whole ? image : at::adaptive_avg_pool2d(image, {height_, width_}));

  // where each keypoint's map is bright (spatial softmax, Levine et al. 2016), to better than
  // bfloat16's three digits
  const Tensor logits = keypoint_maps_(features).flatten(2);
  Tensor keypoints, token;
  {
    const AutocastScope exact(image.device().type(), false);
    const Tensor weight_BKc = at::softmax(logits.to(at::kFloat), -1);
    keypoints = at::matmul(weight_BKc, keypoint_xy_).flatten(1);
    token = keypoint_token_(keypoints).unsqueeze(1);
  }

  // coarse cells as tokens
  const Tensor coarse =
      trunk_ == GrootEncoder::kSmall ? grid_(at::relu(grid_half_(features))) : grid_(features);
  const Tensor cells = coarse.flatten(2).transpose(1, 2) + grid_position_;
  return {at::cat({token, cells}, 1), keypoints};
}

}  // namespace understudy
