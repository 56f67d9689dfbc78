// drive: a policy moves a robot.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "app/commands.h"
#include "app/evaluated_twin.h"
#include "app/models.h"
#include "app/robot_link.h"
#include "app/serve_command.h"
#include "app/shipped.h"
#include "app/twin.h"
#include "app/watch.h"
#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/base/version.h"
#include "data/store/files.h"
#include "serve/drive/drive_trial.h"
#include "serve/drive/inference.h"
#include "train/command.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

struct DriveFlags {
  std::vector<std::string> checkpoints;
  std::string embodiment;
  std::string task, robot;
  PolicyServerFlags server;
  std::string link = "sim";
  std::string variant = "D0";
  uint64_t seed = 1;
  int64_t trials = 1;
  double seconds = 0;
  std::string dead_man = "auto";
  double dead_man_grace = 0.7;
  std::vector<std::string> causes;
  bool shadow = false;
  DriveOptions drive;
  std::string log, out;
  WatchFlags watch;
  template <class V>
  void Visit(V& v) {
    v("checkpoints", checkpoints,
      "run, checkpoint or pretrained_model folder; several are tried in an order that is not said; "
      "empty: the one that ships for the task");
    v("embodiment", embodiment,
      "of a checkpoint that was trained on several; empty: the one that "
      "fits");
    v("task", task, "listed task or path of a task.yaml; empty: that of the checkpoint");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml; empty: that of the checkpoint");
    server.Visit(v);
    v("link", link,
      "how the robot is reached: sim, its twin here; tcp://HOST:PORT, `understudy simulate` or a "
      "driver of yours; a YAML file of an arm with Feetech servos or of a robot on ROS 2; a "
      "dataset, whose first episode is played");
    v("variant", variant, "reset distribution of sim");
    v("seed", seed, "of starts in sim, of the policy's noise and of the order of checkpoints");
    v("trials", trials, "of each checkpoint", Limits{1, 1e6});
    v("seconds", seconds, "s of motion before a trial ends; 0: the task's horizon",
      Limits{0, 86400});
    v("dead_man", dead_man,
      "the robot moves only while it is held: terminal, the space bar; /dev/input/event…, any key "
      "of a pedal, button or keyboard; none; auto: none where nobody can be hurt, else terminal");
    v("dead_man_grace", dead_man_grace,
      "s without a repeat of the key that count as letting go, of terminal", Limits{0.05, 5});
    v("causes", causes, "of failures, which the keys 1 to 9 say");
    v("shadow", shadow, "compute and record, send nothing");
    drive.Visit(v);
    v("log", log, "folder for a dataset of each trial, written as it goes on", kOutput);
    v("out", out, "report to write", kOutput);
    watch.Visit(v);
  }
};

// A policy that is tried, and how its trials went.
struct Tried {
  std::string name;  // as the user calls it
  std::unique_ptr<Policy> policy;
  RobotCamerasFactory cameras;  // empty: it sees nothing
  std::vector<Json> rows;
  int64_t successes = 0, judged = 0;  // of trials of which it is known how they went
};

std::vector<Tried> OpenPolicies(const DriveFlags& flags, const SimulatorInfo& info,
                                Progress& progress) {
  std::vector<Tried> policies;
  if (!flags.server.policy_server.empty()) {
    if (!flags.checkpoints.empty()) {
      ThrowUsage("drive: checkpoints, or --policy-server: one of them");
    }
    policies.push_back({flags.server.policy_server, PolicyOfServer(flags.server, info), {}, {}});
  }
  for (const std::string& checkpoint : flags.checkpoints) {
    EvalCommandOptions options;
    options.checkpoint = checkpoint;
    options.embodiment = flags.embodiment;
    policies.push_back({checkpoint, MakePolicy(options, info, Models(), progress), {}, {}});
  }
  for (const Tried& tried : policies) {
    RequireFit(tried.name, tried.policy->info(), info);
  }
  return policies;
}

