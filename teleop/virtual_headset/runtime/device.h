#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <utility>

#include "teleop/virtual_headset/control.h"
#include "teleop/virtual_headset/runtime/geometry.h"

namespace understudy::vh {

// Everything that the wearer does at one instant.
struct WearerState {
  UnderstudyVhTracked head;
  std::array<UnderstudyVhHand, 2> hands;
};

// The hardware: clock, bodies and their recent past, faults, haptics, origins of the reference
// spaces. Knows nothing of instances and sessions, so it outlives them. Times are of the headset's
// clock, not XrTime. Not thread-safe: the runtime's lock guards it.
class Device {
 public:
  Device() { Reset({1, 1'000'000'000'000, -123'456'789'012, 7}); }
  void Reset(const UnderstudyVhConfig& config);

  int64_t NowNs() const;
  XrTime ToXrTime(int64_t clock_ns) const { return clock_ns + config_.xr_minus_clock_ns; }
  int64_t ToClock(XrTime time) const { return time - config_.xr_minus_clock_ns; }
  // Whether an application may ask about this time; the bound keeps arithmetic from overflowing.
  static bool IsTime(XrTime time) { return time > 0 && time < 4'000'000'000'000'000'000; }
  XrTime XrNow() const { return ToXrTime(NowNs()); }
  bool Advance(int64_t ns);
  bool virtual_clock() const { return config_.virtual_clock != 0; }
  uint32_t extensions() const { return config_.extensions; }

  void SetHead(const UnderstudyVhTracked& head);
  void SetHand(int hand, const UnderstudyVhHand& state);
  // What the sensors said at `clock_ns`: the newest state set by then, and the oldest kept for
  // times before that. The past of 0.25 s is kept (OpenXR asks for 0.05 s); nothing is predicted.
  const WearerState& At(int64_t clock_ns) const;
  void Stall(int64_t ns);

  // Origin of a reference space in the room, at `clock_ns`.
  Transform Origin(XrReferenceSpaceType type, int64_t clock_ns) const;
  // From `clock_ns` on, the origin of LOCAL and LOCAL_FLOOR (and STAGE) is moved by X_old_new.
  void Recenter(const Transform& X_old_new, bool stage, int64_t clock_ns);

  std::array<UnderstudyVhFault, 3> faults{};
  std::array<UnderstudyVhHaptics, 2> haptics{};
  bool connected = true;  // a headset is there
  bool service = true;    // the runtime's service runs

 private:
  void Keep();

  UnderstudyVhConfig config_{};
  int64_t virtual_ns_ = 0;
  int64_t stalled_until_ns_ = 0;
  WearerState newest_{};
  std::deque<std::pair<int64_t, WearerState>> past_;  // never empty, oldest first
  // of LOCAL_FLOOR and of STAGE: since when it lies where in the room
  std::array<std::deque<std::pair<int64_t, Transform>>, 2> origins_;
};

}  // namespace understudy::vh
