#include "teleop/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "core/base/hash.h"
#include "core/base/version.h"
#include "data/store/edit/assemble.h"
#include "data/store/edit/merge.h"
#include "data/store/files.h"
#include "data/store/reader.h"
#include "teleop/session.h"
#include "teleop/session_folder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// What the recordings say of their session.
Json RecordedSettings(const TeleopOptions& options, const Simulator& simulator) {
  Json settings{{"task", simulator.info().task},
                {"robot", simulator.info().robot},
                {"model", ContentHash(simulator.ModelText())},
                {"variant", options.variant},
                {"seed", options.seed},
                {"record", ToJson(options.record)}};
  settings.update(WhoAndWhere(options));
  if (options.cover > 0) settings["cover"] = options.cover;
  return settings;
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
  if (const Json who = WhoAndWhere(options); !who.empty()) settings["who"] = who;
  for (const auto& [what, description] : made_with.items()) {
    settings[what] = ContentHash(description.dump());
  }
  return settings;
}

// What the dataset that a session extends holds already.
struct Extended {
  std::vector<AttemptEnd> ends;
  std::set<std::string> uuids;
  SessionBegin begin;
  int64_t demonstrations = 0;
};

// Throws Error(kBadInput) where recordings of `header` cannot stand in it.
Extended ReadExtended(const fs::path& out, const DatasetHeader& header) {
  Extended extended;
  const DatasetReader reader(out);
  RequireAlike({&reader.header(), out.string()}, {&header, "what is recorded now"});
  const Json report = reader.report();
  if (report.contains("attempts")) {
    extended.ends = FromJson<std::vector<AttemptEnd>>(report["attempts"], out.string());
  }
  int64_t last_start = -1;
  for (const AttemptEnd& end : extended.ends) {
    extended.begin.attempt = std::max(extended.begin.attempt, end.attempt + 1);
    last_start = std::max(last_start, end.start < 0 ? end.attempt : end.start);
  }
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    last_start = std::max(last_start, reader.ReadMeta(i).attempt);
    extended.uuids.insert(reader.episodes()[i].uuid);
    extended.demonstrations += reader.episodes()[i].success;
  }
  extended.begin.start = last_start + 1;
  extended.begin.attempt = std::max(extended.begin.attempt, extended.begin.start);
  return extended;
}

// Joins the session's recordings, behind those of the dataset that it extends, and returns the
// files that are in it.
std::vector<fs::path> Write(const TeleopOptions& options, const Simulator& simulator,
                            const SessionFolder& folder, const std::optional<Extended>& extended) {
  std::map<int64_t, fs::path> chosen = folder.demonstrations();
  if (options.record.keep_failed) {
    chosen.insert(folder.failures().begin(), folder.failures().end());
  }
  std::vector<fs::path> files, inputs;
  for (const auto& [number, file] : chosen) {
    files.push_back(file);
    // a kill between the dataset and the folder leaves both
    const bool there =
        extended && extended->uuids.contains(DatasetReader(file).episodes().front().uuid);
    if (!there) inputs.push_back(file);
  }
  if (inputs.empty()) return files;
  // meshes stand in the dataset, not in every recording
  if (!extended) {
    MergeDatasets(inputs, options.out, /*by_reference=*/false, options.overwrite, {},
                  /*partial=*/false, simulator.SceneFiles(), folder.Report());
    return files;
  }
  const fs::path longer = options.out + ".longer";
  inputs.insert(inputs.begin(), options.out);
  Json report = folder.Report();
  if (!report.empty() || !extended->ends.empty()) {
    std::vector<AttemptEnd> ends = extended->ends;
    ends.insert(ends.end(), folder.ends().begin(), folder.ends().end());
    report = {{"attempts", ToJson(ends)}};
  }
  MergeDatasets(inputs, longer, /*by_reference=*/false, /*overwrite=*/true, {}, /*partial=*/false,
                simulator.SceneFiles(), report);
  RenameDurably(longer, options.out);
  return files;
}

// What a session begins with.
struct Prepared {
  RecordPlan plan;
  Json settings;  // that must match for it to go on
  std::optional<Extended> extended;
};

