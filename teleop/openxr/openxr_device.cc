#include "teleop/openxr/openxr_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "teleop/openxr/xr_client.h"

namespace understudy {

namespace {

constexpr int64_t kRetryNs = 1'000'000'000;

bool IsFinite(const XrVector3f& v) {
  return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z);
}

Eigen::Vector3d ToEigen(const XrVector3f& v) { return {v.x, v.y, v.z}; }

// OpenXR's x y z w to our w x y z; parts that are not valid become identity.
Pose ToPose(const XrPosef& pose, uint32_t flags) {
  const XrQuaternionf& q = pose.orientation;
  return {flags & XR_SPACE_LOCATION_ORIENTATION_VALID_BIT ? Eigen::Quaterniond(q.w, q.x, q.y, q.z)
                                                          : Eigen::Quaterniond::Identity(),
          flags & XR_SPACE_LOCATION_POSITION_VALID_BIT ? ToEigen(pose.position)
                                                       : Eigen::Vector3d::Zero()};
}

// Location flags, with those cleared whose numbers are not a valid pose.
uint32_t UsableFlags(const XrSpaceLocation& location) {
  auto flags = static_cast<uint32_t>(location.locationFlags & 15);
  // an invalid pose is not tracked (specification, XrSpaceLocationFlagBits), whatever the flags say
  flags &= ~uint32_t{12} | (flags & 3) << 2;
  const XrQuaternionf& q = location.pose.orientation;
  const double norm = Eigen::Vector4d(q.x, q.y, q.z, q.w).norm();
  if (!std::isfinite(norm) || norm <= 1e-6) {
    flags &= ~uint32_t{XR_SPACE_LOCATION_ORIENTATION_VALID_BIT |
                       XR_SPACE_LOCATION_ORIENTATION_TRACKED_BIT};
  }
  if (!IsFinite(location.pose.position)) {
    flags &=
        ~uint32_t{XR_SPACE_LOCATION_POSITION_VALID_BIT | XR_SPACE_LOCATION_POSITION_TRACKED_BIT};
  }
  return flags;
}

float Clamped(float value, float low) {
  return std::isfinite(value) ? std::clamp(value, low, 1.0f) : 0.0f;
}

class Device : public TeleopDevice {
 public:
  explicit Device(const OpenXrOptions& options)
      : client_(options.space), clock_(options.clock ? options.clock : MonotonicNs) {
    WaitForHeadset(options);
    info_.device_minus_monotonic_ns = MeasureOffset();
  }

  const DeviceInfo& info() const override { return info_; }
  int64_t NowNs() const override { return clock_(); }
  RawSample Poll() override;
  void Haptic(int hand, float amplitude, double seconds) override;

 private:
  void WaitForHeadset(const OpenXrOptions& options);
  int64_t MeasureOffset() const;
  void Connect();
  void Lose(bool instance_too);
  void PumpEvents();
  void OnState(XrSessionState state);
  void Read(RawSample& sample);
  bool Sync();
  void ReadHead(RawSample& sample) const;
  void ReadHand(int hand, XrTime time, RawHand& out);
  XrActionStateGetInfo Query(ActionId action, int hand) const {
    return {XR_TYPE_ACTION_STATE_GET_INFO, nullptr, client_.action(action),
            client_.hand_path(hand)};
  }
  bool IsPressed(ActionId action, int hand) const;
  bool ReadFloat(ActionId action, int hand, float& value) const;

