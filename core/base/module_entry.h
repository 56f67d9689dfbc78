#pragma once

// For the source of a module's entry alone: UNDERSTUDY_VERSION is a definition of its target, so
// that the version is the one that the module was compiled with. (ProgramVersion() would be that of
// the shared library which it runs with, whatever that is.)

#include "core/base/module.h"

namespace understudy {

template <class Functions>
ModuleEntry EntryOf(const Functions& functions) {
  return {kModuleInterface, UNDERSTUDY_VERSION, &functions};
}

}  // namespace understudy
