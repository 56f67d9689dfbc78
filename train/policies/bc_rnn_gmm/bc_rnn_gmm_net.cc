#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_net.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int kFeatures = 512;  // channels of ResNet18's last stage

}  // namespace

std::vector<Tensor> HostBcRnnGmmInputs(const Batch& batch, const BcRnnGmmShape& shape,
                                       const BcRnnGmmConfig& config, const CropDraw& crop) {
  const size_t B = static_cast<size_t>(batch.size);
  const BatchColumn& state = batch[kStateColumn];
  Require(B > 0 && !state.real_BT.empty() && state.real_BT.size() % B == 0,
          "a batch holds sequences of one length");
  const size_t T = state.real_BT.size() / B;
  std::vector<Tensor> inputs;

  // a part of every picture
  const size_t height = static_cast<size_t>(config.crop > 0 ? config.crop : shape.height);
  const size_t width = static_cast<size_t>(config.crop > 0 ? config.crop : shape.width);
  const size_t row_bytes = static_cast<size_t>(shape.width) * 3;
  for (size_t camera = 0; camera < shape.images.size(); ++camera) {
    const std::vector<uint8_t>& pixels = batch[shape.images[camera]].pixels;
    Require(pixels.size() == B * T * static_cast<size_t>(shape.height) * row_bytes, "images fit");
    std::vector<uint8_t> parts(B * T * height * width * 3);
    uint8_t* out = parts.data();
    for (size_t n = 0; n < B * T; ++n) {
      const CropPlace place = crop(n / T, n % T, camera);
      const uint8_t* in =
          pixels.data() +
          (n * static_cast<size_t>(shape.height) + static_cast<size_t>(place.y)) * row_bytes +
          static_cast<size_t>(place.x) * 3;
      for (size_t y = 0; y < height; ++y, in += row_bytes, out += width * 3) {
        std::memcpy(out, in, width * 3);
      }
    }
    const auto size = [](size_t n) { return static_cast<int64_t>(n); };
    inputs.push_back(Own(std::move(parts), {size(B * T), size(height), size(width), 3}));
  }

  const auto steps = static_cast<int64_t>(T);
  std::vector<Tensor> columns;
  for (const std::string& name : shape.numbers) {
    const std::vector<float>& numbers = batch[name].numbers;
    Require(!numbers.empty() && numbers.size() % (B * T) == 0, "numbers fit");
    const auto size = static_cast<int64_t>(numbers.size() / (B * T));
    columns.push_back(View(numbers, {batch.size, steps, size}));
  }
  inputs.push_back(at::cat(columns, -1));
  Require(inputs.back().size(-1) == shape.numbers_size, "numbers of the layout");
  return inputs;
}

BcRnnGmmInputs MakeBcRnnGmmInputs(std::span<const Tensor> inputs, const BcRnnGmmShape& shape) {
  BcRnnGmmInputs result;
  for (const Tensor& parts_NHWC : inputs.first(shape.images.size())) {
    result.images_NCHW.push_back(parts_NHWC.permute({0, 3, 1, 2}).to(at::kFloat).mul(1 / 255.0));
  }
  result.numbers_BTI = inputs[shape.images.size()];
  return result;
}

BcRnnGmmInputs MakeBcRnnGmmInputs(const Batch& batch, const BcRnnGmmShape& shape,
                                  const BcRnnGmmConfig& config, const CropDraw& crop,
                                  at::Device device) {
  std::vector<Tensor> inputs = HostBcRnnGmmInputs(batch, shape, config, crop);
  for (Tensor& input : inputs) input = input.to(device);
  return MakeBcRnnGmmInputs(inputs, shape);
}

