#include "train/policies/groot/groot_net.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int kTimeWidth = 256;

// Layer norm without weights, then scale and shift made from the conditioning.
Tensor Modulate(const Tensor& h, const Tensor& scale, const Tensor& shift, double epsilon) {
  const Tensor plain = at::layer_norm(h, {h.size(-1)}, {}, {}, epsilon);
  return at::addcmul(shift, plain, scale + 1);
}

}  // namespace

std::vector<Tensor> HostGrootInputs(const Batch& batch, const GrootShape& shape, int vocabulary) {
  const int64_t B = batch.size, H = shape.height, W = shape.width;
  const size_t size = static_cast<size_t>(B);
  Require(B > 0, "a batch holds samples");
  const std::vector<float>& state_BS = batch[kStateColumn].numbers;
  const std::vector<int32_t>& tokens_BL = batch[kInstructionColumn].tokens;
  Require(state_BS.size() == size * static_cast<size_t>(shape.state), "states fit");
  Require(tokens_BL.size() == size * static_cast<size_t>(shape.tokens), "tokens fit");
  Require(batch.embodiment_B.size() == size, "embodiments fit");
  std::vector<Tensor> inputs;

  // pictures, and the rows that have them
  for (size_t camera = 0; camera < shape.images.size(); ++camera) {
    const std::vector<uint8_t>& pixels_BHWC = batch[shape.images[camera]].pixels;
    Require(pixels_BHWC.size() == static_cast<size_t>(B * H * W * 3), "images fit");
    Tensor pixels = View(pixels_BHWC, {B, H, W, 3}), rows;
    std::vector<int64_t> seen;
    for (size_t b = 0; b < size; ++b) {
      if (shape.Sees(static_cast<size_t>(batch.embodiment_B[b]), camera)) {
        seen.push_back(static_cast<int64_t>(b));
      }
    }
    if (seen.size() < size) {
      rows = at::tensor(seen, at::kLong);
      pixels = pixels.index_select(0, rows);
    }
    inputs.insert(inputs.end(), {pixels, rows});
  }
  inputs.push_back(View(state_BS, {B, shape.state}));

  // texts that occur more than once are encoded once
  std::map<std::vector<int32_t>, int64_t> rows;
  std::vector<int64_t> tokens, row_of(size);
  for (size_t b = 0; b < size; ++b) {
    const auto begin = tokens_BL.begin() + static_cast<std::ptrdiff_t>(b) * shape.tokens;
    const std::vector<int32_t> text(begin, begin + shape.tokens);
    const auto [entry, is_new] = rows.try_emplace(text, static_cast<int64_t>(rows.size()));
    row_of[b] = entry->second;
    if (!is_new) continue;
    for (const int32_t id : text) {
      if (id < 0 || id >= vocabulary) {
        ThrowBadInput(
            fmt::format("token {}: the policy's vocabulary has ids 0 to {}; use the "
                        "vocabulary of its checkpoint",
                        id, vocabulary - 1));
      }
      tokens.push_back(id);
    }
  }
  inputs.push_back(Own(std::move(tokens), {static_cast<int64_t>(rows.size()), shape.tokens}));
  inputs.push_back(Own(std::move(row_of), {B}));
  return inputs;
}

GrootInputs MakeGrootInputs(std::span<const Tensor> inputs, const Batch& batch,
                            const GrootShape& shape, const GrootConfig& config, at::Device device,
                            bool bfloat16) {
  GrootInputs result;
  // 127.5 and every difference to it are exact in bfloat16
  const auto type = bfloat16 ? at::kBFloat16 : at::kFloat;
  for (size_t camera = 0; camera < shape.images.size(); ++camera) {
    const Tensor& pixels = inputs[2 * camera];
    Tensor image = at::empty(pixels.sizes(), at::TensorOptions().dtype(type).device(device));
    image.copy_(pixels);
    image.sub_(127.5).mul_(1 / 255.0);
    result.images_BCHW.push_back(image.permute({0, 3, 1, 2}));
    result.image_rows.push_back(inputs[2 * camera + 1]);
  }
  inputs = inputs.subspan(2 * shape.images.size());
  result.state_BS = inputs[0].clone();
  result.tokens_UL = inputs[1];
  result.text_seen_UL = result.tokens_UL.ne(0);
  result.text_row_B = inputs[2];
  result.slots = GroupSlots(batch.embodiment_B, config.embodiments, device);
  return result;
}

