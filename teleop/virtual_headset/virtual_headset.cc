#include "teleop/virtual_headset/virtual_headset.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

#include "core/base/error.h"

namespace understudy {

// Every function of the library, by its name in control.h.
struct VirtualHeadset::Functions {
#define UNDERSTUDY_VH_FUNCTIONS(_)                                                                \
  _(abi)                                                                                          \
  _(reset)                                                                                        \
  _(now_ns)                                                                                       \
  _(advance_ns)                                                                                   \
  _(set_head)                                                                                     \
  _(set_hand)                                                                                     \
  _(get_haptics)                                                                                  \
  _(session_state)                                                                                \
  _(set_fault) _(stall) _(set_focus) _(recenter) _(request_exit) _(lose_session) _(lose_instance) \
      _(set_headset_connected) _(set_service_running) _(set_event_copies) _(set_profile)
#define UNDERSTUDY_VH_FIELD(name) decltype(&understudy_vh_##name) name = nullptr;
  UNDERSTUDY_VH_FUNCTIONS(UNDERSTUDY_VH_FIELD)
#undef UNDERSTUDY_VH_FIELD
};

namespace {

template <class F>
void Bind(void* library, const char* name, const std::filesystem::path& file, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr) {
    ThrowFailed(
        fmt::format("virtual headset {}: no function {}; the library is of another "
                    "version: build understudy_virtual_headset again",
                    file.string(), name));
  }
}

UnderstudyVhPose ToC(const Pose& X) {
  const Eigen::Vector3d& p = X.translation();
  const Eigen::Quaterniond& q = X.rotation();
  return {{p.x(), p.y(), p.z()}, {q.w(), q.x(), q.y(), q.z()}};
}

UnderstudyVhTracked ToC(const Pose& X, const Eigen::Vector3d& v, const Eigen::Vector3d& w,
                        uint32_t location_flags, bool velocity_valid) {
  return {ToC(X),
          {v.x(), v.y(), v.z()},
          {w.x(), w.y(), w.z()},
          location_flags,
          velocity_valid ? 3u : 0u};
}

}  // namespace

std::unique_ptr<VirtualHeadset> VirtualHeadset::Load(const std::filesystem::path& folder,
                                                     const VirtualHeadsetOptions& options) {
  const std::filesystem::path manifest =
      std::filesystem::absolute(folder / "understudy_virtual_headset.json");
  const std::filesystem::path file =
      std::filesystem::absolute(folder / "libunderstudy_virtual_headset.so");
  for (const std::filesystem::path& needed : {manifest, file}) {
    if (!std::filesystem::exists(needed)) {
      ThrowFailed(
          fmt::format("virtual headset: {} does not exist; build the target "
                      "understudy_virtual_headset (-DWITH_OPENXR=ON), or name the folder "
                      "that holds it",
                      needed.string()));
    }
  }

  // the loader will map the same file: one state, seen from both sides
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    ThrowFailed(fmt::format("virtual headset {}: cannot be loaded: {}", file.string(), dlerror()));
  }
  auto functions = std::make_unique<Functions>();
#define UNDERSTUDY_VH_BIND(name) Bind(library, "understudy_vh_" #name, file, functions->name);
  UNDERSTUDY_VH_FUNCTIONS(UNDERSTUDY_VH_BIND)
#undef UNDERSTUDY_VH_BIND
  if (functions->abi() != UNDERSTUDY_VH_ABI) {
    ThrowFailed(
        fmt::format("virtual headset {}: has interface {}, this program speaks {}; build "
                    "understudy_virtual_headset again",
                    file.string(), functions->abi(), UNDERSTUDY_VH_ABI));
  }

  setenv("XR_RUNTIME_JSON", manifest.c_str(), 1);
  std::unique_ptr<VirtualHeadset> headset(new VirtualHeadset(std::move(functions)));
  headset->Reset(options);
  return headset;
}

VirtualHeadset::VirtualHeadset(std::unique_ptr<Functions> functions)
    : functions_(std::move(functions)) {}
VirtualHeadset::~VirtualHeadset() = default;

void VirtualHeadset::Reset(const VirtualHeadsetOptions& options) {
  Require(options.start_ns > 0 && options.start_ns + options.xr_minus_clock_ns > 0,
          "virtual headset: clock and XrTime start above 0");
  const UnderstudyVhConfig config{options.virtual_clock, options.start_ns,
                                  options.xr_minus_clock_ns, options.extensions};
  if (!functions_->reset(&config)) {
    ThrowFailed(
        "virtual headset: an application still has an OpenXR instance; close its device "
        "first");
  }
}

void VirtualHeadset::SetHead(const VirtualHead& head) {
  const UnderstudyVhTracked tracked =
      ToC(head.X_RHead, head.v_RHead, head.w_RHead, head.location_flags, head.velocity_valid);
  functions_->set_head(&tracked);
}

void VirtualHeadset::SetHand(int hand, const VirtualHand& state) {
  const UnderstudyVhHand c{
      ToC(state.X_RH, state.v_RH, state.w_RH, state.location_flags, state.velocity_valid),
      ToC(state.X_RH * state.X_HA),
      state.active,
      state.trigger,
      state.squeeze,
      state.stick_x,
      state.stick_y,
      state.buttons};
  Require(functions_->set_hand(hand, &c), "virtual headset: hand is 0 (left) or 1 (right)");
}

void VirtualHeadset::AdvanceNs(int64_t ns) {
  Require(functions_->advance_ns(ns), "virtual headset: only a virtual clock advances, forwards");
}

int64_t VirtualHeadset::NowNs() const { return functions_->now_ns(); }

UnderstudyVhHaptics VirtualHeadset::haptics(int hand) const {
  UnderstudyVhHaptics haptics{};
  Require(functions_->get_haptics(hand, &haptics),
          "virtual headset: hand is 0 (left) or 1 (right)");
  return haptics;
}

int VirtualHeadset::session_state() const { return functions_->session_state(); }

void VirtualHeadset::SetFault(int body, const UnderstudyVhFault& fault) {
  Require(functions_->set_fault(body, &fault), "virtual headset: body is left, right or head");
}

void VirtualHeadset::Stall(int64_t ns) { functions_->stall(ns); }
bool VirtualHeadset::SetFocus(bool focused) { return functions_->set_focus(focused); }

bool VirtualHeadset::Recenter(const Pose& X_old_new, bool stage, bool pose_valid,
                              int64_t delay_ns) {
  const UnderstudyVhPose pose = ToC(X_old_new);
  return functions_->recenter(&pose, stage, pose_valid, delay_ns);
}

bool VirtualHeadset::RequestExit() { return functions_->request_exit(); }
bool VirtualHeadset::LoseSession(bool warn) { return functions_->lose_session(warn); }
bool VirtualHeadset::LoseInstance(bool warn) { return functions_->lose_instance(warn); }

void VirtualHeadset::SetHeadsetConnected(bool connected) {
  functions_->set_headset_connected(connected);
}

void VirtualHeadset::SetServiceRunning(bool running) { functions_->set_service_running(running); }

void VirtualHeadset::SetEventCopies(int copies) {
  Require(functions_->set_event_copies(copies), "virtual headset: events are sent 1 to 8 times");
}

void VirtualHeadset::SetProfile(const std::string& profile) {
  if (functions_->set_profile(profile.c_str())) return;
  ThrowUsage(
      fmt::format("virtual headset: unknown interaction profile '{}'; it plays "
                  "/interaction_profiles/khr/simple_controller, "
                  "/interaction_profiles/oculus/touch_controller and "
                  "/interaction_profiles/valve/index_controller",
                  profile));
}

}  // namespace understudy
