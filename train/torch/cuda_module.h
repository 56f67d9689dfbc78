#pragma once

// What CUDA alone has, as a module of its own (core/base/module.h): steps as graphs, sums by NCCL.
// It is opened by the module for LibTorch, and needs one for CUDA in the process.

#include <functional>
#include <memory>
#include <string>

#include "train/torch/cuda_name.h"
#include "train/torch/step_graph.h"

namespace understudy {

// Sums numbers of several ranks, each on its own device. One thread.
class DeviceSum {
 public:
  virtual ~DeviceSum() = default;
  // In place, over all ranks; all get the same bits. `alive` is called while the ranks are waited
  // for, about once a second, and throws to give up: then the sum can't be used again.
  virtual void Sum(float* numbers, int64_t count, const std::function<void()>& alive) = 0;
};

struct CudaModule {
  static constexpr ModuleName kName = kCudaModule;
  const char* libtorch = "";  // version of the headers that it was compiled with
  std::unique_ptr<StepGraph> (*make_step_graph)() = nullptr;
  // A text that rank 0 makes and all ranks join with. Both throw Error(kFailed) where NCCL does.
  std::string (*make_sum_id)() = nullptr;
  std::unique_ptr<DeviceSum> (*join_sum)(const std::string& id, int rank, int size) = nullptr;
};

// The module, or null and why in one sentence.
const CudaModule* FindCudaModule(std::string* why);

}  // namespace understudy
