#include "teleop/openxr/xr_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "core/base/error.h"

namespace understudy {

namespace {

// XR_EXT_local_floor is younger than Debian 12's headers.
constexpr const char* kLocalFloorExtension = "XR_EXT_local_floor";
constexpr auto kLocalFloor = static_cast<XrReferenceSpaceType>(1000426000);
constexpr XrPosef kIdentity{{0, 0, 0, 1}, {0, 0, 0}};

}  // namespace

void XrClient::CreateInstance() {
  const std::vector<std::string> offered = RuntimeExtensions();
  const auto offers = [&](const std::string& name) {
    return std::binary_search(offered.begin(), offered.end(), name);
  };
  for (const char* needed :
       {XR_MND_HEADLESS_EXTENSION_NAME, XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME}) {
    if (offers(needed)) continue;
    ThrowFailed(fmt::format(
        "the OpenXR runtime of {} lacks {}, without which Understudy cannot record; use a runtime "
        "that has it (Monado, WiVRn) or the virtual headset; `understudy doctor` lists what it has",
        ActiveManifest(), needed));
  }

  // what is needed, and what is of use where the runtime has it
  extensions_ = {XR_MND_HEADLESS_EXTENSION_NAME, XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME};
  if (offers(kLocalFloorExtension)) extensions_.insert(kLocalFloorExtension);
  for (const ProfileSpec& profile : AllProfiles()) {
    if (!profile.extension.empty() && offers(profile.extension)) {
      extensions_.insert(profile.extension);
    }
  }
  std::vector<const char*> names;
  for (const std::string& name : extensions_) names.push_back(name.c_str());

  XrInstanceCreateInfo create{XR_TYPE_INSTANCE_CREATE_INFO};
  std::snprintf(create.applicationInfo.applicationName, XR_MAX_APPLICATION_NAME_SIZE, "Understudy");
  create.applicationInfo.apiVersion = XR_MAKE_VERSION(1, 0, 0);
  create.enabledExtensionCount = static_cast<uint32_t>(names.size());
  create.enabledExtensionNames = names.data();
  Check(xrCreateInstance(&create, &instance_), "xrCreateInstance");

  XrInstanceProperties properties{XR_TYPE_INSTANCE_PROPERTIES};
  Check(xrGetInstanceProperties(instance_, &properties), "xrGetInstanceProperties");
  runtime_name_ = properties.runtimeName;
  runtime_version_ = VersionText(properties.runtimeVersion);
  PFN_xrVoidFunction convert = nullptr;
  Check(xrGetInstanceProcAddr(instance_, "xrConvertTimespecTimeToTimeKHR", &convert),
        "xrGetInstanceProcAddr(xrConvertTimespecTimeToTimeKHR)");
  to_xr_time_ = reinterpret_cast<PFN_xrConvertTimespecTimeToTimeKHR>(convert);
  CreateActions();
  SuggestBindings();
}

XrPath XrClient::Path(const std::string& text) const {
  XrPath path = XR_NULL_PATH;
  Check(xrStringToPath(instance_, text.c_str(), &path), "xrStringToPath");
  return path;
}

void XrClient::CreateActions() {
  for (int hand = 0; hand < 2; ++hand) hand_path_[hand] = Path(kHandPaths[hand]);
  XrActionSetCreateInfo set{XR_TYPE_ACTION_SET_CREATE_INFO};
  std::snprintf(set.actionSetName, XR_MAX_ACTION_SET_NAME_SIZE, "teleoperation");
  std::snprintf(set.localizedActionSetName, XR_MAX_LOCALIZED_ACTION_SET_NAME_SIZE, "Teleoperation");
  Check(xrCreateActionSet(instance_, &set, &action_set_), "xrCreateActionSet");
  for (int id = 0; id < kActionCount; ++id) {
    XrActionCreateInfo info{XR_TYPE_ACTION_CREATE_INFO};
    info.actionType = kActionSpecs[id].type;
    std::snprintf(info.actionName, XR_MAX_ACTION_NAME_SIZE, "%s", kActionSpecs[id].name);
    std::snprintf(info.localizedActionName, XR_MAX_LOCALIZED_ACTION_NAME_SIZE, "%s",
                  kActionSpecs[id].localized);
    info.countSubactionPaths = 2;
    info.subactionPaths = hand_path_.data();
    Check(xrCreateAction(action_set_, &info, &actions_[id]), "xrCreateAction");
  }
}

void XrClient::SuggestBindings() {
  int accepted = 0;
  for (const ProfileSpec& profile : AllProfiles()) {
    if (!profile.extension.empty() && extensions_.count(profile.extension) == 0) continue;
    std::vector<XrActionSuggestedBinding> bindings;
    for (const BindingSpec& binding : profile.bindings) {
      for (int hand = 0; hand < 2; ++hand) {
        if ((binding.hands >> hand & 1) == 0) continue;
        bindings.push_back({actions_[binding.action], Path(kHandPaths[hand] + binding.path)});
      }
    }
    XrInteractionProfileSuggestedBinding suggestion{XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING};
    suggestion.interactionProfile = Path(profile.path);
    suggestion.countSuggestedBindings = static_cast<uint32_t>(bindings.size());
    suggestion.suggestedBindings = bindings.data();
    // a runtime need not know every controller
    const XrResult result = xrSuggestInteractionProfileBindings(instance_, &suggestion);
    if (result == XR_ERROR_INSTANCE_LOST) Check(result, "xrSuggestInteractionProfileBindings");
    accepted += XR_SUCCEEDED(result);
  }
  if (accepted == 0) {
    ThrowFailed(
        fmt::format("{} knows none of the controllers that Understudy can use; it is no "
                    "conformant OpenXR runtime (the simple controller is mandatory)",
                    runtime_name_));
  }
}

XrSpace XrClient::CreateReferenceSpace(XrReferenceSpaceType type) const {
  const XrReferenceSpaceCreateInfo info{XR_TYPE_REFERENCE_SPACE_CREATE_INFO, nullptr, type,
                                        kIdentity};
  XrSpace space = XR_NULL_HANDLE;
  Check(xrCreateReferenceSpace(session_, &info, &space), "xrCreateReferenceSpace");
  return space;
}

void XrClient::CreateSession() {
  const XrSystemGetInfo get{XR_TYPE_SYSTEM_GET_INFO, nullptr, XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
  XrSystemId system = XR_NULL_SYSTEM_ID;
  Check(xrGetSystem(instance_, &get, &system), "xrGetSystem");
  const XrSessionCreateInfo create{XR_TYPE_SESSION_CREATE_INFO, nullptr, 0, system};
  Check(xrCreateSession(instance_, &create, &session_), "xrCreateSession");

  // the tracking space
  uint32_t count = 0;
  Check(xrEnumerateReferenceSpaces(session_, 0, &count, nullptr), "xrEnumerateReferenceSpaces");
  std::vector<XrReferenceSpaceType> types(count);
  Check(xrEnumerateReferenceSpaces(session_, count, &count, types.data()),
        "xrEnumerateReferenceSpaces");
  const auto has = [&](XrReferenceSpaceType type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  const bool floor = wanted_space_ == TrackingSpace::kLocalFloor ||
                     (wanted_space_ == TrackingSpace::kAuto && has(kLocalFloor));
  space_type_ = floor ? kLocalFloor : XR_REFERENCE_SPACE_TYPE_STAGE;
  if (!has(space_type_)) {
    ThrowFailed(fmt::format(
        "{} has no {} space, which the option `space` asks for; choose {} or "
        "set up the room in the headset's software",
        runtime_name_, floor ? "LOCAL_FLOOR" : "STAGE", floor ? "stage" : "local_floor"));
  }
  base_ = CreateReferenceSpace(space_type_);
  head_ = CreateReferenceSpace(XR_REFERENCE_SPACE_TYPE_VIEW);

  // the hands
  for (int hand = 0; hand < 2; ++hand) {
    XrActionSpaceCreateInfo info{XR_TYPE_ACTION_SPACE_CREATE_INFO, nullptr, actions_[kGripAction],
                                 hand_path_[hand], kIdentity};
    Check(xrCreateActionSpace(session_, &info, &grip_[hand]), "xrCreateActionSpace");
    info.action = actions_[kAimAction];
    Check(xrCreateActionSpace(session_, &info, &aim_[hand]), "xrCreateActionSpace");
  }
  const XrSessionActionSetsAttachInfo attach{XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO, nullptr, 1,
                                             &action_set_};
  Check(xrAttachSessionActionSets(session_, &attach), "xrAttachSessionActionSets");
}

void XrClient::DestroySession() {
  // its spaces go with it
  if (has_session()) xrDestroySession(session_);
  session_ = XR_NULL_HANDLE;
  base_ = head_ = XR_NULL_HANDLE;
  grip_ = aim_ = {};
}

void XrClient::DestroyInstance() {
  DestroySession();
  // its action set goes with it
  if (has_instance()) xrDestroyInstance(instance_);
  instance_ = XR_NULL_HANDLE;
  action_set_ = XR_NULL_HANDLE;
  actions_ = {};
}

XrTime XrClient::ToXrTime(int64_t monotonic_ns) const {
  const timespec time{static_cast<time_t>(monotonic_ns / 1'000'000'000),
                      static_cast<long>(monotonic_ns % 1'000'000'000)};
  XrTime converted = 0;
  Check(to_xr_time_(instance_, &time, &converted), "xrConvertTimespecTimeToTimeKHR");
  return converted;
}

std::string XrClient::CurrentProfile() const {
  for (const int hand : {1, 0}) {
    XrInteractionProfileState state{XR_TYPE_INTERACTION_PROFILE_STATE};
    Check(xrGetCurrentInteractionProfile(session_, hand_path_[hand], &state),
          "xrGetCurrentInteractionProfile");
    if (state.interactionProfile == XR_NULL_PATH) continue;
    char text[XR_MAX_PATH_LENGTH] = {};
    uint32_t length = 0;
    Check(xrPathToString(instance_, state.interactionProfile, sizeof(text), &length, text),
          "xrPathToString");
    return text;
  }
  return "";
}

}  // namespace understudy
