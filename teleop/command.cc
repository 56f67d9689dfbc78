#include "teleop/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>

#include "core/base/hash.h"
#include "core/base/version.h"
#include "core/episode/attempt_end.h"
#include "data/store/edit/merge.h"
#include "data/store/reader.h"
#include "data/store/recorder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// The number in attempt_<n>.h5 and its set-aside forms; -1 for other files.
int64_t AttemptNumber(const fs::path& file) {
  const std::string name = file.filename().string();
  constexpr std::string_view kPrefix = "attempt_";
  if (!name.starts_with(kPrefix)) return -1;
  int64_t number = -1;
  const char* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), number);
  return error == std::errc{} && end != begin && *end == '.' ? number : -1;
}

fs::path AttemptFile(const fs::path& folder, int64_t number) {
  return folder / fmt::format("attempt_{}.h5", number);
}

// What the recordings say of their session.
Json RecordedSettings(const TeleopOptions& options, const Simulator& simulator) {
  return Json{{"task", simulator.info().task},
              {"robot", simulator.info().robot},
              {"model", ContentHash(simulator.ModelText())},
              {"variant", options.variant},
              {"seed", options.seed},
              {"record", ToJson(options.record)}};
}

// What must match for a session to be resumed.
Json SessionSettings(const Json& recorded, const TaskSpec& task, const Simulator& simulator,
                     const Json& made_with) {
  Json settings = recorded;
  settings["task_spec"] = ContentHash(ToJson(task).dump());
  // the model's text names them only
  Hasher files;
  for (const SceneFile& file : simulator.SceneFiles()) {
    files.Add(file.path);
    files.Add(file.hash);
  }
  if (!simulator.SceneFiles().empty()) settings["scene_files"] = files.Hex();
  for (const auto& [what, description] : made_with.items()) {
    settings[what] = ContentHash(description.dump());
  }
  return settings;
}

// The settings of the session in `file` that differ from `settings`; all of them where it cannot be
// read. Older programs wrote fewer.
std::vector<std::string> Differences(const fs::path& file, const Json& settings) {
  Json before;
  try {
    before = LoadJson(file);
  } catch (const Error&) {
  }
  if (!before.is_object()) return {"session.json cannot be read"};
  std::vector<std::string> different;
  for (const auto& [key, value] : before.items()) {
    if (!settings.contains(key) || settings[key] != value) different.push_back(key);
  }
  return different;
}

// Opens the session's folder, new or old. One of other settings is refused, or with `overwrite`
// begun anew.
void OpenSession(const fs::path& folder, const Json& settings, bool overwrite, Progress& progress) {
  const fs::path file = folder / "session.json";
  if (fs::exists(file)) {
    const std::vector<std::string> different = Differences(file, settings);
    if (different.empty()) return;
    const std::string what =
        fmt::format("attempts of a session with other settings ({})", fmt::join(different, ", "));
    if (!overwrite) {
      ThrowBadInput(
          fmt::format("{}: holds {}: start over with --overwrite, or choose another --out",
                      folder.string(), what));
    }
    fs::remove_all(folder);
    progress.Message(fmt::format("{}: held {}: removed", folder.string(), what));
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    ThrowFailed(fmt::format("{}: cannot be made ({}): choose another --out", folder.string(),
                            error.message()));
  }
  WriteTextAtomically(file, settings.dump(2) + "\n");
}

// Result of earlier sessions: files by attempt number, and the next number. An attempt cut short by
// a signal or a kill keeps its file, and its start is used again, so that a resumed session has the
// same starts as one that was not interrupted.
struct Found {
  std::map<int64_t, fs::path> demonstrations, failures;
  int64_t next = 0;
  int64_t ended = 0;  // attempts that ended by themselves: they count, and use up a start
};

bool WasCutShort(const DatasetReader& reader) {
  if (reader.episodes().empty()) return false;
  const auto end = static_cast<size_t>(RecordEnd::kInterrupted);
  return reader.ReadMeta(0).cause == EnumNames<RecordEnd>::kNames.at(end);
}

