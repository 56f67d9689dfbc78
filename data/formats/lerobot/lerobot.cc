#include "data/formats/lerobot/lerobot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/family/bare_dataset.h"
#include "data/formats/family/import.h"
#include "data/formats/lerobot/dataset_card.h"
#include "data/formats/lerobot/extras.h"
#include "data/formats/lerobot/feature_statistics.h"
#include "data/formats/lerobot/frame_table.h"
#include "data/formats/lerobot/lerobot_layout.h"
#include "data/formats/lerobot/part_folder.h"
#include "data/formats/lerobot/stored_table.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/files.h"
#include "data/store/skip_bad.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// Datasets of other programs are taken column by column; ours are made of their arms.
bool IsStored(const EpisodeSource& reader) { return reader.content_hash().empty(); }

std::string InstructionOf(const EpisodeSource& reader, const EpisodeMeta& meta,
                          const LerobotOptions& options) {
  for (const std::string* text :
       {&meta.instruction, &reader.header().simulator.instruction, &options.task}) {
    if (!text->empty()) return *text;
  }
  return "";
}

bool IsWhole(double rate) { return rate >= 1 && std::round(rate) == rate; }

// Rows per second as LeRobot's info.json will say them.
double WrittenRate(const EpisodeSource& reader, const LerobotOptions& options) {
  const double stored = reader.header().simulator.control_hz;
  return IsWhole(stored) || options.control_hz <= 0 ? stored : options.control_hz;
}

// Refuses a dataset without what LeRobot needs, all of it together.
void RequireNeeds(const EpisodeSource& reader, const LerobotOptions& options) {
  const std::string place = reader.path().string();
  RequireEpisodes(reader);
  std::vector<std::string> needs;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const EpisodeSummary& episode = reader.episodes()[e];
    if (episode.length > 0) continue;
    reader.ReadEpisode(e);  // where its rows cannot be read, this says why
    needs.push_back(fmt::format(
        "{} holds no row, LeRobot knows no such episode: `understudy data filter {} --where "
        "\"steps > 0\" --out FILE` leaves it out",
        episode.name, place));
    break;
  }
  const double stored = reader.header().simulator.control_hz;
  const double rate = WrittenRate(reader, options);
  if (rate <= 0) needs.push_back("it stores no rate: --control-hz gives it");
  if (rate > 0 && !IsWhole(rate)) {
    const double below = std::max(1.0, std::floor(stored)), above = std::ceil(stored);
    const std::string values =
        below < above ? fmt::format("{} or {}", below, above) : fmt::format("{}", above);
    needs.push_back(fmt::format(
        "it has {} rows per second, LeRobot knows whole numbers only: --control-hz {} (any whole "
        "number from 1 on) writes the same rows at that rate{}",
        stored, values, rate == stored ? "" : fmt::format(", {} is none", rate)));
  }
  const bool all_have_one = !InstructionOf(reader, {}, options).empty();
  for (size_t e = 0; e < reader.episodes().size() && !all_have_one; ++e) {
    if (!InstructionOf(reader, reader.ReadMeta(e), options).empty()) continue;
    const TextColumns texts = RowTextsOf(reader, e);
    const auto tasks = texts.find(kTaskTexts);
    const auto is_named = [](const std::string& task) { return !task.empty(); };
    if (tasks != texts.end() && std::ranges::all_of(tasks->second, is_named)) continue;
    needs.push_back(fmt::format(
        "{} has no instruction, LeRobot's task: --lerobot.task gives one to all without",
        reader.episodes()[e].name));
    break;
  }
  if (!needs.empty()) ThrowBadInput(fmt::format("{}: {}", place, fmt::join(needs, "; ")));
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

// The rows of a dataset as features.
class Rows {
 public:
  Rows(const EpisodeSource& reader, const LerobotOptions& options) : reader_(reader) {
    if (IsStored(reader)) {
      stored_.emplace(reader, options.version);
    } else {
      arms_ = ArmsOf(reader.ReadEpisode(0), reader.header().simulator, Place(0));
      made_.emplace(arms_, options.version);
    }
  }
  const FeatureTable& table() const {
    return stored_ ? static_cast<const FeatureTable&>(*stored_) : *made_;
  }
  void Describe(LayoutSetup* setup) const {
    setup->arms = arms_;
    if (!stored_) return;
    setup->state = stored_->state();
    setup->action = stored_->action();
  }
  // Reads an episode; null where its columns are taken as they are.
  const Episode* Read(size_t e) {
    if (stored_) return nullptr;
    episode_ = reader_.ReadEpisode(e, true);
    if (ArmsOf(episode_, reader_.header().simulator, Place(e)) != arms_) {
      ThrowBadInput(Place(e) + ": has other arms or joints than the first episode");
    }
    return &episode_;
  }
  // The task of every row: `task` where the dataset says none.
  std::vector<std::string> TasksOf(size_t e, const std::string& task) const {
    const size_t length = reader_.episodes()[e].length;
    if (!stored_) return std::vector<std::string>(length, task);
    std::vector<std::string> tasks = stored_->TasksOf(reader_, e);
    tasks.resize(length);
    for (std::string& text : tasks) {
      if (text.empty()) text = task;
    }
    return tasks;
  }
  // The rows of the episode that was read last. `tasks`: of every row.
  void Fill(size_t e, int64_t first_index, const std::vector<int64_t>& tasks, int fps) {
    if (stored_) return stored_->Fill(reader_, e, first_index, tasks, fps);
    made_->Fill(episode_, static_cast<int64_t>(e), first_index, tasks.at(0), fps);
  }
  std::string Place(size_t e) const {
    return fmt::format("{}: {}", reader_.path().string(), reader_.episodes()[e].name);
  }