std::unique_ptr<DriveInput> OpenInput(const DriveFlags& flags, const RobotLink& link,
                                      Progress& progress) {
  std::string wanted = flags.dead_man;
  if (wanted == "auto") wanted = link.harmless || flags.shadow ? "none" : "terminal";
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (wanted == "none" && !link.harmless && !flags.shadow) {
    progress.Message("nobody has to hold on for this robot to move: --dead-man none");
  }
  if (wanted == "none" && !terminal) return std::make_unique<AlwaysHeld>();
  if (wanted == "none") return OpenTerminalInput(STDIN_FILENO, flags.dead_man_grace, true);
  if (wanted == "terminal") return OpenTerminalInput(STDIN_FILENO, flags.dead_man_grace);
  std::unique_ptr<DriveInput> keys;
  if (terminal) keys = OpenTerminalInput(STDIN_FILENO, flags.dead_man_grace);
  return OpenEventInput(wanted, std::move(keys));
}

// Which policy each trial is of: every one in each round, in an order of its own.
std::vector<size_t> Order(size_t policies, int64_t rounds, uint64_t seed) {
  std::vector<size_t> order;
  for (int64_t round = 0; round < rounds; ++round) {
    std::vector<size_t> next(policies);
    for (size_t i = 0; i < policies; ++i) next[i] = i;
    Rng rng(RngKey{seed}.WithStage("drive.order").WithParent(static_cast<uint64_t>(round)));
    for (size_t i = policies; i > 1; --i) {
      std::swap(next[i - 1], next[static_cast<size_t>(rng.UniformInt(0, static_cast<int>(i) - 1))]);
    }
    order.insert(order.end(), next.begin(), next.end());
  }
  return order;
}

class Session {
 public:
  Session(const DriveFlags& flags, const Twin& twin, CommandContext& context)
      : flags_(flags), twin_(twin), progress_(*context.progress) {}

  Json Run(std::vector<Tried> policies, RobotLink link) {
    policies_ = std::move(policies);
    link_ = std::move(link);
    const SimulatorInfo& info = link_.robot->info();
    input_ = OpenInput(flags_, link_, progress_);
    if (flags_.watch.watch) page_ = OpenLivePage(twin_, flags_.watch, progress_);
    if (!flags_.log.empty()) fs::create_directories(flags_.log);
    seconds_ = flags_.seconds > 0 ? flags_.seconds : twin_.task.horizon / info.control_hz;
    if (link_.played) {
      seconds_ = std::min(seconds_, static_cast<double>(link_.played->length()) / info.control_hz);
    }
    const std::vector<size_t> order = Order(policies_.size(), flags_.trials, flags_.seed);
    bool quit = false;
    std::string problem;
    for (size_t trial = 0; trial < order.size() && !quit && problem.empty(); ++trial) {
      try {
        quit = RunTrial(static_cast<int64_t>(trial), order.size(), policies_[order[trial]]) ||
               InterruptRequested();
      } catch (const Error& error) {
        problem = error.what();
      }
    }
    ClearInterrupt();
    Json report = Report(quit || !problem.empty());
    if (problem.empty()) return report;
    const bool kept = !flags_.out.empty();
    ThrowFailed(problem + (kept ? "; " + flags_.out + " has the trials before" : ""));
  }

