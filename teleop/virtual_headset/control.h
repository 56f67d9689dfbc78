#pragma once

// The control side of the virtual headset: a C interface, exported by the runtime's shared library
// beside xrNegotiateLoaderRuntimeInterface, for whoever plays the wearer (a scripted operator, a
// test). C++ code uses `VirtualHeadset` of virtual_headset.h, which wraps it.
//
// Everything is in the room frame R: y up, metres, seconds, quaternions w x y z. STAGE, LOCAL_FLOOR
// and (1.6 m higher) LOCAL coincide with R until a recenter moves them. There is one headset per
// process. Functions may be called from any thread. Those that return int32_t give 1 on success
// and 0 where the call makes no sense now (no session to lose, a real clock to advance).

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNDERSTUDY_VH_API __attribute__((visibility("default")))
#define UNDERSTUDY_VH_ABI 1

// Bodies.
enum { UNDERSTUDY_VH_LEFT = 0, UNDERSTUDY_VH_RIGHT = 1, UNDERSTUDY_VH_HEAD = 2 };

// Buttons of a controller; x and y are the left hand's a and b on an Index controller.
enum {
  UNDERSTUDY_VH_A = 1 << 0,
  UNDERSTUDY_VH_B = 1 << 1,
  UNDERSTUDY_VH_X = 1 << 2,
  UNDERSTUDY_VH_Y = 1 << 3,
  UNDERSTUDY_VH_MENU = 1 << 4,
  UNDERSTUDY_VH_STICK = 1 << 5,
  UNDERSTUDY_VH_SYSTEM = 1 << 6
};

// Extensions that the runtime offers.
enum {
  UNDERSTUDY_VH_HEADLESS = 1 << 0,
  UNDERSTUDY_VH_TIMESPEC = 1 << 1,
  UNDERSTUDY_VH_LOCAL_FLOOR = 1 << 2
};

// Ways to spoil a pose without touching its flags.
enum {
  UNDERSTUDY_VH_NAN_POSITION = 1 << 0,
  UNDERSTUDY_VH_NAN_ORIENTATION = 1 << 1,
  UNDERSTUDY_VH_ZERO_ORIENTATION = 1 << 2,
  UNDERSTUDY_VH_NON_UNIT_ORIENTATION = 1 << 3,  // 1.7 times as long
  UNDERSTUDY_VH_NAN_VELOCITY = 1 << 4
};

typedef struct UnderstudyVhPose {
  double p[3];
  double q[4];  // w x y z
} UnderstudyVhPose;

typedef struct UnderstudyVhTracked {
  UnderstudyVhPose pose;
  double linear_velocity[3];   // m/s, of the body's origin, in R
  double angular_velocity[3];  // rad/s, in R
  uint32_t location_flags;     // XrSpaceLocationFlags
  uint32_t velocity_flags;     // XrSpaceVelocityFlags
} UnderstudyVhTracked;

typedef struct UnderstudyVhHand {
  UnderstudyVhTracked grip;
  UnderstudyVhPose aim;    // shares the grip's flags and motion
  int32_t active;          // 0: controller switched off
  float trigger, squeeze;  // [0, 1]
  float stick_x, stick_y;  // [-1, 1]
  uint32_t buttons;
} UnderstudyVhHand;

typedef struct UnderstudyVhFault {
  uint32_t cleared_flags;  // location flags that are down whatever the body's state says
  uint32_t spoiled;        // ways to spoil its pose
  int32_t off;             // controller off (hands only)
} UnderstudyVhFault;

typedef struct UnderstudyVhConfig {
  int32_t virtual_clock;      // 1: time moves by understudy_vh_advance_ns alone; 0: CLOCK_MONOTONIC
  int64_t start_ns;           // first reading of the virtual clock, above 0
  int64_t xr_minus_clock_ns;  // XrTime = clock + this
  uint32_t extensions;
} UnderstudyVhConfig;

typedef struct UnderstudyVhHaptics {
  int64_t pulses, stops;  // calls so far
  int64_t applied_ns;     // clock at the last pulse
  int64_t duration_ns;    // of the last pulse; -1 shortest possible
  float amplitude, frequency;
  int32_t vibrating;  // now
} UnderstudyVhHaptics;

UNDERSTUDY_VH_API int32_t understudy_vh_abi(void);
// Puts everything back to the start, faults included. 0 while an application has an instance.
UNDERSTUDY_VH_API int32_t understudy_vh_reset(const UnderstudyVhConfig* config);

UNDERSTUDY_VH_API int64_t understudy_vh_now_ns(void);
UNDERSTUDY_VH_API int32_t understudy_vh_advance_ns(int64_t ns);

UNDERSTUDY_VH_API void understudy_vh_set_head(const UnderstudyVhTracked* head);
UNDERSTUDY_VH_API int32_t understudy_vh_set_hand(int32_t hand, const UnderstudyVhHand* state);
UNDERSTUDY_VH_API int32_t understudy_vh_get_haptics(int32_t hand, UnderstudyVhHaptics* haptics);
// XrSessionState of the application's session, 0 without one.
UNDERSTUDY_VH_API int32_t understudy_vh_session_state(void);

// Faults.
UNDERSTUDY_VH_API int32_t understudy_vh_set_fault(int32_t body, const UnderstudyVhFault* fault);
// For `ns` from now on the application sees the bodies and inputs as they are now.
UNDERSTUDY_VH_API void understudy_vh_stall(int64_t ns);
UNDERSTUDY_VH_API int32_t understudy_vh_set_focus(int32_t focused);
// Moves the origin of LOCAL and LOCAL_FLOOR (of STAGE as well where `stage`) by X_old_new, in
// `delay_ns` from now; the event is sent at once.
UNDERSTUDY_VH_API int32_t understudy_vh_recenter(const UnderstudyVhPose* X_old_new, int32_t stage,
                                                 int32_t pose_valid, int64_t delay_ns);
UNDERSTUDY_VH_API int32_t understudy_vh_request_exit(void);
// `warn` 1: LOSS_PENDING is announced and calls still work; 0: calls give SESSION_LOST.
UNDERSTUDY_VH_API int32_t understudy_vh_lose_session(int32_t warn);
// `warn` 1: only INSTANCE_LOSS_PENDING is announced; 0: every call gives INSTANCE_LOST.
UNDERSTUDY_VH_API int32_t understudy_vh_lose_instance(int32_t warn);
UNDERSTUDY_VH_API void understudy_vh_set_headset_connected(int32_t connected);
UNDERSTUDY_VH_API void understudy_vh_set_service_running(int32_t running);
// Every event from now on is sent `copies` times.
UNDERSTUDY_VH_API int32_t understudy_vh_set_event_copies(int32_t copies);
// "/interaction_profiles/oculus/touch_controller", …: what the wearer holds.
UNDERSTUDY_VH_API int32_t understudy_vh_set_profile(const char* profile);

#ifdef __cplusplus
}
#endif
