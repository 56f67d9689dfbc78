#include "teleop/openxr/xr_call.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <openxr/openxr_reflection.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

// Why the loader can use no runtime by this manifest, as the loader's own reason is not to be had;
// empty: nothing speaks against it.
std::string ManifestProblem(const std::filesystem::path& manifest) {
  std::string named;
  try {
    const Json json = LoadJson(manifest);
    named = json.at("runtime").at("library_path").get<std::string>();
  } catch (const Error& error) {
    return fmt::format("the manifest cannot be read: {}", error.what());
  } catch (const Json::exception&) {
    return fmt::format("{} is no manifest of a runtime: it has no runtime.library_path",
                       manifest.string());
  }
  // a path is relative to the manifest; a name alone is searched for
  std::filesystem::path library = named;
  if (named.find('/') != std::string::npos && library.is_relative()) {
    library = manifest.parent_path() / library;
  }
  void* const handle = dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    return fmt::format("the library that {} names cannot be loaded: {}", manifest.string(),
                       dlerror());
  }
  const bool is_runtime = dlsym(handle, "xrNegotiateLoaderRuntimeInterface") != nullptr;
  dlclose(handle);
  if (is_runtime) return "";
  return fmt::format("the library {} that {} names is no OpenXR runtime", library.string(),
                     manifest.string());
}

}  // namespace

std::string ResultName(XrResult result) {
  switch (result) {
#define UNDERSTUDY_XR_NAME(name, number) \
  case name:                             \
    return #name;
    XR_LIST_ENUM_XrResult(UNDERSTUDY_XR_NAME) default
        : return fmt::format("XrResult {}", static_cast<int>(result));
  }
}

XrResult Check(XrResult result, const char* call) {
  if (XR_FAILED(result)) throw XrFailure{result, call};
  return result;
}

void QuietLoader() { setenv("XR_LOADER_DEBUG", "none", 0); }

std::string ActiveManifest() {
  if (const char* named = std::getenv("XR_RUNTIME_JSON"); named && *named) return named;
  // the loader's search order on Linux: user first, then the system ("OpenXR loader design")
  std::vector<std::filesystem::path> folders;
  const char* home = std::getenv("HOME");
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config) {
    folders.emplace_back(config);
  } else if (home && *home) {
    folders.emplace_back(std::filesystem::path(home) / ".config");
  }
  for (const char* folder : {"/etc/xdg", "/usr/local/etc", "/etc"}) folders.emplace_back(folder);
  for (const std::filesystem::path& folder : folders) {
    const std::filesystem::path manifest = folder / "openxr/1/active_runtime.json";
    std::error_code ignored;
    if (std::filesystem::exists(manifest, ignored)) return manifest.string();
  }
  return "";
}

std::string NoRuntimeMessage(const XrFailure& failure) {
  const std::string manifest = ActiveManifest();
  const char* named = std::getenv("XR_RUNTIME_JSON");
  std::error_code ignored;
  std::string why;
  if (manifest.empty()) {
    why =
        "XR_RUNTIME_JSON is not set and there is no openxr/1/active_runtime.json in ~/.config, "
        "/etc/xdg or /etc";
  } else if (named && *named && !std::filesystem::exists(manifest, ignored)) {
    why = fmt::format("XR_RUNTIME_JSON names {}, which does not exist", manifest);
  } else if (why = ManifestProblem(manifest); why.empty()) {
    why =
        fmt::format("the runtime of {} does not answer; its service may not be running", manifest);
  }
  return fmt::format(
      "no OpenXR runtime: {} ({}: {}). Start your headset's software (SteamVR, Monado, WiVRn) and "
      "make it the active runtime, point XR_RUNTIME_JSON at its manifest, or record without a "
      "headset on the virtual one; `understudy doctor` shows what is found",
      why, failure.call, ResultName(failure.result));
}

std::vector<std::string> RuntimeExtensions() {
  uint32_t count = 0;
  Check(xrEnumerateInstanceExtensionProperties(nullptr, 0, &count, nullptr),
        "xrEnumerateInstanceExtensionProperties");
  std::vector<XrExtensionProperties> properties(count, {XR_TYPE_EXTENSION_PROPERTIES});
  Check(xrEnumerateInstanceExtensionProperties(nullptr, count, &count, properties.data()),
        "xrEnumerateInstanceExtensionProperties");
  std::vector<std::string> names;
  for (const XrExtensionProperties& property : properties) {
    names.emplace_back(property.extensionName);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string VersionText(XrVersion version) {
  return fmt::format("{}.{}.{}", XR_VERSION_MAJOR(version), XR_VERSION_MINOR(version),
                     XR_VERSION_PATCH(version));
}

}  // namespace understudy
