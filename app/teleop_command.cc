// teleop: a device, a pacer and a simulator put together.
#include <fmt/format.h>

#include <optional>
#include <set>

#include "app/commands.h"
#include "app/twin.h"
#include "app/watch.h"
#include "data/store/files.h"
#include "teleop/command.h"
#include "teleop/operator/scripted_person.h"
#include "teleop/session_plan.h"
#include "teleop/webxr/browser_device.h"
#include "teleop/webxr/page_buttons.h"
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
  std::string task = "stack", robot, session;
  DeviceKind device = DeviceKind::kVirtual;
  double wait_for_headset_s = 60;
  WatchFlags watch;
  TeleopOptions teleop;
  static constexpr std::array kUnwritten{"session"};
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml");
    v("robot", robot, "listed robot, robot+gripper, or path of a robot.yaml; empty: the task's");
    v("session", session,
      "file that names tasks, instructions and counts (docs/teleop.md); OUT is then a folder, with "
      "a file of every operator and station for every task");
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

// What must be the same, besides the options, for a session to go on.
Json MadeWith(const Twin& twin) { return {{"robot_spec", DescribeRobot(twin.robot)}}; }

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

TeleopReport RecordVirtually(const TeleopOptions& options, const Twin& twin, Progress& progress) {
  const OperatorSpec spec = LoadOperatorSpec(twin.task);
  const RetargetOptions& retarget = options.record.retarget;
  const std::vector<int> hands = HandsOfArms(retarget, twin.info.arms.size());
  std::set<int> leading;
  for (const OperatorSpec& led : HandsOf(spec)) {
    if (leading.insert(hands[static_cast<size_t>(led.arm)]).second) continue;
    ThrowUsage("teleop: hands: the operator leads two arms, each needs a hand of its own");
  }
  OperatorSkill skill{TrackingInWorld(retarget.placement).rotation(), retarget.clutch.scale, {}};
  for (const int hand : hands) skill.scale_of_arm.push_back(ScaleOf(retarget, hand));

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
  Json made_with = MadeWith(twin);
  made_with["operator"] = ToJson(spec);
  return RunTeleop(options, twin.task, *twin.simulators(), *twin.simulators(), *device, pacer,
                   progress, nobody, made_with);
}

#endif  // WITH_OPENXR

// One task of a session.
struct Part {
  std::string name;
  TaskSpecs specs;
  TeleopOptions options;
};

std::vector<Part> PartsOf(const TeleopFlags& flags) {
  if (flags.session.empty()) {
    Part part{flags.task, LoadSpecs(flags.task, flags.robot), flags.teleop};
    VariantOf(part.specs.task, part.options.variant);
    return {std::move(part)};
  }
  if (flags.teleop.out.empty()) ThrowUsage("teleop: --out: name the folder to record into");
  const SessionPlan plan = LoadSessionPlan(flags.session);
  std::vector<Part> parts;
  for (const PlannedTask& planned : plan.tasks) {
    Part part{FolderName(planned), LoadSpecs(planned.task, planned.robot),
              OptionsOf(plan, planned, flags.teleop)};
    VariantOf(part.specs.task, planned.variant);
    if (!planned.instruction.empty()) part.specs.task.instruction = planned.instruction;
    part.options.covered = RecordedByOthers(part.options);
    parts.push_back(std::move(part));
  }
  return parts;
}

// Who moves the arm, through all tasks of a session: opened when the first is recorded.
class Operator {
 public:
  Operator(const TeleopFlags& flags, Progress& progress) : flags_(flags), progress_(progress) {}

  TeleopReport Record(const Part& part) {
    const Twin twin = LoadTwin(part.specs);
    if (flags_.device == DeviceKind::kVirtual) return RecordByScript(part, twin);
    // a session that has all its demonstrations is finished without a device
    const std::unique_ptr<Simulator> simulator = twin.simulators(), checker = twin.simulators();
    const bool finished =
        CheckTeleop(part.options, twin.task, *simulator, MadeWith(twin)) >= part.options.demos;
    if (!finished) Open(twin);
    Unused unused;
    TeleopDevice& device = finished ? static_cast<TeleopDevice&>(unused) : *device_;
    // whoever stands beside an operator with a headset has buttons too
    std::optional<PageButtons> beside;
    if (!finished && link_ != nullptr && !ByPage()) beside.emplace(device, *link_);
    RealPacer pacer;
    Announcer announcer(link_.get(), &progress_);
    return RunTeleop(part.options, twin.task, *simulator, *checker,
                     beside ? static_cast<TeleopDevice&>(*beside) : device, pacer, progress_,
                     announcer, MadeWith(twin));
  }

 private:
  // Where nothing is left to record.
  class Unused final : public TeleopDevice {
   public:
    const DeviceInfo& info() const override { return info_; }
    RawSample Poll() override { return {}; }
    int64_t NowNs() const override { return 0; }
    void Haptic(int, float, double) override {}

   private:
    DeviceInfo info_;
  };

  TeleopReport RecordByScript(const Part& part, Twin twin) {
#ifdef WITH_OPENXR
    const std::unique_ptr<BrowserLink> watched =
        WatchStage(flags_.watch, "scripted operator", &twin, progress_);
    return RecordVirtually(part.options, twin, progress_);
#else
    (void)part, (void)twin;
    WithoutOpenXr();
#endif
  }

  bool ByPage() const {
    return flags_.device == DeviceKind::kPage || flags_.device == DeviceKind::kWebXr;
  }

