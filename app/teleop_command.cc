// teleop: a device, a pacer and a simulator put together.
#include <fmt/format.h>

#include <optional>

#include "app/commands.h"
#include "app/devices.h"
#include "app/twin.h"
#include "app/watch.h"
#include "data/store/files.h"
#include "teleop/command.h"
#include "teleop/session_plan.h"
#include "teleop/webxr/page_buttons.h"

namespace understudy {

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
    v("device", device, kDeviceKinds);
    v("wait_for_headset_s", wait_for_headset_s,
      "s to wait for a headset to be put on, or for a page", Limits{0, 86400});
    watch.Visit(v);
    teleop.Visit(v);
  }
};

// What must be the same, besides the options, for a session to go on.
Json MadeWith(const Twin& twin) { return {{"robot_spec", DescribeRobot(twin.robot)}}; }

TeleopReport RecordVirtually(const TeleopOptions& options, const Twin& twin, Progress& progress) {
  VirtualOperator person(twin, options.record.retarget, {}, progress);
  Announcer nobody(nullptr, nullptr);
  Json made_with = MadeWith(twin);
  made_with["operator"] = person.spec();
  return RunTeleop(options, twin.task, *twin.simulators(), *twin.simulators(), person.device(),
                   person.pacer(), progress, nobody, made_with);
}

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
    const std::unique_ptr<BrowserLink> watched =
        WatchStage(flags_.watch, "scripted operator", &twin, progress_);
    return RecordVirtually(part.options, twin, progress_);
  }

  bool ByPage() const { return IsPage(flags_.device); }

  void Open(const Twin& twin) {
    if (link_ != nullptr) {
      link_->ChangeScene(twin.views);
    } else if (ByPage() || flags_.watch.watch) {
      link_ = OpenLivePage(twin, flags_.watch, progress_);
    }
    if (device_ == nullptr) {
      device_ = OpenDevice(flags_.device, link_.get(), flags_.wait_for_headset_s, progress_);
    }
  }

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
