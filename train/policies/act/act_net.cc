#include "train/policies/act/act_net.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "core/base/error.h"

namespace understudy {
namespace {

// Cells along one side of the features: the stem halves twice, three of the stages once each.
int FeatureCells(int pixels) {
  for (int i = 0; i < 5; ++i) pixels = (pixels + 1) / 2;
  return pixels;
}

// As torch.nn.Linear starts, or by Xavier's bound. LeRobot decays every weight.
Linear MakeActLinear(const TakeParameter& take, const std::string& name, int in, int out,
                     bool xavier = false) {
  const double bound = 1 / std::sqrt(in);
  return {take({name + ".weight",
                {out, in},
                Init::kUniform,
                xavier ? std::sqrt(6.0 / (in + out)) : bound,
                true}),
          take({name + ".bias", {out}, Init::kUniform, bound, true})};
}

Norm MakeActNorm(const TakeParameter& take, const std::string& name, int width) {
  return {take({name + ".weight", {width}, Init::kOnes, 0, true}),
          take({name + ".bias", {width}, Init::kZeros, 0, true})};
}

// Sines and cosines in turns: of 0 … count-1 over 10^(4 · 2i / width).
Tensor InterleavedTable(int count, int width) {
  const std::vector<Tensor> halves =
      SinusoidTable(count, width, width / 2.0, false, at::kCPU).chunk(2, 1);
  return at::stack({halves[0], halves[1]}, 2).flatten(1);
}

// The same of one side of a picture, whose cells are counted from 1 and spread over a circle.
Tensor SideTable(int cells, int width) {
  const Tensor at = at::arange(1, cells + 1, at::kDouble) *
                    (2 * std::numbers::pi / (static_cast<double>(cells) + 1e-6));
  const Tensor frequency =
      at::exp(at::arange(width / 2, at::kDouble) * (-2 * std::log(1e4) / width));
  const Tensor angle = at.unsqueeze(1) * frequency;
  return at::stack({angle.sin(), angle.cos()}, 2).flatten(1).to(at::kFloat);
}

// Positions of the cells of a feature map, row by row: half of the channels for each side.
Tensor CellPositions(int height, int width, int channels) {
  const Tensor y = SideTable(height, channels / 2).unsqueeze(1).expand({height, width, -1});
  const Tensor x = SideTable(width, channels / 2).unsqueeze(0).expand({height, width, -1});
  return at::cat({y, x}, 2).flatten(0, 1).contiguous();
}

// Its weights start from those of `values` unless that is empty.
ResNet18 MakeBackbone(const TakeParameter& take, const FirstValues& values, int channels) {
  const std::string name = "model.backbone";
  const TakeParameter started = [&](const ParameterSpec& spec) {
    ParameterSpec with = spec;
    if (!values.empty())
      with.values = [first = values.at(spec.name.substr(name.size() + 1))] { return *first; };
    return take(with);
  };
  return MakeResNet18(started, name, FrozenBatchNorms(started), channels);
}

}  // namespace

std::vector<Tensor> HostActInputs(const Batch& batch, const ActShape& shape,
                                  const ActConfig& config) {
  const int64_t B = batch.size;
  Require(B > 0, "a batch holds samples");
  const std::vector<float>& state_BS = batch[kStateColumn].numbers;
  Require(state_BS.size() == static_cast<size_t>(B * shape.state), "states fit");
  const auto of_channels = [&](const std::array<double, 3>& numbers) {
    return Own(std::vector<float>(numbers.begin(), numbers.end()), {3});
  };
  std::vector<Tensor> inputs{View(state_BS, {B, shape.state}), of_channels(config.image_mean),
                             of_channels(config.image_std)};
  for (const ActShape::Camera& camera : shape.cameras) {
    const std::vector<uint8_t>& pixels_BHWC = batch[camera.column].pixels;
    Require(pixels_BHWC.size() == static_cast<size_t>(B * camera.height * camera.width * 3),
            "images fit");
    inputs.push_back(View(pixels_BHWC, {B, camera.height, camera.width, 3}));
  }
  return inputs;
}

ActInputs MakeActInputs(std::span<const Tensor> inputs, const ActShape& shape, bool bfloat16) {
  const Tensor &mean = inputs[1], &deviation = inputs[2];
  ActInputs result;
  result.state_BS = inputs[0].clone();
  for (const Tensor& pixels : inputs.subspan(3, shape.cameras.size())) {
    Tensor image = pixels.to(at::kFloat);
    image.div_(255).sub_(mean).div_(deviation);
    if (bfloat16) image = image.to(at::kBFloat16);
    result.images_BCHW.push_back(image.permute({0, 3, 1, 2}));
  }
  return result;
}

ActInputs MakeActInputs(const Batch& batch, const ActShape& shape, const ActConfig& config,
                        at::Device device, bool bfloat16) {
  std::vector<Tensor> inputs = HostActInputs(batch, shape, config);
  for (Tensor& input : inputs) input = input.to(device);
  return MakeActInputs(inputs, shape, bfloat16);
}

Tensor ActNet::PackedAttention::operator()(const Tensor& query, const Tensor& key,
                                           const Tensor& value, const Tensor& seen,
                                           Dropout& dropout) const {
  const std::vector<Tensor> weight = weight_3dd.chunk(3), bias = bias_3d.chunk(3);
  const auto split = [&](const Tensor& x, size_t i) {
    const Tensor y = at::linear(x, weight[i], bias[i]);
    return y.view({y.size(0), y.size(1), heads, y.size(2) / heads}).transpose(1, 2);
  };
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)) / heads);
  Tensor scores = at::matmul(split(query, 0) * scale, split(key, 1).transpose(-1, -2));
  if (seen.defined()) {
    scores = scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity());
  }
  const Tensor mixed = at::matmul(dropout(at::softmax(scores, -1)), split(value, 2));
  return out(mixed.transpose(1, 2).reshape(query.sizes()));
}

