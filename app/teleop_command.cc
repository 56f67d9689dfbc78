// teleop: a device, a pacer and a simulator put together.
#include <fmt/format.h>

#include <cstdlib>
#include <set>

#include "app/commands.h"
#include "app/twin.h"
#include "app/watch.h"
#include "data/store/files.h"
#include "teleop/command.h"
#include "teleop/operator/scripted_person.h"
#include "teleop/webxr/browser_device.h"
#ifdef WITH_OPENXR
#include "teleop/openxr/openxr_device.h"
#include "teleop/virtual_headset/virtual_headset.h"
#endif

namespace understudy {

enum class DeviceKind { kVirtual, kOpenXr, kWebXr, kPage };
template <>
struct EnumNames<DeviceKind> {
  static constexpr std::array kNames{"virtual", "openxr", "webxr", "page"};
};

namespace {

namespace fs = std::filesystem;

struct TeleopFlags {
  std::string task = "stack", robot;
  DeviceKind device = DeviceKind::kVirtual;
  double wait_for_headset_s = 60;
  WatchFlags watch;
  TeleopOptions teleop;
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml");
    v("robot", robot, "listed robot, robot+gripper, or path of a robot.yaml; empty: the task's");
    v("device", device,
      "virtual: our virtual headset, moved by the task's scripted operator; "
      "openxr: the headset of the active OpenXR runtime; webxr: a headset's browser; page: mouse "
      "and keys in a browser");
    v("wait_for_headset_s", wait_for_headset_s,
      "s to wait for a headset to be put on, or for a page", Limits{0, 86400});
    watch.Visit(v);
    teleop.Visit(v);
  }
};

#ifdef WITH_OPENXR

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

TeleopReport RecordVirtually(const TeleopFlags& flags, const Twin& twin, Simulator& simulator,
                             Progress& progress) {
  const OperatorSpec spec = LoadOperatorSpec(twin.task);
  const RetargetOptions& retarget = flags.teleop.record.retarget;
  const std::vector<int> hands = HandsOfArms(retarget, twin.info.arms.size());
  std::set<int> leading;
  for (const OperatorSpec& led : HandsOf(spec)) {
    if (leading.insert(hands[static_cast<size_t>(led.arm)]).second) continue;
    ThrowUsage("teleop: hands: the operator leads two arms, each needs a hand of its own");
  }
  const OperatorSkill skill{TrackingInWorld(retarget.placement).rotation(), retarget.clutch.scale};

  const std::unique_ptr<VirtualHeadset> headset = VirtualHeadset::Load(VirtualHeadsetFolder());
  headset->SetHead({});
  OpenXrOptions xr;
  xr.clock = [&] { return headset->NowNs(); };
  xr.progress = &progress;
  const std::unique_ptr<TeleopDevice> device = OpenXrDevice::Open(xr);

  // a new operator for every attempt, who moves the hands while the clock stands still
  std::unique_ptr<ScriptedPerson> person;
  VirtualPacer pacer({
      .now_ns = [&] { return headset->NowNs(); },
      .advance_ns = [&](int64_t ns) { headset->AdvanceNs(ns); },
      .begin =
          [&](const RngKey& key, const Observation&) {
            person = std::make_unique<ScriptedPerson>(spec, twin.task, twin.info,
                                                      key.WithTerm("operator"), skill);
          },
      .move =
          [&](const Observation& observation, int64_t at_ns) {
            const std::vector<ScriptedPerson::Led> led = person->Move(observation, at_ns);
            uint32_t buttons = 0;  // start and discard are buttons of the right hand
            for (const auto& [arm, target] : led) buttons |= target.buttons;
            for (const auto& [arm, target] : led) {
              const int hand = hands[static_cast<size_t>(arm)];
              headset->SetHand(hand, ToVirtualHand(target, buttons, hand));
            }
          },
      .account = [&](const Observation& seen) { return person->Account(seen); },
  });
  Announcer nobody(nullptr, nullptr);
  return RunTeleop(flags.teleop, twin.task, simulator, *device, pacer, progress, nobody,
                   {{"robot_spec", DescribeRobot(twin.robot)}, {"operator", ToJson(spec)}});
}

#endif  // WITH_OPENXR

// A person at a page, or in a headset whose browser shows it.
TeleopReport RecordByPage(const TeleopFlags& flags, const Twin& twin, Progress& progress) {
  const std::unique_ptr<BrowserLink> link = OpenLivePage(twin, flags.watch, progress);
  const BrowserDeviceKind kind =
      flags.device == DeviceKind::kWebXr ? BrowserDeviceKind::kHeadset : BrowserDeviceKind::kPage;
  BrowserDevice device(*link,
                       {.kind = kind, .wait_s = flags.wait_for_headset_s, .progress = &progress});
  RealPacer pacer;
  Announcer announcer(link.get(), &progress);
  return RunTeleop(flags.teleop, twin.task, *twin.simulators(), device, pacer, progress, announcer,
                   {{"robot_spec", DescribeRobot(twin.robot)}});
}

TeleopReport RecordWith(const TeleopFlags& flags, Progress& progress) {
  CheckTeleopOutput(flags.teleop);
  Twin twin = LoadTwin(flags.task, flags.robot);
  if (flags.device == DeviceKind::kPage || flags.device == DeviceKind::kWebXr) {
    return RecordByPage(flags, twin, progress);
  }
#ifdef WITH_OPENXR
  if (flags.device == DeviceKind::kVirtual) {
    const std::unique_ptr<BrowserLink> watched =
        WatchStage(flags.watch, "scripted operator", &twin, progress);
    return RecordVirtually(flags, twin, *twin.simulators(), progress);
  }
  OpenXrOptions xr;
  xr.wait_for_headset_s = flags.wait_for_headset_s;
  xr.progress = &progress;
  const std::unique_ptr<TeleopDevice> device = OpenXrDevice::Open(xr);
  const std::unique_ptr<BrowserLink> link =
      flags.watch.watch ? OpenLivePage(twin, flags.watch, progress) : nullptr;
  RealPacer pacer;
  Announcer announcer(link.get(), &progress);
  return RunTeleop(flags.teleop, twin.task, *twin.simulators(), *device, pacer, progress, announcer,
                   {{"robot_spec", DescribeRobot(twin.robot)}});
#else
  ThrowUsage(
      "this program was built without OpenXR, which recording needs: run `make setup`, then "
      "configure with -DWITH_OPENXR=ON and build again");
#endif
}

// What a session would take, in counts; the same checks as before a session.
Json PlanTeleop(const TeleopFlags& flags) {
  const TaskSpecs specs = LoadSpecs(flags.task, flags.robot);
  VariantOf(specs.task, flags.teleop.variant);
  const TeleopOptions& teleop = flags.teleop;
  if (!teleop.out.empty()) CheckOutput(teleop.out, teleop.overwrite);
  const int most = teleop.max_attempts > 0 ? teleop.max_attempts : 10 + 5 * teleop.demos;
  return {{"task", specs.task.name},
          {"robot", specs.task.robot},
          {"variant", teleop.variant},
          {"device", ToJson(flags.device)},
          {"demos", teleop.demos},
          {"attempts_at_most", most},
          {"seconds_per_attempt_at_most", teleop.record.max_seconds},
          {"out", teleop.out}};
}

std::string DescribeTeleop(const Json& result) {
  const double recorded = result["recorded_s"].get<double>(), wall = result["wall_s"].get<double>();
  std::string text = fmt::format(
      "{}: {} demonstrations; this session {} attempts, {:.1f} s of demonstrations in {:.1f} s, "
      "worst replay error {:g}\n",
      result["out"].get<std::string>(), result["demonstrations"].dump(), result["attempts"].size(),
      recorded, wall, result["worst_replay_error"].get<double>());
  for (const Json& attempt : result["attempts"]) {
    if (attempt["success"].get<bool>()) continue;
    text += fmt::format("  attempt {} failed: {}\n", attempt["attempt"].dump(),
                        attempt["cause"].get<std::string>());
  }
  for (const Json& line : result["salvaged"])
    text += "  salvaged: " + line.get<std::string>() + "\n";
  if (!result["complete"].get<bool>()) {
    text += "stopped early: " + result["stopped"].get<std::string>() + "; run again to resume\n";
  }
  return text;
}

}  // namespace

Command TeleopCommand() {
  return MakeCommand<TeleopFlags>(
      "teleop", "record demonstrations with a headset, or with the virtual one",
      [](const TeleopFlags& flags, CommandContext& context) -> Json {
        if (context.plan) return PlanTeleop(flags);
        Json result = ToJson(RecordWith(flags, *context.progress));
        result["failed"] = !result["complete"].get<bool>();
        return result;
      },
      DescribeTeleop);
}

}  // namespace understudy