// How every attempt of the session ended, those of earlier runs included; grows with each one.
class EndsOfAttempts {
 public:
  explicit EndsOfAttempts(const fs::path& folder) : file_(folder / "attempts.json") {
    if (fs::exists(file_)) {
      ends_ = FromJson<std::vector<AttemptEnd>>(LoadJson(file_), file_.string());
    }
  }
  void Add(const RecordOutcome& outcome) {
    ends_.push_back({outcome.attempt, ToJson(outcome.end).get<std::string>(), outcome.success,
                     outcome.cause, outcome.steps});
    WriteTextAtomically(file_, ToJson(ends_).dump() + "\n");
  }
  const fs::path& file() const { return file_; }
  // For the dataset; empty where every attempt is a demonstration in it.
  Json Report() const {
    const bool all =
        std::all_of(ends_.begin(), ends_.end(), [](const AttemptEnd& end) { return end.success; });
    return all ? Json::object() : Json{{"attempts", ToJson(ends_)}};
  }

 private:
  fs::path file_;
  std::vector<AttemptEnd> ends_;
};

Found FindAttempts(const fs::path& folder) {
  Found found;
  std::set<int64_t> cut_short;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const int64_t number = AttemptNumber(entry.path());
    if (number < 0) continue;
    found.next = std::max(found.next, number + 1);
    if (entry.path() != AttemptFile(folder, number)) {
      // recovered by Salvage from a killed writer's file
      if (entry.path().extension() == ".h5") cut_short.insert(number);
      continue;
    }
    const DatasetReader reader(entry.path());
    if (WasCutShort(reader)) cut_short.insert(number);
    const bool success = !reader.episodes().empty() && reader.episodes().front().success;
    (success ? found.demonstrations : found.failures)[number] = entry.path();
  }
  found.ended = found.next - static_cast<int64_t>(cut_short.size());
  return found;
}

}  // namespace