Tensor ActNet::EncoderLayer::operator()(Tensor x, const Tensor& position, const Tensor& seen,
                                        Dropout& dropout) const {
  const Tensor placed = x + position;
  x = norm1(x + dropout(attention(placed, placed, x, seen, dropout)));
  return norm2(x + dropout(linear2(dropout(at::relu(linear1(x))))));
}

Tensor ActNet::DecoderLayer::operator()(Tensor x, const Tensor& memory, const Tensor& keys,
                                        const Tensor& position, Dropout& dropout) const {
  const Tensor placed = x + position;
  x = norm1(x + dropout(self_attention(placed, placed, x, {}, dropout)));
  x = norm2(x + dropout(cross_attention(x + position, keys, memory, {}, dropout)));
  return norm3(x + dropout(linear2(dropout(at::relu(linear1(x))))));
}

ActNet::ActNet(const ActConfig& config, const ActShape& shape, at::Device device,
               const TakeParameter& take, const FirstValues& backbone)
    : config_(config), shape_(shape) {
  const int d = config.dim_model;

  // state and actions to a latent: [class, state, actions]
  if (config.use_vae) {
    const int tokens = 2 + shape.horizon;
    const Tensor table = InterleavedTable(tokens, d);
    const float* values = table.data_ptr<float>();
    action_token_position_ = TakeConstant(
        take, {"model.vae_encoder_pos_enc",
               {1, tokens, d},
               Init::kZeros,
               0,
               false,
               [first = std::vector<float>(values, values + table.numel())] { return first; }});
    for (int i = 0; i < config.n_vae_encoder_layers; ++i) {
      vae_layers_.push_back(
          MakeEncoderLayer(take, fmt::format("model.vae_encoder.layers.{}", i), false));
    }
    class_token_ = take({"model.vae_encoder_cls_embed.weight", {1, d}, Init::kNormal, 1, true});
    vae_state_ = MakeActLinear(take, "model.vae_encoder_robot_state_input_proj", shape.state, d);
    vae_action_ = MakeActLinear(take, "model.vae_encoder_action_input_proj", shape.action, d);
    vae_latent_ =
        MakeActLinear(take, "model.vae_encoder_latent_output_proj", d, 2 * config.latent_dim);
  }

  // pictures, one network for all cameras
  backbone_ = MakeBackbone(take, backbone, config.backbone_channels);
  const int features = 8 * config.backbone_channels;
  const double bound = 1 / std::sqrt(features);
  const std::string projection = "model.encoder_img_feat_input_proj";
  image_projection_ = {
      take({projection + ".weight", {d, features, 1, 1}, Init::kUniform, bound, true}),
      take({projection + ".bias", {d}, Init::kUniform, bound, true})};
  for (const ActShape::Camera& camera : shape.cameras) {
    image_position_.push_back(
        CellPositions(FeatureCells(camera.height), FeatureCells(camera.width), d).to(device));
  }

  // transformer
  for (int i = 0; i < config.n_encoder_layers; ++i) {
    encoder_layers_.push_back(
        MakeEncoderLayer(take, fmt::format("model.encoder.layers.{}", i), true));
  }
  for (int i = 0; i < config.n_decoder_layers; ++i) {
    decoder_layers_.push_back(MakeDecoderLayer(take, fmt::format("model.decoder.layers.{}", i)));
  }
  decoder_norm_ = MakeActNorm(take, "model.decoder.norm", d);
  state_ = MakeActLinear(take, "model.encoder_robot_state_input_proj", shape.state, d);
  latent_ = MakeActLinear(take, "model.encoder_latent_input_proj", config.latent_dim, d);
  token_position_ =
      take({"model.encoder_1d_feature_pos_embed.weight", {2, d}, Init::kNormal, 1, true});
  step_position_ =
      take({"model.decoder_pos_embed.weight", {shape.horizon, d}, Init::kNormal, 1, true});
  action_head_ = MakeActLinear(take, "model.action_head", d, shape.action);
}

