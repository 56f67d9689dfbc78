// Built twice, as a module that is there for processors and for CUDA (VARIANT_CUDA).
#include "core/base/module_entry.h"

namespace {
constexpr bool kFunctions = VARIANT_CUDA;
}  // namespace

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(kFunctions);
}