TeleopReport RunTeleop(const TeleopOptions& options, const TaskSpec& task, Simulator& simulator,
                       TeleopDevice& device, Pacer& pacer, Progress& progress, Announcer& announcer,
                       const Json& made_with) {
  if (options.out.empty()) ThrowUsage("teleop: --out: name the dataset to write");
  const fs::path out = options.out;
  if (fs::exists(out) && !options.overwrite) {
    ThrowUsage(fmt::format("{}: exists: choose another --out, or replace it with --overwrite",
                           out.string()));
  }
  if (fs::is_directory(out)) {
    ThrowUsage(fmt::format("{}: is a folder, and a recording is one file: choose another --out",
                           out.string()));
  }
  const SimulatorInfo& info = simulator.info();
  for (const std::string& note : info.notes) progress.Message(note);
  if (std::find(info.variants.begin(), info.variants.end(), options.variant) ==
      info.variants.end()) {
    ThrowUsage("teleop: " + UnknownName("variant", options.variant, info.variants));
  }
  const std::vector<std::string> problems = Validate(options.record.retarget);
  if (!problems.empty()) ThrowUsage(fmt::format("teleop: {}", fmt::join(problems, "; ")));
  const auto begin = std::chrono::steady_clock::now();
  const fs::path folder = out.string() + ".episodes";
  const Json settings = RecordedSettings(options, simulator);
  OpenSession(folder, SessionSettings(settings, task, simulator, made_with), options.overwrite,
              progress);

  // recover what a killed session left
  TeleopReport report;
  report.out = out.string();
  for (const SalvageReport& salvage : Salvage(folder)) {
    report.salvaged.push_back(fmt::format("{}: {} rows: {}", salvage.file.filename().string(),
                                          salvage.rows, salvage.outcome));
    progress.Message(report.salvaged.back());
  }
  Found found = FindAttempts(folder);
  EndsOfAttempts ends(folder);
  report.kept_before = static_cast<int64_t>(found.demonstrations.size());

  RecordPlan plan;
  plan.header.simulator = info;
  plan.header.stage = "teleop";
  plan.header.model_text = simulator.ModelText();
  plan.header.task = ToJson(task);
  plan.header.settings = settings;
  plan.variant = options.variant;
  plan.program_version = ProgramVersion();

  // attempt after attempt
  const int64_t most =
      options.max_attempts > 0 ? options.max_attempts : 10 + 5 * int64_t{options.demos};
  progress.Start("teleop " + info.task, options.demos, "demonstrations");
  const auto done = [&] { return static_cast<int64_t>(found.demonstrations.size()); };
  progress.Advance(done());
  announcer.Describe({{"title", "teleop " + info.task},
                      {"task", info.task},
                      {"instruction", info.instruction},
                      {"placement", ToJson(options.record.retarget.placement)}});
  announcer.Say(moments::DeviceFound(device.info()));
  announcer.Count(done(), options.demos);
  while (done() < options.demos && report.stopped.empty()) {
    if (found.ended >= most) {
      report.stopped = fmt::format(
          "{} attempts gave {} of {} demonstrations: see the causes ({}), or raise max_attempts",
          found.ended, done(), options.demos, ends.file().string());
      break;
    }
    const int64_t number = found.next++;
    plan.file = AttemptFile(folder, number);
    plan.key = RngKey{.seed = options.seed}.WithStage("teleop").WithParent(
        static_cast<uint64_t>(found.ended));
    RecordOutcome outcome = Record(device, simulator, task, pacer, plan, options.record, announcer);
    outcome.attempt = number;
    ends.Add(outcome);
    found.ended += outcome.end != RecordEnd::kInterrupted;
    // one that ended before its first row leaves nothing to keep
    if (outcome.end == RecordEnd::kInterrupted && !outcome.kept) {
      fs::remove(plan.file.string() + ".rejected");
    }
    if (outcome.kept) (outcome.success ? found.demonstrations : found.failures)[number] = plan.file;
    if (outcome.success) {
      report.recorded_s += outcome.quality.value("seconds", 0.0);
      report.worst_replay_error =
          std::max(report.worst_replay_error, outcome.quality.value("replay_worst_error", 0.0));
    }
    // a lost device may come back: the next attempt waits for it
    switch (outcome.end) {
      case RecordEnd::kStopped:
        report.stopped = "stopped by the operator";
        break;
      case RecordEnd::kInterrupted:
        report.stopped = "interrupted";
        break;
      case RecordEnd::kNotStarted:
        report.stopped = fmt::format("nobody pressed start within {} s", options.record.max_wait);
        break;
      default:
        break;
    }
    announcer.Count(done(), options.demos);
    if (outcome.success) {
      announcer.Say(moments::Saved());
    } else if (outcome.end != RecordEnd::kReset) {
      announcer.Say(moments::Discarded(outcome.cause));
    }
    progress.Advance(done(), fmt::format("attempt {}: {}", number,
                                         outcome.success ? "demonstration" : outcome.cause));
    report.attempts.push_back(std::move(outcome));
  }
  report.demonstrations = done();

  // merge the files into one dataset, in order of attempts
  if (done() >= options.demos) {
    std::map<int64_t, fs::path> chosen = found.demonstrations;
    if (options.record.keep_failed) chosen.merge(found.failures);
    std::vector<fs::path> inputs;
    for (const auto& [number, file] : chosen) inputs.push_back(file);
    // meshes stand in the dataset, not in every recording
    MergeDatasets(inputs, out, /*by_reference=*/false, options.overwrite, {}, /*partial=*/false,
                  simulator.SceneFiles(), ends.Report());
    fs::remove_all(folder);
    report.complete = true;
  }
  announcer.Say(
      report.complete
          ? moments::Ended("all are recorded", out.string())
          : moments::Ended(report.stopped, fmt::format("{} of {} demonstrations are kept; the same "
                                                       "command goes on",
                                                       done(), options.demos)));
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  progress.Finish(fmt::format("{} demonstrations, {:.0f} s recorded in {:.0f} s",
                              report.demonstrations, report.recorded_s, report.wall_s));
  return report;
}

}  // namespace understudy