ActNet::PackedAttention ActNet::MakeAttentionOf(const TakeParameter& take, const std::string& name,
                                                bool xavier) const {
  const int d = config_.dim_model;
  const double out_bound = xavier ? std::sqrt(6.0 / (d + d)) : 1 / std::sqrt(d);
  return {take({name + ".in_proj_weight",
                {3 * d, d},
                Init::kUniform,
                std::sqrt(6.0 / (d + 3 * d)),
                true}),
          take({name + ".in_proj_bias", {3 * d}, Init::kZeros, 0, true}),
          {take({name + ".out_proj.weight", {d, d}, Init::kUniform, out_bound, true}),
           take({name + ".out_proj.bias", {d}, Init::kZeros, 0, true})},
          config_.n_heads};
}

ActNet::EncoderLayer ActNet::MakeEncoderLayer(const TakeParameter& take, const std::string& name,
                                              bool xavier) const {
  const int d = config_.dim_model, inner = config_.dim_feedforward;
  return {MakeAttentionOf(take, name + ".self_attn", xavier),
          MakeActLinear(take, name + ".linear1", d, inner, xavier),
          MakeActLinear(take, name + ".linear2", inner, d, xavier),
          MakeActNorm(take, name + ".norm1", d), MakeActNorm(take, name + ".norm2", d)};
}

ActNet::DecoderLayer ActNet::MakeDecoderLayer(const TakeParameter& take,
                                              const std::string& name) const {
  const int d = config_.dim_model, inner = config_.dim_feedforward;
  return {MakeAttentionOf(take, name + ".self_attn", true),
          MakeAttentionOf(take, name + ".multihead_attn", true),
          MakeActLinear(take, name + ".linear1", d, inner, true),
          MakeActLinear(take, name + ".linear2", inner, d, true),
          MakeActNorm(take, name + ".norm1", d),
          MakeActNorm(take, name + ".norm2", d),
          MakeActNorm(take, name + ".norm3", d)};
}

std::pair<Tensor, Tensor> ActNet::EncodeActions(const Tensor& state_BS, const Tensor& action_BTA,
                                                const Tensor& real_BT, Dropout& dropout) const {
  Require(config_.use_vae, "a policy with a latent");
  const int64_t B = state_BS.size(0);
  const Tensor state = vae_state_(state_BS).unsqueeze(1), action = vae_action_(action_BTA);
  const Tensor first = class_token_.unsqueeze(0).expand({B, 1, config_.dim_model});
  Tensor x = at::cat({first.to(state.scalar_type()), state, action}, 1);
  const Tensor seen =
      at::cat({at::ones({B, 2}, real_BT.options()), real_BT}, 1).view({B, 1, 1, -1});
  for (const EncoderLayer& layer : vae_layers_) {
    x = layer(x, action_token_position_, seen, dropout);
  }
  // a divergence deserves full precision
  const std::vector<Tensor> latent = vae_latent_(x.select(1, 0)).to(at::kFloat).chunk(2, 1);
  return {latent[0], latent[1]};
}

Tensor ActNet::Decode(const ActInputs& inputs, const Tensor& latent_BL, Dropout& dropout) const {
  const int64_t B = inputs.state_BS.size(0);
  const int64_t T = shape_.horizon, d = config_.dim_model;

  // latent, state and the cells of every camera
  std::vector<Tensor> tokens{latent_(latent_BL).unsqueeze(1), state_(inputs.state_BS).unsqueeze(1)};
  std::vector<Tensor> positions{token_position_};
  for (size_t camera = 0; camera < inputs.images_BCHW.size(); ++camera) {
    const Tensor cells = image_projection_(backbone_(inputs.images_BCHW[camera]));
    tokens.push_back(cells.flatten(2).transpose(1, 2));
    positions.push_back(image_position_[camera]);
  }
  const Tensor position = at::cat(positions, 0).unsqueeze(0);
  Tensor memory = at::cat(tokens, 1);
  for (const EncoderLayer& layer : encoder_layers_) memory = layer(memory, position, {}, dropout);

  // the steps of the chunk begin with nothing but their place
  const Tensor step = step_position_.unsqueeze(0), keys = memory + position;
  Tensor x = at::zeros({B, T, d}, step_position_.options());
  for (const DecoderLayer& layer : decoder_layers_) x = layer(x, memory, keys, step, dropout);
  return action_head_(decoder_norm_(x)).to(at::kFloat);
}

}  // namespace understudy
