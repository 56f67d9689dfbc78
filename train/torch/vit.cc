#include "train/torch/vit.h"

#include <fmt/format.h>

#include <cmath>

namespace understudy {
namespace {

constexpr double kEpsilon = 1e-6;  // of its norms
constexpr int kInner = 4;          // channels inside a feed-forward layer, by those outside
constexpr double kDeviation = 0.02;

Linear MakeVitLinear(const TakeParameter& take, const std::string& name, int in, int out) {
  return {take({name + ".weight", {out, in}, Init::kNormal, kDeviation, true}),
          take({name + ".bias", {out}, Init::kZeros, 0, false})};
}

Norm MakeVitNorm(const TakeParameter& take, const std::string& name, int width) {
  Norm norm = MakeNorm(take, name, width);
  norm.epsilon = kEpsilon;
  return norm;
}

// A third of a layer whose outputs stand one below the other.
Linear Third(const Linear& whole, int third, int width) {
  if (!whole.weight_oi.defined()) return {};
  return {whole.weight_oi.narrow(0, int64_t{third} * width, width),
          whole.bias_o.narrow(0, int64_t{third} * width, width)};
}

}  // namespace

Tensor Vit::operator()(const Tensor& x) const {
  const Tensor grid = patches_(x);
  const int64_t N = grid.size(0), rows = grid.size(2), columns = grid.size(3);
  const Tensor cells = grid.flatten(2).transpose(1, 2);
  const Tensor first = class_token_.to(cells.scalar_type()).expand({N, 1, cells.size(2)});
  Tensor h = at::cat({first, cells}, 1) + positions_;
  for (const Layer& layer : layers_) {
    const Attention& attention = layer.attention;
    const Tensor y = layer.norm1(h);
    h = h +
        attention(y, attention.Split(attention.key(y)), attention.Split(attention.value(y)), {});
    h = h + layer.mlp(layer.norm2(h));
  }
  const Tensor tokens = norm_(h).narrow(1, 1, rows * columns);
  return tokens.transpose(1, 2).reshape({N, tokens.size(2), rows, columns});
}

Vit MakeVit(const TakeParameter& take, const std::string& name, const VitShape& shape) {
  const int width = shape.channels;
  const int cells = (shape.height / shape.patch) * (shape.width / shape.patch);
  Vit vit;
  vit.class_token_ = take({name + ".cls_token", {1, 1, width}, Init::kNormal, kDeviation, false});
  vit.positions_ =
      take({name + ".pos_embed", {1, 1 + cells, width}, Init::kNormal, kDeviation, false});
  const std::string patches = name + ".patch_embed.proj";
  vit.patches_ = {take({patches + ".weight",
                        {width, 3, shape.patch, shape.patch},
                        Init::kUniform,
                        1 / std::sqrt(3.0 * shape.patch * shape.patch),
                        true}),
                  take({patches + ".bias", {width}, Init::kZeros, 0, false}), shape.patch, 0};
  for (int i = 0; i < shape.layers; ++i) {
    const std::string block = fmt::format("{}.blocks.{}", name, i);
    Vit::Layer& layer = vit.layers_.emplace_back();
    layer.norm1 = MakeVitNorm(take, block + ".norm1", width);
    const Linear qkv = MakeVitLinear(take, block + ".attn.qkv", width, 3 * width);
    layer.attention = {Third(qkv, 0, width), Third(qkv, 1, width), Third(qkv, 2, width),
                       MakeVitLinear(take, block + ".attn.proj", width, width), shape.heads};
    layer.norm2 = MakeVitNorm(take, block + ".norm2", width);
    layer.mlp = {MakeVitLinear(take, block + ".mlp.fc1", width, kInner * width),
                 MakeVitLinear(take, block + ".mlp.fc2", kInner * width, width)};
  }
  vit.norm_ = MakeVitNorm(take, name + ".norm", width);
  return vit;
}

TensorBlob ResamplePositions(const TensorBlob& positions, int rows, int columns) {
  if (positions.shape.size() != 3 || positions.shape[0] != 1 || positions.shape[1] < 2) return {};
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(positions.shape[1] - 1)));
  if (side * side != positions.shape[1] - 1) return {};
  const int64_t width = positions.shape[2];
  const Tensor all = ToTensor(positions);
  const Tensor grid =
      all.narrow(1, 1, side * side).view({1, side, side, width}).permute({0, 3, 1, 2});
  const std::vector<int64_t> size{rows, columns};
  const Tensor resampled = at::_upsample_bicubic2d_aa(grid.contiguous(), size, false);
  return ToBlob(
      at::cat({all.narrow(1, 0, 1),
               resampled.permute({0, 2, 3, 1}).reshape({1, int64_t{rows} * columns, width})},
              1));
}

}  // namespace understudy
