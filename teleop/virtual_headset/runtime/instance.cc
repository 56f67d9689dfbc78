#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

#include "teleop/virtual_headset/runtime/runtime.h"

#define XR_USE_TIMESPEC
#include <openxr/openxr_reflection.h>

namespace understudy::vh {

std::vector<std::pair<std::string, uint32_t>> OfferedExtensions() {
  const uint32_t offered = TheRuntime().device.extensions();
  std::vector<std::pair<std::string, uint32_t>> names;
  if (offered & UNDERSTUDY_VH_HEADLESS) {
    names.emplace_back(XR_MND_HEADLESS_EXTENSION_NAME, XR_MND_headless_SPEC_VERSION);
  }
  if (offered & UNDERSTUDY_VH_TIMESPEC) {
    names.emplace_back(XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME,
                       XR_KHR_convert_timespec_time_SPEC_VERSION);
  }
  // younger than Debian 12's headers, which name it nowhere
  if (offered & UNDERSTUDY_VH_LOCAL_FLOOR) names.emplace_back("XR_EXT_local_floor", 1);
  return names;
}

namespace {

void Copy(std::string_view text, char* out, size_t size) {
  std::snprintf(out, size, "%.*s", static_cast<int>(text.size()), text.data());
}

XrVersion RuntimeVersion() {
  return XR_MAKE_VERSION(UNDERSTUDY_VERSION_MAJOR, UNDERSTUDY_VERSION_MINOR,
                         UNDERSTUDY_VERSION_PATCH);
}

// Well-formed path strings (specification 6.2): levels of a-z 0-9 - _ . /, each with something
// beside dots in it.
bool IsWellFormed(std::string_view path) {
  if (path.size() < 2 || path.size() >= XR_MAX_PATH_LENGTH || path[0] != '/') return false;
  bool only_dots = true, empty = true;
  for (const char c : path.substr(1)) {
    if (c == '/') {
      if (empty || only_dots) return false;
      empty = only_dots = true;
      continue;
    }
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') {
      return false;
    }
    empty = false;
    only_dots = only_dots && c == '.';
  }
  return !empty && !only_dots;
}

XrResult XRAPI_CALL EnumerateInstanceExtensionProperties(const char* layer, uint32_t capacity,
                                                         uint32_t* count,
                                                         XrExtensionProperties* properties) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_CHECK(layer == nullptr, XR_ERROR_API_LAYER_NOT_PRESENT);
    const auto offered = OfferedExtensions();
    UNDERSTUDY_VH_CHECK(count != nullptr, XR_ERROR_VALIDATION_FAILURE);
    *count = static_cast<uint32_t>(offered.size());
    UNDERSTUDY_VH_CHECK(capacity != 0, XR_SUCCESS);
    UNDERSTUDY_VH_CHECK(capacity >= offered.size(), XR_ERROR_SIZE_INSUFFICIENT);
    UNDERSTUDY_VH_CHECK(properties != nullptr, XR_ERROR_VALIDATION_FAILURE);
    for (size_t i = 0; i < offered.size(); ++i) {
      UNDERSTUDY_VH_CHECK(properties[i].type == XR_TYPE_EXTENSION_PROPERTIES,
                          XR_ERROR_VALIDATION_FAILURE);
      Copy(offered[i].first, properties[i].extensionName, XR_MAX_EXTENSION_NAME_SIZE);
      properties[i].extensionVersion = offered[i].second;
    }
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL CreateInstance(const XrInstanceCreateInfo* info, XrInstance* handle) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_CHECK(
        IsStruct(info, XR_TYPE_INSTANCE_CREATE_INFO) && handle != nullptr && info->createFlags == 0,
        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(XR_VERSION_MAJOR(info->applicationInfo.apiVersion) == 1,
                        XR_ERROR_API_VERSION_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(info->applicationInfo.applicationName[0] != '\0', XR_ERROR_NAME_INVALID);
    UNDERSTUDY_VH_CHECK(runtime.device.service, XR_ERROR_RUNTIME_FAILURE);
    UNDERSTUDY_VH_CHECK(runtime.instance == nullptr, XR_ERROR_LIMIT_REACHED);

    auto instance = std::make_shared<Instance>();
    const auto offered = OfferedExtensions();
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i) {
      const std::string name = info->enabledExtensionNames[i];
      const bool known = std::any_of(offered.begin(), offered.end(),
                                     [&](const auto& entry) { return entry.first == name; });
      UNDERSTUDY_VH_CHECK(known, XR_ERROR_EXTENSION_NOT_PRESENT);
      instance->extensions.insert(name);
    }
    runtime.instance = runtime.Add(instance);
    *handle = HandleOf(instance);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL DestroyInstance(XrInstance handle) {
  return Enter([&](Runtime& runtime) {
    const std::shared_ptr<Instance> instance = FindAny<Instance>(handle);
    UNDERSTUDY_VH_CHECK(instance != nullptr, XR_ERROR_HANDLE_INVALID);
    // one instance: everything that lives is its child; cycles are cut first
    for (const auto& set : instance->action_sets) {
      set->actions.clear();
      set->instance = nullptr;
    }
    instance->action_sets.clear();
    instance->suggested.clear();
    runtime.objects.clear();
    runtime.instance = nullptr;
    runtime.session = nullptr;
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL GetInstanceProperties(XrInstance handle, XrInstanceProperties* properties) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(properties, XR_TYPE_INSTANCE_PROPERTIES),
                        XR_ERROR_VALIDATION_FAILURE);
    properties->runtimeVersion = RuntimeVersion();
    Copy("Understudy virtual headset", properties->runtimeName, XR_MAX_RUNTIME_NAME_SIZE);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL PollEvent(XrInstance handle, XrEventDataBuffer* buffer) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(buffer != nullptr, XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(!instance->events.empty(), XR_EVENT_UNAVAILABLE);
    if (instance->events_dropped) {
      instance->events_dropped = false;
      const XrEventDataEventsLost lost{XR_TYPE_EVENT_DATA_EVENTS_LOST, nullptr, 1};
      std::memcpy(buffer, &lost, sizeof(lost));
      return XR_SUCCESS;
    }
    const Event& event = instance->events.front().second;
    std::memcpy(buffer, event.data(), event.size());
    instance->events.pop_front();
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL ResultToString(XrInstance handle, XrResult value,
                                   char buffer[XR_MAX_RESULT_STRING_SIZE]) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(buffer != nullptr, XR_ERROR_VALIDATION_FAILURE);
    switch (value) {
#define UNDERSTUDY_VH_NAME(name, number)            \
  case name:                                        \
    Copy(#name, buffer, XR_MAX_RESULT_STRING_SIZE); \
    return XR_SUCCESS;
      XR_LIST_ENUM_XrResult(UNDERSTUDY_VH_NAME) default : break;
    }
    std::snprintf(buffer, XR_MAX_RESULT_STRING_SIZE, "XR_UNKNOWN_%s_%d",
                  value < 0 ? "FAILURE" : "SUCCESS", static_cast<int>(value));
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL StructureTypeToString(XrInstance handle, XrStructureType value,
                                          char buffer[XR_MAX_STRUCTURE_NAME_SIZE]) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(buffer != nullptr, XR_ERROR_VALIDATION_FAILURE);
    // some names have two spellings for one number: a switch would not compile
    const char* name = nullptr;
#define UNDERSTUDY_VH_TYPE(spelling, number) \
  if (name == nullptr && value == spelling) name = #spelling;
    XR_LIST_ENUM_XrStructureType(UNDERSTUDY_VH_TYPE) if (name != nullptr) {
      Copy(name, buffer, XR_MAX_STRUCTURE_NAME_SIZE);
    }
    else {
      std::snprintf(buffer, XR_MAX_STRUCTURE_NAME_SIZE, "XR_UNKNOWN_STRUCTURE_TYPE_%d",
                    static_cast<int>(value));
    }
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL StringToPath(XrInstance handle, const char* text, XrPath* path) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(text != nullptr && path != nullptr, XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(IsWellFormed(text), XR_ERROR_PATH_FORMAT_INVALID);
    *path = instance->Intern(text);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL PathToString(XrInstance handle, XrPath path, uint32_t capacity, uint32_t* count,
                                 char* buffer) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    const std::string* text = instance->PathText(path);
    UNDERSTUDY_VH_CHECK(text != nullptr, XR_ERROR_PATH_INVALID);
    return EnumerateText(*text, capacity, count, buffer);
  });
}

XrResult XRAPI_CALL GetSystem(XrInstance handle, const XrSystemGetInfo* info, XrSystemId* id) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_SYSTEM_GET_INFO) && id != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    if (info->formFactor == XR_FORM_FACTOR_HANDHELD_DISPLAY) {
      return XR_ERROR_FORM_FACTOR_UNSUPPORTED;
    }
    UNDERSTUDY_VH_CHECK(info->formFactor == XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY,
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(runtime.device.connected, XR_ERROR_FORM_FACTOR_UNAVAILABLE);
    instance->system_given = true;
    *id = kSystemId;
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL GetSystemProperties(XrInstance handle, XrSystemId id,
                                        XrSystemProperties* properties) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(properties, XR_TYPE_SYSTEM_PROPERTIES),
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(instance->system_given && id == kSystemId, XR_ERROR_SYSTEM_INVALID);
    properties->systemId = id;
    properties->vendorId = 0;
    Copy("Understudy virtual headset", properties->systemName, XR_MAX_SYSTEM_NAME_SIZE);
    properties->graphicsProperties = {2048, 2048, XR_MIN_COMPOSITION_LAYERS_SUPPORTED};
    properties->trackingProperties = {XR_TRUE, XR_TRUE};
    return XR_SUCCESS;
  });
}

bool HasTimespec(const Instance& instance) {
  return instance.extensions.count(XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME) != 0;
}

XrResult XRAPI_CALL ConvertTimespecTimeToTimeKHR(XrInstance handle, const timespec* from,
                                                 XrTime* to) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(HasTimespec(*instance), XR_ERROR_FUNCTION_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(from != nullptr && to != nullptr, XR_ERROR_VALIDATION_FAILURE);
    const bool normal = from->tv_sec >= 0 && from->tv_nsec >= 0 && from->tv_nsec < 1'000'000'000;
    UNDERSTUDY_VH_CHECK(normal && from->tv_sec < 4'000'000'000, XR_ERROR_TIME_INVALID);
    const XrTime time =
        runtime.device.ToXrTime(int64_t{from->tv_sec} * 1'000'000'000 + from->tv_nsec);
    UNDERSTUDY_VH_CHECK(time > 0, XR_ERROR_TIME_INVALID);
    *to = time;
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL ConvertTimeToTimespecTimeKHR(XrInstance handle, XrTime from, timespec* to) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(HasTimespec(*instance), XR_ERROR_FUNCTION_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(to != nullptr, XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(Device::IsTime(from), XR_ERROR_TIME_INVALID);
    const int64_t clock_ns = runtime.device.ToClock(from);
    UNDERSTUDY_VH_CHECK(clock_ns >= 0, XR_ERROR_TIME_INVALID);
    to->tv_sec = clock_ns / 1'000'000'000;
    to->tv_nsec = clock_ns % 1'000'000'000;
    return XR_SUCCESS;
  });
}

}  // namespace

std::vector<EntryPoint> InstanceEntryPoints() {
  std::vector<EntryPoint> points{
      UNDERSTUDY_VH_ENTRY(EnumerateInstanceExtensionProperties),
      UNDERSTUDY_VH_ENTRY(CreateInstance),
      UNDERSTUDY_VH_ENTRY(DestroyInstance),
      UNDERSTUDY_VH_ENTRY(GetInstanceProperties),
      UNDERSTUDY_VH_ENTRY(PollEvent),
      UNDERSTUDY_VH_ENTRY(ResultToString),
      UNDERSTUDY_VH_ENTRY(StructureTypeToString),
      UNDERSTUDY_VH_ENTRY(StringToPath),
      UNDERSTUDY_VH_ENTRY(PathToString),
      UNDERSTUDY_VH_ENTRY(GetSystem),
      UNDERSTUDY_VH_ENTRY(GetSystemProperties),
      UNDERSTUDY_VH_ENTRY(ConvertTimespecTimeToTimeKHR),
      UNDERSTUDY_VH_ENTRY(ConvertTimeToTimespecTimeKHR),
  };
  for (EntryPoint& point : points) {
    if (std::string_view(point.name).find("Timespec") != std::string_view::npos) {
      point.extension = XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME;
    }
  }
  return points;
}

}  // namespace understudy::vh