 private:
  const EpisodeSource& reader_;
  std::vector<ArmShape> arms_;
  std::optional<FrameTable> made_;
  Episode episode_;
  std::optional<StoredTable> stored_;
};

// An episode without its pictures.
struct EpisodeRows {
  EpisodeEntry entry;
  std::vector<ParquetColumn> columns;
};

// Statistics of everything, of one episode and of all.
class Totals {
 public:
  Totals(const FeatureTable& table, const std::vector<std::string>& cameras)
      : cameras_(cameras), pictures_(cameras.size()), own_pictures_(cameras.size()) {
    for (const Feature& feature : table.features()) numbers_.push_back(StatisticsFor(feature));
  }

  // The numbers of an episode. Throws Error(kBadInput) under `place` where one is none.
  void AddRows(const FeatureTable& table, const std::string& place, EpisodeEntry& entry) {
    for (size_t f = 0; f < table.features().size(); ++f) {
      const Feature& feature = table.features()[f];
      const auto width = static_cast<std::ptrdiff_t>(feature.width());
      VectorStatistics own = StatisticsFor(feature);
      for (auto at = feature.values.begin(); at != feature.values.end(); at += width) {
        const std::vector<double> row(at, at + width);
        for (const double value : row) {
          if (std::isfinite(value)) continue;
          ThrowBadInput(fmt::format("{}: {} of row {} holds {}, which is no number{}", place,
                                    feature.name, (at - feature.values.begin()) / width, value,
                                    kSkipBadHint));
        }
        own.Add(row);
        numbers_[f].Add(row);
      }
      entry.statistics.push_back({feature.name, own.Result(), DimsOf(feature)});
    }
  }
  void AddPicture(size_t camera, const Image& image) {
    own_pictures_[camera].Add(image);
    pictures_[camera].Add(image);
  }
  void EndPictures(size_t camera, EpisodeEntry& entry) {
    entry.statistics.push_back(
        {PictureKey(cameras_[camera]), own_pictures_[camera].Result(), kPictureDims});
    own_pictures_[camera] = {};
  }

  Json ToJson(const FeatureTable& table) const {
    Json json = Json::object();
    for (size_t f = 0; f < numbers_.size(); ++f) {
      const Feature& feature = table.features()[f];
      json[feature.name] = StatisticsJson(numbers_[f].Result(), DimsOf(feature));
    }
    for (size_t c = 0; c < cameras_.size(); ++c) {
      json[PictureKey(cameras_[c])] = StatisticsJson(pictures_[c].Result(), kPictureDims);
    }
    return json;
  }

 private:
  static VectorStatistics StatisticsFor(const Feature& feature) {
    return VectorStatistics(feature.width(), feature.width() <= kWidestQuantiles);
  }
  static std::vector<int> DimsOf(const Feature& feature) {
    return feature.dims.empty() ? std::vector<int>{1} : feature.dims;
  }

  std::vector<std::string> cameras_;
  std::vector<VectorStatistics> numbers_;
  std::vector<ImageStatistics> pictures_, own_pictures_;
};

// Of a dataset whose columns are taken as they are.
std::vector<std::string> LostOfStored(const EpisodeSource& reader, const LerobotOptions& options) {
  const StoredTable table(reader, options.version);
  std::vector<std::string> lost = table.Lost(), written;
  for (const ColumnSpec& column : reader.ListColumns()) written.push_back(column.name);
  for (const std::string& path : table.TextPaths()) written.push_back(path);
  for (std::string& line : LostOfFile(reader.header(), nullptr, written)) {
    lost.push_back(std::move(line));
  }
  lost.push_back(
      "what is no column of numbers or texts and no picture: model, settings of the simulator, "
      "attributes, states before the first row");
  if (!reader.MaskNames().empty()) lost.push_back("filter keys");
  return lost;
}

}  // namespace

