#include <string_view>

#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {

namespace {

// The loader's side of the negotiation ("OpenXR loader design", runtime interface 1). Debian 12's
// headers lack these three structs.
struct LoaderInfo {
  int32_t struct_type;  // 1
  uint32_t struct_version;
  size_t struct_size;
  uint32_t min_interface_version, max_interface_version;
  XrVersion min_api_version, max_api_version;
};
struct RuntimeRequest {
  int32_t struct_type;  // 3
  uint32_t struct_version;
  size_t struct_size;
  uint32_t runtime_interface_version;
  XrVersion runtime_api_version;
  PFN_xrGetInstanceProcAddr get_instance_proc_addr;
};
constexpr uint32_t kInterfaceVersion = 1;

XrResult XRAPI_CALL GetInstanceProcAddr(XrInstance handle, const char* name,
                                        PFN_xrVoidFunction* function);

const std::vector<EntryPoint>& AllEntryPoints() {
  static const auto* points = [] {
    auto* all = new std::vector<EntryPoint>{UNDERSTUDY_VH_ENTRY(GetInstanceProcAddr)};
    for (const auto& part : {InstanceEntryPoints(), SessionEntryPoints(), SpaceEntryPoints(),
                             ActionEntryPoints(), InputEntryPoints(), ViewEntryPoints()}) {
      all->insert(all->end(), part.begin(), part.end());
    }
    return all;
  }();
  return *points;
}

XrResult XRAPI_CALL GetInstanceProcAddr(XrInstance handle, const char* name,
                                        PFN_xrVoidFunction* function) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_CHECK(name != nullptr && function != nullptr, XR_ERROR_VALIDATION_FAILURE);
    *function = nullptr;
    const std::string_view wanted = name;
    const bool before = wanted == "xrEnumerateInstanceExtensionProperties" ||
                        wanted == "xrCreateInstance" || wanted == "xrGetInstanceProcAddr";
    std::shared_ptr<Instance> instance;
    if (handle != XR_NULL_HANDLE) {
      // of a lost instance as well: the loader asks for xrDestroyInstance here and calls what it
      // gets without a look
      instance = FindAny<Instance>(handle);
      UNDERSTUDY_VH_CHECK(instance != nullptr, XR_ERROR_HANDLE_INVALID);
    } else if (!before) {
      return XR_ERROR_HANDLE_INVALID;
    }
    for (const EntryPoint& point : AllEntryPoints()) {
      if (wanted != point.name) continue;
      if (point.extension != nullptr && instance->extensions.count(point.extension) == 0) break;
      *function = point.function;
      return XR_SUCCESS;
    }
    return XR_ERROR_FUNCTION_UNSUPPORTED;
  });
}

}  // namespace

}  // namespace understudy::vh

extern "C" __attribute__((visibility("default"))) XrResult XRAPI_CALL
xrNegotiateLoaderRuntimeInterface(const understudy::vh::LoaderInfo* loader,
                                  understudy::vh::RuntimeRequest* runtime) {
  using namespace understudy::vh;
  if (loader == nullptr || loader->struct_type != 1 || loader->struct_version != 1 ||
      loader->struct_size != sizeof(LoaderInfo) || runtime == nullptr ||
      runtime->struct_type != 3 || runtime->struct_version != 1 ||
      runtime->struct_size != sizeof(RuntimeRequest) ||
      loader->min_interface_version > kInterfaceVersion ||
      loader->max_interface_version < kInterfaceVersion ||
      XR_VERSION_MAJOR(loader->min_api_version) > 1 ||
      XR_VERSION_MAJOR(loader->max_api_version) < 1) {
    return XR_ERROR_INITIALIZATION_FAILED;
  }
  runtime->runtime_interface_version = kInterfaceVersion;
  runtime->runtime_api_version = XR_CURRENT_API_VERSION;
  runtime->get_instance_proc_addr = GetInstanceProcAddr;
  return XR_SUCCESS;
}
