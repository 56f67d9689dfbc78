#include <algorithm>
#include <cmath>
#include <cstdio>

#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {

namespace {

// Which profile feeds the session: what the wearer holds, or the simple one that every controller
// can play, as far as the application suggested bindings for it.
std::string ChooseProfile(const Session& session, const std::string& held) {
  const auto& suggested = session.instance->suggested;
  if (suggested.count(held)) return held;
  return suggested.count(kSimpleProfile) ? kSimpleProfile : "";
}

// Reads all inputs of an action on one hand and combines them (specification 11.5).
Latched ReadAction(const Session& session, const Action& action, int hand,
                   const UnderstudyVhHand& state) {
  Latched latched;
  if (!IsLive(session, action, hand)) return latched;
  latched.active = true;
  for (const Input* input : BoundInputs(session, action, hand)) {
    if (input->kind == InputKind::kPose || input->kind == InputKind::kHaptic) continue;
    const InputValue value = ReadInput(*input, state);
    if (std::hypot(value.x, value.y) > std::hypot(latched.x, latched.y)) {
      latched.x = value.x;
      latched.y = value.y;
    }
  }
  if (action.type == XR_ACTION_TYPE_BOOLEAN_INPUT) latched.x = latched.x > 0.5f ? 1.0f : 0.0f;
  return latched;
}

void LatchAll(Session& session) {
  Runtime& runtime = TheRuntime();
  const XrTime now = runtime.device.XrNow();
  const WearerState& wearer = runtime.device.At(runtime.device.NowNs());
  for (const auto& set : session.attached) {
    for (const auto& action : set->actions) {
      for (int hand = 0; hand < 2; ++hand) {
        Latched& old = session.latched[{action->id, hand}];
        Latched latched = ReadAction(session, *action, hand, wearer.hands[hand]);
        latched.changed =
            old.active && latched.active && (old.x != latched.x || old.y != latched.y);
        latched.change_time = latched.changed ? now : latched.active ? old.change_time : 0;
        old = latched;
      }
    }
  }
}

XrResult XRAPI_CALL SyncActions(XrSession handle, const XrActionsSyncInfo* info) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_ACTIONS_SYNC_INFO) &&
                            (info->countActiveActionSets == 0 || info->activeActionSets != nullptr),
                        XR_ERROR_VALIDATION_FAILURE);
    std::map<uint64_t, uint32_t> synced;
    for (uint32_t i = 0; i < info->countActiveActionSets; ++i) {
      const XrActiveActionSet& active = info->activeActionSets[i];
      UNDERSTUDY_VH_FIND(ActionSet, set, active.actionSet);
      const bool attached = std::find(session->attached.begin(), session->attached.end(), set) !=
                            session->attached.end();
      UNDERSTUDY_VH_CHECK(attached, XR_ERROR_ACTIONSET_NOT_ATTACHED);
      uint32_t hands = 3;
      if (active.subactionPath != XR_NULL_PATH) {
        const std::string* path = session->instance->PathText(active.subactionPath);
        UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
        const bool declared =
            std::any_of(set->actions.begin(), set->actions.end(), [&](const auto& action) {
              const auto& paths = action->subaction_paths;
              return std::find(paths.begin(), paths.end(), *path) != paths.end();
            });
        UNDERSTUDY_VH_CHECK(declared, XR_ERROR_PATH_UNSUPPORTED);
        const int hand = HandOfPath(*path);
        hands = hand < 0 ? 0 : 1u << hand;
      }
      synced[set->id] |= hands;
    }

    session->synced = std::move(synced);
    // the profile in use changes nowhere but here
    if (session->attach_called && session->focused()) {
      const std::string profile = ChooseProfile(*session, runtime.profile);
      if (profile != session->profile) {
        session->profile = profile;
        const XrEventDataInteractionProfileChanged event{
            XR_TYPE_EVENT_DATA_INTERACTION_PROFILE_CHANGED, nullptr, handle};
        Queue(*session->instance, session->id, event);
      }
    }
    LatchAll(*session);
    return session->focused() ? session->Ok() : XR_SESSION_NOT_FOCUSED;
  });
}

// Which hands a query is about, as bits; checks everything that all queries share.
XrResult CheckQuery(const Session& session, const Action& action, XrPath subaction,
                    uint32_t& hands) {
  const std::shared_ptr<ActionSet> set = action.set.lock();
  const bool attached =
      std::find(session.attached.begin(), session.attached.end(), set) != session.attached.end();
  UNDERSTUDY_VH_CHECK(attached, XR_ERROR_ACTIONSET_NOT_ATTACHED);
  hands = 3;
  if (subaction == XR_NULL_PATH) return XR_SUCCESS;
  const std::string* path = session.instance->PathText(subaction);
  UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
  const auto& paths = action.subaction_paths;
  UNDERSTUDY_VH_CHECK(std::find(paths.begin(), paths.end(), *path) != paths.end(),
                      XR_ERROR_PATH_UNSUPPORTED);
  const int hand = HandOfPath(*path);
  hands = hand < 0 ? 0 : 1u << hand;
  return XR_SUCCESS;
}

