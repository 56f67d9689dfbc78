#include "data/formats/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/base/error.h"
#include "data/formats/base/column_map.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/base/unread_poses.h"
#include "data/formats/hub.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/files.h"
#include "data/store/hdf5_source.h"
#include "data/store/usual_columns.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// The format of a dataset of another program; null for ours, and for what nobody recognises, which
// our own reader refuses with the reason. Refuses --map: datasets are copied as they are stored.
const DatasetFormat* OtherFormat(const fs::path& path, const ReadOptions& read) {
  RefuseMap(read.map);
  const DatasetFormat* format = FindFormat(path, read);
  return format == &OwnFormat() ? nullptr : format;
}

void RequireCopy(const DatasetFormat& format, const fs::path& path) {
  if (format.Copy) return;
  ThrowUsage(fmt::format(
      "{}: datasets of format {} are edited after `understudy data convert {} --to {}` only",
      path.string(), format.name, path.string(), OwnFormat().name));
}

void RefuseLinks(bool by_reference, const fs::path& path) {
  if (!by_reference) return;
  ThrowUsage(fmt::format(
      "{}: was written by another program: such datasets are copied, not linked: leave out "
      "--by-reference",
      path.string()));
}

CopyPlan PlanFor(bool overwrite, const ReadOptions& read) {
  CopyPlan plan;
  plan.overwrite = overwrite;
  plan.read = read;
  return plan;
}

// A dataset that is copied as it is: what of it is not read is said all the same.
std::unique_ptr<EpisodeSource> Opened(const DatasetFormat& format, const fs::path& path,
                                      const ReadOptions& read, Progress& progress) {
  std::unique_ptr<EpisodeSource> source = format.Open(path, read);
  SayUnreadPoses(*source, progress);
  return source;
}

