#include "teleop/openxr/bindings.h"

#include <map>
#include <utility>

namespace understudy {

const ActionSpec kActionSpecs[kActionCount] = {
    {"grip", "Hand pose", XR_ACTION_TYPE_POSE_INPUT},
    {"aim", "Pointing pose", XR_ACTION_TYPE_POSE_INPUT},
    {"haptic", "Vibration", XR_ACTION_TYPE_VIBRATION_OUTPUT},
    {"squeeze", "Hold to move the robot", XR_ACTION_TYPE_FLOAT_INPUT},
    {"trigger", "Close the gripper", XR_ACTION_TYPE_FLOAT_INPUT},
    {"stick", "Move or turn the view", XR_ACTION_TYPE_VECTOR2F_INPUT},
    {"start", "Start or accept the episode", XR_ACTION_TYPE_BOOLEAN_INPUT, kButtonStart},
    {"discard", "Discard the episode", XR_ACTION_TYPE_BOOLEAN_INPUT, kButtonDiscard},
    {"reset", "Reset the scene", XR_ACTION_TYPE_BOOLEAN_INPUT, kButtonReset},
    {"stop", "Stop the session", XR_ACTION_TYPE_BOOLEAN_INPUT, kButtonStop},
    {"again", "Record the last one again", XR_ACTION_TYPE_BOOLEAN_INPUT, kButtonAgain},
    {"toggle", "Open or close the gripper", XR_ACTION_TYPE_BOOLEAN_INPUT},
};

namespace {

constexpr int kLeft = 1, kRight = 2, kBoth = 3;

// Poses and vibration, which every hand-held controller has.
std::vector<BindingSpec> Held(std::vector<BindingSpec> more) {
  std::vector<BindingSpec> all{{kGripAction, kBoth, "/input/grip/pose"},
                               {kAimAction, kBoth, "/input/aim/pose"},
                               {kHapticAction, kBoth, "/output/haptic"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Touch, and the controllers that copy its layout.
std::vector<BindingSpec> TouchLike() {
  return Held({{kSqueezeAction, kBoth, "/input/squeeze/value"},
               {kTriggerAction, kBoth, "/input/trigger/value"},
               {kStickAction, kBoth, "/input/thumbstick"},
               {kStartAction, kRight, "/input/a/click"},
               {kDiscardAction, kRight, "/input/b/click"},
               {kResetAction, kLeft, "/input/x/click"},
               {kStopAction, kLeft, "/input/y/click"},
               {kAgainAction, kLeft, "/input/thumbstick/click"}});
}

// Actions that messages name.
constexpr std::pair<ActionId, std::string ButtonNames::*> kNamed[] = {
    {kTriggerAction, &ButtonNames::gripper}, {kToggleAction, &ButtonNames::gripper},
    {kStartAction, &ButtonNames::start},     {kDiscardAction, &ButtonNames::discard},
    {kResetAction, &ButtonNames::reset},     {kStopAction, &ButtonNames::stop},
    {kAgainAction, &ButtonNames::again},
};

// "/input/a/click" -> "A"
std::string PartName(const std::string& path) {
  static const std::map<std::string, std::string> kNames{
      {"a", "A"},
      {"b", "B"},
      {"x", "X"},
      {"y", "Y"},
      {"menu", "the menu button"},
      {"trackpad", "a press of the trackpad"},
      {"thumbstick", "a press of the stick"},
      {"squeeze", "the squeeze"},
      {"select", "the trigger"},
      {"trigger", "the trigger"},
      {"grasp_ext", "a fist"},
      {"pinch_ext", "a pinch"},
  };
  const size_t begin = path.find('/', 1) + 1;
  return kNames.at(path.substr(begin, path.find('/', begin) - begin));
}

}  // namespace

ButtonNames ButtonsOf(const std::string& profile) {
  ButtonNames names;
  for (const ProfileSpec& spec : AllProfiles()) {
    if (spec.path != profile) continue;
    for (const auto& [action, place] : kNamed) names.*place = "no button of this controller";
    names.view = "no stick of this controller";
    for (const BindingSpec& binding : spec.bindings) {
      const auto name = [&] {
        const std::string part = PartName(binding.path);
        if (binding.hands == kBoth) return part;
        return part + (binding.hands == kLeft ? " (left)" : " (right)");
      };
      for (const auto& [action, place] : kNamed) {
        if (binding.action == action) names.*place = name();
      }
      if (binding.action == kSqueezeAction) names.engage = "hold " + name();
      if (binding.action == kStickAction) names.view = "the sticks";
    }
  }
  return names;
}

std::vector<ProfileSpec> AllProfiles() {
  std::vector<ProfileSpec> profiles;
  profiles.push_back({"/interaction_profiles/oculus/touch_controller", "", TouchLike()});
  profiles.push_back({"/interaction_profiles/valve/index_controller", "",
                      Held({{kSqueezeAction, kBoth, "/input/squeeze/value"},
                            {kTriggerAction, kBoth, "/input/trigger/value"},
                            {kStickAction, kBoth, "/input/thumbstick"},
                            {kStartAction, kRight, "/input/a/click"},
                            {kDiscardAction, kRight, "/input/b/click"},
                            {kResetAction, kLeft, "/input/a/click"},
                            {kStopAction, kLeft, "/input/b/click"},
                            {kAgainAction, kLeft, "/input/thumbstick/click"}})});
  profiles.push_back({"/interaction_profiles/htc/vive_controller", "",
                      Held({{kSqueezeAction, kBoth, "/input/squeeze/click"},
                            {kTriggerAction, kBoth, "/input/trigger/value"},
                            {kStartAction, kRight, "/input/trackpad/click"},
                            {kDiscardAction, kRight, "/input/menu/click"},
                            {kResetAction, kLeft, "/input/menu/click"},
                            {kStopAction, kLeft, "/input/trackpad/click"}})});
  profiles.push_back({"/interaction_profiles/microsoft/motion_controller", "",
                      Held({{kSqueezeAction, kBoth, "/input/squeeze/click"},
                            {kTriggerAction, kBoth, "/input/trigger/value"},
                            {kStickAction, kBoth, "/input/thumbstick"},
                            {kStartAction, kRight, "/input/trackpad/click"},
                            {kDiscardAction, kRight, "/input/menu/click"},
                            {kResetAction, kLeft, "/input/menu/click"},
                            {kStopAction, kLeft, "/input/trackpad/click"}})});
  profiles.push_back({"/interaction_profiles/hp/mixed_reality_controller",
                      "XR_EXT_hp_mixed_reality_controller", TouchLike()});
  profiles.push_back({"/interaction_profiles/bytedance/pico4_controller",
                      "XR_BD_controller_interaction", TouchLike()});
  profiles.push_back({"/interaction_profiles/bytedance/pico_neo3_controller",
                      "XR_BD_controller_interaction", TouchLike()});
  // bare hands: the fist moves the robot, the pinch closes the gripper
  profiles.push_back({"/interaction_profiles/ext/hand_interaction_ext",
                      "XR_EXT_hand_interaction",
                      {{kGripAction, kBoth, "/input/grip/pose"},
                       {kAimAction, kBoth, "/input/aim/pose"},
                       {kSqueezeAction, kBoth, "/input/grasp_ext/value"},
                       {kTriggerAction, kBoth, "/input/pinch_ext/value"}}});
  profiles.push_back({"/interaction_profiles/khr/simple_controller", "",
                      Held({{kSqueezeAction, kBoth, "/input/select/click"},
                            {kToggleAction, kBoth, "/input/menu/click"}})});
  return profiles;
}

}  // namespace understudy
