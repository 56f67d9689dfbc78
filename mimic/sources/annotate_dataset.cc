#include "mimic/sources/annotate_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "data/formats/family/import.h"
#include "data/formats/formats.h"
#include "data/store/files.h"
#include "data/store/writer.h"
#include "mimic/sources/annotator.h"

namespace understudy {
namespace {

// Copies a dataset of ours, row by row; or only looks.
void CopyOwn(const Annotator& annotator, const AnnotateOptions& options,
             const SimulatorFactory& simulators, Progress& progress,
             const std::function<void(const Annotator::Outcome&)>& take,
             std::map<std::string, std::string>* names) {
  const EpisodeSource& reader = annotator.reader();
  const auto count = static_cast<int64_t>(reader.episodes().size());
  const int threads = ThreadCount(options.threads, count);
  std::vector<std::unique_ptr<Simulator>> workers(static_cast<size_t>(threads));
  DatasetHeader header = reader.header();
  UnfinishedFile part(options.out);
  std::optional<DatasetWriter> writer;
  if (!options.dry) {
    annotator.EditHeader(&header);
    writer.emplace(options.out, header,
                   DatasetWriter::Options{.overwrite = options.overwrite, .keep_names = true});
    part.Begin();
    reader.VisitAttempts([&](const AttemptRecord& attempt) { writer->AppendAttempt(attempt); });
  }
  struct Piece {
    Episode episode;
    Annotator::Outcome outcome;
  };
  progress.Start("annotating " + reader.path().string(), count, "episodes");
  RunOrdered<Piece>(
      threads, 0, count,
      [&](int worker, int64_t index) {
        std::unique_ptr<Simulator>& simulator = workers[static_cast<size_t>(worker)];
        if (!simulator && annotator.needs_simulator()) simulator = simulators();
        Piece piece{reader.ReadEpisode(static_cast<size_t>(index), true), {}};
        annotator.translation().ToOurs(&piece.episode);
        // where looking is all, a foreign file is seen as an import would make it
        if (annotator.foreign()) EndAtLastObservation(&piece.episode);
        piece.outcome =
            annotator.Annotate(static_cast<size_t>(index), simulator.get(), &piece.episode);
        return piece;
      },
      [&](int64_t index, Piece&& piece) {
        if (InterruptRequested()) ThrowFailed("interrupted: nothing was written");
        take(piece.outcome);
        progress.Advance(index + 1);
        if (!writer) return true;
        const auto place = static_cast<size_t>(index);
        writer->BeginEpisode(piece.episode, reader.ReadCameras(place));
        for (size_t row = 0; row < piece.episode.length() && !header.cameras.empty(); ++row) {
          std::vector<Image> images;
          for (const std::string& camera : header.cameras) {
            images.push_back(reader.ReadImage(place, camera, row));
          }
          writer->AddFrames(images);
        }
        writer->EndEpisode();
        return true;
      });
  progress.Finish();
  if (!writer) return;
  writer->WriteMasksOf(reader);
  *names = writer->NamesOf(reader);
  if (const Json report = reader.report(); !report.empty()) writer->WriteReport(report);
  writer->Finish();
  part.Keep();
}

void ImportAnnotated(const Annotator& annotator, const AnnotateOptions& options,
                     const TaskSpec& task, const SimulatorFactory& simulators, Progress& progress,
                     const std::function<void(const Annotator::Outcome&)>& take,
                     std::map<std::string, std::string>* names) {
  std::unique_ptr<Simulator> simulator;
  if (annotator.needs_simulator()) simulator = simulators();
  ImportOptions import;
  import.control_hz = options.control_hz;
  import.task = ToJson(task);
  import.overwrite = options.overwrite;
  const auto edit_header = [&](DatasetHeader* header) { annotator.EditHeader(header); };
  const auto edit_episode = [&](size_t index, Episode* episode) {
    take(annotator.Annotate(index, simulator.get(), episode));
  };
  import.edit_header = edit_header;
  import.edit_episode = edit_episode;
  *names = ImportForeign(annotator.reader(), options.out, import, annotator.translation(), progress)
               .names;
}

void Note(const Annotator::Outcome& outcome, AnnotateReport* report) {
  report->demos.push_back(outcome.review);
  report->restored += outcome.restored;
  report->judged += outcome.judged;
  if (report->why_poses.empty()) report->why_poses = outcome.why_poses;
  for (const SubtaskEnd& end : outcome.review.ends) {
    if (!end.inferred || end.end < 0) continue;
    EndAgreement& agreement = report->agreement[end.signal];
    ++agreement.ends;
    if (*end.inferred < 0) {
      ++agreement.missed;
      continue;
    }
    const int difference = *end.inferred - end.end;
    agreement.exact += difference == 0;
    agreement.within_one += std::abs(difference) <= 1;
    agreement.within_two += std::abs(difference) <= 2;
    agreement.worst = std::max(agreement.worst, std::abs(difference));
    agreement.sum += difference;
  }
}

}  // namespace

Json AnnotateReport::ToJson() const {
  Json json{{"review", review_file},
            {"demonstrations", demos.size()},
            {"restored", restored},
            {"judged", judged}};
  if (!why_poses.empty()) json["no_states"] = why_poses;
  if (!renamed.empty()) json["renamed"] = renamed;
  int64_t complete = 0, flagged_demos = 0;
  Json rows = Json::array();
  for (const DemoReview& demo : demos) {
    complete += std::all_of(demo.ends.begin(), demo.ends.end(),
                            [](const SubtaskEnd& end) { return end.end >= 0; });
    flagged_demos += demo.flagged();
    Json ends = Json::array();
    for (const SubtaskEnd& end : demo.ends) {
      Json row{{"signal", end.signal},
               {"end", end.end < 0 ? Json() : Json(end.end)},
               {"confidence", end.confidence},
               {"evidence", end.evidence},
               {"flags", end.flags}};
      if (end.skipped) row["skipped"] = true;
      if (end.inferred) row["poses_end"] = *end.inferred < 0 ? Json() : Json(*end.inferred);
      ends.push_back(std::move(row));
    }
    rows.push_back({{"demo", demo.demo},
                    {"uuid", demo.uuid},
                    {"steps", demo.steps},
                    {"subtasks", std::move(ends)}});
  }
  json["complete"] = complete;
  json["flagged"] = flagged_demos;
  Json& poses = json["poses_against_states"] = Json::object();
  for (const auto& [signal, a] : agreement) {
    const int64_t found = a.ends - a.missed;
    poses[signal] = {{"ends", a.ends},
                     {"missed", a.missed},
                     {"exact", a.exact},
                     {"within_1", a.within_one},
                     {"within_2", a.within_two},
                     {"worst", a.worst},
                     {"mean", found > 0 ? a.sum / static_cast<double>(found) : 0.0}};
  }
  json["demos"] = std::move(rows);
  return json;
}

AnnotateReport AnnotateDataset(const AnnotateOptions& options, const TaskSpec& task,
                               const RobotSpec& robot, const SimulatorFactory& simulators,
                               Progress& progress) {
  if (options.path.empty()) ThrowUsage("path: name a dataset");
  if (options.out.empty() && !options.dry) ThrowUsage("out: name the dataset to write");
  ReadOptions read = options.read;
  read.control_hz = options.control_hz;
  const std::unique_ptr<EpisodeSource> opened = OpenDataset(options.path, read);
  const EpisodeSource& reader = *opened;
  if (reader.episodes().empty()) ThrowBadInput(options.path + ": holds no episode");
  AnnotateReport report;
  report.review_file = options.out + ".review.csv";
  if (!options.dry) {
    CheckOutput(options.out, options.overwrite, {options.path});
    CheckOutput(report.review_file, options.overwrite);
  }
  const Annotator annotator(options, task, robot, simulators, reader);
  const auto take = [&](const Annotator::Outcome& outcome) { Note(outcome, &report); };
  if (annotator.foreign() && !options.dry) {
    ImportAnnotated(annotator, options, task, simulators, progress, take, &report.renamed);
  } else {
    CopyOwn(annotator, options, simulators, progress, take, &report.renamed);
  }
  std::erase_if(report.renamed, [](const auto& name) { return name.first == name.second; });
  if (options.dry) {
    report.review_file.clear();
  } else {
    WriteTextAtomically(report.review_file, ReviewToCsv(report.demos));
  }
  return report;
}

}  // namespace understudy
