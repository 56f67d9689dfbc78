#include "teleop/virtual_headset/runtime/profiles.h"

namespace understudy::vh {

namespace {

constexpr int kLeft = 1, kRight = 2, kBoth = 3;

const std::vector<Input>& SimpleInputs() {
  static const auto* inputs = new std::vector<Input>{
      {"/input/select/click", kBoth, InputKind::kBoolean, Source::kTrigger},
      {"/input/menu/click", kBoth, InputKind::kBoolean, Source::kMenu},
      {"/input/grip/pose", kBoth, InputKind::kPose, Source::kGrip},
      {"/input/aim/pose", kBoth, InputKind::kPose, Source::kAim},
      {"/output/haptic", kBoth, InputKind::kHaptic, Source::kHaptic},
  };
  return *inputs;
}

const std::vector<Input>& TouchInputs() {
  static const auto* inputs = new std::vector<Input>{
      {"/input/x/click", kLeft, InputKind::kBoolean, Source::kPrimary},
      {"/input/x/touch", kLeft, InputKind::kBoolean, Source::kNothing},
      {"/input/y/click", kLeft, InputKind::kBoolean, Source::kSecondary},
      {"/input/y/touch", kLeft, InputKind::kBoolean, Source::kNothing},
      {"/input/menu/click", kLeft, InputKind::kBoolean, Source::kMenu},
      {"/input/a/click", kRight, InputKind::kBoolean, Source::kPrimary},
      {"/input/a/touch", kRight, InputKind::kBoolean, Source::kNothing},
      {"/input/b/click", kRight, InputKind::kBoolean, Source::kSecondary},
      {"/input/b/touch", kRight, InputKind::kBoolean, Source::kNothing},
      {"/input/system/click", kRight, InputKind::kBoolean, Source::kSystem},
      {"/input/squeeze/value", kBoth, InputKind::kFloat, Source::kSqueeze},
      {"/input/trigger/value", kBoth, InputKind::kFloat, Source::kTrigger},
      {"/input/trigger/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/thumbstick", kBoth, InputKind::kVector2, Source::kStick},
      {"/input/thumbstick/x", kBoth, InputKind::kFloat, Source::kStickX},
      {"/input/thumbstick/y", kBoth, InputKind::kFloat, Source::kStickY},
      {"/input/thumbstick/click", kBoth, InputKind::kBoolean, Source::kStickClick},
      {"/input/thumbstick/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/thumbrest/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/grip/pose", kBoth, InputKind::kPose, Source::kGrip},
      {"/input/aim/pose", kBoth, InputKind::kPose, Source::kAim},
      {"/output/haptic", kBoth, InputKind::kHaptic, Source::kHaptic},
  };
  return *inputs;
}

const std::vector<Input>& IndexInputs() {
  static const auto* inputs = new std::vector<Input>{
      {"/input/system/click", kBoth, InputKind::kBoolean, Source::kSystem},
      {"/input/system/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/a/click", kBoth, InputKind::kBoolean, Source::kPrimary},
      {"/input/a/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/b/click", kBoth, InputKind::kBoolean, Source::kSecondary},
      {"/input/b/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/squeeze/value", kBoth, InputKind::kFloat, Source::kSqueeze},
      {"/input/squeeze/force", kBoth, InputKind::kFloat, Source::kNothing},
      {"/input/trigger/click", kBoth, InputKind::kBoolean, Source::kTrigger},
      {"/input/trigger/value", kBoth, InputKind::kFloat, Source::kTrigger},
      {"/input/trigger/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/thumbstick", kBoth, InputKind::kVector2, Source::kStick},
      {"/input/thumbstick/x", kBoth, InputKind::kFloat, Source::kStickX},
      {"/input/thumbstick/y", kBoth, InputKind::kFloat, Source::kStickY},
      {"/input/thumbstick/click", kBoth, InputKind::kBoolean, Source::kStickClick},
      {"/input/thumbstick/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/trackpad", kBoth, InputKind::kVector2, Source::kNothing},
      {"/input/trackpad/x", kBoth, InputKind::kFloat, Source::kNothing},
      {"/input/trackpad/y", kBoth, InputKind::kFloat, Source::kNothing},
      {"/input/trackpad/force", kBoth, InputKind::kFloat, Source::kNothing},
      {"/input/trackpad/touch", kBoth, InputKind::kBoolean, Source::kNothing},
      {"/input/grip/pose", kBoth, InputKind::kPose, Source::kGrip},
      {"/input/aim/pose", kBoth, InputKind::kPose, Source::kAim},
      {"/output/haptic", kBoth, InputKind::kHaptic, Source::kHaptic},
  };
  return *inputs;
}

// Whether an action of `type` can be fed from `kind`, after OpenXR's type conversions.
bool Converts(InputKind kind, XrActionType type) {
  switch (type) {
    case XR_ACTION_TYPE_BOOLEAN_INPUT:
    case XR_ACTION_TYPE_FLOAT_INPUT:
      return kind == InputKind::kBoolean || kind == InputKind::kFloat;
    case XR_ACTION_TYPE_VECTOR2F_INPUT:
      return kind == InputKind::kVector2;
    case XR_ACTION_TYPE_POSE_INPUT:
      return kind == InputKind::kPose;
    case XR_ACTION_TYPE_VIBRATION_OUTPUT:
      return kind == InputKind::kHaptic;
    default:
      return false;
  }
}

}  // namespace

const std::vector<Input>* ProfileInputs(const std::string& profile) {
  if (profile == kSimpleProfile) return &SimpleInputs();
  if (profile == kTouchProfile) return &TouchInputs();
  if (profile == kIndexProfile) return &IndexInputs();
  return nullptr;
}

const Input* FindInput(const std::string& profile, int hand, const std::string& path,
                       const XrActionType* type) {
  const std::vector<Input>* inputs = ProfileInputs(profile);
  if (inputs == nullptr) return nullptr;
  const auto find = [&](const std::string& wanted) -> const Input* {
    for (const Input& input : *inputs) {
      if (input.path == wanted && (input.hands >> hand & 1) != 0 &&
          (type == nullptr || Converts(input.kind, *type))) {
        return &input;
      }
    }
    return nullptr;
  };

  // the full path first, then its likely components in the order of preference of the type
  if (const Input* input = find(path)) return input;
  const bool boolean = type != nullptr && *type == XR_ACTION_TYPE_BOOLEAN_INPUT;
  const char* const components[] = {boolean ? "/click" : "/value", boolean ? "/value" : "/click",
                                    "/pose"};
  for (const char* component : components) {
    if (const Input* input = find(path + component)) return input;
  }
  return nullptr;
}

InputValue ReadInput(const Input& input, const UnderstudyVhHand& hand) {
  const auto button = [&](uint32_t bits) { return (hand.buttons & bits) != 0 ? 1.0f : 0.0f; };
  InputValue value;
  switch (input.source) {
    case Source::kTrigger:
      value.x = hand.trigger;
      break;
    case Source::kSqueeze:
      value.x = hand.squeeze;
      break;
    case Source::kStick:
      value = {hand.stick_x, hand.stick_y};
      break;
    case Source::kStickX:
      value.x = hand.stick_x;
      break;
    case Source::kStickY:
      value.x = hand.stick_y;
      break;
    case Source::kStickClick:
      value.x = button(UNDERSTUDY_VH_STICK);
      break;
    case Source::kPrimary:
      value.x = button(UNDERSTUDY_VH_A | UNDERSTUDY_VH_X);
      break;
    case Source::kSecondary:
      value.x = button(UNDERSTUDY_VH_B | UNDERSTUDY_VH_Y);
      break;
    case Source::kMenu:
      value.x = button(UNDERSTUDY_VH_MENU);
      break;
    case Source::kSystem:
      value.x = button(UNDERSTUDY_VH_SYSTEM);
      break;
    default:
      break;
  }
  // a click of something analogue is more than half of its way
  if (input.kind == InputKind::kBoolean) value.x = value.x > 0.5f ? 1.0f : 0.0f;
  return value;
}

}  // namespace understudy::vh
