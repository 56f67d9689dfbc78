#include "core/base/module.h"

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return {understudy::kModuleInterface, "0.0.0", nullptr};
}
