#include "data/formats/lerobot/lerobot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "data/formats/lerobot/extras.h"
#include "data/formats/lerobot/feature_statistics.h"
#include "data/formats/lerobot/frame_table.h"
#include "data/formats/lerobot/lerobot_layout.h"
#include "data/formats/lerobot/part_folder.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

int WholeRate(const EpisodeSource& reader) {
  const double rate = reader.header().simulator.control_hz;
  if (rate < 1 || std::round(rate) != rate) {
    ThrowBadInput(fmt::format("{}: {} rows per second: LeRobot knows whole numbers only",
                              reader.path().string(), rate));
  }
  return static_cast<int>(rate);
}

// The texts of all instructions, each once.
class TaskList {
 public:
  int64_t Number(const std::string& task) {
    const auto known = std::find(tasks_.begin(), tasks_.end(), task);
    if (known != tasks_.end()) return known - tasks_.begin();
    tasks_.push_back(task);
    return static_cast<int64_t>(tasks_.size()) - 1;
  }
  const std::vector<std::string>& tasks() const { return tasks_; }

 private:
  std::vector<std::string> tasks_;
};

std::string InstructionOf(const EpisodeSource& reader, const Episode& episode) {
  const std::string& own = episode.meta.instruction;
  const std::string& common = reader.header().simulator.instruction;
  if (own.empty() && common.empty()) {
    ThrowBadInput(
        fmt::format("{}: {} has no instruction, LeRobot's task: give it one by "
                    "`understudy data relabel`",
                    reader.path().string(), episode.meta.name));
  }
  return own.empty() ? common : own;
}

// Statistics of everything, of one episode and of all.
class Totals {
 public:
  Totals(const FrameTable& table, const std::vector<std::string>& cameras)
      : cameras_(cameras), pictures_(cameras.size()), own_pictures_(cameras.size()) {
    for (const Feature& feature : table.features()) numbers_.emplace_back(feature.width());
  }

  // The numbers of an episode. Throws Error(kBadInput) under `place` where one is none.
  void AddRows(const FrameTable& table, const std::string& place, EpisodeEntry& entry) {
    for (size_t f = 0; f < table.features().size(); ++f) {
      const Feature& feature = table.features()[f];
      const auto width = static_cast<std::ptrdiff_t>(feature.width());
      VectorStatistics own(feature.width());
      for (auto at = feature.values.begin(); at != feature.values.end(); at += width) {
        const std::vector<double> row(at, at + width);
        for (const double value : row) {
          if (std::isfinite(value)) continue;
          ThrowBadInput(fmt::format("{}: {} of row {} holds {}, which is no number", place,
                                    feature.name, (at - feature.values.begin()) / width, value));
        }
        own.Add(row);
        numbers_[f].Add(row);
      }
      entry.statistics.push_back({feature.name, own.Result(), false});
    }
  }
  void AddPicture(size_t camera, const Image& image) {
    own_pictures_[camera].Add(image);
    pictures_[camera].Add(image);
  }
  void EndPictures(size_t camera, EpisodeEntry& entry) {
    entry.statistics.push_back(
        {PictureKey(cameras_[camera]), own_pictures_[camera].Result(), true});
    own_pictures_[camera] = {};
  }

  Json ToJson(const FrameTable& table) const {
    Json json = Json::object();
    for (size_t f = 0; f < numbers_.size(); ++f) {
      json[table.features()[f].name] = StatisticsJson(numbers_[f].Result(), false);
    }
    for (size_t c = 0; c < cameras_.size(); ++c) {
      json[PictureKey(cameras_[c])] = StatisticsJson(pictures_[c].Result(), true);
    }
    return json;
  }

 private:
  std::vector<std::string> cameras_;
  std::vector<VectorStatistics> numbers_;
  std::vector<ImageStatistics> pictures_, own_pictures_;
};

}  // namespace

