#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/torch/torch.h"

namespace understudy {

enum class Init { kUniform, kNormal, kZeros, kOnes };

// One weight of a network before it exists.
struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  Init init = Init::kZeros;
  double scale = 0;    // half width of kUniform, standard deviation of kNormal
  bool decay = false;  // shrunk by weight decay
  // Gives the first values themselves, in place of `init`; called once, where the weight is made.
  // Empty: none.
  std::function<std::vector<float>()> values = {};

  int64_t size() const { return c10::multiply_integers(shape); }
};

// Hands a network the tensor for a specification. A network built on a function that only notes
// what it is asked for lists its parameters.
using TakeParameter = std::function<Tensor(const ParameterSpec&)>;

// A weight that no update changes: nothing is differentiated by it, and AdamW without gradient and
// decay leaves a number as it is.
Tensor TakeConstant(const TakeParameter& take, ParameterSpec spec);

struct Linear {
  Tensor weight_oi, bias_o;
  Tensor operator()(const Tensor& x) const { return at::linear(x, weight_oi, bias_o); }
};
Linear MakeLinear(const TakeParameter& take, const std::string& name, int in, int out);

struct Convolution {
  Tensor weight_oikk, bias_o;
  int stride = 1, padding = 0;
  Tensor operator()(const Tensor& x) const {
    return at::conv2d(x, weight_oikk, bias_o, stride, padding);
  }
};
Convolution MakeConvolution(const TakeParameter& take, const std::string& name, int in, int out,
                            int kernel, int stride);

// Layer norm over the last dimension; undefined weights mean none.
struct Norm {
  Tensor weight, bias;
  double epsilon = 1e-5;
  Tensor operator()(const Tensor& x) const {
    return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
  }
};
Norm MakeNorm(const TakeParameter& take, const std::string& name, int width);

// Which rows of a batch belong to which embodiment; `rows` is undefined where all have one.
struct SlotGroups {
  struct Group {
    int slot = 0;
    Tensor rows;
  };
  std::vector<Group> groups;
  Tensor back;  // row of the concatenated groups for each row of the batch
};
SlotGroups GroupSlots(const std::vector<int32_t>& slots, int slot_count, at::Device device);

// A linear layer with its own weights for each embodiment.
struct SlotLinear {
  Tensor weight_Sio, bias_So;
  // Numbers that each embodiment has of what comes in and goes out, the first ones; empty: all have
  // all. The others are not looked at, and are 0 behind the layer.
  std::vector<int> in_S = {}, out_S = {};
  // x: B … i.
  Tensor operator()(const Tensor& x, const SlotGroups& groups) const;
};
SlotLinear MakeSlotLinear(const TakeParameter& take, const std::string& name, int slots, int in,
                          int out);

// Multi-head attention with its four projections.
struct Attention {
  Linear query, key, value, out;
  int heads = 1;

  // B L d -> B heads L d/heads.
  Tensor Split(const Tensor& x) const;
  // h: B Q d; keys and values as from Split; mask: true where a key may be seen, broadcast to
  // B heads Q K, or undefined.
  Tensor operator()(const Tensor& h, const Tensor& keys, const Tensor& values,
                    const Tensor& mask) const;
};
Attention MakeAttention(const TakeParameter& take, const std::string& name, int width, int heads);

struct FeedForward {
  Linear in, out;
  // GELU itself: GR00T's tanh form of it differs by less than 1e-3 and costs four times as much.
  Tensor operator()(const Tensor& x) const { return out(at::gelu(in(x))); }
};
FeedForward MakeFeedForward(const TakeParameter& take, const std::string& name, int width,
                            int inner);

// Rows for 0 … count-1: sines (or, cosine_first, cosines) of n * 10^(-4 i / divisor), then the
// others; width columns.
Tensor SinusoidTable(int count, int width, double divisor, bool cosine_first, at::Device device);

}  // namespace understudy