  XrClient client_;
  std::function<int64_t()> clock_;
  DeviceInfo info_;
  int64_t next_id_ = 0;
  int64_t last_try_ns_ = 0;
  uint32_t events_ = 0;  // DeviceEvent bits of the running Poll
  bool running_ = false, focused_ = false, exited_ = false;
  std::vector<XrTime> recenter_times_;            // announced, not reached yet
  std::array<bool, 2> toggle_down_{}, closed_{};  // gripper of controllers with one trigger
};

void Device::WaitForHeadset(const OpenXrOptions& options) {
  using Clock = std::chrono::steady_clock;
  // a person puts on a headset in real time, even where the device's time is virtual
  const auto seconds = [](double s) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
  };
  const Clock::time_point deadline = Clock::now() + seconds(options.wait_for_headset_s);
  bool announced = false;
  while (true) {
    try {
      Connect();
      return;
    } catch (const XrFailure& failure) {
      if (!client_.has_instance()) ThrowFailed(NoRuntimeMessage(failure));
      if (failure.result != XR_ERROR_FORM_FACTOR_UNAVAILABLE) {
        ThrowFailed(
            fmt::format("{} {}: {} gave {}; restart the headset's software, then try "
                        "again; `understudy doctor` shows what works",
                        client_.runtime_name(), client_.runtime_version(), failure.call,
                        ResultName(failure.result)));
      }
    }
    // no headset yet: look again every second, but stop within a moment
    if (!announced && options.progress) options.progress->Message("waiting for the headset");
    announced = true;
    const Clock::time_point again = std::min(Clock::now() + seconds(1), deadline);
    while (Clock::now() < again && !InterruptRequested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (InterruptRequested()) ThrowFailed("interrupted while waiting for the headset");
    if (Clock::now() >= deadline) {
      ThrowFailed(
          fmt::format("{} found no headset within {} s (xrGetSystem: "
                      "XR_ERROR_FORM_FACTOR_UNAVAILABLE); connect it and wake it, or raise "
                      "wait_for_headset_s",
                      client_.runtime_name(), options.wait_for_headset_s));
    }
  }
}

int64_t Device::MeasureOffset() const {
  const int64_t now = clock_();
  try {
    return client_.ToXrTime(now) - now;
  } catch (const XrFailure& failure) {
    ThrowFailed(
        fmt::format("{} cannot convert the time {} ns ({}: {}); if its clock is virtual, "
                    "the device must be opened with that clock",
                    client_.runtime_name(), now, failure.call, ResultName(failure.result)));
  }
}

void Device::Connect() {
  // a failure leaves no partial state
  if (!client_.has_instance()) {
    // the loader judges extensions by the list of the runtime that it loaded last, and lets go of a
    // stale one only when an instance was refused: then the second try sees the runtime of now
    for (const bool again : {true, false}) {
      try {
        client_.CreateInstance();
        break;
      } catch (const XrFailure& failure) {
        client_.DestroyInstance();
        if (!again || failure.result != XR_ERROR_EXTENSION_NOT_PRESENT) throw;
      } catch (...) {
        client_.DestroyInstance();
        throw;
      }
    }
  }
  try {
    client_.CreateSession();
  } catch (...) {
    client_.DestroySession();
    throw;
  }
  info_.name = client_.runtime_name();
  info_.version = client_.runtime_version();
}

void Device::Lose(bool instance_too) {
  events_ |= kEventSessionLost;
  if (std::exchange(focused_, false)) events_ |= kEventFocusLost;
  running_ = false;
  recenter_times_.clear();
  if (instance_too) {
    client_.DestroyInstance();
  } else {
    client_.DestroySession();
  }
  last_try_ns_ = clock_();
}

RawSample Device::Poll() {
  RawSample sample;
  sample.id = next_id_++;
  sample.monotonic_ns = clock_();
  events_ = 0;

  // look for a lost headset once a second
  if (!client_.has_session() && !exited_ && sample.monotonic_ns - last_try_ns_ >= kRetryNs) {
    last_try_ns_ = sample.monotonic_ns;
    try {
      Connect();
    } catch (const XrFailure& failure) {
      // the headset may still come back to this instance; from anything else start afresh
      if (failure.result != XR_ERROR_FORM_FACTOR_UNAVAILABLE) client_.DestroyInstance();
    } catch (const Error&) {
      client_.DestroyInstance();  // a runtime that cannot serve us took its place
    }
  }

  try {
    if (client_.has_session()) PumpEvents();
    if (client_.has_session()) Read(sample);
  } catch (const XrFailure& failure) {
    Lose(failure.result == XR_ERROR_INSTANCE_LOST);
  }

  // without a session there is nothing but the time, by the offset measured last
  if (!client_.has_session()) {
    RawSample lost;
    lost.id = sample.id;
    lost.monotonic_ns = sample.monotonic_ns;
    lost.device_time_ns = sample.monotonic_ns + info_.device_minus_monotonic_ns;
    sample = lost;
  }
  sample.events = events_;
  return sample;
}

void Device::PumpEvents() {
  while (client_.has_session()) {
    XrEventDataBuffer event{XR_TYPE_EVENT_DATA_BUFFER};
    if (Check(xrPollEvent(client_.instance(), &event), "xrPollEvent") != XR_SUCCESS) return;
    switch (event.type) {
      case XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED: {
        const auto& change = reinterpret_cast<const XrEventDataSessionStateChanged&>(event);
        if (change.session == client_.session()) OnState(change.state);
        break;
      }
      case XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING: {
        // other spaces than ours may move as they like
        const auto& change = reinterpret_cast<const XrEventDataReferenceSpaceChangePending&>(event);
        if (change.session == client_.session() &&
            change.referenceSpaceType == client_.space_type()) {
          recenter_times_.push_back(change.changeTime);
        }
        break;
      }
      case XR_TYPE_EVENT_DATA_INTERACTION_PROFILE_CHANGED: {
        // runtimes send it more often than the profile changes
        const std::string profile = client_.CurrentProfile();
        if (profile != info_.profile) events_ |= kEventProfileChanged;
        info_.profile = profile;
        info_.buttons = ButtonsOf(profile);
        break;
      }
      case XR_TYPE_EVENT_DATA_INSTANCE_LOSS_PENDING:
        Lose(true);
        break;
      default:
        break;
    }
  }
}

void Device::OnState(XrSessionState state) {
  // duplicates are harmless: every step checks what was done already
  switch (state) {
    case XR_SESSION_STATE_READY: {
      if (running_) break;
      const XrSessionBeginInfo begin{XR_TYPE_SESSION_BEGIN_INFO, nullptr,
                                     XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO};
      Check(xrBeginSession(client_.session(), &begin), "xrBeginSession");
      running_ = true;
      break;
    }
    case XR_SESSION_STATE_STOPPING:
      if (!running_) break;
      running_ = false;
      Check(xrEndSession(client_.session()), "xrEndSession");
      break;
    case XR_SESSION_STATE_EXITING:
      // the wearer ended the session: do not reconnect
      events_ |= kEventExit;
      exited_ = true;
      client_.DestroySession();
      break;
    case XR_SESSION_STATE_LOSS_PENDING:
      Lose(false);
      return;
    default:
      break;
  }
  const bool focused = state == XR_SESSION_STATE_FOCUSED;
  if (focused != focused_) events_ |= focused ? kEventFocusGained : kEventFocusLost;
  focused_ = focused;
}

void Device::Read(RawSample& sample) {
  sample.device_time_ns = client_.ToXrTime(sample.monotonic_ns);
  info_.device_minus_monotonic_ns = sample.device_time_ns - sample.monotonic_ns;
  if (!running_) return;

  // the first sample in the moved frame says so
  const auto due = std::partition(recenter_times_.begin(), recenter_times_.end(),
                                  [&](XrTime time) { return time > sample.device_time_ns; });
  if (due != recenter_times_.end()) events_ |= kEventRecentered;
  recenter_times_.erase(due, recenter_times_.end());

  const bool input = Sync();
  ReadHead(sample);
  for (int hand = 0; hand < 2 && input; ++hand) {
    ReadHand(hand, sample.device_time_ns, sample.hands[hand]);
  }
}

// Whether there is input to read.
bool Device::Sync() {
  const XrActiveActionSet active{client_.action_set(), XR_NULL_PATH};
  const XrActionsSyncInfo sync{XR_TYPE_ACTIONS_SYNC_INFO, nullptr, 1, &active};
  const XrResult result = Check(xrSyncActions(client_.session(), &sync), "xrSyncActions");
  if (result == XR_SESSION_LOSS_PENDING) throw XrFailure{XR_ERROR_SESSION_LOST, "xrSyncActions"};
  return focused_ && result == XR_SUCCESS;
}

void Device::ReadHead(RawSample& sample) const {
  XrSpaceLocation location{XR_TYPE_SPACE_LOCATION};
  Check(xrLocateSpace(client_.head(), client_.base(), sample.device_time_ns, &location),
        "xrLocateSpace");
  sample.head_tracking = UsableFlags(location);
  sample.X_THead = ToPose(location.pose, sample.head_tracking);
}

void Device::ReadHand(int hand, XrTime time, RawHand& out) {
  const XrActionStateGetInfo query = Query(kGripAction, hand);
  XrActionStatePose pose_state{XR_TYPE_ACTION_STATE_POSE};
  Check(xrGetActionStatePose(client_.session(), &query, &pose_state), "xrGetActionStatePose");
  out.active = pose_state.isActive == XR_TRUE;
  if (!out.active) {
    toggle_down_[hand] = false;
    return;
  }

  // where the hand is and how it moves
  XrSpaceVelocity velocity{XR_TYPE_SPACE_VELOCITY};
  XrSpaceLocation location{XR_TYPE_SPACE_LOCATION, &velocity};
  Check(xrLocateSpace(client_.grip(hand), client_.base(), time, &location), "xrLocateSpace");
  out.tracking = UsableFlags(location);
  out.X_TH = ToPose(location.pose, out.tracking);
  constexpr XrSpaceVelocityFlags kBoth =
      XR_SPACE_VELOCITY_LINEAR_VALID_BIT | XR_SPACE_VELOCITY_ANGULAR_VALID_BIT;
  out.velocity_valid = (velocity.velocityFlags & kBoth) == kBoth &&
                       IsFinite(velocity.linearVelocity) && IsFinite(velocity.angularVelocity);
  if (out.velocity_valid) {
    out.v_TH = ToEigen(velocity.linearVelocity);
    out.w_TH = ToEigen(velocity.angularVelocity);
  }
  XrSpaceLocation aim{XR_TYPE_SPACE_LOCATION};
  Check(xrLocateSpace(client_.aim(hand), client_.base(), time, &aim), "xrLocateSpace");
  out.X_TA = ToPose(aim.pose, UsableFlags(aim));

  // what the fingers do
  ReadFloat(kSqueezeAction, hand, out.squeeze);
  if (!ReadFloat(kTriggerAction, hand, out.trigger)) {
    const bool down = IsPressed(kToggleAction, hand);
    if (down && !toggle_down_[hand]) closed_[hand] = !closed_[hand];
    toggle_down_[hand] = down;
    out.trigger = closed_[hand] ? 1.0f : 0.0f;
  }
  const XrActionStateGetInfo stick_query = Query(kStickAction, hand);
  XrActionStateVector2f stick{XR_TYPE_ACTION_STATE_VECTOR2F};
  Check(xrGetActionStateVector2f(client_.session(), &stick_query, &stick),
        "xrGetActionStateVector2f");
  if (stick.isActive) {
    out.stick_x = Clamped(stick.currentState.x, -1);
    out.stick_y = Clamped(stick.currentState.y, -1);
  }
  for (const ActionId id :
       {kStartAction, kDiscardAction, kResetAction, kStopAction, kAgainAction}) {
    if (IsPressed(id, hand)) out.buttons |= kActionSpecs[id].button;
  }
}

bool Device::IsPressed(ActionId action, int hand) const {
  const XrActionStateGetInfo query = Query(action, hand);
  XrActionStateBoolean state{XR_TYPE_ACTION_STATE_BOOLEAN};
  Check(xrGetActionStateBoolean(client_.session(), &query, &state), "xrGetActionStateBoolean");
  return state.isActive && state.currentState;
}

bool Device::ReadFloat(ActionId action, int hand, float& value) const {
  const XrActionStateGetInfo query = Query(action, hand);
  XrActionStateFloat state{XR_TYPE_ACTION_STATE_FLOAT};
  Check(xrGetActionStateFloat(client_.session(), &query, &state), "xrGetActionStateFloat");
  if (!state.isActive) return false;
  value = Clamped(state.currentState, 0);
  return true;
}

void Device::Haptic(int hand, float amplitude, double seconds) {
  if (!client_.has_session() || !focused_ || hand < 0 || hand > 1) return;
  const XrHapticActionInfo info{XR_TYPE_HAPTIC_ACTION_INFO, nullptr, client_.action(kHapticAction),
                                client_.hand_path(hand)};
  // a haptic pulse that fails does not stop the session; the next Poll reports a lost device
  const float strength = Clamped(amplitude, 0);
  if (strength == 0) {
    xrStopHapticFeedback(client_.session(), &info);
    return;
  }
  const double clamped = std::isfinite(seconds) ? std::clamp(seconds, 0.0, 10.0) : 0.0;
  XrHapticVibration vibration{XR_TYPE_HAPTIC_VIBRATION};
  vibration.duration =
      clamped > 0 ? static_cast<XrDuration>(clamped * 1e9) : XR_MIN_HAPTIC_DURATION;
  vibration.frequency = XR_FREQUENCY_UNSPECIFIED;
  vibration.amplitude = strength;
  xrApplyHapticFeedback(client_.session(), &info,
                        reinterpret_cast<const XrHapticBaseHeader*>(&vibration));
}

}  // namespace

std::unique_ptr<TeleopDevice> OpenXrDevice::Open(const OpenXrOptions& options) {
  QuietLoader();
  return std::make_unique<Device>(options);
}

}  // namespace understudy
