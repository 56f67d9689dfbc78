#include "train/policies/groot_head/groot_head_net.h"

#include <fmt/format.h>

#include <cmath>

#include "core/base/error.h"
#include "train/samples/features.h"

namespace understudy {
namespace {

constexpr int kTimeCode = 256;  // channels of the code that blocks are modulated by

// As the tables of embodiments begin: N(0, 0.02).
SlotLinear MakeTable(const TakeParameter& take, const std::string& name, int in, int out) {
  return {take({name + ".W", {1, in, out}, Init::kNormal, 0.02, true}),
          take({name + ".b", {1, out}, Init::kZeros, 0, false})};
}

// The one row that is there.
Tensor Apply(const SlotLinear& table, const Tensor& x) {
  static const SlotGroups kOne{{{0, {}}}, {}};
  return table(x, kOne);
}

// Sines and cosines of 0 … count-1, in single precision as the released weights were trained.
Tensor TimeTable(int count, int width, int divisor, bool cosine_first, at::Device device) {
  const Tensor index = at::arange(width / 2, at::kFloat);
  const Tensor frequency = (index * (-std::log(1e4F)) / divisor).exp();
  const Tensor angle = at::arange(count, at::kFloat).unsqueeze(1) * frequency;
  const Tensor sine = angle.sin(), cosine = angle.cos();
  return (cosine_first ? at::cat({cosine, sine}, 1) : at::cat({sine, cosine}, 1)).to(device);
}

Tensor PlainNorm(const Tensor& x, double epsilon) { return Norm{{}, {}, epsilon}(x); }

}  // namespace

std::vector<Tensor> HostGrootHeadInputs(const Batch& batch, const GrootHeadShape& shape,
                                        const GrootHeadConfig& config) {
  const int64_t B = batch.size, W = config.feature_width, H = config.state_history;
  const std::vector<float>&features = batch[kFeaturesColumn].numbers,
        &kinds = batch[kFeatureKindsColumn].numbers, &state = batch[kStateColumn].numbers;
  const int64_t L = static_cast<int64_t>(kinds.size()) / B;
  Require(static_cast<int64_t>(features.size()) == B * L * W &&
              static_cast<int64_t>(state.size()) == B * H * shape.state,
          "features and states fit the layout");
  const Tensor padded =
      at::constant_pad_nd(View(state, {B, H, shape.state}), {0, config.max_state - shape.state});
  return {View(features, {B, L, W}), View(kinds, {B, L}),
          padded.view({B, 1, H * config.max_state})};
}

GrootHeadNet::GrootHeadNet(const GrootHeadConfig& config, at::Device device,
                           const TakeParameter& take)
    : config_(config) {
  const int d = config.width, hidden = config.hidden;
  state_ = {
      MakeTable(take, "state_encoder.layer1", config.max_state * config.state_history, hidden),
      MakeTable(take, "state_encoder.layer2", hidden, d)};
  action1_ = MakeTable(take, "action_encoder.W1", config.max_action, d);
  action2_ = MakeTable(take, "action_encoder.W2", 2 * d, d);
  action3_ = MakeTable(take, "action_encoder.W3", d, d);
  decoder_ = {MakeTable(take, "action_decoder.layer1", hidden, hidden),
              MakeTable(take, "action_decoder.layer2", hidden, config.max_action)};
  const auto table = [&](const char* name, std::vector<int64_t> shape) {
    return take({name, std::move(shape), Init::kNormal, 0.02, false});
  };
  if (config.positions > 0) positions_ = table("position_embedding.weight", {config.positions, d});
  if (config.future_tokens > 0) future_ = table("future_tokens.weight", {config.future_tokens, d});
  if (config.mask_token) mask_token_ = table("mask_token", {1, 1, d});

  if (config.feature_norm) feature_norm_ = MakeNorm(take, "vlln", config.feature_width);
  for (int i = 0; i < config.feature_blocks; ++i) {
    feature_blocks_.push_back(
        MakeBlock(take, fmt::format("vl_self_attention.transformer_blocks.{}", i),
                  config.feature_width, config.feature_heads, config.feature_width, false));
  }
  for (int i = 0; i < config.blocks; ++i) {
    blocks_.push_back(MakeBlock(take, fmt::format("model.transformer_blocks.{}", i), d,
                                config.heads, i % 2 == 0 ? config.feature_width : d, true));
  }
  const std::string time = "model.timestep_encoder.timestep_embedder.linear_";
  time1_ = MakeLinear(take, time + "1", kTimeCode, d);
  time2_ = MakeLinear(take, time + "2", d, d);
  out_modulation_ = MakeLinear(take, "model.proj_out_1", d, 2 * d);
  out_ = MakeLinear(take, "model.proj_out_2", d, hidden);
  action_time_code_ = TimeTable(config.time_buckets, d, d / 2, false, device);
  time_code_ = TimeTable(config.time_buckets, kTimeCode, kTimeCode / 2 - 1, true, device);
}

GrootHeadNet::Block GrootHeadNet::MakeBlock(const TakeParameter& take, const std::string& name,
                                            int width, int heads, int attended,
                                            bool modulated) const {
  Block block;
  if (modulated) {
    block.modulation = MakeLinear(take, name + ".norm1.linear", width, 2 * width);
  } else {
    block.norm1 = MakeNorm(take, name + ".norm1", width);
    block.norm3 = MakeNorm(take, name + ".norm3", width);
  }
  const std::string attention = name + ".attn1.";
  block.attention = {MakeLinear(take, attention + "to_q", width, width),
                     MakeLinear(take, attention + "to_k", attended, width),
                     MakeLinear(take, attention + "to_v", attended, width),
                     MakeLinear(take, attention + "to_out.0", width, width), heads};
  block.in = MakeLinear(take, name + ".ff.net.0.proj", width, 4 * width);
  block.out = MakeLinear(take, name + ".ff.net.2", 4 * width, width);
  return block;
}

Tensor GrootHeadNet::Mlp::operator()(const Tensor& x) const {
  return Apply(layer2, Apply(layer1, x).relu());
}

// Behind attention activations are hidden twice, as upstream does.
Tensor GrootHeadNet::RunBlock(const Block& block, const Tensor& h, const Tensor& normed,
                              const Tensor& keys, const Tensor& values, const Tensor& seen,
                              Dropout& dropout) {
  Tensor next = h + dropout(dropout(block.attention(normed, keys, values, seen)));
  const Tensor inner = dropout(at::gelu(block.in(block.norm3(next)), "tanh"));
  return next + dropout(block.out(inner));
}

GrootHeadContext GrootHeadNet::Encode(const GrootHeadInputs& inputs, const Tensor& keep_state_B11,
                                      const Tensor& noise_B1d, Dropout& dropout) const {
  GrootHeadContext context;
  context.state_B1d = state_(inputs.state_B1S);
  if (keep_state_B11.defined()) {
    context.state_B1d = context.state_B1d * keep_state_B11;
    if (mask_token_.defined()) {
      context.state_B1d = context.state_B1d + mask_token_ * (1 - keep_state_B11);
    }
  }
  if (noise_B1d.defined()) context.state_B1d = context.state_B1d + noise_B1d;

  // what pads is seen by nothing
  const Tensor kinds_B11L = inputs.kinds_BL.unsqueeze(1).unsqueeze(1);
  const Tensor there = kinds_B11L.ne(static_cast<double>(kNoToken));
  Tensor features = inputs.features_BLW;
  if (config_.feature_norm) features = feature_norm_(features);
  for (const Block& block : feature_blocks_) {
    const Tensor normed = block.norm1(features);
    const Attention& attention = block.attention;
    features = RunBlock(block, features, normed, attention.Split(attention.key(normed)),
                        attention.Split(attention.value(normed)), there, dropout);
  }
  for (size_t i = 0; i < blocks_.size(); i += 2) {
    const Attention& attention = blocks_[i].attention;
    context.keys_values.emplace_back(attention.Split(attention.key(features)),
                                     attention.Split(attention.value(features)));
    const bool text = i % (2 * static_cast<size_t>(config_.text_every)) == 0;
    context.seen_B11L.push_back(
        config_.alternate ? kinds_B11L.eq(static_cast<double>(text ? kTextToken : kImageToken))
                          : there);
  }
  return context;
}

Tensor GrootHeadNet::Velocity(const GrootHeadContext& context, const Tensor& noisy_BHA,
                              const Tensor& bucket_B, Dropout& dropout) const {
  const int64_t B = noisy_BHA.size(0), H = noisy_BHA.size(1), d = config_.width;
  // tokens: the state, what is to come, and a noisy action each with its time
  const Tensor at_time = action_time_code_.index_select(0, bucket_B).unsqueeze(1).expand({B, H, d});
  const Tensor embedded = Apply(action1_, noisy_BHA);
  Tensor actions = at::silu(Apply(action2_, at::cat({embedded, at_time.to(embedded.dtype())}, 2)));
  actions = Apply(action3_, actions);
  if (positions_.defined()) actions = actions + positions_.narrow(0, 0, H);
  std::vector<Tensor> tokens{context.state_B1d.to(actions.dtype())};
  if (future_.defined()) tokens.push_back(future_.to(actions.dtype()).expand({B, -1, d}));
  tokens.push_back(actions);
  Tensor h = at::cat(tokens, 1);

  const Tensor time = at::silu(time2_(at::silu(time1_(time_code_.index_select(0, bucket_B)))));
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const std::vector<Tensor> modulation = block.modulation(time).unsqueeze(1).chunk(2, 2);
    const Tensor normed = PlainNorm(h, 1e-5) * (1 + modulation[0]) + modulation[1];
    const Attention& attention = block.attention;
    if (i % 2 == 0) {
      const auto& [keys, values] = context.keys_values[i / 2];
      h = RunBlock(block, h, normed, keys, values, context.seen_B11L[i / 2], dropout);
    } else {
      h = RunBlock(block, h, normed, attention.Split(attention.key(normed)),
                   attention.Split(attention.value(normed)), {}, dropout);
    }
  }
  // here the shift stands before the scale
  const std::vector<Tensor> modulation = out_modulation_(time).unsqueeze(1).chunk(2, 2);
  h = PlainNorm(h, 1e-6) * (1 + modulation[1]) + modulation[0];
  return decoder_(out_(h)).narrow(1, h.size(1) - H, H).to(at::kFloat);
}

}  // namespace understudy
