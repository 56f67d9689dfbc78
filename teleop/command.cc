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
Json SessionSettings(const Json& recorded, const TeleopOptions& options, const TaskSpec& task,
                     const Simulator& simulator, const Json& made_with) {
  Json settings = recorded;
  settings["record"] = ResultOptions(options.record);
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
  int64_t ended = 0;  // starts of attempts that ended by themselves: they are used up
  // starts of demonstrations that were set aside, until they are recorded again
  std::vector<int64_t> again;
};

// What a demonstration that is to be recorded again is called behind its name.
constexpr const char* kSetAside = ".again";

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
  void Add(const RecordOutcome& outcome, int64_t start) {
    ends_.push_back({outcome.attempt, ToJson(outcome.end).get<std::string>(), outcome.success,
                     outcome.cause, outcome.steps, start == outcome.attempt ? -1 : start});
    WriteTextAtomically(file_, ToJson(ends_).dump() + "\n");
  }
  // `attempt` is to be recorded again.
  void SetAside(int64_t attempt) {
    for (AttemptEnd& end : ends_) {
      if (end.attempt != attempt) continue;
      end.end = "repeated";
      end.success = false;
      end.cause = "recorded again";
    }
    WriteTextAtomically(file_, ToJson(ends_).dump() + "\n");
  }
  // The starts that are used up: of attempts that ended by themselves once they had begun, or for
  // which another start was drawn.
  std::set<int64_t> Starts() const {
    const auto name = [](RecordEnd end) { return ToJson(end).get<std::string>(); };
    std::set<int64_t> starts;
    for (const AttemptEnd& end : ends_) {
      const bool begun = end.steps > 0 || end.end == name(RecordEnd::kReset);
      if (!begun || end.end == name(RecordEnd::kInterrupted)) continue;
      starts.insert(end.start < 0 ? end.attempt : end.start);
    }
    return starts;
  }
  // The attempts of which it is known how they ended.
  std::set<int64_t> Attempts() const {
    std::set<int64_t> attempts;
    for (const AttemptEnd& end : ends_) attempts.insert(end.attempt);
    return attempts;
  }
  int64_t next() const {
    int64_t next = 0;
    for (const AttemptEnd& end : ends_) next = std::max(next, end.attempt + 1);
    return next;
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

// The start of the attempt in a file.
int64_t StartOf(const DatasetReader& reader) {
  return reader.episodes().empty() ? -1 : reader.ReadMeta(0).attempt;
}

// The list of ends is written after an attempt's file: a kill between them leaves the file alone,
// a kill before it (or in the middle of a file) leaves an attempt that did not end.
Found FindAttempts(const fs::path& folder, const EndsOfAttempts& ends) {
  Found found;
  found.next = ends.next();
  const std::set<int64_t> listed = ends.Attempts();
  std::set<int64_t> starts = ends.Starts(), set_aside, recorded;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const int64_t number = AttemptNumber(entry.path());
    if (number < 0) continue;
    found.next = std::max(found.next, number + 1);
    const std::string form = entry.path().extension();
    if (form == kSetAside) {
      set_aside.insert(StartOf(DatasetReader(entry.path())));
    } else if (entry.path() == AttemptFile(folder, number)) {
      const DatasetReader reader(entry.path());
      const bool success = !reader.episodes().empty() && reader.episodes().front().success;
      if (success) recorded.insert(StartOf(reader));
      if (!WasCutShort(reader)) starts.insert(StartOf(reader));
      (success ? found.demonstrations : found.failures)[number] = entry.path();
    } else if (form == ".rejected" && !listed.contains(number)) {
      starts.insert(-1 - number);
    }
  }
  std::set_difference(set_aside.begin(), set_aside.end(), recorded.begin(), recorded.end(),
                      std::back_inserter(found.again));
  found.ended = static_cast<int64_t>(starts.size());
  return found;
}

// Removes the session's folder; attempts that are not among `merged` move to a folder beside the
// dataset, which is returned, and which is empty where there are none.
std::string KeepTheRest(const fs::path& folder, const std::vector<fs::path>& merged,
                        const fs::path& out) {
  const fs::path kept = out.string() + ".set_aside";
  std::vector<fs::path> rest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool done = std::find(merged.begin(), merged.end(), entry.path()) != merged.end();
    if (AttemptNumber(entry.path()) >= 0 && !done) rest.push_back(entry.path());
  }
  if (!rest.empty()) fs::create_directories(kept);
  for (const fs::path& file : rest) {
    fs::path to = kept / file.filename();
    for (int i = 1; fs::exists(to); ++i)
      to = kept / fmt::format("{}.{}", file.filename().string(), i);
    fs::rename(file, to);
  }
  fs::remove_all(folder);
  return rest.empty() ? "" : kept.string();
}

}  // namespace

void CheckTeleopOutput(const TeleopOptions& options) {
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
}

TeleopReport RunTeleop(const TeleopOptions& options, const TaskSpec& task, Simulator& simulator,
                       TeleopDevice& device, Pacer& pacer, Progress& progress, Announcer& announcer,
                       const Json& made_with) {
  CheckTeleopOutput(options);
  const fs::path out = options.out;
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
  OpenSession(folder, SessionSettings(settings, options, task, simulator, made_with),
              options.overwrite, progress);

  // recover what a killed session left
  TeleopReport report;
  report.out = out.string();
  for (const SalvageReport& salvage : Salvage(folder)) {
    report.salvaged.push_back(fmt::format("{}: {} rows: {}", salvage.file.filename().string(),
                                          salvage.rows, salvage.outcome));
    progress.Message(report.salvaged.back());
  }
  EndsOfAttempts ends(folder);
  Found found = FindAttempts(folder, ends);
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
    const int64_t start = found.again.empty() ? found.ended : found.again.front();
    plan.key =
        RngKey{.seed = options.seed}.WithStage("teleop").WithParent(static_cast<uint64_t>(start));
    RecordOutcome outcome = Record(device, simulator, task, pacer, plan, options.record, announcer);
    if (outcome.end == RecordEnd::kAgain) {
      --found.next;
      if (found.demonstrations.empty()) {
        announcer.Say(moments::NothingToRepeat());
        continue;
      }
      const auto [last, file] = *found.demonstrations.rbegin();
      found.again.insert(found.again.begin(), StartOf(DatasetReader(file)));
      fs::rename(file, file.string() + kSetAside);
      ends.SetAside(last);
      found.demonstrations.erase(last);
      announcer.Count(done(), options.demos);
      announcer.Say(moments::SetAside(last));
      progress.Advance(done(), fmt::format("attempt {} is recorded again", last));
      continue;
    }
    outcome.attempt = number;
    ends.Add(outcome, start);
    // a start that is recorded again is not a new one
    if (found.again.empty()) {
      const bool begun = outcome.steps > 0 || outcome.end == RecordEnd::kReset;
      found.ended += begun && outcome.end != RecordEnd::kInterrupted;
    } else if (outcome.success) {
      found.again.erase(found.again.begin());
    }
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
    report.set_aside = KeepTheRest(folder, inputs, out);
    if (!report.set_aside.empty()) {
      progress.Message("attempts that are not in it are kept: " + report.set_aside);
    }
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
