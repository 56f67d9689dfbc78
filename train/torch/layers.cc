#include "train/torch/layers.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/base/error.h"

namespace understudy {

Tensor TakeConstant(const TakeParameter& take, ParameterSpec spec) {
  const Tensor weight = take(spec);
  return weight.defined() ? weight.detach() : weight;
}

Linear MakeLinear(const TakeParameter& take, const std::string& name, int in, int out) {
  const double bound = 1 / std::sqrt(in);
  return {take({name + ".weight", {out, in}, Init::kUniform, bound, true}),
          take({name + ".bias", {out}, Init::kUniform, bound, false})};
}

Convolution MakeConvolution(const TakeParameter& take, const std::string& name, int in, int out,
                            int kernel, int stride) {
  // He's variance for rectified units: uniform within sqrt(6 / fan-in)
  const double fan_in = in * kernel * kernel;
  return {take({name + ".weight",
                {out, in, kernel, kernel},
                Init::kUniform,
                std::sqrt(6 / fan_in),
                true}),
          take({name + ".bias", {out}, Init::kZeros, 0, false}), stride, kernel / 2};
}

Norm MakeNorm(const TakeParameter& take, const std::string& name, int width) {
  return {take({name + ".weight", {width}, Init::kOnes, 0, false}),
          take({name + ".bias", {width}, Init::kZeros, 0, false})};
}

SlotGroups GroupSlots(const std::vector<int32_t>& slots, int slot_count, at::Device device) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(slot_count));
  for (size_t row = 0; row < slots.size(); ++row) {
    if (slots[row] < 0 || slots[row] >= slot_count) {
      ThrowBadInput(
          fmt::format("embodiment slot {}: the policy has slots 0 to {}; raise the "
                      "policy's 'embodiments'",
                      slots[row], slot_count - 1));
    }
    rows[static_cast<size_t>(slots[row])].push_back(static_cast<int64_t>(row));
  }

  // the usual batch holds one embodiment and needs no sorting
  SlotGroups result;
  std::vector<int64_t> order;
  for (int slot = 0; slot < slot_count; ++slot) {
    const auto& members = rows[static_cast<size_t>(slot)];
    if (members.empty()) continue;
    if (members.size() == slots.size()) return {{{slot, {}}}, {}};
    result.groups.push_back({slot, at::tensor(members, at::kLong).to(device)});
    order.insert(order.end(), members.begin(), members.end());
  }
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  }
  result.back = at::tensor(back, at::kLong).to(device);
  return result;
}

Tensor SlotLinear::operator()(const Tensor& x, const SlotGroups& groups) const {
  const auto apply = [&](const Tensor& rows, int slot) {
    const auto own = [slot](const std::vector<int>& sizes, int64_t whole) {
      const auto at = static_cast<size_t>(slot);
      return at < sizes.size() ? int64_t{sizes[at]} : whole;
    };
    const int64_t in = weight_Sio.size(1), out = weight_Sio.size(2);
    const int64_t own_in = own(in_S, in), own_out = own(out_S, out);
    Tensor weight = weight_Sio.select(0, slot), bias = bias_So.select(0, slot);
    if (own_in == in && own_out == out) return at::linear(rows, weight.t(), bias);
    weight = weight.narrow(0, 0, own_in).narrow(1, 0, own_out);
    bias = bias.narrow(0, 0, own_out);
    const Tensor answer = at::linear(rows.narrow(-1, 0, own_in), weight.t(), bias);
    return own_out == out ? answer : at::constant_pad_nd(answer, {0, out - own_out});
  };
  if (!groups.back.defined()) return apply(x, groups.groups.at(0).slot);
  std::vector<Tensor> parts;
  for (const SlotGroups::Group& group : groups.groups) {
    parts.push_back(apply(x.index_select(0, group.rows), group.slot));
  }
  return at::cat(parts).index_select(0, groups.back);
}

SlotLinear MakeSlotLinear(const TakeParameter& take, const std::string& name, int slots, int in,
                          int out) {
  return {take({name + ".W", {slots, in, out}, Init::kUniform, 1 / std::sqrt(in), true}),
          take({name + ".b", {slots, out}, Init::kZeros, 0, false})};
}

Tensor Attention::Split(const Tensor& x) const {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor Attention::operator()(const Tensor& h, const Tensor& keys, const Tensor& values,
                             const Tensor& mask) const {
  const Tensor projected = query(h);
  Tensor mixed;
  if (h.is_cuda()) {
    const auto seen = mask.defined() ? std::optional<Tensor>(mask) : std::nullopt;
    mixed = at::scaled_dot_product_attention(Split(projected), keys, values, seen);
  } else {
    // spelled out: the fused operator's backward pass is ten times slower in bfloat16 on processors
    const double scale = 1 / std::sqrt(static_cast<double>(h.size(-1)) / heads);
    Tensor scores = at::matmul(Split(projected * scale), keys.transpose(-1, -2));
    if (mask.defined()) {
      scores = scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
    }
    mixed = at::matmul(at::softmax(scores, -1), values);
  }
  return out(mixed.transpose(1, 2).reshape(h.sizes()));
}

Attention MakeAttention(const TakeParameter& take, const std::string& name, int width, int heads) {
  return {MakeLinear(take, name + ".to_q", width, width),
          MakeLinear(take, name + ".to_k", width, width),
          MakeLinear(take, name + ".to_v", width, width),
          MakeLinear(take, name + ".to_out", width, width), heads};
}

FeedForward MakeFeedForward(const TakeParameter& take, const std::string& name, int width,
                            int inner) {
  return {MakeLinear(take, name + ".in", width, inner),
          MakeLinear(take, name + ".out", inner, width)};
}

Tensor SinusoidTable(int count, int width, double divisor, bool cosine_first, at::Device device) {
  Require(width % 2 == 0, "a sinusoid code has an even number of columns");
  const Tensor index = at::arange(width / 2, at::kDouble);
  const Tensor frequency = at::exp(index * (-std::log(1e4) / divisor));
  const Tensor angle = at::arange(count, at::kDouble).unsqueeze(1) * frequency;
  const Tensor first = cosine_first ? angle.cos() : angle.sin();
  const Tensor second = cosine_first ? angle.sin() : angle.cos();
  return at::cat({first, second}, 1).to(at::kFloat).to(device);
}

}  // namespace understudy