GrootInputs MakeGrootInputs(const Batch& batch, const GrootShape& shape, const GrootConfig& config,
                            int vocabulary, at::Device device, bool bfloat16) {
  std::vector<Tensor> inputs = HostGrootInputs(batch, shape, vocabulary);
  for (Tensor& input : inputs) {
    if (input.defined()) input = input.to(device);
  }
  return MakeGrootInputs(inputs, batch, shape, config, device, bfloat16);
}

GrootNet::GrootNet(const GrootConfig& config, const GrootShape& shape, int vocabulary,
                   at::Device device, const TakeParameter& take)
    : config_(config), shape_(shape) {
  const int d = config.width, slots = config.embodiments, n = config.actions_per_token;
  std::vector<int> token_of;  // numbers of a token
  for (const int own : shape.action_of) token_of.push_back(n * own);

  // images: an encoder per camera, or one for all with an embedding per camera; a robot without
  // cameras has neither
  const int encoders = config.shared_encoder ? std::min(1, shape.cameras()) : shape.cameras();
  for (int camera = 0; camera < encoders; ++camera) {
    const auto [height, width] = SeenSize(shape, config, static_cast<size_t>(camera));
    image_encoders_.emplace_back(take, fmt::format("image.{}", camera), config, height, width,
                                 device);
  }
  if (shape.cameras() > 0) {
    camera_embedding_ = take({"image.camera", {shape.cameras(), d}, Init::kNormal, 0.02, false});
  }

  // text
  word_embedding_ = take({"text.words", {vocabulary, d}, Init::kNormal, 0.02, false});
  text_position_ = take({"text.position", {shape.tokens, d}, Init::kNormal, 0.02, false});
  for (int i = 0; i < config.text_layers; ++i) {
    const std::string name = fmt::format("text.layers.{}", i);
    text_layers_.push_back({MakeNorm(take, name + ".norm1", d), MakeNorm(take, name + ".norm2", d),
                            MakeAttention(take, name + ".attention", d, config.heads),
                            MakeFeedForward(take, name + ".ff", d, config.feed_forward)});
  }
  vision_language_norm_ = MakeNorm(take, "vlln", d);

  // tables with weights of their own for each embodiment
  state1_ = MakeSlotLinear(take, "state_encoder.layer1", slots, shape.state, d);
  state2_ = MakeSlotLinear(take, "state_encoder.layer2", slots, d, d);
  state1_.in_S = shape.state_of;
  action1_ = MakeSlotLinear(take, "action_encoder.W1", slots, n * shape.action, d);
  action1_.in_S = token_of;
  const SlotLinear action2 = MakeSlotLinear(take, "action_encoder.W2", slots, 2 * d, d);
  if (action2.weight_Sio.defined()) {
    // the half that sees the time is the same for all steps of a chunk: done once per chunk
    action2_actions_ = {action2.weight_Sio.narrow(1, 0, d), at::zeros_like(action2.bias_So)};
    action2_time_ = {action2.weight_Sio.narrow(1, d, d), action2.bias_So};
  }
  action3_ = MakeSlotLinear(take, "action_encoder.W3", slots, d, d);
  action_position_ =
      take({"position_embedding", {shape.horizon / n, d}, Init::kNormal, 0.02, false});
  decode1_ = MakeSlotLinear(take, "action_decoder.layer1", slots, d, d);
  decode2_ = MakeSlotLinear(take, "action_decoder.layer2", slots, d, n * shape.action);
  decode2_.out_S = token_of;

  // transformer
  time1_ = MakeLinear(take, "dit.time1", kTimeWidth, d);
  time2_ = MakeLinear(take, "dit.time2", d, d);
  if (config.condition_on_vision) {
    condition_ = MakeLinear(take, "dit.condition", 2 * config.keypoints * shape.cameras() + d, d);
  }
  for (int i = 0; i < config.blocks; ++i) {
    const std::string name = fmt::format("dit.blocks.{}", i);
    blocks_.push_back({MakeLinear(take, name + ".norm1", d, 2 * d),
                       MakeAttention(take, name + ".attention", d, config.heads),
                       MakeFeedForward(take, name + ".ff", d, config.feed_forward)});
  }
  out_modulation_ = MakeLinear(take, "dit.proj_out_1", d, 2 * d);
  out_ = MakeLinear(take, "dit.proj_out_2", d, d);

  // what only training asks for (GR00T N1, arXiv:2503.14734, has such a loss for object centres)
  if (config.object_weight > 0 && shape.objects > 0) {
    const int seen = 2 * config.keypoints * shape.cameras() + d;
    objects1_ = MakeLinear(take, kObjectHead + std::string("layer1"), seen, d);
    objects2_ = MakeLinear(take, kObjectHead + std::string("layer2"), d, shape.objects);
  }

  action_time_code_ = SinusoidTable(config.time_buckets, d, d / 2, false, device);
  time_code_ = SinusoidTable(config.time_buckets, kTimeWidth, kTimeWidth / 2 - 1, true, device);
}

