#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/geometry/pose.h"
#include "teleop/virtual_headset/control.h"

namespace understudy {

// What the wearer does with the head. Poses in the room frame R (y up); R is the tracking space T
// of the application until a recenter.
struct VirtualHead {
  Pose X_RHead = Pose::FromTranslation({0, 1.6, 0});
  Eigen::Vector3d v_RHead = Eigen::Vector3d::Zero();  // m/s
  Eigen::Vector3d w_RHead = Eigen::Vector3d::Zero();  // rad/s
  uint32_t location_flags = 15;                       // XrSpaceLocationFlags
  bool velocity_valid = true;
};

// What the wearer does with one controller.
struct VirtualHand {
  bool active = true;                              // controller switched on
  Pose X_RH;                                       // grip pose
  Pose X_HA;                                       // aim pose in the grip frame
  Eigen::Vector3d v_RH = Eigen::Vector3d::Zero();  // m/s
  Eigen::Vector3d w_RH = Eigen::Vector3d::Zero();  // rad/s
  uint32_t location_flags = 15;                    // XrSpaceLocationFlags
  bool velocity_valid = true;
  float trigger = 0, squeeze = 0;  // [0, 1]
  float stick_x = 0, stick_y = 0;  // [-1, 1]
  uint32_t buttons = 0;            // UNDERSTUDY_VH_A, …
};

struct VirtualHeadsetOptions {
  bool virtual_clock = true;                     // false: CLOCK_MONOTONIC
  int64_t start_ns = 1'000'000'000'000;          // first reading of the virtual clock
  int64_t xr_minus_clock_ns = -123'456'789'012;  // no runtime's XrTime is CLOCK_MONOTONIC
  uint32_t extensions = UNDERSTUDY_VH_HEADLESS | UNDERSTUDY_VH_TIMESPEC | UNDERSTUDY_VH_LOCAL_FLOOR;
};

// The wearer's side of our own OpenXR runtime: moves head and hands, turns the virtual clock, and
// plays faults. One per process, as there is one headset. Any thread. The shared library stays
// loaded until the process ends, so applications may outlive this object.
class VirtualHeadset {
 public:
  // Makes the runtime in `folder` (understudy_virtual_headset.json and its library) the active one
  // of this process by setting XR_RUNTIME_JSON; call it before any OpenXR call and before other
  // threads read the environment. Throws Error(kFailed) where files are missing or an application
  // still has an OpenXR instance.
  static std::unique_ptr<VirtualHeadset> Load(const std::filesystem::path& folder,
                                              const VirtualHeadsetOptions& options = {});
  ~VirtualHeadset();

  void SetHead(const VirtualHead& head);
  void SetHand(int hand, const VirtualHand& state);  // 0 left, 1 right
  void AdvanceNs(int64_t ns);                        // requires the virtual clock and ns >= 0
  int64_t NowNs() const;
  UnderstudyVhHaptics haptics(int hand) const;
  int session_state() const;  // XrSessionState, 0 without a session

  // Back to the start, faults included; throws Error(kFailed) while an application has an instance.
  void Reset(const VirtualHeadsetOptions& options = {});

  // Faults: see control.h. Those that return bool say whether there was something to act on.
  void SetFault(int body, const UnderstudyVhFault& fault);
  void Stall(int64_t ns);
  bool SetFocus(bool focused);
  bool Recenter(const Pose& X_old_new, bool stage = false, bool pose_valid = true,
                int64_t delay_ns = 0);
  bool RequestExit();
  bool LoseSession(bool warn);
  bool LoseInstance(bool warn);
  void SetHeadsetConnected(bool connected);
  void SetServiceRunning(bool running);
  void SetEventCopies(int copies);
  void SetProfile(const std::string& profile);  // throws Error(kUsage) where unknown

 private:
  struct Functions;
  explicit VirtualHeadset(std::unique_ptr<Functions> functions);
  std::unique_ptr<Functions> functions_;
};

}  // namespace understudy
