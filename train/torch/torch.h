#pragma once

// The only file that includes LibTorch's headers, beside torch_ranks.cc with those of c10d. ATen
// alone is enough: modules, optimizers and data loaders of the C++ frontend are not used, and its
// headers cost ten seconds in every file.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <functional>
#include <string>
#include <vector>

#include "train/run/device.h"
#include "train/samples/batch.h"
#include "train/tensors/tensor_blob.h"

static_assert(TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR >= 206,
              "LibTorch 2.6 or newer is needed");

namespace understudy {

using at::Tensor;

// Copies; F32, F64, BF16, I64, I32 and U8.
Tensor ToTensor(const TensorBlob& blob);
TensorBlob ToBlob(const Tensor& tensor);

// A view of `values`, which must outlive it.
Tensor View(const std::vector<float>& values, at::IntArrayRef shape);
Tensor View(const std::vector<uint8_t>& values, at::IntArrayRef shape);

// Takes the values along.
Tensor Own(std::vector<float> values, at::IntArrayRef shape);
Tensor Own(std::vector<uint8_t> values, at::IntArrayRef shape);
Tensor Own(std::vector<int64_t> values, at::IntArrayRef shape);

// Copies, in main memory, whatever the device.
std::vector<float> ToFloats(const Tensor& tensor);

// Throws Error(kBadInput) for `cuda` without one.
at::Device ResolveDevice(Device device);

// Automatic bfloat16 within a scope, or none; restores what was set before. Converted weights are
// not kept for a second use: all threads would share them, and who clears them when would decide in
// which order gradients are added.
class AutocastScope {
 public:
  AutocastScope(at::DeviceType device, bool bfloat16);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType old_type_;
  bool used_cache_;
};

// Number of cores that LibTorch's operators use when called from this thread.
class ThreadScope {
 public:
  explicit ThreadScope(int threads);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

// What a network that acts answers to each sample, one after the other: matrix kernels round
// differently with a row's place in a batch, so that batching would let the way in which requests
// meet change the answers. On one core, without gradients.
std::vector<float> AnswerEach(
    const Batch& inputs,
    const std::function<std::vector<float>(const Batch& sample, size_t row)>& answer);

}  // namespace understudy
