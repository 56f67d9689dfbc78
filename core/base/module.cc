#include "core/base/module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "core/base/error.h"
#include "core/base/version.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

fs::path FileOf(const ModuleName& name) {
  return ModuleFolder() / (std::string(name.name) + ".so");
}

ModuleEntry Open(const ModuleName& name) {
  const fs::path file = FileOf(name);
  if (!HasModule(name)) {
    ThrowUsage(fmt::format(
        "{} need {}, and this program has no module for it: '{}' does not exist; run `make setup`, "
        "configure with -D{}=ON and build again",
        name.purpose, name.library, file.string(), name.option));
  }
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    ThrowFailed(fmt::format("{}: the module for {} cannot be opened ({})", file.string(),
                            name.library, dlerror()));
  }
  const auto entry = reinterpret_cast<ModuleEntryFunction>(dlsym(handle, kModuleEntry));
  if (entry == nullptr) {
    ThrowFailed(fmt::format("{}: is not a module of this program: it has no function '{}'",
                            file.string(), kModuleEntry));
  }
  const ModuleEntry found = entry();
  if (found.interface != kModuleInterface || ProgramVersion() != found.version) {
    ThrowFailed(fmt::format(
        "{}: was built for version {} (interface {}), the program is version {} (interface {}): "
        "install both from one build",
        file.string(), found.version, found.interface, ProgramVersion(), kModuleInterface));
  }
  return found;
}

}  // namespace

fs::path ModuleFolder() {
  if (const char* folder = std::getenv("UNDERSTUDY_MODULES")) return folder;
  // the file that this function was loaded from
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&ModuleFolder), &info) == 0) return "understudy";
  std::error_code none;
  fs::path library = fs::canonical(info.dli_fname, none);
  if (none) library = info.dli_fname;
  return library.parent_path() / "understudy";
}

bool HasModule(const ModuleName& name) {
  std::error_code none;
  return fs::exists(FileOf(name), none);
}

const void* OpenModule(const ModuleName& name) {
  static std::mutex mutex;
  static std::map<std::string, ModuleEntry> open;
  const std::scoped_lock lock(mutex);
  const auto found = open.find(name.name);
  if (found != open.end()) return found->second.functions;
  return open.emplace(name.name, Open(name)).first->second.functions;
}

}  // namespace understudy