std::vector<std::string> LostInLerobot(const EpisodeSource& reader, const LerobotOptions& options) {
  std::vector<std::string> lost;
  if (!reader.header().cameras.empty()) {
    lost.push_back(fmt::format("pictures: {} of rate factor {} keeps them nearly",
                               options.codec == VideoCodec::kAv1 ? "AV1" : "H.264",
                               options.quality));
  }
  const double stored = reader.header().simulator.control_hz, rate = WrittenRate(reader, options);
  if (rate != stored && stored > 0) {
    lost.push_back(fmt::format("the rate: {} rows per second are written as {}, with their times",
                               stored, rate));
  }
  for (size_t c = 0; c < reader.header().cameras.size(); ++c) {
    const PictureSize size = reader.header().size_of(c);
    if (size.width % 2 == 0 && size.height % 2 == 0) continue;
    lost.push_back(fmt::format("pictures of {}: {} x {} become {} x {}: films have even sizes",
                               reader.header().cameras[c], size.width, size.height,
                               size.width + size.width % 2, size.height + size.height % 2));
  }
  if (IsStored(reader)) {
    for (std::string& line : LostOfStored(reader, options)) lost.push_back(std::move(line));
    return lost;
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
  RequireNeeds(reader, options);
  const int fps = static_cast<int>(WrittenRate(reader, options));
  const std::vector<std::string>& cameras = reader.header().cameras;
  CheckOutput(folder, options.overwrite);
  if (fs::exists(folder) && !fs::exists(folder / "meta/info.json")) {
    ThrowUsage(folder.string() + ": is no LeRobot dataset: only one is replaced by --overwrite");
  }
  Rows rows(reader, options);
  const FeatureTable& table = rows.table();
  const fs::path part = PartOf(folder);
  PartFolder part_folder(part);
  LayoutSetup setup{part, options, cameras, {}, {}, {}, reader.header().simulator.robot, fps};
  rows.Describe(&setup);
  const auto layout =
      options.version == LerobotVersion::kV21 ? MakeLayoutV21(setup) : MakeLayoutV30(setup);

  Totals totals(table, cameras);
  TaskList tasks;
  std::optional<ExtrasWriter> extras;
  if (options.extras && !IsStored(reader)) extras.emplace(reader, part);
  LerobotReport report;
  const auto count = static_cast<int64_t>(reader.episodes().size());
  progress.Start("writing " + folder.string(), count, "episodes");
  // its numbers are read, and kept in the extras, while the episode before goes into the files
  int64_t first_index = 0;
  const auto read = [&](int, int64_t e) {
    const auto at = static_cast<size_t>(e);
    const auto length = static_cast<int64_t>(reader.episodes()[at].length);
    EpisodeRows result{{e, first_index, length, {}, {}}, {}};
    EpisodeEntry& entry = result.entry;
    std::vector<int64_t> row_tasks;
    const Episode* episode = rows.Read(at);
    const std::string instruction =
        InstructionOf(reader, episode ? episode->meta : reader.ReadMeta(at), options);
    for (const std::string& task : rows.TasksOf(at, instruction)) {
      row_tasks.push_back(tasks.Number(task));
      if (std::find(entry.tasks.begin(), entry.tasks.end(), task) == entry.tasks.end()) {
        entry.tasks.push_back(task);
      }
    }
    rows.Fill(at, first_index, row_tasks, fps);
    totals.AddRows(table, rows.Place(at), entry);
    if (extras) extras->Append(at, *episode);
    result.columns = table.Columns();
    first_index += length;
    return result;
  };
  const auto write = [&](int64_t e, EpisodeRows&& of_episode) {
    if (InterruptRequested()) ThrowFailed(folder.string() + ": interrupted, nothing was written");
    const auto at = static_cast<size_t>(e);
    EpisodeEntry& entry = of_episode.entry;
    layout->BeginEpisode(e);
    layout->AddRows(of_episode.columns);

    // pictures
    const int64_t stride = PictureStride(entry.length);
    for (size_t c = 0; c < cameras.size(); ++c) {
      for (int64_t k = 0; k < entry.length; ++k) {
        const Image image = reader.ReadImage(at, cameras[c], static_cast<size_t>(k));
        layout->AddFrame(c, image);
        if (k % stride == 0) totals.AddPicture(c, image);
      }
      totals.EndPictures(c, entry);
    }
    layout->EndEpisode(entry);
    report.frames += entry.length;
    progress.Advance(e + 1);
    return true;
  };
  RunOrdered<EpisodeRows>(1, 0, count, read, write, 2);
  layout->Finish({count, report.frames, tasks.tasks(), table.FeaturesJson()}, report);
  WriteTextAtomically(part / "meta/stats.json", totals.ToJson(table).dump(4) + "\n");
  WriteTextAtomically(part / "README.md",
                      DatasetCard(LoadJson(part / "meta/info.json"), tasks.tasks().at(0)));
  if (extras) extras->Finish();

  if (options.overwrite) fs::remove_all(folder);
  part_folder.KeepAs(folder);
  report.episodes = count;
  progress.Finish(fmt::format("{} frames", report.frames));
  return report;
}

}  // namespace understudy