Prepared Prepare(const TeleopOptions& options, const TaskSpec& task, const Simulator& simulator,
                 const Json& made_with) {
  CheckTeleopOutput(options);
  const SimulatorInfo& info = simulator.info();
  if (std::find(info.variants.begin(), info.variants.end(), options.variant) ==
      info.variants.end()) {
    ThrowUsage("teleop: " + UnknownName("variant", options.variant, info.variants));
  }
  const std::vector<std::string> problems = Validate(options.record.retarget);
  if (!problems.empty()) ThrowUsage(fmt::format("teleop: {}", fmt::join(problems, "; ")));

  Prepared prepared;
  RecordPlan& plan = prepared.plan;
  plan.header.simulator = info;
  plan.header.stage = "teleop";
  plan.header.model_text = simulator.ModelText();
  plan.header.task = ToJson(task);
  plan.header.settings = RecordedSettings(options, simulator);
  plan.variant = options.variant;
  plan.program_version = ProgramVersion();
  plan.settings = WhoAndWhere(options);
  prepared.settings = SessionSettings(plan.header.settings, options, task, simulator, made_with);
  if (options.append && fs::exists(options.out)) {
    prepared.extended = ReadExtended(options.out, plan.header);
  }
  return prepared;
}

}  // namespace

void CheckTeleopOutput(const TeleopOptions& options) {
  if (options.out.empty()) ThrowUsage("teleop: --out: name the dataset to write");
  if (options.append && options.overwrite) {
    ThrowUsage("teleop: --append keeps what --overwrite replaces: say one of them");
  }
  const fs::path out = options.out;
  if (fs::is_directory(out)) {
    ThrowUsage(fmt::format("{}: is a folder, and a recording is one file: choose another --out",
                           out.string()));
  }
  if (!fs::exists(out)) return;
  if (options.append) {
    RequireOwn(DatasetReader(out));
  } else if (!options.overwrite) {
    ThrowUsage(
        fmt::format("{}: exists: extend it with --append, replace it with --overwrite, or "
                    "choose another --out",
                    out.string()));
  }
}

int64_t CheckTeleop(const TeleopOptions& options, const TaskSpec& task, const Simulator& simulator,
                    const Json& made_with) {
  const Prepared prepared = Prepare(options, task, simulator, made_with);
  return CountDemonstrations(options.out, prepared.settings, options.overwrite);
}

TeleopReport RunTeleop(const TeleopOptions& options, const TaskSpec& task, Simulator& simulator,
                       Simulator& checker, TeleopDevice& device, Pacer& pacer, Progress& progress,
                       Announcer& announcer, const Json& made_with) {
  const auto begin = std::chrono::steady_clock::now();
  Prepared prepared = Prepare(options, task, simulator, made_with);
  const std::optional<Extended>& extended = prepared.extended;
  for (const std::string& note : simulator.info().notes) progress.Message(note);
  if (extended) {
    progress.Message(fmt::format("{}: has {} demonstrations, to which this session adds",
                                 options.out, extended->demonstrations));
  }
  SessionFolder folder(options.out, prepared.settings, options.overwrite,
                       extended ? extended->begin : SessionBegin{}, progress);
  TeleopReport report;
  report.out = options.out;
  report.salvaged = folder.salvaged();
  report.kept_before = static_cast<int64_t>(folder.demonstrations().size());
  progress.Start("teleop " + simulator.info().task, options.demos, "demonstrations");
  Session session({options, task, simulator, checker, device, pacer, progress, announcer}, folder,
                  std::move(prepared.plan), &report);
  session.Run();
  report.demonstrations = session.done();

  std::string kept;
  if (report.demonstrations >= options.demos) {
    report.set_aside = folder.Close(Write(options, simulator, folder, extended));
    if (!report.set_aside.empty()) {
      progress.Message("attempts that are not in it are kept: " + report.set_aside);
    }
    report.complete = true;
    kept = options.out;
    if (extended) {
      report.in_dataset = extended->demonstrations + report.demonstrations;
      kept += fmt::format(", which has {} demonstrations now", report.in_dataset);
    }
  } else {
    kept = fmt::format("{} of {} demonstrations are kept; the same command goes on",
                       report.demonstrations, options.demos);
    if (report.demonstrations > 0) {
      kept += fmt::format(", and with --demos {} it finishes with these", report.demonstrations);
    }
  }
  announcer.Say(moments::Ended(report.complete ? "all are recorded" : report.stopped, kept));
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  progress.Finish(fmt::format("{} demonstrations, {:.0f} s recorded in {:.0f} s",
                              report.demonstrations, report.recorded_s, report.wall_s));
  return report;
}

}  // namespace understudy