 private:
  // Says whether the session ends with it.
  bool RunTrial(int64_t trial, size_t of, Tried& tried) {
    const Policy& policy = *tried.policy;
    const PolicyInfo& info = policy.info();
    // policies share starts, each round has its own
    const auto round = static_cast<int64_t>(tried.rows.size());
    const RngKey key = EvaluationKey(flags_.seed, round);
    Inference inference(policy, link_.robot->info().instruction, link_.robot->info(), tried.cameras,
                        flags_.drive.picture_age);
    DriveControl control(*link_.robot, info.horizon, info.execute, info.max_delay, flags_.drive);
    const fs::path file = flags_.log.empty()
                              ? fs::path()
                              : fs::path(flags_.log) / fmt::format("trial_{:04}.h5", trial);
    EpisodeMeta meta = MetaOfTrial(key, info);
    std::unique_ptr<DriveLog> log;
    if (!file.empty()) log = std::make_unique<DriveLog>(file, Header(info), meta);
    SystemDriveClock clock;
    if (!input_->always_held()) {
      progress_.Message(
          fmt::format("trial {} of {}: hold on to let the robot move", trial + 1, of));
    }
    input_->Poll();  // keys of before
    DriveOutcome outcome =
        RunDriveTrial({*link_.robot, inference, *input_, clock, log.get(), Shown()}, control,
                      flags_.drive, seconds_, flags_.shadow, key);
    const bool asks = !link_.simulated && !flags_.shadow && input_->has_keys();
    if (asks && !outcome.marked && !outcome.quit) AskMark(&outcome);
    if (outcome.cause_key > 0) outcome.cause = CauseOf(outcome.cause_key);
    // a simulated robot knows of success, so that a trial to its end is a failure
    const bool judged = outcome.marked || (link_.simulated && !flags_.shadow && !outcome.quit &&
                                           outcome.moving_steps > 0);
    meta.success = outcome.success;
    meta.cause = outcome.cause;
    if (log) log->Finish(meta, key, outcome.end.state, outcome.end.observation);
    Json row = outcome.ToJson();
    row["trial"] = trial;
    row["start"] = round;
    if (!file.empty()) row["file"] = file.string();
    if (link_.played) row["mean_distance_m"] = link_.played->mean_distance();
    row["judged"] = judged;
    tried.judged += judged;
    tried.successes += judged && outcome.success;
    tried.rows.push_back(row);
    progress_.Message(fmt::format("trial {} of {}: {}", trial + 1, of, Words(outcome)));
    return outcome.quit;
  }

  static std::string Words(const DriveOutcome& outcome) {
    if (outcome.success) return "success";
    return outcome.cause.empty() ? "ended" : outcome.cause;
  }

