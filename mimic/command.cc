#include "mimic/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "data/base/error.h"
#include "data/base/hash.h"
#include "data/base/shard.h"
#include "data/store/dataset.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// All usable demonstrations of the source files, with the hashes of what they were read from.
struct Sources {
  std::vector<Episode> episodes;
  std::vector<std::string> names;
  std::vector<std::string> hashes;
};

Sources ReadSources(const MimicOptions& options, const AdaptSource& adapt) {
  if (options.sources.empty()) ThrowUsage("no source datasets: give at least one (--source)");
  Sources sources;
  const auto full = [&] {
    return options.source_limit > 0 &&
           static_cast<int64_t>(sources.episodes.size()) >= options.source_limit;
  };
  for (const std::string& path : options.sources) {
    const DatasetReader reader(path);
    // files of other programs carry no hash
    sources.hashes.push_back(reader.content_hash().empty() ? FileHash(path)
                                                           : reader.content_hash());
    std::vector<std::string> chosen;
    if (!options.source_mask.empty()) chosen = reader.ReadMask(options.source_mask);
    for (size_t i = 0; i < reader.episodes().size() && !full(); ++i) {
      const std::string& name = reader.episodes()[i].name;
      const bool in_mask = std::find(chosen.begin(), chosen.end(), name) != chosen.end();
      if (!options.source_mask.empty() && !in_mask) continue;
      sources.episodes.push_back(reader.ReadEpisode(i));
      if (adapt) adapt(reader, &sources.episodes.back());
      sources.names.push_back(path + ":" + name);
    }
  }
  return sources;
}

// What decides the content of an attempt, and nothing that only bounds the run or speeds it up.
Json ContentSettings(const MimicOptions& options, const TaskSpec& task, const SimulatorInfo& info) {
  Json settings;
  // on the sources' own robot it goes without saying
  if (options.transfer) settings["robot"] = info.robot;
  settings["variant"] = options.run.variant;
  settings["seed"] = options.run.seed;
  settings["debounce"] = options.debounce;
  settings["generate"] = ToJson(options.run.generate);
  if (settings["generate"]["gates"] == ToJson(QualityGates{})) settings["generate"].erase("gates");
  settings["subtasks"] = ToJson(task.subtasks);
  // settings that came later say nothing where they are not used: same settings, same identity
  const Json unused = ToJson(Subtask{});
  for (Json& subtask : settings["subtasks"]) {
    for (const char* key : {"replay", "turn_hand", "bridge_arch", "noise_correlation"}) {
      if (subtask[key] == unused[key]) subtask.erase(key);
    }
  }
  return settings;
}

// Writes into a dataset; attempts of a resumed file are kept here, since it is asked for them once.
class DatasetSink : public AttemptSink {
 public:
  explicit DatasetSink(DatasetWriter& writer, bool keep_failed)
      : writer_(writer), records_(writer.attempts()), keep_failed_(keep_failed) {
    for (const AttemptRecord& record : records_) Note(record);
  }
  std::vector<AttemptRecord> attempts() const override { return records_; }
  int64_t episodes() const override { return writer_.episodes_written(); }
  void Append(const AttemptRecord& record, const Episode* episode) override {
    writer_.AppendAttempt(record, episode);
    Note(record);
  }
  // names of the written episodes, by outcome
  const std::vector<std::string>& successful() const { return successful_; }
  const std::vector<std::string>& failed() const { return failed_; }

 private:
  void Note(const AttemptRecord& record) {
    if (!record.success && (!keep_failed_ || record.steps == 0)) return;
    const std::string name = fmt::format("demo_{}", successful_.size() + failed_.size());
    (record.success ? successful_ : failed_).push_back(name);
  }

  DatasetWriter& writer_;
  std::vector<AttemptRecord> records_;
  bool keep_failed_;
  std::vector<std::string> successful_, failed_;
};

}  // namespace

MimicReport RunMimic(const MimicOptions& options, const TaskSpec& task,
                     const SimulatorFactory& factory, Progress& progress,
                     const AdaptSource& adapt) {
  if (options.out.empty()) ThrowUsage("no output dataset: give one (--out)");
  const Shard shard = ParseShard(options.run.shard);
  const fs::path out = shard.Output(options.out);
  Sources read = ReadSources(options, adapt);
  const std::unique_ptr<Simulator> simulator = factory();
  const SourceSet sources(read.episodes, read.names, task, simulator->info(), options.debounce,
                          options.transfer);
  for (const SkippedSource& skipped : sources.skipped()) {
    progress.Message(fmt::format("skipped {}: {}", skipped.name, fmt::join(skipped.reasons, ", ")));
  }
  read.episodes.clear();

  // the header holds what must be equal for a .part to be continued
  DatasetHeader header;
  header.simulator = simulator->info();
  header.stage = "mimic";
  header.model_text = simulator->ModelText();
  header.task = ToJson(task);
  header.settings = ContentSettings(options, task, simulator->info());
  header.settings["source_mask"] = options.source_mask;
  header.settings["source_limit"] = options.source_limit;
  header.settings["keep_failed"] = options.run.keep_failed;
  header.parents = read.hashes;
  DatasetWriter::Options writing;
  writing.overwrite = options.overwrite;
  writing.resume = options.resume;
  DatasetWriter writer(out, header, writing);
  if (writer.attempts_written() > 0) {
    progress.Message(
        fmt::format("resuming {} at attempt {}", out.string(), writer.attempts_written()));
  }

  DatasetSink sink(writer, options.run.keep_failed);
  const MimicReport report =
      RunAttempts(sources, task, factory, options.run,
                  ContentSettings(options, task, simulator->info()), sink, progress);
  if (report.interrupted) return report;

  if (options.run.keep_failed) {
    writer.WriteMask("successful", sink.successful());
    writer.WriteMask("failed", sink.failed());
  }
  Json stored = report.ContentJson();
  stored["bounds"] = {
      {"attempts", options.run.attempts},         {"demos", options.run.demos},
      {"max_attempts", options.run.max_attempts}, {"min_rate", options.run.min_rate},
      {"max_seconds", options.run.max_seconds},   {"shard", {shard.index, shard.count}}};
  writer.WriteReport(stored);
  writer.Finish();
  return report;
}

MimicPlan PlanMimic(const MimicOptions& options, const TaskSpec& task,
                    const SimulatorFactory& factory, const AdaptSource& adapt) {
  const Sources read = ReadSources(options, adapt);
  const std::unique_ptr<Simulator> simulator = factory();
  const SourceSet sources(read.episodes, read.names, task, simulator->info(), options.debounce,
                          options.transfer);
  return PlanAttempts(sources, task, factory, options.run);
}

TuneReport TuneMimic(const MimicOptions& options, const TuneOptions& tune, const TaskSpec& task,
                     const SimulatorFactory& factory, Progress& progress,
                     const AdaptSource& adapt) {
  const Sources read = ReadSources(options, adapt);
  const std::unique_ptr<Simulator> simulator = factory();
  const SourceSet sources(read.episodes, read.names, task, simulator->info(), options.debounce,
                          options.transfer);
  return Tune(sources, task, factory, options.run.generate, tune, progress);
}

}  // namespace understudy
