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

// Empty if NVIDIA's driver is there, otherwise why it cannot be used.
std::string WhyNoDriver() {
  static std::mutex mutex;
  static void* driver = nullptr;  // stays open: a driver is not made to be closed
  const std::scoped_lock lock(mutex);
  if (driver == nullptr) driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  return driver == nullptr ? dlerror() : "";
}

ModuleEntry Open(const ModuleName& name) {
  const ModuleChoice choice = ChooseModule(name);
  const fs::path& file = choice.file;
  std::error_code none;
  if (!fs::exists(file, none)) {
    ThrowUsage(fmt::format(
        "{} need {}, and this program has no module for it: '{}' does not exist; run `make setup`, "
        "configure with -D{}=ON and build again",
        name.purpose, name.library, file.string(), name.option));
  }
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    ThrowFailed(fmt::format("{}: the module for {} cannot be opened ({}){}", file.string(),
                            name.library, dlerror(),
                            choice.cuda ? "; UNDERSTUDY_VARIANT=cpu takes the other one" : ""));
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

ModuleChoice ChooseModule(const ModuleName& name) {
  const fs::path plain = ModuleFolder() / (std::string(name.name) + ".so");
  if (!name.variants) return {plain, false, "there is one only"};
  const char* const set = std::getenv("UNDERSTUDY_VARIANT");
  const std::string variant = set == nullptr ? "auto" : set;
  const fs::path cuda = ModuleFolder() / (std::string(name.name) + "_cuda.so");
  if (variant == "cpu") return {plain, false, "UNDERSTUDY_VARIANT=cpu"};
  if (variant == "cuda") return {cuda, true, "UNDERSTUDY_VARIANT=cuda"};
  if (variant != "auto") {
    ThrowUsage("UNDERSTUDY_VARIANT=" + variant + ": must be cpu, cuda or auto");
  }
  std::error_code none;
  if (!fs::exists(cuda, none)) return {plain, false, "no module for CUDA is installed"};
  if (!fs::exists(plain, none)) return {cuda, true, "it is the only one installed"};
  const std::string why = WhyNoDriver();
  if (!why.empty()) return {plain, false, "no driver for CUDA (" + why + ")"};
  return {cuda, true, "the driver for CUDA is there"};
}

bool HasModule(const ModuleName& name) {
  std::error_code none;
  return fs::exists(ChooseModule(name).file, none);
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