  // A person says how it went.
  void AskMark(DriveOutcome* outcome) {
    progress_.Message("did it succeed? y or n" + CausesInWords());
    while (!InterruptRequested()) {
      const DriveKeys keys = input_->Poll();
      outcome->quit = outcome->quit || keys.quit;
      if (keys.mark != 0) outcome->Mark(keys);
      if (keys.mark != 0 || keys.quit) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    outcome->quit = true;
  }

  std::string CausesInWords() const {
    std::string text;
    for (size_t i = 0; i < flags_.causes.size() && i < 9; ++i) {
      text += fmt::format("; {}: {}", i + 1, flags_.causes[i]);
    }
    return text;
  }
  std::string CauseOf(int key) const {
    const auto place = static_cast<size_t>(std::max(0, key - 1));
    return key > 0 && place < flags_.causes.size() ? flags_.causes[place] : "marked as a failure";
  }

  std::function<void(const RobotReading&, const Action&)> Shown() {
    if (!page_ || !link_.simulated) return {};
    return [this, frame = LiveFrame{}](const RobotReading& reading, const Action& command) mutable {
      ShowStep(*page_, reading.state, reading.observation, command, &frame);
    };
  }

  EpisodeMeta MetaOfTrial(const RngKey& key, const PolicyInfo& policy) const {
    EpisodeMeta meta = MetaOf(link_.robot->info(), flags_.variant, key);
    meta.settings = {{"policy", policy.name},
                     {"weights", policy.hash},
                     {"link", flags_.link},
                     {"drive", ResultOptions(flags_.drive)}};
    meta.program_version = ProgramVersion();
    return meta;
  }

  DatasetHeader Header(const PolicyInfo& policy) const {
    DatasetHeader header;
    header.simulator = link_.robot->info();
    header.stage = "drive";
    header.task = ToJson(twin_.task);
    header.settings = {{"policy", policy.name}, {"weights", policy.hash}};
    if (link_.simulated) {
      const std::unique_ptr<Simulator> simulator = twin_.simulators();
      header.model_text = simulator->ModelText();
      header.scene_files = simulator->SceneFiles();
    }
    SetRobotSpec(CarriedRobot(twin_.robot), header);
    return header;
  }

  Json Report(bool quit) const {
    Json result{{"robot", link_.robot->info().robot},
                {"task", twin_.task.name},
                {"link", flags_.link},
                {"shadow", flags_.shadow},
                {"seed", flags_.seed},
                {"seconds", seconds_},
                {"interrupted", quit},
                {"program_version", ProgramVersion()},
                {"options", ToJson(flags_.drive)},
                {"policies", Json::array()}};
    for (const Tried& tried : policies_) {
      const Interval interval = WilsonInterval(tried.successes, tried.judged);
      Json causes = Json::object();
      for (const Json& row : tried.rows) {
        if (row["success"].get<bool>()) continue;
        const std::string cause = row["cause"];
        causes[cause] = causes.value(cause, 0) + 1;
      }
      result["policies"].push_back({{"checkpoint", tried.name},
                                    {"policy", tried.policy->info().name},
                                    {"hash", tried.policy->info().hash},
                                    {"trials", tried.rows.size()},
                                    {"judged", tried.judged},
                                    {"successes", tried.successes},
                                    {"interval", {interval.low, interval.high}},
                                    {"causes", causes},
                                    {"rows", tried.rows}});
    }
    if (policies_.size() == 2) result["paired"] = Paired(policies_[0], policies_[1]);
    if (!flags_.out.empty()) WriteTextAtomically(flags_.out, result.dump(2) + "\n");
    return result;
  }

  // Trials of one round are a pair: their starts are the same in simulation, and as alike as the
  // person makes them elsewhere.
  static Json Paired(const Tried& a, const Tried& b) {
    int64_t only_a = 0, only_b = 0, n = 0;
    const size_t pairs = std::min(a.rows.size(), b.rows.size());
    for (size_t i = 0; i < pairs; ++i) {
      if (!a.rows[i]["judged"].get<bool>() || !b.rows[i]["judged"].get<bool>()) continue;
      ++n;
      const bool in_a = a.rows[i]["success"], in_b = b.rows[i]["success"];
      only_a += in_a && !in_b;
      only_b += in_b && !in_a;
    }
    const Interval interval = PairedDifferenceInterval(only_a, only_b, n);
    return {{"pairs", n},
            {"only_first", only_a},
            {"only_second", only_b},
            {"difference",
             static_cast<double>(only_a - only_b) / static_cast<double>(std::max<int64_t>(1, n))},
            {"interval", {interval.low, interval.high}},
            {"p_value", McNemarExact(only_a, only_b)}};
  }

  const DriveFlags& flags_;
  const Twin& twin_;
  Progress& progress_;
  std::vector<Tried> policies_;
  RobotLink link_;
  std::unique_ptr<DriveInput> input_;
  std::unique_ptr<BrowserLink> page_;
  double seconds_ = 0;
};

// Throws Error where the JSON is no report that `understudy drive --out` writes.
void ReadDriven(const Json& report) {
  for (const char* key : {"link", "shadow", "policies"}) {
    if (!report.is_object() || !report.contains(key)) ThrowBadInput("no report");
  }
}

Json Drive(DriveFlags flags, CommandContext& context) {
  OlderReport(flags.out, "out", "report of `understudy drive`", ReadDriven);
  if (flags.checkpoints.empty() && flags.server.policy_server.empty()) {
    if (flags.task.empty()) ThrowUsage("drive needs a checkpoint, --policy-server or --task");
    flags.checkpoints = {ShippedCheckpoint(LoadSpecs(flags.task).task.name)};
    context.progress->Message("driving with the checkpoint that ships: " +
                              flags.checkpoints.front());
  }
  EvalCommandOptions first;
  first.embodiment = flags.embodiment;
  if (!flags.checkpoints.empty()) first.checkpoint = flags.checkpoints.front();
  const Twin twin = TwinOfEvaluation(first, flags.task, flags.robot);
  std::vector<Tried> policies = OpenPolicies(flags, twin.info, *context.progress);
  RobotLink link = OpenRobotLink(flags.link, twin, flags.variant);
  if (flags.watch.watch && !link.simulated)
    ThrowUsage("watch: shows simulated robots (--link sim)");
  for (Tried& tried : policies) {
    const PolicyInfo& info = tried.policy->info();
    if (!info.cameras.empty()) tried.cameras = link.cameras(info);
  }
  if (!flags.out.empty() && !context.plan) TryToWrite(flags.out, "out");
  if (context.plan) {
    return {{"robot", twin.info.robot},
            {"link", flags.link},
            {"trials", flags.trials * static_cast<int64_t>(policies.size())}};
  }
  return Session(flags, twin, context).Run(std::move(policies), std::move(link));
}

std::string DescribeDrive(const Json& result) {
  if (!result.contains("policies")) {
    return fmt::format("{} trials on {} ({})\n", result["trials"].dump(),
                       result["robot"].get<std::string>(), result["link"].get<std::string>());
  }
  std::string text;
  for (const Json& policy : result["policies"]) {
    const int64_t trials = policy["trials"], judged = policy["judged"];
    text += policy["checkpoint"].get<std::string>() + ": ";
    if (judged > 0) {
      text += fmt::format(
          "{} of {} trials succeeded [{:.1f} %, {:.1f} %]\n", policy["successes"].dump(), judged,
          100 * policy["interval"][0].get<double>(), 100 * policy["interval"][1].get<double>());
    }
    if (judged < trials) {
      text += fmt::format("{}{} trials of which it is not known how they went\n",
                          judged > 0 ? "  " : "", trials - judged);
    }
    for (const auto& [cause, count] : policy["causes"].items()) {
      text += fmt::format("  {}: {}\n", cause.empty() ? "not marked" : cause, count.dump());
    }
    int64_t steps = 0, late = 0, slowed = 0, delay = 0;
    double answer = 0, begun = 0;
    for (const Json& row : policy["rows"]) {
      steps += row["steps"].get<int64_t>();
      late += row["late_steps"].get<int64_t>();
      delay = std::max(delay, row["most_delay_steps"].get<int64_t>());
      for (const auto& [name, count] : row["guarded"].items()) slowed += count.get<int64_t>();
      answer = std::max(answer, row["answer"]["p99_ms"].get<double>());
      begun = std::max(begun, row["begun_late"]["p99_ms"].get<double>());
    }
    text += fmt::format(
        "  {} control steps, {} begun late (worst p99 of a trial {:.2f} ms); chunks came after at "
        "most {} steps (p99 {:.0f} ms); {} commands limited\n",
        steps, late, begun, delay, answer, slowed);
  }
  if (result.contains("paired")) {
    const Json& paired = result["paired"];
    text += fmt::format(
        "difference, first less second: {:+.1f} points [{:+.1f}, {:+.1f}], p = {:.3f}, {} pairs\n",
        100 * paired["difference"].get<double>(), 100 * paired["interval"][0].get<double>(),
        100 * paired["interval"][1].get<double>(), paired["p_value"].get<double>(),
        paired["pairs"].dump());
  }
  return text;
}

}  // namespace

Command DriveCommand() {
  Command command = MakeCommand<DriveFlags>(
      "drive", "move a robot by a policy, within its limits, while a person allows it", Drive,
      DescribeDrive);
  command.positional = {"checkpoints"};
  return command;
}

}  // namespace understudy
