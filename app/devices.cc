#include "app/devices.h"

#include <filesystem>
#include <set>

#include "core/base/error.h"
#include "teleop/operator/scripted_person.h"
#include "teleop/takeover.h"
#include "teleop/webxr/browser_device.h"
#ifdef WITH_OPENXR
#include "teleop/openxr/openxr_device.h"
#include "teleop/virtual_headset/virtual_headset.h"
#endif

namespace understudy {

#ifdef WITH_OPENXR

namespace {

namespace fs = std::filesystem;

// Where the virtual headset's manifest lies: beside the program, installed, or in the build.
fs::path VirtualHeadsetFolder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path& folder : {program / "virtual_headset", program / ".." / "lib" / "understudy",
                                 fs::path(UNDERSTUDY_BINARY_DIR) / "virtual_headset"}) {
    if (fs::exists(folder / "understudy_virtual_headset.json")) return folder;
  }
  ThrowFailed(
      "the virtual headset's manifest understudy_virtual_headset.json was not found beside "
      "the program: build the target understudy_virtual_headset");
}

uint32_t VirtualButtons(uint32_t buttons, int hand) {
  // A and B are the right controller's, X and Y the left's
  uint32_t pressed = 0;
  if (hand == 1 && (buttons & kButtonStart)) pressed |= UNDERSTUDY_VH_A;
  if (hand == 1 && (buttons & kButtonDiscard)) pressed |= UNDERSTUDY_VH_B;
  if (hand == 0 && (buttons & kButtonReset)) pressed |= UNDERSTUDY_VH_X;
  if (hand == 0 && (buttons & kButtonStop)) pressed |= UNDERSTUDY_VH_Y;
  return pressed;
}

VirtualHand ToVirtualHand(const HandTarget& target, uint32_t buttons, int hand) {
  VirtualHand state;
  state.X_RH = target.X_TH;
  state.v_RH = target.v_TH;
  state.w_RH = target.w_TH;
  state.trigger = static_cast<float>(target.trigger);
  state.squeeze = static_cast<float>(target.squeeze);
  state.buttons = VirtualButtons(buttons, hand);
  return state;
}

}  // namespace

struct VirtualOperator::Impl {
  Impl(const Twin& twin, const RetargetOptions& retarget, std::optional<double> patience,
       Progress& progress)
      : task(twin.task),
        info(twin.info),
        spec(LoadOperatorSpec(task)),
        written(ToJson(spec)),
        hands(HandsOfArms(retarget, info.arms.size())),
        skill{TrackingInWorld(retarget.placement).rotation(), retarget.clutch.scale, {}} {
    std::set<int> leading;
    for (const OperatorSpec& led : HandsOf(spec)) {
      if (leading.insert(hands[static_cast<size_t>(led.arm)]).second) continue;
      ThrowUsage("teleop: hands: the operator leads two arms, each needs a hand of its own");
    }
    for (const int hand : hands) skill.scale_of_arm.push_back(ScaleOf(retarget, hand));
    headset = VirtualHeadset::Load(VirtualHeadsetFolder());
    headset->SetHead({});
    OpenXrOptions xr;
    xr.clock = [this] { return headset->NowNs(); };
    xr.progress = &progress;
    device = OpenXrDevice::Open(xr);
    // a new operator for every attempt, who moves the hands while the clock stands still
    pacer.emplace(VirtualPacer::Hooks{
        .now_ns = [this] { return headset->NowNs(); },
        .advance_ns = [this](int64_t ns) { headset->AdvanceNs(ns); },
        .begin =
            [this, patience](const RngKey& key, const Observation&) {
              Begin(key);
              if (!patience) return;
              gate.emplace(*patience);
              person.reset();
              Rest();
            },
        .move =
            [this](const Observation& observation, int64_t at_ns) {
              if (!person) {
                if (!gate->Stalled(observation)) return;
                Begin(key_of_attempt);
                person->TakeOver(observation);
              }
              Move(observation, at_ns);
            },
        .account = [this](const Observation& seen) { return person ? person->Account(seen) : ""; },
    });
  }

  void Begin(const RngKey& key) {
    key_of_attempt = key;
    person = std::make_unique<ScriptedPerson>(spec, task, info, key.WithTerm("operator"), skill);
  }

  void Move(const Observation& observation, int64_t at_ns) {
    const std::vector<ScriptedPerson::Led> led = person->Move(observation, at_ns);
    uint32_t buttons = 0;  // start and discard are buttons of the right hand
    for (const auto& [arm, target] : led) buttons |= target.buttons;
    for (const auto& [arm, target] : led) {
      const int hand = hands[static_cast<size_t>(arm)];
      headset->SetHand(hand, ToVirtualHand(target, buttons, hand));
    }
  }

  // Open hands where they are comfortable.
  void Rest() {
    for (const OperatorSpec& led : HandsOf(spec)) {
      const int hand = hands[static_cast<size_t>(led.arm)];
      headset->SetHand(hand, ToVirtualHand({.X_TH = led.body.X_TH_comfort}, 0, hand));
    }
  }

  const TaskSpec task;
  const SimulatorInfo info;
  const OperatorSpec spec;
  const Json written;
  const std::vector<int> hands;  // of the arms
  OperatorSkill skill;
  std::unique_ptr<VirtualHeadset> headset;
  std::unique_ptr<TeleopDevice> device;
  std::optional<VirtualPacer> pacer;
  std::optional<StallGate> gate;  // of a takeover
  RngKey key_of_attempt;
  std::unique_ptr<ScriptedPerson> person;
};

VirtualOperator::VirtualOperator(const Twin& twin, const RetargetOptions& retarget,
                                 std::optional<double> patience, Progress& progress)
    : impl_(std::make_unique<Impl>(twin, retarget, patience, progress)) {}
TeleopDevice& VirtualOperator::device() { return *impl_->device; }
Pacer& VirtualOperator::pacer() { return *impl_->pacer; }
const Json& VirtualOperator::spec() const { return impl_->written; }

#else

namespace {

[[noreturn]] void WithoutOpenXr() {
  ThrowUsage(
      "this program was built without OpenXR, which recording needs: run `make setup`, then "
      "configure with -DWITH_OPENXR=ON and build again");
}

}  // namespace

struct VirtualOperator::Impl {};
VirtualOperator::VirtualOperator(const Twin&, const RetargetOptions&, std::optional<double>,
                                 Progress&) {
  WithoutOpenXr();
}
TeleopDevice& VirtualOperator::device() { WithoutOpenXr(); }
Pacer& VirtualOperator::pacer() { WithoutOpenXr(); }
const Json& VirtualOperator::spec() const { WithoutOpenXr(); }

#endif  // WITH_OPENXR

VirtualOperator::~VirtualOperator() = default;

std::unique_ptr<TeleopDevice> OpenDevice(DeviceKind kind, BrowserLink* link, double wait_s,
                                         Progress& progress) {
  if (IsPage(kind)) {
    Require(link != nullptr, "a page has a link");
    return std::make_unique<BrowserDevice>(
        *link, BrowserDeviceOptions{.kind = kind == DeviceKind::kWebXr ? BrowserDeviceKind::kHeadset
                                                                       : BrowserDeviceKind::kPage,
                                    .wait_s = wait_s,
                                    .progress = &progress});
  }
#ifdef WITH_OPENXR
  OpenXrOptions xr;
  xr.wait_for_headset_s = wait_s;
  xr.progress = &progress;
  return OpenXrDevice::Open(xr);
#else
  WithoutOpenXr();
#endif
}

}  // namespace understudy
