#include "core/base/module_entry.h"
#include "train/torch/cuda/cuda.h"

namespace understudy {
namespace {

constexpr CudaModule kFunctions{TORCH_VERSION, MakeStepGraph, MakeNcclId, JoinNccl};

}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
