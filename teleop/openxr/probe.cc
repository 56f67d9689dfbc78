#include "teleop/openxr/probe.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "teleop/openxr/xr_call.h"

namespace understudy {

namespace {

// The loader reports its version only in its file name.
std::string LoaderVersion() {
  Dl_info where{};
  if (dladdr(reinterpret_cast<void*>(&xrCreateInstance), &where) && where.dli_fname) {
    std::error_code failed;
    const std::string file = std::filesystem::canonical(where.dli_fname, failed).filename();
    const size_t so = file.find(".so.");
    if (!failed && so != std::string::npos) return file.substr(so + 4);
  }
  return VersionText(XR_CURRENT_API_VERSION) + " (headers)";
}

// Instance and headset, on a runtime whose extensions are listed already.
void AskRuntime(OpenXrProbe& probe) {
  XrInstanceCreateInfo create{XR_TYPE_INSTANCE_CREATE_INFO};
  std::snprintf(create.applicationInfo.applicationName, XR_MAX_APPLICATION_NAME_SIZE,
                "understudy doctor");
  create.applicationInfo.apiVersion = XR_MAKE_VERSION(1, 0, 0);
  XrInstance instance = XR_NULL_HANDLE;
  Check(xrCreateInstance(&create, &instance), "xrCreateInstance");
  XrInstanceProperties properties{XR_TYPE_INSTANCE_PROPERTIES};
  if (XR_SUCCEEDED(xrGetInstanceProperties(instance, &properties))) {
    probe.runtime_name = properties.runtimeName;
    probe.runtime_version = VersionText(properties.runtimeVersion);
  }
  const XrSystemGetInfo get{XR_TYPE_SYSTEM_GET_INFO, nullptr, XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
  XrSystemId system = XR_NULL_SYSTEM_ID;
  const XrResult found = xrGetSystem(instance, &get, &system);
  probe.headset_found = XR_SUCCEEDED(found);
  XrSystemProperties system_properties{XR_TYPE_SYSTEM_PROPERTIES};
  if (probe.headset_found &&
      XR_SUCCEEDED(xrGetSystemProperties(instance, system, &system_properties))) {
    probe.system_name = system_properties.systemName;
  }
  xrDestroyInstance(instance);
  if (!probe.headset_found) {
    probe.problem = fmt::format("{} finds no headset ({})", probe.runtime_name, ResultName(found));
    probe.next_step = "connect the headset and wake it";
  }
}

}  // namespace

OpenXrProbe ProbeOpenXr() {
  QuietLoader();
  OpenXrProbe probe;
  probe.loader_version = LoaderVersion();
  probe.manifest = ActiveManifest();
  try {
    probe.extensions = RuntimeExtensions();
    probe.runtime_found = true;
    AskRuntime(probe);
  } catch (const XrFailure& failure) {
    probe.problem = failure.result == XR_ERROR_LIMIT_REACHED ? "this process already uses OpenXR"
                                                             : NoRuntimeMessage(failure);
    probe.next_step = "start the headset's software, or set XR_RUNTIME_JSON to its manifest";
    return probe;
  }
  // recording needs these two, with or without a headset
  for (const char* needed :
       {XR_MND_HEADLESS_EXTENSION_NAME, XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME}) {
    if (std::binary_search(probe.extensions.begin(), probe.extensions.end(), needed)) continue;
    probe.problem = fmt::format("{} lacks {}", probe.runtime_name, needed);
    probe.next_step = "use a runtime that has it (Monado, WiVRn), or the virtual headset";
  }
  probe.can_record = probe.problem.empty();
  return probe;
}

}  // namespace understudy
