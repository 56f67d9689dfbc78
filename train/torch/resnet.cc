#include "train/torch/resnet.h"

#include <fmt/format.h>

#include <cmath>

namespace understudy {
namespace {

constexpr int kChannelsPerGroup = 16;
constexpr double kBatchNormEpsilon = 1e-5;

}  // namespace

NormMaker GroupNorms(const TakeParameter& take) {
  return [take](const std::string& name, int channels) -> ImageNorm {
    const Norm weights = MakeNorm(take, name, channels);
    return [weights, groups = channels / kChannelsPerGroup](const Tensor& x) {
      return at::group_norm(x, groups, weights.weight, weights.bias);
    };
  };
}

NormMaker FrozenBatchNorms(const TakeParameter& take) {
  return [take](const std::string& name, int channels) -> ImageNorm {
    const auto constant = [&](const char* part, Init init) {
      return TakeConstant(take, {name + part, {channels}, init});
    };
    const Tensor weight = constant(".weight", Init::kOnes), bias = constant(".bias", Init::kZeros),
                 mean = constant(".running_mean", Init::kZeros),
                 variance = constant(".running_var", Init::kOnes);
    return [=](const Tensor& x) {
      const Tensor scale = weight * (variance + kBatchNormEpsilon).rsqrt();
      const Tensor shift = bias - mean * scale;
      const auto type = x.scalar_type();
      return at::addcmul(shift.to(type).view({1, -1, 1, 1}), x, scale.to(type).view({1, -1, 1, 1}));
    };
  };
}

Tensor ResNet18::operator()(const Tensor& x) const {
  Tensor features = at::max_pool2d(at::relu(stem_(x)), 3, 2, 1);
  for (const Block& block : blocks_) {
    const Tensor shortcut = block.shortcut.norm ? block.shortcut(features) : features;
    features = at::relu(block.second(at::relu(block.first(features))) + shortcut);
  }
  return features;
}

ResNet18 MakeResNet18(const TakeParameter& take, const std::string& name, const NormMaker& norm,
                      int channels) {
  // without bias: a norm follows
  const auto step = [&](const std::string& convolution, const std::string& after, int in, int out,
                        int kernel, int stride) -> ResNet18::Step {
    const double deviation = std::sqrt(2.0 / (out * kernel * kernel));
    const Tensor weight =
        take({convolution + ".weight", {out, in, kernel, kernel}, Init::kNormal, deviation, true});
    return {{weight, {}, stride, kernel / 2}, norm(after, out)};
  };
  ResNet18 net;
  net.stem_ = step(name + ".conv1", name + ".bn1", 3, channels, 7, 2);
  int in = channels;
  for (int stage = 0; stage < 4; ++stage) {
    const int out = channels << stage;
    for (int i = 0; i < 2; ++i) {
      const std::string block = fmt::format("{}.layer{}.{}", name, stage + 1, i);
      const int stride = stage > 0 && i == 0 ? 2 : 1;
      ResNet18::Block& made = net.blocks_.emplace_back();
      made.first = step(block + ".conv1", block + ".bn1", in, out, 3, stride);
      made.second = step(block + ".conv2", block + ".bn2", out, out, 3, 1);
      if (in != out) {
        made.shortcut = step(block + ".downsample.0", block + ".downsample.1", in, out, 1, stride);
      }
      in = out;
    }
  }
  return net;
}

}  // namespace understudy
