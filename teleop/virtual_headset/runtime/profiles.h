#pragma once

#include <string>
#include <vector>

#include "teleop/virtual_headset/control.h"
#include "teleop/virtual_headset/runtime/xr.h"

namespace understudy::vh {

inline constexpr const char* kSimpleProfile = "/interaction_profiles/khr/simple_controller";
inline constexpr const char* kTouchProfile = "/interaction_profiles/oculus/touch_controller";
inline constexpr const char* kIndexProfile = "/interaction_profiles/valve/index_controller";

enum class InputKind { kBoolean, kFloat, kVector2, kPose, kHaptic };
// What of the virtual controller an input reads.
enum class Source {
  kGrip,
  kAim,
  kHaptic,
  kTrigger,
  kSqueeze,
  kStick,
  kStickX,
  kStickY,
  kStickClick,
  kPrimary,    // a or x
  kSecondary,  // b or y
  kMenu,
  kSystem,
  kNothing  // sensors that the virtual controller lacks: never touched
};

// One input or output that a profile defines on a hand.
struct Input {
  std::string path;  // "/input/trigger/value", below the hand's path
  int hands;         // bit 0 left, bit 1 right
  InputKind kind;
  Source source;
};

// Inputs of a profile, as the OpenXR specification 1.0 lists them ("Interaction Profile Paths");
// null where the runtime does not know the profile.
const std::vector<Input>* ProfileInputs(const std::string& profile);

// The input that a suggested binding path (below the hand's path) names on `hand`. A path may stop
// short of its component ("/input/trigger"); then the component is chosen by the action's type, and
// null `type` accepts any. Null where the profile has no such input.
const Input* FindInput(const std::string& profile, int hand, const std::string& path,
                       const XrActionType* type);

// The input's value on this controller; booleans and floats in `x`.
struct InputValue {
  float x = 0, y = 0;
};
InputValue ReadInput(const Input& input, const UnderstudyVhHand& hand);

}  // namespace understudy::vh