// Combines the latched hands of an action: the largest input wins, changed if any did.
XrResult Query(XrSession handle, const XrActionStateGetInfo* info, XrActionType type,
               Latched& result) {
  UNDERSTUDY_VH_FIND(Session, session, handle);
  UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_ACTION_STATE_GET_INFO), XR_ERROR_VALIDATION_FAILURE);
  UNDERSTUDY_VH_FIND(Action, action, info->action);
  UNDERSTUDY_VH_CHECK(action->type == type, XR_ERROR_ACTION_TYPE_MISMATCH);
  uint32_t hands = 0;
  const XrResult checked = CheckQuery(*session, *action, info->subactionPath, hands);
  UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
  for (int hand = 0; hand < 2; ++hand) {
    const auto found = session->latched.find({action->id, hand});
    if ((hands >> hand & 1) == 0 || found == session->latched.end()) continue;
    const Latched& latched = found->second;
    if (!latched.active) continue;
    if (!result.active || std::hypot(latched.x, latched.y) > std::hypot(result.x, result.y)) {
      result.x = latched.x;
      result.y = latched.y;
    }
    result.active = true;
    result.changed = result.changed || latched.changed;
    result.change_time = std::max(result.change_time, latched.change_time);
  }
  return session->Ok();
}

XrResult XRAPI_CALL GetActionStateBoolean(XrSession handle, const XrActionStateGetInfo* info,
                                          XrActionStateBoolean* state) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_CHECK(IsStruct(state, XR_TYPE_ACTION_STATE_BOOLEAN), XR_ERROR_VALIDATION_FAILURE);
    Latched latched;
    const XrResult result = Query(handle, info, XR_ACTION_TYPE_BOOLEAN_INPUT, latched);
    UNDERSTUDY_VH_CHECK(XR_SUCCEEDED(result), result);
    state->currentState = latched.x != 0;
    state->changedSinceLastSync = latched.changed;
    state->lastChangeTime = latched.change_time;
    state->isActive = latched.active;
    return result;
  });
}

XrResult XRAPI_CALL GetActionStateFloat(XrSession handle, const XrActionStateGetInfo* info,
                                        XrActionStateFloat* state) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_CHECK(IsStruct(state, XR_TYPE_ACTION_STATE_FLOAT), XR_ERROR_VALIDATION_FAILURE);
    Latched latched;
    const XrResult result = Query(handle, info, XR_ACTION_TYPE_FLOAT_INPUT, latched);
    UNDERSTUDY_VH_CHECK(XR_SUCCEEDED(result), result);
    state->currentState = latched.x;
    state->changedSinceLastSync = latched.changed;
    state->lastChangeTime = latched.change_time;
    state->isActive = latched.active;
    return result;
  });
}

XrResult XRAPI_CALL GetActionStateVector2f(XrSession handle, const XrActionStateGetInfo* info,
                                           XrActionStateVector2f* state) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_CHECK(IsStruct(state, XR_TYPE_ACTION_STATE_VECTOR2F),
                        XR_ERROR_VALIDATION_FAILURE);
    Latched latched;
    const XrResult result = Query(handle, info, XR_ACTION_TYPE_VECTOR2F_INPUT, latched);
    UNDERSTUDY_VH_CHECK(XR_SUCCEEDED(result), result);
    state->currentState = {latched.x, latched.y};
    state->changedSinceLastSync = latched.changed;
    state->lastChangeTime = latched.change_time;
    state->isActive = latched.active;
    return result;
  });
}

XrResult XRAPI_CALL GetActionStatePose(XrSession handle, const XrActionStateGetInfo* info,
                                       XrActionStatePose* state) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_CHECK(IsStruct(state, XR_TYPE_ACTION_STATE_POSE), XR_ERROR_VALIDATION_FAILURE);
    Latched latched;
    const XrResult result = Query(handle, info, XR_ACTION_TYPE_POSE_INPUT, latched);
    UNDERSTUDY_VH_CHECK(XR_SUCCEEDED(result), result);
    state->isActive = latched.active;
    return result;
  });
}

// Runs `work` on the haptics of every hand that the action reaches.
template <class Work>
XrResult ForHaptics(XrSession handle, const XrHapticActionInfo* info, Work&& work) {
  UNDERSTUDY_VH_FIND(Session, session, handle);
  UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_HAPTIC_ACTION_INFO), XR_ERROR_VALIDATION_FAILURE);
  UNDERSTUDY_VH_FIND(Action, action, info->action);
  UNDERSTUDY_VH_CHECK(action->type == XR_ACTION_TYPE_VIBRATION_OUTPUT,
                      XR_ERROR_ACTION_TYPE_MISMATCH);
  uint32_t hands = 0;
  const XrResult checked = CheckQuery(*session, *action, info->subactionPath, hands);
  UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
  UNDERSTUDY_VH_CHECK(session->focused(), XR_SESSION_NOT_FOCUSED);
  for (int hand = 0; hand < 2; ++hand) {
    if ((hands >> hand & 1) != 0 && IsLive(*session, *action, hand)) {
      work(TheRuntime().device.haptics[hand]);
    }
  }
  return session->Ok();
}