std::vector<std::string> LostInLerobot(const EpisodeSource& reader, const LerobotOptions& options) {
  std::vector<std::string> lost;
  if (!reader.header().cameras.empty()) {
    lost.push_back(fmt::format("pictures: {} of rate factor {} keeps them nearly",
                               options.codec == VideoCodec::kAv1 ? "AV1" : "H.264",
                               options.quality));
  }
  if (!options.extras) {
    lost.push_back("states of the simulator, model, signals, labels and clean actions");
    lost.push_back("raw device samples and clocks");
    lost.push_back("uuids, parents, seeds, draws, causes of failure, quality, camera parameters");
    if (!reader.MaskNames().empty()) lost.push_back("filter keys");
    if (!reader.attempts().empty()) lost.push_back("the table of attempts");
  }
  return lost;
}

LerobotReport WriteLerobot(const EpisodeSource& reader, const fs::path& folder,
                           const LerobotOptions& options, Progress& progress) {
  const int fps = WholeRate(reader);
  const std::vector<std::string>& cameras = reader.header().cameras;
  if (reader.episodes().empty()) ThrowBadInput(reader.path().string() + ": holds no episode");
  CheckOutput(folder, options.overwrite);
  if (fs::exists(folder) && !fs::exists(folder / "meta/info.json")) {
    ThrowUsage(folder.string() + ": is no LeRobot dataset: only one is replaced by --overwrite");
  }
  const auto place = [&](int64_t episode) {
    return fmt::format("{}: {}", reader.path().string(),
                       reader.episodes()[static_cast<size_t>(episode)].name);
  };
  const std::vector<ArmShape> arms = ArmsOf(reader.ReadEpisode(0), place(0));
  const fs::path part = PartOf(folder);
  PartFolder part_folder(part);
  const LayoutSetup setup{part, options, cameras, arms, reader.header().simulator.robot, fps};
  const auto layout =
      options.version == LerobotVersion::kV21 ? MakeLayoutV21(setup) : MakeLayoutV30(setup);

  FrameTable table(arms, options.version);
  Totals totals(table, cameras);
  TaskList tasks;
  LerobotReport report;
  const auto count = static_cast<int64_t>(reader.episodes().size());
  progress.Start("writing " + folder.string(), count, "episodes");
  for (int64_t e = 0; e < count; ++e) {
    if (InterruptRequested()) ThrowFailed(folder.string() + ": interrupted, nothing was written");
    const Episode episode = reader.ReadEpisode(static_cast<size_t>(e));
    if (ArmsOf(episode, place(e)) != arms) {
      ThrowBadInput(place(e) + ": has other arms or joints than the first episode");
    }
    const auto length = static_cast<int64_t>(episode.length());
    EpisodeEntry entry{e, report.frames, length, InstructionOf(reader, episode), {}};
    layout->BeginEpisode(e);

    // numbers
    table.Fill(episode, e, report.frames, tasks.Number(entry.task), fps);
    totals.AddRows(table, place(e), entry);
    layout->AddRows(table.Columns());

    // pictures
    const int64_t stride = PictureStride(length);
    for (size_t c = 0; c < cameras.size(); ++c) {
      for (int64_t k = 0; k < length; ++k) {
        const Image image =
            reader.ReadImage(static_cast<size_t>(e), cameras[c], static_cast<size_t>(k));
        layout->AddFrame(c, image);
        if (k % stride == 0) totals.AddPicture(c, image);
      }
      totals.EndPictures(c, entry);
    }
    layout->EndEpisode(entry);
    report.frames += length;
    progress.Advance(e + 1);
  }
  layout->Finish({count, report.frames, tasks.tasks(), table.FeaturesJson()}, report);
  WriteTextAtomically(part / "meta/stats.json", totals.ToJson(table).dump(4) + "\n");
  if (options.extras && !reader.content_hash().empty()) WriteExtras(reader, part);

  if (options.overwrite) fs::remove_all(folder);
  part_folder.KeepAs(folder);
  report.episodes = count;
  progress.Finish(fmt::format("{} frames", report.frames));
  return report;
}

}  // namespace understudy