Tensor GrootNet::EncodeText(const Tensor& tokens_UL, const Tensor& seen_UL) const {
  // padding is seen by itself alone: no row without keys, no way into a real token
  const Tensor self = at::eye(shape_.tokens, seen_UL.options());
  const Tensor seen = seen_UL.unsqueeze(1).unsqueeze(1).logical_or(self);
  Tensor h = at::embedding(word_embedding_, tokens_UL) + text_position_;
  for (const TextLayer& layer : text_layers_) {
    const Tensor x = layer.norm1(h);
    const Attention& attention = layer.attention;
    h = h +
        attention(x, attention.Split(attention.key(x)), attention.Split(attention.value(x)), seen);
    h = h + layer.feed_forward(layer.norm2(h));
  }
  return h;
}

GrootContext GrootNet::Encode(const GrootInputs& inputs, const Tensor& keep_state_B1) const {
  const int64_t B = inputs.state_BS.size(0);
  GrootContext context;
  context.slots = inputs.slots;

  // tokens of every camera, then of the text; of samples without the camera they are 0, and seen by
  // nothing
  const auto truth = inputs.text_seen_UL.options();
  std::vector<Tensor> tokens, conditions, seen;
  bool missing = false;
  for (size_t camera = 0; camera < inputs.images_BCHW.size(); ++camera) {
    const ImageEncoder& encoder = image_encoders_[config_.shared_encoder ? 0 : camera];
    const Tensor &image = inputs.images_BCHW[camera], &rows = inputs.image_rows[camera];
    const int64_t L = encoder.tokens();
    Tensor of_image, keypoints;
    if (image.size(0) > 0) {
      std::tie(of_image, keypoints) = encoder(image);
      of_image = of_image + camera_embedding_.select(0, static_cast<int64_t>(camera));
    }
    if (!rows.defined()) {
      seen.push_back(at::ones({B, L}, truth));
    } else {
      missing = true;
      const auto place = [&](const Tensor& found, at::IntArrayRef shape) {
        if (!found.defined()) return at::zeros(shape, inputs.state_BS.options());
        return at::zeros(shape, found.options()).index_copy(0, rows, found);
      };
      of_image = place(of_image, {B, L, config_.width});
      keypoints = place(keypoints, {B, 2 * int64_t{config_.keypoints}});
      seen.push_back(at::zeros({B, L}, truth).index_fill(0, rows, true));
    }
    tokens.push_back(of_image);
    conditions.push_back(keypoints);
  }
  tokens.push_back(
      EncodeText(inputs.tokens_UL, inputs.text_seen_UL).index_select(0, inputs.text_row_B));
  context.vision_language_BLd = vision_language_norm_(at::cat(tokens, 1));
  Tensor text_seen = inputs.text_seen_UL.index_select(0, inputs.text_row_B);
  // where there are neither pictures nor words, a padding is seen: attention to nothing is no
  // number
  if (tokens.size() == 1 || missing) {
    Tensor any = text_seen.any(1);
    for (const Tensor& image_seen : seen) any = any.logical_or(image_seen.select(1, 0));
    text_seen.select(1, 0).logical_or_(any.logical_not());
  }
  seen.push_back(text_seen);
  context.seen_B11L = at::cat(seen, 1).view({B, 1, 1, -1});

  // positions of the hand deserve full precision too
  {
    const AutocastScope exact(inputs.state_BS.device().type(), false);
    Tensor state = state2_(at::relu(state1_(inputs.state_BS, inputs.slots)), inputs.slots);
    if (keep_state_B1.defined()) state = state * keep_state_B1;
    context.state_B1d = state.unsqueeze(1);
    conditions.push_back(state);
    const Tensor all = at::cat(conditions, 1);
    if (config_.condition_on_vision) context.condition_B1d = condition_(all).unsqueeze(1);
    if (objects1_.weight_oi.defined()) context.objects_BO = objects2_(at::relu(objects1_(all)));
  }

  // keys and values of the even blocks do not change while the chunk is denoised
  for (size_t i = 0; i < blocks_.size(); i += 2) {
    const Attention& attention = blocks_[i].attention;
    context.keys_values.emplace_back(attention.Split(attention.key(context.vision_language_BLd)),
                                     attention.Split(attention.value(context.vision_language_BLd)));
  }
  return context;
}

