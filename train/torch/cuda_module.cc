#include "train/torch/cuda_module.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

const CudaModule* FindCudaModule(std::string* why) {
  try {
    const auto& module = Module<CudaModule>();
    if (module.libtorch == std::string(TORCH_VERSION)) return &module;
    *why = fmt::format("the module for {} was built for LibTorch {}, and {} is used",
                       CudaModule::kName.purpose, module.libtorch, TORCH_VERSION);
  } catch (const Error& error) {
    *why = error.what();
  }
  return nullptr;
}

}  // namespace understudy
