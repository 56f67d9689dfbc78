#include "mimic/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/ordered_pool.h"
#include "core/base/shard.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/formats.h"
#include "data/store/files.h"
#include "data/store/writer.h"
#include "mimic/run/dataset_sink.h"
#include "mimic/run/reach.h"
#include "mimic/settings.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// All usable demonstrations of the source files, with the hashes of what they were read from.
struct Sources {
  std::vector<Episode> episodes;
  std::vector<std::string> names;
  std::vector<std::string> hashes;
  Json joints_of = Json::array();  // the robots of those whose poses follow from joints
  std::vector<SkippedSource> unread;
};

// Whether `named`, perhaps from another folder, means the source `path`.
bool MeansFile(const fs::path& named, const fs::path& path) {
  std::error_code none;
  if (fs::exists(named, none)) return fs::equivalent(named, path, none);
  return named.filename() == path.filename();
}

Sources ReadSources(const MimicOptions& options, const AdaptSource& adapt) {
  if (options.sources.empty()) ThrowUsage("no source datasets: give at least one (--source)");
  Sources sources;
  std::set<std::string> unknown(options.leave_out.begin(), options.leave_out.end());
  std::vector<std::string> known;
  // Whether an episode is to be left out: by its name, or by that of its file too, from whatever
  // folder that was given.
  const auto left_out = [&](const std::string& path, const std::string& name) {
    known.push_back(name);
    bool found = false;
    for (const std::string& entry : options.leave_out) {
      const size_t file = entry.size() - std::min(entry.size(), name.size() + 1);
      const bool is_meant =
          entry == name || entry == path + ":" + name ||
          (file > 0 && entry.substr(file) == ":" + name && MeansFile(entry.substr(0, file), path));
      if (!is_meant) continue;
      unknown.erase(entry);
      found = true;
    }
    return found;
  };
  const auto full = [&] {
    return options.source_limit > 0 &&
           static_cast<int64_t>(sources.episodes.size()) >= options.source_limit;
  };
  for (const std::string& path : options.sources) {
    const std::unique_ptr<EpisodeSource> opened = OpenDataset(path, options.read);
    const EpisodeSource& reader = *opened;
    // files of other programs carry no hash
    sources.hashes.push_back(reader.content_hash().empty() ? FileHash(path)
                                                           : reader.content_hash());
    if (HasPosesOfJoints(reader)) {
      sources.joints_of.push_back(reader.header().settings[kJointsOf]);
    }
    for (const SkippedEpisode& episode : reader.skipped()) {
      sources.unread.push_back({path + ":" + episode.name, {episode.reason}});
    }
    std::vector<std::string> chosen;
    if (!options.source_mask.empty()) chosen = reader.ReadMask(options.source_mask);
    for (size_t i = 0; i < reader.episodes().size(); ++i) {
      const std::string& name = reader.episodes()[i].name;
      // what lies behind the limit may be named too
      if (left_out(path, name) || full()) continue;
      const bool in_mask = std::find(chosen.begin(), chosen.end(), name) != chosen.end();
      if (!options.source_mask.empty() && !in_mask) continue;
      // one that is damaged is left out as one that does not fit is
      try {
        sources.episodes.push_back(reader.ReadEpisode(i));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kBadInput) throw;
        sources.unread.push_back({path + ":" + name, {error.what()}});
        continue;
      }
      if (adapt) adapt(reader, &sources.episodes.back());
      sources.names.push_back(path + ":" + name);
    }
  }
  if (!unknown.empty()) {
    ThrowUsage("leave_out: " + UnknownName("source", *unknown.begin(), known));
  }
  return sources;
}

// A line for each, but not hundreds of them.
template <class Items, class ToText>
void SayFew(const Items& items, const char* called, Progress& progress, const ToText& text) {
  constexpr size_t kFew = 5;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i == kFew) {
      progress.Message(
          fmt::format("and {} more {}: the report has them", items.size() - i, called));
      return;
    }
    progress.Message(text(items[i]));
  }
}

// The usable demonstrations among them. Throws Error(kBadInput) where no start of `variant` can be
// reached.
SourceSet MakeSourceSet(const Sources& read, const MimicOptions& options, const TaskSpec& task,
                        const std::string& variant, Simulator& simulator, Progress& progress) {
  const SimulatorInfo& info = simulator.info();
  for (const std::string& note : info.notes) progress.Message(note);
  SourceSet sources(read.episodes, read.names, task, info, options.debounce, options.transfer,
                    read.unread);
  SayFew(sources.skipped(), "skipped sources", progress, [](const SkippedSource& source) {
    return fmt::format("skipped {}: {}", source.name, fmt::join(source.reasons, ", "));
  });
  SayFew(sources.notes(), "sources of such signals", progress, [](const SourceNotes& source) {
    return fmt::format("{}: {}", source.name, fmt::join(source.notes, "; "));
  });
  const std::vector<std::string> unreachable =
      UnreachableStarts(sources, task, variant, info, options.run.generate.reach_margin);
  if (!unreachable.empty()) {
    ThrowBadInput(fmt::format(
        "task '{}', variant '{}': {}; move the reset ranges or the robot's base in the task.yaml",
        task.name, variant, fmt::join(unreachable, "; ")));
  }
  const OrientationCheck turns =
      CheckOrientations(sources, task, variant, simulator, options.run.generate.arrival_angle);
  if (!turns.never.empty()) {
    ThrowBadInput(fmt::format(
        "task '{}', variant '{}': the {} joints of '{}' cannot follow the sources: {}; record "
        "sources with it, or take a robot of six joints or more",
        task.name, variant, info.joint_names.at(0).size(), info.robot,
        fmt::join(turns.never, "; ")));
  }
  for (const std::string& line : turns.said) progress.Message(line);
  return sources;
}

}  // namespace

