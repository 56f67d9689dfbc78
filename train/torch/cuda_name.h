#pragma once

#include "core/base/module.h"

namespace understudy {

// The module of train/torch/cuda_module.h.
inline constexpr ModuleName kCudaModule{"cuda", "a LibTorch for CUDA", "graphs and NCCL",
                                        "WITH_CUDA"};

}  // namespace understudy