BcRnnGmmNet::BcRnnGmmNet(const BcRnnGmmConfig& config, const BcRnnGmmShape& shape,
                         at::Device device, const TakeParameter& take)
    : config_(config), shape_(shape) {
  const NormMaker norm = GroupNorms(take);
  for (size_t camera = 0; camera < shape.images.size(); ++camera) {
    const std::string name = fmt::format("image.{}", camera);
    image_encoders_.push_back(
        {MakeResNet18(take, name + ".resnet", norm),
         MakeConvolution(take, name + ".keypoint_maps", kFeatures, config.keypoints, 1, 1),
         MakeLinear(take, name + ".out", 2 * config.keypoints, config.image_features)});
  }

  const int inputs =
      config.image_features * static_cast<int>(shape.images.size()) + shape.numbers_size;
  const double bound = 1 / std::sqrt(config.hidden);
  for (int layer = 0; layer < config.layers; ++layer) {
    const int64_t in = layer == 0 ? inputs : config.hidden, gates = int64_t{4} * config.hidden;
    const auto weight = [&](const char* part, std::vector<int64_t> size, bool decay) {
      rnn_.push_back(take(
          {fmt::format("rnn.{}_l{}", part, layer), std::move(size), Init::kUniform, bound, decay}));
    };
    weight("weight_ih", {gates, in}, true);
    weight("weight_hh", {gates, config.hidden}, true);
    weight("bias_ih", {gates}, false);
    weight("bias_hh", {gates}, false);
  }
  mean_ = MakeLinear(take, "decoder.mean", config.hidden, config.modes * shape.action);
  scale_ = MakeLinear(take, "decoder.scale", config.hidden, config.modes * shape.action);
  logits_ = MakeLinear(take, "decoder.logits", config.hidden, config.modes);
}

Tensor BcRnnGmmNet::EncodeImage(const ImageEncoder& encoder, const Tensor& image_NCHW) const {
  const Tensor maps = encoder.keypoint_maps(encoder.resnet(image_NCHW));
  Tensor keypoints;
  {
    // where each keypoint's map is bright (spatial softmax, Levine et al. 2016), to better than
    // bfloat16's three digits
    const AutocastScope exact(image_NCHW.device().type(), false);
    const auto options = at::TensorOptions().dtype(at::kFloat).device(image_NCHW.device());
    const auto yx = at::meshgrid(
        {at::linspace(-1, 1, maps.size(2), options), at::linspace(-1, 1, maps.size(3), options)},
        "ij");
    const Tensor xy = at::stack({yx[1].flatten(), yx[0].flatten()}, 1);  // cells, 2
    keypoints = at::matmul(at::softmax(maps.flatten(2).to(at::kFloat), -1), xy).flatten(1);
  }
  return at::relu(encoder.out(keypoints));
}

ActionMixture BcRnnGmmNet::operator()(const BcRnnGmmInputs& inputs) const {
  const int64_t B = inputs.numbers_BTI.size(0), T = inputs.numbers_BTI.size(1);
  std::vector<Tensor> features;
  for (size_t camera = 0; camera < image_encoders_.size(); ++camera) {
    features.push_back(EncodeImage(image_encoders_[camera], inputs.images_NCHW[camera])
                           .view({B, T, config_.image_features}));
  }
  features.push_back(inputs.numbers_BTI);

  // from a memory of nothing at the first step
  const Tensor input = at::cat(features, -1);
  const Tensor nothing =
      at::zeros({config_.layers, B, config_.hidden}, inputs.numbers_BTI.options());
  const Tensor hidden =
      std::get<0>(at::lstm(input, {nothing, nothing}, rnn_, /*has_biases=*/true, config_.layers,
                           /*dropout=*/0, /*train=*/at::GradMode::is_enabled(),
                           /*bidirectional=*/false, /*batch_first=*/true));
  ActionMixture mixture;
  mixture.means_BTMA =
      mean_(hidden).to(at::kFloat).view({B, T, config_.modes, shape_.action}).tanh();
  mixture.scales_BTMA = scale_(hidden).to(at::kFloat).view({B, T, config_.modes, shape_.action});
  mixture.logits_BTM = logits_(hidden).to(at::kFloat);
  return mixture;
}

}  // namespace understudy