// Why an episode cannot be read, all of it; empty: it can.
std::string FaultOf(const EpisodeSource& source, size_t e) {
  const EpisodeSummary& episode = source.episodes()[e];
  try {
    source.ReadEpisode(e);
    if (episode.length == 0) return "holds no row";
    RowTextsOf(source, e);  // where a format has them, it checks the rows as a copy does
    const std::vector<ColumnSpec> columns = source.ColumnsOf(e);
    const std::vector<std::vector<double>> values = source.ReadColumns(e, columns);
    for (size_t c = 0; c < columns.size(); ++c) {
      for (size_t i = 0; i < values[c].size(); ++i) {
        if (std::isfinite(values[c][i])) continue;
        return fmt::format("{}: row {} holds {}", columns[c].name,
                           i / std::max<size_t>(1, columns[c].size()), values[c][i]);
      }
    }
    std::vector<uint8_t> frame;
    for (size_t c = 0; c < source.header().cameras.size(); ++c) {
      const PictureSize size = source.header().size_of(c);
      frame.resize(3 * static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
      for (size_t k = 0; k < episode.length; ++k) source.ReadFrame(e, c, k, frame.data());
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    std::string reason = error.what();
    // the copy is without it anyway
    if (reason.ends_with(kSkipBadHint)) {
      reason.resize(reason.size() - std::string_view(kSkipBadHint).size());
    }
    return reason;
  }
  return "";
}

}  // namespace

FilterReport FilterAny(const fs::path& given, const fs::path& output, const FilterOptions& options,
                       Progress& progress) {
  const fs::path input = DatasetPath(given);
  const DatasetFormat* format = OtherFormat(input, options.read);
  if (format == nullptr) return FilterDataset(input, output, options, progress);
  RequireCopy(*format, input);
  RefuseLinks(options.by_reference, input);
  CheckOutput(output, options.overwrite, {input});
  const auto source = Opened(*format, input, options.read, progress);
  CopyPlan plan = PlanFor(options.overwrite, options.read);
  for (const size_t i : EpisodesToKeep(*source, options, progress)) {
    plan.episodes.push_back({.episode = i});
  }
  format->Copy({source.get()}, plan, output, progress);
  const auto kept = static_cast<int64_t>(plan.episodes.size());
  return {kept, static_cast<int64_t>(source->episodes().size()) - kept};
}

int64_t RelabelAny(const fs::path& given, const fs::path& output, const RelabelOptions& options,
                   Progress& progress) {
  const fs::path input = DatasetPath(given);
  const DatasetFormat* format = OtherFormat(input, options.read);
  if (format == nullptr) return RelabelDataset(input, output, options, progress);
  RequireCopy(*format, input);
  CheckOutput(output, options.overwrite, {input});
  const auto source = Opened(*format, input, options.read, progress);
  const std::vector<bool> holds = EpisodesToRelabel(*source, options, progress);
  CopyPlan plan = PlanFor(options.overwrite, options.read);
  plan.instruction = options.instruction;
  plan.cause = options.cause;
  plan.success = options.success;
  for (size_t i = 0; i < holds.size(); ++i) {
    plan.episodes.push_back({.episode = i, .relabel = holds[i]});
  }
  format->Copy({source.get()}, plan, output, progress);
  return std::count(holds.begin(), holds.end(), true);
}

std::map<std::string, int64_t> SplitAny(const fs::path& given, const fs::path& output,
                                        const SplitOptions& options, Progress& progress) {
  const fs::path input = DatasetPath(given);
  const DatasetFormat* format = OtherFormat(input, options.read);
  if (format == nullptr) return SplitDataset(input, output, options);
  RequireCopy(*format, input);
  RefuseLinks(options.by_reference, input);
  const auto source = Opened(*format, input, options.read, progress);
  const std::map<std::string, std::vector<size_t>> keys = DrawParts(*source, options);
  std::map<std::string, int64_t> counts;
  for (const auto& [key, members] : keys) counts[key] = static_cast<int64_t>(members.size());
  CopyPlan plan = PlanFor(options.overwrite, options.read);
  if (!options.files) {
    plan.masks = keys;
    for (size_t i = 0; i < source->episodes().size(); ++i) plan.episodes.push_back({.episode = i});
    format->Copy({source.get()}, plan, output, progress);
    return counts;
  }
  for (const auto& [key, members] : keys) {
    CheckOutput(FileOfPart(output, key), options.overwrite, {input});
  }
  for (const auto& [key, members] : keys) {
    plan.episodes.clear();
    for (const size_t i : members) plan.episodes.push_back({.episode = i});
    format->Copy({source.get()}, plan, FileOfPart(output, key), progress);
  }
  return counts;
}

TrimReport TrimAny(const fs::path& given, const fs::path& output, const TrimOptions& options,
                   Progress& progress) {
  const fs::path input = DatasetPath(given);
  const DatasetFormat* format = OtherFormat(input, options.read);
  if (format == nullptr) return TrimDataset(input, output, options, progress);
  RequireCopy(*format, input);
  CheckOutput(output, options.overwrite, {input});
  const auto source = Opened(*format, input, options.read, progress);
  CopyPlan plan = PlanFor(options.overwrite, options.read);
  TrimReport report;
  report.episodes = static_cast<int64_t>(source->episodes().size());
  progress.Start("reading " + input.string(), report.episodes, "episodes");
  for (size_t i = 0; i < source->episodes().size(); ++i) {
    const Episode episode = source->ReadEpisode(i);
    const Stretch keep = WithoutIdleEnds(*source, i, episode, options);
    plan.episodes.push_back({.episode = i, .first_row = keep.first, .end_row = keep.end});
    const auto dropped = static_cast<int64_t>(episode.length() - (keep.end - keep.first));
    report.trimmed += dropped > 0;
    report.rows += static_cast<int64_t>(episode.length());
    report.rows_dropped += dropped;
    progress.Advance(static_cast<int64_t>(i) + 1);
  }
  progress.Finish(fmt::format("{} of {} rows left out", report.rows_dropped, report.rows));
  RequireEpisodes(*source);
  format->Copy({source.get()}, plan, output, progress);
  return report;
}

void MergeAny(const std::vector<fs::path>& given, const fs::path& output,
              const MergeRequest& request, Progress& progress) {
  std::vector<fs::path> inputs;
  for (const fs::path& path : given) inputs.push_back(DatasetPath(path));
  const DatasetFormat* first = inputs.empty() ? nullptr : OtherFormat(inputs[0], request.read);
  for (const fs::path& input : inputs) {
    const DatasetFormat* format = OtherFormat(input, request.read);
    if (format == first) continue;
    const auto name = [](const DatasetFormat* one) {
      return one == nullptr ? OwnFormat().name : one->name;
    };
    ThrowBadInput(fmt::format(
        "'{}' is of format {} and '{}' of format {}: `understudy data convert` makes one of both",
        inputs[0].string(), name(first), input.string(), name(format)));
  }
  if (first == nullptr) {
    return MergeDatasets(inputs, output, request.by_reference, request.overwrite, request.read,
                         request.partial);
  }
  RequireCopy(*first, inputs[0]);
  RefuseLinks(request.by_reference, inputs[0]);
  CheckOutput(output, request.overwrite, inputs);
  CopyPlan plan = PlanFor(request.overwrite, request.read);
  std::vector<std::unique_ptr<EpisodeSource>> sources;
  std::vector<const EpisodeSource*> readers;
  for (const fs::path& input : inputs) {
    readers.push_back(sources.emplace_back(Opened(*first, input, request.read, progress)).get());
    for (size_t i = 0; i < readers.back()->episodes().size(); ++i) {
      plan.episodes.push_back({.input = readers.size() - 1, .episode = i});
    }
  }
  if (plan.episodes.empty()) RequireEpisodes(*readers[0]);
  first->Copy(readers, plan, output, progress);
}

RepairReport RepairAny(const fs::path& given, const fs::path& output, bool overwrite,
                       const ReadOptions& read, Progress& progress) {
  const fs::path input = DatasetPath(given);
  const DatasetFormat* format = OtherFormat(input, read);
  if (format == nullptr) return RepairDataset(input, output, overwrite, read);
  RequireCopy(*format, input);
  CheckOutput(output, overwrite, {input});
  ReadOptions all = read;
  all.skip_bad = false;
  const std::unique_ptr<EpisodeSource> source =
      format->OpenToMend ? format->OpenToMend(input, all) : format->Open(input, all);
  SayUnreadPoses(*source, progress);
  RepairReport report;
  CopyPlan plan = PlanFor(overwrite, all);
  plan.mend = true;
  const Json& settings = source->header().settings;
  if (settings.contains(kMended)) report.mended = settings[kMended];
  for (const SkippedEpisode& left_out : source->skipped()) {
    report.dropped.push_back({left_out.name, left_out.reason});
  }
  progress.Start("reading " + input.string(), static_cast<int64_t>(source->episodes().size()),
                 "episodes");
  std::vector<std::string> faults;
  std::vector<std::vector<ColumnSpec>> columns;  // of those without a fault
  for (size_t e = 0; e < source->episodes().size(); ++e) {
    if (InterruptRequested()) ThrowFailed(output.string() + ": interrupted, nothing was written");
    faults.push_back(FaultOf(*source, e));
    if (faults.back().empty()) columns.push_back(source->ColumnsOf(e));
    progress.Advance(static_cast<int64_t>(e) + 1);
  }
  const std::vector<ColumnSpec> usual = UsualColumns(columns);
  for (size_t e = 0; e < source->episodes().size(); ++e) {
    std::string fault = faults[e];
    if (fault.empty()) fault = OddColumn(usual, source->ColumnsOf(e));
    if (fault.empty()) {
      plan.episodes.push_back({.episode = e});
      ++report.episodes_kept;
      report.steps_kept += static_cast<int64_t>(source->episodes()[e].length);
    } else {
      report.dropped.push_back({source->episodes()[e].name, fault});
    }
  }
  progress.Finish(fmt::format("{} left out", report.dropped.size()));
  if (plan.episodes.empty()) {
    ThrowBadInput(fmt::format("{}: no episode can be read{}", input.string(),
                              report.dropped.empty() ? "" : ": " + report.dropped[0].what));
  }
  format->Copy({source.get()}, plan, output, progress);
  for (const std::string& what : report.mended) progress.Message("mended: " + what);
  report.outcome = fmt::format("a copy of the {} sound episodes", plan.episodes.size());
  return report;
}

}  // namespace understudy