Tensor GrootNet::Velocity(const GrootContext& context, const Tensor& noisy_BDTA,
                          const Tensor& bucket_BD, const Tensor& real_BT, const Tensor& given_BDT,
                          Dropout& dropout) const {
  const int64_t B = noisy_BDTA.size(0), D = noisy_BDTA.size(1), n = config_.actions_per_token,
                T = noisy_BDTA.size(2) / n;
  const int64_t d = config_.width;
  // several actions of a token lie number by number, so that padding stays behind; of those that
  // are padded steps nothing is seen
  Tensor noisy = noisy_BDTA, real = real_BT;
  if (n > 1) {
    if (real.defined()) {
      noisy = noisy.masked_fill(real.view({B, 1, T * n, 1}).logical_not(), 0);
      real = real.view({B, T, n}).any(2);
    }
    noisy = noisy.view({B, D, T, n, -1}).transpose(3, 4).reshape({B, D, T, -1});
  }
  const Tensor bucket = bucket_BD.flatten();
  const SlotGroups& slots = context.slots;

  // action tokens: actions and time through the embodiment's encoder
  const auto time_of = [&](const Tensor& at) {
    return action2_time_(action_time_code_.index_select(0, at).view({B, D, d}), slots).unsqueeze(2);
  };
  const Tensor last_bucket = at::full_like(bucket, config_.time_buckets - 1);
  Tensor time_part = time_of(bucket), given_tokens;
  if (given_BDT.defined()) {
    const Tensor given = given_BDT.unsqueeze(3);
    time_part = at::where(given, time_of(last_bucket), time_part);
    given_tokens = at::cat({at::zeros({B, D, 1, 1}, given.options()), given}, 2);
  }
  const Tensor action_part = action2_actions_(action1_(noisy, slots), slots);
  const Tensor actions = action3_(at::silu(action_part + time_part), slots) + action_position_;
  const Tensor state = context.state_B1d.unsqueeze(1).expand({B, D, 1, d});
  Tensor h = at::cat({state, actions.to(state.scalar_type())}, 2);  // B D 1+T d
  const int64_t length = 1 + T;

  // what the adaptive norms see: B D 1 2d each, or with given actions B D 1+T 2d
  const auto condition_of = [&](const Tensor& at) {
    const Tensor time = time2_(at::silu(time1_(time_code_.index_select(0, at)))).view({B, D, d});
    const Tensor& seen = context.condition_B1d;
    return at::silu(seen.defined() ? time + seen : time);
  };
  const Tensor active = condition_of(bucket),
               of_given = given_BDT.defined() ? condition_of(last_bucket) : Tensor();
  const auto modulation = [&](const Linear& linear) {
    Tensor all = linear(active).to(h.scalar_type()).unsqueeze(2);
    if (of_given.defined()) {
      all = at::where(given_tokens, linear(of_given).to(h.scalar_type()).unsqueeze(2), all);
    }
    return all.chunk(2, -1);
  };

  // padded steps are no keys; the state always is one
  Tensor seen;
  if (real.defined()) {
    seen = at::cat({at::ones({B, 1}, real.options()), real}, 1)
               .unsqueeze(1)
               .expand({B, D, length})
               .reshape({B * D, 1, 1, length});
  }

  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const auto scale_shift = modulation(block.modulation);
    const Tensor x = Modulate(h, scale_shift[0], scale_shift[1], 1e-5);
    Tensor mixed;
    if (i % 2 == 0) {
      // all draws of a sample look at the same keys
      const auto& [keys, values] = context.keys_values[i / 2];
      mixed = block.attention(x.view({B, D * length, d}), keys, values, context.seen_B11L);
    } else {
      const Tensor rows = x.view({B * D, length, d});
      mixed = block.attention(rows, block.attention.Split(block.attention.key(rows)),
                              block.attention.Split(block.attention.value(rows)), seen);
    }
    h = h + dropout(mixed.view({B, D, length, d}));
    const FeedForward& ff = block.feed_forward;
    h = h + dropout(ff.out(dropout(at::gelu(ff.in(at::layer_norm(h, {d}, {}, {}, 1e-5))))));
  }

  // the last T tokens through the embodiment's decoder
  const auto shift_scale = modulation(out_modulation_);
  const auto of_actions = [&](const Tensor& each) {
    return each.size(2) == 1 ? each : each.narrow(2, 1, T);
  };
  h = out_(
      Modulate(h.narrow(2, 1, T), of_actions(shift_scale[1]), of_actions(shift_scale[0]), 1e-6));
  const Tensor velocity = decode2_(at::relu(decode1_(h, slots)), slots).to(at::kFloat);
  if (n == 1) return velocity;
  return velocity.view({B, D, T, -1, n}).transpose(3, 4).reshape({B, D, T * n, -1});
}

}  // namespace understudy