MimicReport RunMimic(const MimicOptions& options, const TaskSpec& task, const WorkerSeams& seams,
                     Progress& progress, const AdaptSource& adapt) {
  if (options.out.empty()) ThrowUsage("no output dataset: give one (--out)");
  // what can be rejected before anything is read
  CheckRun(options.run, task);
  const Shard shard = ParseShard(options.run.shard);
  const fs::path out = shard.Output(options.out);
  CheckOutput(out, options.overwrite, {options.sources.begin(), options.sources.end()});
  const std::unique_ptr<Simulator> simulator = MakeWorker(task, seams).simulator;
  Sources read = ReadSources(options, adapt);
  SourceSet sources = MakeSourceSet(read, options, task, options.run.variant, *simulator, progress);
  read.episodes.clear();

  // the header holds what must be equal for a .part to be continued
  DatasetHeader header;
  header.simulator = simulator->info();
  header.stage = "mimic";
  header.model_text = simulator->ModelText();
  header.scene_files = simulator->SceneFiles();
  header.task = ToJson(task);
  const StoredOptions stored_options(options);
  const Json settings = AttemptSettings(stored_options, task, simulator->info());
  header.settings = RunSettings(stored_options, settings, seams.robot);
  if (!read.joints_of.empty()) header.settings[kJointsOf] = read.joints_of;
  header.parents = read.hashes;
  DatasetWriter::Options writing;
  writing.overwrite = options.overwrite;
  writing.resume = options.resume;
  UnfinishedFile unbegun(out);
  DatasetWriter writer(out, header, writing);
  if (writer.attempts_written() > 0) {
    progress.Message(
        fmt::format("resuming {} at attempt {}", out.string(), writer.attempts_written()));
  }

  DatasetSink sink(writer, unbegun, options.run.keep_failed);
  const MimicReport report =
      RunAttempts(std::move(sources), task, seams, options.run, settings, sink, progress);
  if (report.interrupted) return report;

  sink.WriteMasks();
  Json stored = report.ContentJson();
  stored["bounds"] = {
      {"attempts", options.run.attempts},         {"demos", options.run.demos},
      {"max_attempts", options.run.max_attempts}, {"min_rate", options.run.min_rate},
      {"max_seconds", options.run.max_seconds},   {"shard", {shard.index, shard.count}}};
  writer.WriteReport(stored);
  writer.Finish();
  return report;
}

void RepeatAttempts(const MimicOptions& options, const TaskSpec& task, const WorkerSeams& seams,
                    const SourceWeights& weights, const std::vector<int64_t>& numbers,
                    const std::function<void(int64_t number, const Attempt& attempt)>& each,
                    const AdaptSource& adapt) {
  if (numbers.empty()) return;
  const Sources read = ReadSources(options, adapt);
  Progress silent;
  const SourceSet sources =
      MakeSourceSet(read, options, task, options.run.variant, *seams.simulator(), silent)
          .Weighted(weights);
  const auto count = static_cast<int64_t>(numbers.size());
  const int threads = ThreadCount(options.run.threads, count);
  Workers workers(task, seams, threads);
  RunOrdered<Attempt>(
      threads, 0, count,
      [&](int place, int64_t i) {
        const RngKey key =
            AttemptKey(options.run.seed, numbers[static_cast<size_t>(i)], options.run.variant);
        return Generate(sources, task, workers[place], options.run.variant, options.run.generate,
                        key);
      },
      [&](int64_t i, Attempt&& attempt) {
        each(numbers[static_cast<size_t>(i)], attempt);
        return true;
      });
}

MimicPlan PlanMimic(const MimicOptions& options, const TaskSpec& task, const WorkerSeams& seams,
                    const AdaptSource& adapt) {
  CheckRun(options.run, task);
  const std::unique_ptr<Simulator> simulator = MakeWorker(task, seams).simulator;
  const Sources read = ReadSources(options, adapt);
  Progress silent;
  const SourceSet sources =
      MakeSourceSet(read, options, task, options.run.variant, *simulator, silent);
  return PlanAttempts(sources, task, seams, options.run);
}

TuneReport TuneMimic(const MimicOptions& options, const TuneOptions& tune, const TaskSpec& task,
                     const WorkerSeams& seams, Progress& progress, const AdaptSource& adapt) {
  VariantOf(task, tune.variant);
  const std::unique_ptr<Simulator> simulator = MakeWorker(task, seams).simulator;
  const Sources read = ReadSources(options, adapt);
  const SourceSet sources = MakeSourceSet(read, options, task, tune.variant, *simulator, progress);
  return Tune(sources, task, seams, options.run.generate, tune, progress);
}

}  // namespace understudy
