#include <algorithm>
#include <set>
#include <string_view>

#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {

namespace {

// One level of a path (specification 6.2).
bool IsLevel(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

template <size_t N>
std::string Text(const char (&characters)[N]) {
  return std::string(characters, strnlen(characters, N));
}

// Checks both names against those of the siblings.
template <class T>
XrResult CheckNames(const std::string& name, const std::string& localized,
                    const std::vector<std::shared_ptr<T>>& siblings) {
  UNDERSTUDY_VH_CHECK(!name.empty(), XR_ERROR_NAME_INVALID);
  UNDERSTUDY_VH_CHECK(IsLevel(name), XR_ERROR_PATH_FORMAT_INVALID);
  UNDERSTUDY_VH_CHECK(!localized.empty(), XR_ERROR_LOCALIZED_NAME_INVALID);
  for (const auto& sibling : siblings) {
    UNDERSTUDY_VH_CHECK(sibling->name != name, XR_ERROR_NAME_DUPLICATED);
    UNDERSTUDY_VH_CHECK(sibling->localized != localized, XR_ERROR_LOCALIZED_NAME_DUPLICATED);
  }
  return XR_SUCCESS;
}

bool IsTopLevelUserPath(const std::string& path) {
  for (const char* known : {"/user/hand/left", "/user/hand/right", "/user/head", "/user/gamepad"}) {
    if (path == known) return true;
  }
  return false;
}

XrResult XRAPI_CALL CreateActionSet(XrInstance handle, const XrActionSetCreateInfo* info,
                                    XrActionSet* created) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_ACTION_SET_CREATE_INFO) && created != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    auto set = std::make_shared<ActionSet>();
    set->name = Text(info->actionSetName);
    set->localized = Text(info->localizedActionSetName);
    const XrResult named = CheckNames(set->name, set->localized, instance->action_sets);
    UNDERSTUDY_VH_CHECK(named == XR_SUCCESS, named);
    set->instance = instance;
    *created = HandleOf(runtime.Add(set));
    instance->action_sets.push_back(set);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL DestroyActionSet(XrActionSet handle) {
  return Enter([&](Runtime& runtime) {
    const std::shared_ptr<ActionSet> set = FindAny<ActionSet>(handle);
    UNDERSTUDY_VH_CHECK(set != nullptr, XR_ERROR_HANDLE_INVALID);
    for (const auto& action : set->actions) runtime.objects.erase(action->id);
    runtime.objects.erase(set->id);
    // an attached set goes on working for its session, without a handle
    std::erase(set->instance->action_sets, set);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL CreateAction(XrActionSet handle, const XrActionCreateInfo* info,
                                 XrAction* created) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(ActionSet, set, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_ACTION_CREATE_INFO) && created != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(!set->attached, XR_ERROR_ACTIONSETS_ALREADY_ATTACHED);
    const XrActionType type = info->actionType;
    UNDERSTUDY_VH_CHECK(
        (type >= XR_ACTION_TYPE_BOOLEAN_INPUT && type <= XR_ACTION_TYPE_POSE_INPUT) ||
            type == XR_ACTION_TYPE_VIBRATION_OUTPUT,
        XR_ERROR_VALIDATION_FAILURE);
    auto action = std::make_shared<Action>();
    action->name = Text(info->actionName);
    action->localized = Text(info->localizedActionName);
    action->type = type;
    const XrResult named = CheckNames(action->name, action->localized, set->actions);
    UNDERSTUDY_VH_CHECK(named == XR_SUCCESS, named);
    UNDERSTUDY_VH_CHECK(info->countSubactionPaths == 0 || info->subactionPaths != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    for (uint32_t i = 0; i < info->countSubactionPaths; ++i) {
      const std::string* path = set->instance->PathText(info->subactionPaths[i]);
      UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
      auto& paths = action->subaction_paths;
      const bool twice = std::find(paths.begin(), paths.end(), *path) != paths.end();
      UNDERSTUDY_VH_CHECK(IsTopLevelUserPath(*path) && !twice, XR_ERROR_PATH_UNSUPPORTED);
      paths.push_back(*path);
    }
    action->set = set;
    *created = HandleOf(runtime.Add(action));
    set->actions.push_back(action);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL DestroyAction(XrAction handle) {
  return Enter([&](Runtime& runtime) {
    const std::shared_ptr<Action> action = FindAny<Action>(handle);
    UNDERSTUDY_VH_CHECK(action != nullptr, XR_ERROR_HANDLE_INVALID);
    if (const auto set = action->set.lock(); set != nullptr && !set->attached) {
      std::erase(set->actions, action);
    }
    runtime.objects.erase(action->id);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL SuggestInteractionProfileBindings(
    XrInstance handle, const XrInteractionProfileSuggestedBinding* info) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING) &&
                            info->countSuggestedBindings > 0 && info->suggestedBindings != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    const std::string* profile = instance->PathText(info->interactionProfile);
    UNDERSTUDY_VH_CHECK(profile != nullptr, XR_ERROR_PATH_INVALID);
    UNDERSTUDY_VH_CHECK(ProfileInputs(*profile) != nullptr, XR_ERROR_PATH_UNSUPPORTED);

    // all or nothing: a refused suggestion leaves the one before in place
    std::vector<std::pair<std::weak_ptr<Action>, std::string>> bindings;
    for (uint32_t i = 0; i < info->countSuggestedBindings; ++i) {
      UNDERSTUDY_VH_FIND(Action, action, info->suggestedBindings[i].action);
      const std::shared_ptr<ActionSet> set = action->set.lock();
      UNDERSTUDY_VH_CHECK(set != nullptr && !set->attached, XR_ERROR_ACTIONSETS_ALREADY_ATTACHED);
      const std::string* path = instance->PathText(info->suggestedBindings[i].binding);
      UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
      const int hand = HandOfPath(*path);
      const size_t user = hand == 0 ? 15 : 16;  // length of /user/hand/left, /user/hand/right
      UNDERSTUDY_VH_CHECK(hand >= 0 && FindInput(*profile, hand, path->substr(user), nullptr),
                          XR_ERROR_PATH_UNSUPPORTED);
      bindings.emplace_back(action, *path);
    }
    instance->suggested[*profile] = std::move(bindings);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL AttachSessionActionSets(XrSession handle,
                                            const XrSessionActionSetsAttachInfo* info) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO) &&
                            info->countActionSets > 0 && info->actionSets != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(!session->attach_called, XR_ERROR_ACTIONSETS_ALREADY_ATTACHED);
    std::vector<std::shared_ptr<ActionSet>> sets;
    for (uint32_t i = 0; i < info->countActionSets; ++i) {
      UNDERSTUDY_VH_FIND(ActionSet, set, info->actionSets[i]);
      sets.push_back(set);
    }
    for (const auto& set : sets) set->attached = true;
    session->attached = std::move(sets);
    session->attach_called = true;
    return session->Ok();
  });
}

XrResult XRAPI_CALL GetCurrentInteractionProfile(XrSession handle, XrPath top_level,
                                                 XrInteractionProfileState* state) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(state, XR_TYPE_INTERACTION_PROFILE_STATE),
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(session->attach_called, XR_ERROR_ACTIONSET_NOT_ATTACHED);
    const std::string* path = session->instance->PathText(top_level);
    UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
    UNDERSTUDY_VH_CHECK(IsTopLevelUserPath(*path), XR_ERROR_PATH_UNSUPPORTED);
    const bool held = HandOfPath(*path) >= 0 && !session->profile.empty();
    state->interactionProfile = held ? session->instance->Intern(session->profile) : XR_NULL_PATH;
    return session->Ok();
  });
}

}  // namespace

std::vector<EntryPoint> ActionEntryPoints() {
  return {
      UNDERSTUDY_VH_ENTRY(CreateActionSet),
      UNDERSTUDY_VH_ENTRY(DestroyActionSet),
      UNDERSTUDY_VH_ENTRY(CreateAction),
      UNDERSTUDY_VH_ENTRY(DestroyAction),
      UNDERSTUDY_VH_ENTRY(SuggestInteractionProfileBindings),
      UNDERSTUDY_VH_ENTRY(AttachSessionActionSets),
      UNDERSTUDY_VH_ENTRY(GetCurrentInteractionProfile),
  };
}

}  // namespace understudy::vh
