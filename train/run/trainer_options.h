#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/base/options.h"
#include "train/run/device.h"

namespace understudy {

enum class Precision { kAuto, kFloat32, kBfloat16 };
template <>
struct EnumNames<Precision> {
  static constexpr std::array kNames{"auto", "float32", "bfloat16"};
};

// How a network is trained: AdamW (Loshchilov & Hutter 2019) with clipping, a cosine schedule and
// an exponential moving average of the weights.
struct TrainerOptions {
  std::optional<int64_t> steps{};
  double learning_rate = 2e-3;
  int64_t warmup = 100;
  double final_fraction = 0.02;
  double weight_decay = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double clip = 1.0;
  double ema = 0.999;
  Precision precision = Precision::kAuto;
  std::optional<uint64_t> seed{};
  std::map<std::string, double> rates{};
  int microbatches = 0;
  static constexpr std::array kUnwritten{"rates", "microbatches", "graphs"};

  Device device = Device::kAuto;
  int threads = 0;
  bool graphs = true;

  template <class V>
  void Visit(V& v) {
    // changes results
    v("steps", steps, "updates over which the schedule runs; null: all of the run",
      Limits{1, 1e12});
    v("learning_rate", learning_rate, "peak rate", Limits{0, 10});
    v("warmup", warmup, "updates until the peak", Limits{0, 1e12});
    v("final_fraction", final_fraction, "rate at the end, as a part of the peak", Limits{0, 1});
    v("weight_decay", weight_decay, "of matrices and kernels; none of norms, biases, embeddings",
      Limits{0, 10});
    v("beta1", beta1, "AdamW: decay of the first moment", Limits{0, 0.999999});
    v("beta2", beta2, "AdamW: decay of the second moment", Limits{0, 0.999999});
    v("epsilon", epsilon, "AdamW: added to the root of the second moment", Limits{1e-30, 1});
    v("clip", clip, "largest norm of the whole gradient; 0 = none", Limits{0, 1e9});
    v("ema", ema, "decay of the averaged weights that act; rises as (1+n)/(10+n); 0 = none",
      Limits{0, 0.999999});
    v("precision", precision, "auto times both on the first batch and keeps the faster");
    v("seed", seed, "of the first weights, noise and times; null: that of the run");
    v("rates", rates,
      "part of the learning rate for weights whose names match, such as {\"image.*\": 0.1}; 0: "
      "they "
      "stay as they are; of several patterns the longest counts",
      Limits{0, 1000});
    v("microbatches", microbatches,
      "parts of a batch whose gradients are summed in a fixed order, so that the weights are the "
      "same bit for bit for any number of threads; 0 = 4 on processors, one for each rank on cuda",
      Limits{0, 65536});
    // changes speed only (beyond rounding)
    v("device", device, "auto = cuda where there is one", Effect::kSpeed);
    v("threads", threads,
      "replicas of the network, one core each; no more than microbatches are used; 0 = all cores",
      Limits{0, 4096}, Effect::kSpeed);
    v("graphs", graphs,
      "on cuda: a step is recorded once and repeated as one launch (a CUDA graph), where the "
      "policy's shapes are fixed",
      Effect::kSpeed);
  }
};

}  // namespace understudy