  void Open(const Twin& twin) {
    const bool by_page = ByPage();
    if (link_ != nullptr) {
      link_->ChangeScene(twin.views);
    } else if (by_page || flags_.watch.watch) {
      link_ = OpenLivePage(twin, flags_.watch, progress_);
    }
    if (device_ != nullptr) return;
    if (by_page) {
      device_ = std::make_unique<BrowserDevice>(
          *link_, BrowserDeviceOptions{.kind = flags_.device == DeviceKind::kWebXr
                                                   ? BrowserDeviceKind::kHeadset
                                                   : BrowserDeviceKind::kPage,
                                       .wait_s = flags_.wait_for_headset_s,
                                       .progress = &progress_});
      return;
    }
#ifdef WITH_OPENXR
    OpenXrOptions xr;
    xr.wait_for_headset_s = flags_.wait_for_headset_s;
    xr.progress = &progress_;
    device_ = OpenXrDevice::Open(xr);
#else
    WithoutOpenXr();
#endif
  }

#ifndef WITH_OPENXR
  [[noreturn]] static void WithoutOpenXr() {
    ThrowUsage(
        "this program was built without OpenXR, which recording needs: run `make setup`, then "
        "configure with -DWITH_OPENXR=ON and build again");
  }
#endif

  const TeleopFlags& flags_;
  Progress& progress_;
  std::unique_ptr<BrowserLink> link_;
  std::unique_ptr<TeleopDevice> device_;
};

// The tasks of a plan, one after the other, until the operator ends the session. Those that were
// recorded before are passed over, unless more are wanted.
Json RecordSession(const std::vector<Part>& parts, const TeleopFlags& flags, Progress& progress) {
  Operator person(flags, progress);
  Json tasks = Json::array();
  bool complete = true;
  for (const Part& part : parts) {
    if (!complete) break;
    Json task{{"name", part.name}};
    if (fs::exists(part.options.out) && !part.options.append && !part.options.overwrite) {
      progress.Message(fmt::format("{}: is recorded ({}); --append adds {} more", part.name,
                                   part.options.out, part.options.demos));
      task["recorded_before"] = true;
    } else {
      task.update(ToJson(person.Record(part)));
      complete = task["complete"].get<bool>();
    }
    tasks.push_back(std::move(task));
  }
  return {{"session", flags.session}, {"tasks", tasks}, {"complete", complete}};
}

Json RecordWith(const TeleopFlags& flags, Progress& progress) {
  const std::vector<Part> parts = PartsOf(flags);
  if (!flags.session.empty()) return RecordSession(parts, flags, progress);
  CheckTeleopOutput(flags.teleop);
  return ToJson(Operator(flags, progress).Record(parts.front()));
}

// What a session would take, in counts; the same checks as before a session.
Json PlanOf(const Part& part) {
  const TeleopOptions& options = part.options;
  const int most = options.max_attempts > 0 ? options.max_attempts : 10 + 5 * options.demos;
  return {{"task", part.specs.task.name},
          {"robot", part.specs.task.robot},
          {"variant", options.variant},
          {"demos", options.demos},
          {"attempts_at_most", most},
          {"seconds_per_attempt_at_most", options.record.max_seconds},
          {"out", options.out}};
}

Json PlanTeleop(const TeleopFlags& flags) {
  Json plans = Json::array();
  for (const Part& part : PartsOf(flags)) {
    if (flags.session.empty() && !part.options.out.empty()) CheckTeleopOutput(part.options);
    plans.push_back(PlanOf(part));
  }
  Json plan = flags.session.empty() ? plans.front() : Json{{"tasks", plans}};
  plan["device"] = ToJson(flags.device);
  return plan;
}

std::string DescribeRecording(const Json& result) {
  const double recorded = result["recorded_s"].get<double>(), wall = result["wall_s"].get<double>();
  std::string text = fmt::format(
      "{}: {} demonstrations; this session {} attempts, {:.1f} s of demonstrations in {:.1f} s, "
      "worst replay error {:g}\n",
      result["out"].get<std::string>(), result["demonstrations"].dump(), result["attempts"].size(),
      recorded, wall, result["worst_replay_error"].get<double>());
  if (const int64_t all = result["in_dataset"].get<int64_t>(); all > 0) {
    text += fmt::format("  added to it: it has {} demonstrations now\n", all);
  }
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

std::string DescribeTeleop(const Json& result) {
  if (!result.contains("tasks")) return DescribeRecording(result);
  std::string text;
  for (const Json& task : result["tasks"]) {
    text += task["name"].get<std::string>() + ": " +
            (task.contains("recorded_before") ? "recorded before\n" : DescribeRecording(task));
  }
  return text;
}

// A session of a plan locks the files of its operator alone: others record into the same folder.
std::vector<std::string> WrittenBy(const TeleopFlags& flags) {
  std::vector<std::string> files;
  for (const Part& part : PartsOf(flags)) {
    files.push_back(part.options.out);
    std::error_code none;  // what cannot be made is said where it is written
    fs::create_directories(fs::path(files.back()).parent_path(), none);
  }
  return files;
}

}  // namespace

Command TeleopCommand() {
  Command command = MakeCommand<TeleopFlags>(
      "teleop", "record demonstrations with a headset, or with the virtual one",
      [](const TeleopFlags& flags, CommandContext& context) -> Json {
        if (context.plan) return PlanTeleop(flags);
        Json result = RecordWith(flags, *context.progress);
        result["failed"] = !result["complete"].get<bool>();
        return result;
      },
      DescribeTeleop);
  command.writes = [writes = command.writes](const Json& options) {
    const TeleopFlags flags = FromJson<TeleopFlags>(options, "teleop");
    return flags.session.empty() ? writes(options) : WrittenBy(flags);
  };
  return command;
}

}  // namespace understudy
