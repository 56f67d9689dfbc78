#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "teleop/openxr/bindings.h"
#include "teleop/openxr/openxr_options.h"
#include "teleop/openxr/xr_call.h"

namespace understudy {

// Everything that the recorder holds of OpenXR: an instance with its actions, and below it a
// session with its spaces. Either may be gone; each level is made again on its own. Calls that fail
// throw XrFailure; what no retry can mend throws Error(kFailed).
class XrClient {
 public:
  explicit XrClient(TrackingSpace space) : wanted_space_(space) {}
  ~XrClient() { DestroyInstance(); }
  XrClient(const XrClient&) = delete;
  XrClient& operator=(const XrClient&) = delete;

  void CreateInstance();  // with actions and suggested bindings
  void CreateSession();   // throws XrFailure FORM_FACTOR_UNAVAILABLE while no headset is there
  void DestroySession();
  void DestroyInstance();
  bool has_instance() const { return instance_ != XR_NULL_HANDLE; }
  bool has_session() const { return session_ != XR_NULL_HANDLE; }

  XrInstance instance() const { return instance_; }
  XrSession session() const { return session_; }
  XrReferenceSpaceType space_type() const { return space_type_; }
  XrSpace base() const { return base_; }
  XrSpace head() const { return head_; }
  XrSpace grip(int hand) const { return grip_[hand]; }
  XrSpace aim(int hand) const { return aim_[hand]; }
  XrActionSet action_set() const { return action_set_; }
  XrAction action(ActionId id) const { return actions_[id]; }
  XrPath hand_path(int hand) const { return hand_path_[hand]; }
  const std::string& runtime_name() const { return runtime_name_; }
  const std::string& runtime_version() const { return runtime_version_; }

  XrTime ToXrTime(int64_t monotonic_ns) const;
  // Interaction profile of the right hand, or of the left where the right has none.
  std::string CurrentProfile() const;

 private:
  XrPath Path(const std::string& text) const;
  void CreateActions();
  void SuggestBindings();
  XrSpace CreateReferenceSpace(XrReferenceSpaceType type) const;

  TrackingSpace wanted_space_;
  std::set<std::string> extensions_;  // enabled
  std::string runtime_name_, runtime_version_;
  PFN_xrConvertTimespecTimeToTimeKHR to_xr_time_ = nullptr;
  XrInstance instance_ = XR_NULL_HANDLE;
  XrActionSet action_set_ = XR_NULL_HANDLE;
  std::array<XrAction, kActionCount> actions_{};
  std::array<XrPath, 2> hand_path_{};
  XrSession session_ = XR_NULL_HANDLE;
  XrReferenceSpaceType space_type_{};
  XrSpace base_ = XR_NULL_HANDLE, head_ = XR_NULL_HANDLE;
  std::array<XrSpace, 2> grip_{}, aim_{};
};

}  // namespace understudy
