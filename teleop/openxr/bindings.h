#pragma once

#include <string>
#include <vector>

#include "core/seam/teleop_device.h"
#include "teleop/openxr/xr_call.h"

namespace understudy {

// Every action of the recorder. The four commands are ButtonBits; `toggle` turns the gripper over
// where a controller has no second analogue input.
enum ActionId {
  kGripAction,
  kAimAction,
  kHapticAction,
  kSqueezeAction,
  kTriggerAction,
  kStickAction,
  kStartAction,
  kDiscardAction,
  kResetAction,
  kStopAction,
  kAgainAction,
  kToggleAction,
  kActionCount
};

struct ActionSpec {
  const char* name;
  const char* localized;
  XrActionType type;
  uint32_t button = 0;  // ButtonBit
};
extern const ActionSpec kActionSpecs[kActionCount];

struct BindingSpec {
  ActionId action;
  int hands;         // bit 0 left, bit 1 right
  std::string path;  // below the hand's path
};

// What each kind of controller is asked to do; a profile of an extension names it.
struct ProfileSpec {
  std::string path, extension;
  std::vector<BindingSpec> bindings;
};

// Every profile that the recorder knows. Paths from the OpenXR specification ("Interaction Profile
// Paths") and the extensions' own sections.
std::vector<ProfileSpec> AllProfiles();

// What does what on controllers of `profile`, in words.
ButtonNames ButtonsOf(const std::string& profile);

inline constexpr const char* kHandPaths[2] = {"/user/hand/left", "/user/hand/right"};

}  // namespace understudy
