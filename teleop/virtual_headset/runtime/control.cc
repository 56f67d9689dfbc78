#include "teleop/virtual_headset/control.h"

#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {
namespace {

// Runs `work` under the lock; 0 where it throws.
template <class Work>
int32_t Control(Work&& work) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(TheRuntime().mutex);
    return work(TheRuntime()) ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

bool IsHand(int32_t hand) { return hand == UNDERSTUDY_VH_LEFT || hand == UNDERSTUDY_VH_RIGHT; }

// A session that events can still reach.
Session* LiveSession(Runtime& runtime) {
  Session* session = runtime.session.get();
  return session == nullptr || session->lost || session->instance->lost ? nullptr : session;
}

}  // namespace
}  // namespace understudy::vh

using namespace understudy::vh;

extern "C" {

int32_t understudy_vh_abi(void) { return UNDERSTUDY_VH_ABI; }

int32_t understudy_vh_reset(const UnderstudyVhConfig* config) {
  return Control([&](Runtime& runtime) {
    if (runtime.instance != nullptr) return false;
    runtime.device.Reset(*config);
    runtime.event_copies = 1;
    runtime.profile = kTouchProfile;
    return true;
  });
}

int64_t understudy_vh_now_ns(void) {
  const std::lock_guard<std::mutex> lock(TheRuntime().mutex);
  return TheRuntime().device.NowNs();
}

int32_t understudy_vh_advance_ns(int64_t ns) {
  return Control([&](Runtime& runtime) { return runtime.device.Advance(ns); });
}

void understudy_vh_set_head(const UnderstudyVhTracked* head) {
  Control([&](Runtime& runtime) {
    runtime.device.SetHead(*head);
    return true;
  });
}

int32_t understudy_vh_set_hand(int32_t hand, const UnderstudyVhHand* state) {
  return Control([&](Runtime& runtime) {
    if (!IsHand(hand)) return false;
    runtime.device.SetHand(hand, *state);
    return true;
  });
}

int32_t understudy_vh_get_haptics(int32_t hand, UnderstudyVhHaptics* haptics) {
  return Control([&](Runtime& runtime) {
    if (!IsHand(hand)) return false;
    *haptics = runtime.device.haptics[hand];
    // a pulse ends by itself
    if (runtime.device.NowNs() > haptics->applied_ns + haptics->duration_ns) {
      haptics->vibrating = 0;
    }
    return true;
  });
}

int32_t understudy_vh_session_state(void) {
  const std::lock_guard<std::mutex> lock(TheRuntime().mutex);
  const auto& session = TheRuntime().session;
  return session == nullptr ? 0 : static_cast<int32_t>(session->state);
}

int32_t understudy_vh_set_fault(int32_t body, const UnderstudyVhFault* fault) {
  return Control([&](Runtime& runtime) {
    if (body < 0 || body > UNDERSTUDY_VH_HEAD) return false;
    runtime.device.faults[body] = *fault;
    return true;
  });
}

void understudy_vh_stall(int64_t ns) {
  Control([&](Runtime& runtime) {
    runtime.device.Stall(ns);
    return true;
  });
}

int32_t understudy_vh_set_focus(int32_t focused) {
  return Control([&](Runtime& runtime) {
    Session* session = LiveSession(runtime);
    if (session == nullptr) return false;
    session->focus_wanted = focused != 0;
    const XrSessionState from = focused ? XR_SESSION_STATE_VISIBLE : XR_SESSION_STATE_FOCUSED;
    if (session->state != from) return false;
    EnterState(*session, focused ? XR_SESSION_STATE_FOCUSED : XR_SESSION_STATE_VISIBLE);
    return true;
  });
}

int32_t understudy_vh_recenter(const UnderstudyVhPose* X_old_new, int32_t stage, int32_t pose_valid,
                               int64_t delay_ns) {
  return Control([&](Runtime& runtime) {
    const Transform X = FromC(*X_old_new);
    const int64_t when = runtime.device.NowNs() + delay_ns;
    runtime.device.Recenter(X, stage != 0, when);
    Session* session = LiveSession(runtime);
    if (session == nullptr) return true;

    // LOCAL stands above LOCAL_FLOOR, so a tilt moves it otherwise
    const Transform X_floor_eye = Inverse(runtime.device.Origin(kLocalFloor, when)) *
                                  runtime.device.Origin(XR_REFERENCE_SPACE_TYPE_LOCAL, when);
    const auto announce = [&](XrReferenceSpaceType type, const Transform& moved) {
      const XrEventDataReferenceSpaceChangePending event{
          XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING,
          nullptr,
          reinterpret_cast<XrSession>(session->id),
          type,
          runtime.device.ToXrTime(when),
          static_cast<XrBool32>(pose_valid != 0),
          ToXr(moved)};
      Queue(*session->instance, session->id, event);
    };
    announce(XR_REFERENCE_SPACE_TYPE_LOCAL, Inverse(X_floor_eye) * X * X_floor_eye);
    if (session->instance->extensions.count("XR_EXT_local_floor") != 0) announce(kLocalFloor, X);
    if (stage) announce(XR_REFERENCE_SPACE_TYPE_STAGE, X);
    return true;
  });
}

int32_t understudy_vh_request_exit(void) {
  return Control([&](Runtime& runtime) {
    Session* session = LiveSession(runtime);
    if (session == nullptr || !session->running || session->exit_requested) return false;
    session->exit_requested = true;
    if (session->focused()) EnterState(*session, XR_SESSION_STATE_VISIBLE);
    // Monado says this one twice
    EnterState(*session, XR_SESSION_STATE_SYNCHRONIZED);
    EnterState(*session, XR_SESSION_STATE_SYNCHRONIZED);
    EnterState(*session, XR_SESSION_STATE_STOPPING);
    return true;
  });
}

int32_t understudy_vh_lose_session(int32_t warn) {
  return Control([&](Runtime& runtime) {
    Session* session = LiveSession(runtime);
    if (session == nullptr) return false;
    if (warn) {
      session->loss_pending = true;
      EnterState(*session, XR_SESSION_STATE_LOSS_PENDING);
    } else {
      session->lost = true;
    }
    return true;
  });
}

int32_t understudy_vh_lose_instance(int32_t warn) {
  return Control([&](Runtime& runtime) {
    const std::shared_ptr<Instance> instance = runtime.instance;
    if (instance == nullptr || instance->lost) return false;
    if (warn) {
      const XrEventDataInstanceLossPending event{XR_TYPE_EVENT_DATA_INSTANCE_LOSS_PENDING, nullptr,
                                                 runtime.device.XrNow() + 1'000'000'000};
      Queue(*instance, 0, event);
    } else {
      instance->lost = true;
      if (runtime.session != nullptr) runtime.session->lost = true;
    }
    return true;
  });
}

void understudy_vh_set_headset_connected(int32_t connected) {
  Control([&](Runtime& runtime) {
    runtime.device.connected = connected != 0;
    return true;
  });
}

void understudy_vh_set_service_running(int32_t running) {
  Control([&](Runtime& runtime) {
    runtime.device.service = running != 0;
    return true;
  });
}

int32_t understudy_vh_set_event_copies(int32_t copies) {
  return Control([&](Runtime& runtime) {
    if (copies < 1 || copies > 8) return false;
    runtime.event_copies = copies;
    return true;
  });
}

int32_t understudy_vh_set_profile(const char* profile) {
  return Control([&](Runtime& runtime) {
    if (profile == nullptr || ProfileInputs(profile) == nullptr) return false;
    runtime.profile = profile;
    return true;
  });
}

}  // extern "C"