XrResult XRAPI_CALL ApplyHapticFeedback(XrSession handle, const XrHapticActionInfo* info,
                                        const XrHapticBaseHeader* feedback) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_CHECK(IsStruct(feedback, XR_TYPE_HAPTIC_VIBRATION), XR_ERROR_VALIDATION_FAILURE);
    const auto& vibration = *reinterpret_cast<const XrHapticVibration*>(feedback);
    const bool sane = vibration.amplitude >= 0 && vibration.amplitude <= 1 &&
                      std::isfinite(vibration.frequency) &&
                      (vibration.duration > 0 || vibration.duration == XR_MIN_HAPTIC_DURATION);
    UNDERSTUDY_VH_CHECK(sane, XR_ERROR_VALIDATION_FAILURE);
    return ForHaptics(handle, info, [&](UnderstudyVhHaptics& haptics) {
      ++haptics.pulses;
      haptics.applied_ns = runtime.device.NowNs();
      haptics.duration_ns = vibration.duration;
      haptics.amplitude = vibration.amplitude;
      haptics.frequency = vibration.frequency;
      haptics.vibrating = 1;
    });
  });
}

XrResult XRAPI_CALL StopHapticFeedback(XrSession handle, const XrHapticActionInfo* info) {
  return Enter([&](Runtime&) {
    return ForHaptics(handle, info, [](UnderstudyVhHaptics& haptics) {
      ++haptics.stops;
      haptics.vibrating = 0;
    });
  });
}

XrResult XRAPI_CALL EnumerateBoundSourcesForAction(XrSession handle,
                                                   const XrBoundSourcesForActionEnumerateInfo* info,
                                                   uint32_t capacity, uint32_t* count,
                                                   XrPath* sources) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_BOUND_SOURCES_FOR_ACTION_ENUMERATE_INFO),
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_FIND(Action, action, info->action);
    uint32_t hands = 0;
    const XrResult checked = CheckQuery(*session, *action, XR_NULL_PATH, hands);
    UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
    std::vector<XrPath> paths;
    for (int hand = 0; hand < 2; ++hand) {
      for (const Input* input : BoundInputs(*session, *action, hand)) {
        paths.push_back(session->instance->Intern(
            (hand == 0 ? "/user/hand/left" : "/user/hand/right") + input->path));
      }
    }
    return Enumerate(paths, capacity, count, sources);
  });
}

XrResult XRAPI_CALL GetInputSourceLocalizedName(XrSession handle,
                                                const XrInputSourceLocalizedNameGetInfo* info,
                                                uint32_t capacity, uint32_t* count, char* buffer) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_INPUT_SOURCE_LOCALIZED_NAME_GET_INFO) &&
                            info->whichComponents != 0 && info->whichComponents < 8,
                        XR_ERROR_VALIDATION_FAILURE);
    const std::string* path = session->instance->PathText(info->sourcePath);
    UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
    UNDERSTUDY_VH_CHECK(session->attach_called, XR_ERROR_ACTIONSET_NOT_ATTACHED);
    const int hand = HandOfPath(*path);
    UNDERSTUDY_VH_CHECK(hand >= 0, XR_ERROR_PATH_UNSUPPORTED);
    std::string text;
    const auto add = [&](XrFlags64 bit, const std::string& part) {
      if ((info->whichComponents & bit) == 0) return;
      if (!text.empty()) text += ' ';
      text += part;
    };
    add(XR_INPUT_SOURCE_LOCALIZED_NAME_USER_PATH_BIT, hand == 0 ? "Left Hand" : "Right Hand");
    add(XR_INPUT_SOURCE_LOCALIZED_NAME_INTERACTION_PROFILE_BIT, "Virtual Controller");
    add(XR_INPUT_SOURCE_LOCALIZED_NAME_COMPONENT_BIT, path->substr(path->rfind('/') + 1));
    return EnumerateText(text, capacity, count, buffer);
  });
}

}  // namespace

std::vector<EntryPoint> InputEntryPoints() {
  return {
      UNDERSTUDY_VH_ENTRY(SyncActions),
      UNDERSTUDY_VH_ENTRY(GetActionStateBoolean),
      UNDERSTUDY_VH_ENTRY(GetActionStateFloat),
      UNDERSTUDY_VH_ENTRY(GetActionStateVector2f),
      UNDERSTUDY_VH_ENTRY(GetActionStatePose),
      UNDERSTUDY_VH_ENTRY(ApplyHapticFeedback),
      UNDERSTUDY_VH_ENTRY(StopHapticFeedback),
      UNDERSTUDY_VH_ENTRY(EnumerateBoundSourcesForAction),
      UNDERSTUDY_VH_ENTRY(GetInputSourceLocalizedName),
  };
}

}  // namespace understudy::vh
