#include "train/torch/probe.h"

#include <fmt/format.h>

#include "train/torch/cuda_module.h"
#include "train/torch/torch.h"

namespace understudy {

TorchProbe ProbeTorch() {
  TorchProbe probe;
  probe.version = fmt::format("{}.{}.{}, {} threads, {}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR,
                              TORCH_VERSION_PATCH, at::get_num_threads(), at::get_cpu_capability());
  const int gpus = at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
  for (int i = 0; i < gpus; ++i) probe.gpus.push_back(fmt::format("CUDA device {}", i));
  FindCudaModule(&probe.graphs);
  return probe;
}

}  // namespace understudy
