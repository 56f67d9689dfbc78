#include "data/store/edit/trim.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/episode/motion.h"
#include "data/store/edit/assemble.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/files.h"
#include "data/store/writer.h"

namespace understudy {
namespace {

// Numbers of a stored action that differ by less are the same command.
constexpr double kStill = 1e-4;

bool HasCommands(const Episode& episode) {
  return std::all_of(episode.steps.begin(), episode.steps.end(),
                     [](const Step& step) { return !step.action.arms.empty(); });
}

struct IdleEnds {
  int64_t head = 0, tail = 0;
};

IdleEnds IdleRows(const std::vector<std::vector<double>>& actions) {
  const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double x, double y) { return std::abs(x - y) <= kStill; });
  };
  IdleEnds ends;
  const auto count = static_cast<int64_t>(actions.size());
  const auto at = [&](int64_t row) -> const std::vector<double>& {
    return actions[static_cast<size_t>(row)];
  };
  while (ends.head + 1 < count && same(at(ends.head + 1), at(0))) ++ends.head;
  while (ends.tail + 1 < count && same(at(count - 2 - ends.tail), at(count - 1))) ++ends.tail;
  return ends;
}

}  // namespace

Stretch WithoutIdleEnds(const EpisodeSource& reader, size_t index, const Episode& episode,
                        const TrimOptions& options) {
  const Stretch all{0, episode.length()};
  IdleEnds idle;
  if (HasCommands(episode)) {
    const MotionStatistics motion = MeasureMotion(episode);
    idle = {motion.idle_head, motion.idle_tail};
  } else if (const auto actions = reader.ReadStoredActions(index)) {
    idle = IdleRows(*actions);
  }
  const auto spare = [&](bool wanted, int64_t rows) {
    return wanted ? static_cast<size_t>(std::max<int64_t>(0, rows - options.margin)) : size_t{0};
  };
  const size_t head = spare(options.head, idle.head);
  const size_t tail = spare(options.tail, idle.tail);
  // an episode without a single other command is idle from both ends
  if (head + tail + static_cast<size_t>(options.least_rows) > all.end) return all;
  return {head, all.end - tail};
}

namespace {

void Cut(const Stretch& keep, Episode& episode) {
  const std::string whole = episode.meta.uuid;
  if (keep.end < episode.length()) {
    episode.final_state = episode.steps[keep.end].state;
    episode.final_observation = episode.steps[keep.end].observation;
  }
  const auto at = [&](size_t row) {
    return episode.steps.begin() + static_cast<std::ptrdiff_t>(row);
  };
  episode.steps.erase(at(keep.end), episode.steps.end());
  episode.steps.erase(episode.steps.begin(), at(keep.first));
  const RngKey rows = RngKey{.parent = keep.first, .variant = keep.end}.WithStage("data trim");
  episode.meta.uuid = MakeUuid(whole, rows);
  episode.meta.parents = {whole};
  episode.meta.quality["trimmed"] = {{"first_row", keep.first}, {"end_row", keep.end}};
}

}  // namespace

TrimReport TrimDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                       const TrimOptions& options, Progress& progress) {
  const DatasetReader reader(input, options.read);
  CheckOutput(output, options.overwrite, {input});
  RequireOwn(reader);
  RequireEpisodes(reader);
  DatasetHeader header = reader.header();
  header.parents = {reader.content_hash()};
  header.settings = {{"margin", options.margin}, {"head", options.head}, {"tail", options.tail}};
  SetRobotSpec(RobotSpecOf(reader.header()), header);
  DatasetWriter writer(output, header, {.overwrite = options.overwrite, .flush_episodes = false});
  TrimReport report;
  report.episodes = static_cast<int64_t>(reader.episodes().size());
  progress.Start("trimming " + input.string(), report.episodes, "episodes");
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    Episode episode = reader.ReadEpisode(i, true);
    const size_t length = episode.length();
    const Stretch keep = WithoutIdleEnds(reader, i, episode, options);
    if (keep.end - keep.first < length) {
      Cut(keep, episode);
      ++report.trimmed;
    }
    report.rows += static_cast<int64_t>(length);
    report.rows_dropped += static_cast<int64_t>(length - episode.length());
    writer.BeginEpisode(episode, reader.ReadCameras(i));
    for (size_t row = keep.first; row < keep.end && !header.cameras.empty(); ++row) {
      std::vector<Image> images;
      for (const std::string& camera : header.cameras) {
        images.push_back(reader.ReadImage(i, camera, row));
      }
      writer.AddFrames(images);
    }
    writer.EndEpisode();
    progress.Advance(static_cast<int64_t>(i) + 1);
  }
  writer.WriteMasksOf(reader);
  writer.Finish();
  progress.Finish(fmt::format("{} of {} rows left out", report.rows_dropped, report.rows));
  return report;
}

}  // namespace understudy
