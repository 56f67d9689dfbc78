#include "data/formats/formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "core/base/error.h"
#include "data/formats/aloha/aloha.h"
#include "data/formats/base/column_map.h"
#include "data/formats/base/joint_poses.h"
#include "data/formats/hub.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/lerobot/entry/lerobot_entry.h"
#include "data/formats/own/own.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/hdf5_source.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// Reads all of a dataset whose format has no checks of its own.
VerifyReport VerifyByReading(const DatasetFormat& format, const fs::path& path,
                             const VerifyOptions& options) {
  VerifyReport report;
  try {
    const std::unique_ptr<EpisodeSource> source = format.Open(path, options.read);
    const DatasetHeader& header = source->header();
    std::vector<uint8_t> frame;
    for (size_t e = 0; e < source->episodes().size(); ++e) {
      const EpisodeSummary& episode = source->episodes()[e];
      if (!options.episode.empty() && episode.name != options.episode) continue;
      ++report.episodes;
      report.steps += static_cast<int64_t>(episode.length);
      try {
        const size_t rows = source->ReadEpisode(e).length();
        if (rows != episode.length) {
          report.faults.push_back(
              {episode.name, fmt::format("has {} rows, must have {}", rows, episode.length)});
        }
        for (size_t c = 0; c < header.cameras.size(); ++c) {
          const PictureSize size = header.size_of(c);
          frame.resize(3 * static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
          for (size_t k = 0; k < episode.length; ++k) source->ReadFrame(e, c, k, frame.data());
        }
      } catch (const Error& error) {
        report.faults.push_back({episode.name, error.what()});
      }
    }
    if (source->episodes().empty()) report.faults.push_back({"/", "holds no episode"});
  } catch (const Error& error) {
    report.faults.push_back({"/", error.what()});
  }
  return report;
}

// The formats, none of which is written of a dataset without an episode.
FormatList RefusingEmpty(FormatList formats) {
  for (DatasetFormat& format : formats) {
    if (format.Lost) {
      format.Lost = [lost = format.Lost](const EpisodeSource& source,
                                         const ConvertRequest& request) {
        RequireEpisodes(source);
        return lost(source, request);
      };
    }
    if (!format.Write) continue;
    format.Write = [write = format.Write](const EpisodeSource& source, const fs::path& output,
                                          const ConvertRequest& request, Progress& progress) {
      RequireEpisodes(source);
      return write(source, output, request, progress);
    };
  }
  return formats;
}

}  // namespace

const FormatList& DatasetFormats() {
  static const FormatList formats = RefusingEmpty(
      {UnderstudyFormat(),  // our own
       IsaacLabFormat(),    // before robomimic's, which takes what is left of its family
       MimicgenFormat(), LiberoFormat(), RobomimicFormat(), AlohaFormat(), LerobotV30Format(),
       LerobotV21Format()});
  return formats;
}

const DatasetFormat& OwnFormat() { return DatasetFormats().front(); }

const DatasetFormat* FindFormat(const fs::path& given, const ReadOptions& options,
                                const FormatList& formats) {
  const fs::path path = DatasetPath(given);
  for (const DatasetFormat& format : formats) {
    if (format.Recognises(path, options)) return &format;
  }
  return nullptr;
}

const DatasetFormat& FormatNamed(const std::string& name, const FormatList& formats) {
  std::vector<std::string> names;
  for (const DatasetFormat& format : formats) {
    if (format.name == name) return format;
    names.push_back(format.name);
  }
  ThrowUsage(UnknownName("format", name, names));
}

namespace {

// A dataset without some of its episodes.
class PartOfDataset : public EpisodeSource {
 public:
  // `reason` says why an episode is left out; empty: it stays.
  PartOfDataset(std::unique_ptr<EpisodeSource> all,
                const std::function<std::string(const EpisodeSource&, size_t)>& reason)
      : EpisodeSource(all->path()), all_(std::move(all)) {
    header_ = all_->header();
    content_hash_ = all_->content_hash();
    skipped_ = all_->skipped();
    for (size_t e = 0; e < all_->episodes().size(); ++e) {
      const EpisodeSummary& summary = all_->episodes()[e];
      if (std::string why = reason(*all_, e); !why.empty()) {
        skipped_.push_back({summary.name, std::move(why)});
        continue;
      }
      numbers_.push_back(e);
      episodes_.push_back(summary);
    }
  }

 private:
  Episode DoReadEpisode(size_t index, bool with_raw) const override {
    return all_->ReadEpisode(numbers_[index], with_raw);
  }
  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override {
    all_->ReadFrame(numbers_[index], camera, step, out);
  }
  EpisodeMeta DoReadMeta(size_t index) const override { return all_->ReadMeta(numbers_[index]); }
  std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const override {
    return all_->ReadStoredActions(numbers_[index]);
  }
  std::vector<ColumnSpec> DoListColumns() const override { return all_->ListColumns(); }
  std::vector<ColumnSpec> DoColumnsOf(size_t index) const override {
    return all_->ColumnsOf(numbers_[index]);
  }
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override {
    return all_->ReadColumns(numbers_[index], columns);
  }
  std::vector<std::string> DoMaskNames() const override { return all_->MaskNames(); }
  std::vector<std::string> DoReadMask(const std::string& key) const override {
    std::vector<std::string> names = all_->ReadMask(key);
    std::erase_if(names, [&](const std::string& name) {
      return std::none_of(episodes_.begin(), episodes_.end(),
                          [&](const EpisodeSummary& episode) { return episode.name == name; });
    });
    return names;
  }
  std::vector<CameraParameters> DoReadCameras(size_t index) const override {
    return all_->ReadCameras(numbers_[index]);
  }
  void DoVisitAttempts(const std::function<void(const AttemptRecord&)>& each) const override {
    all_->VisitAttempts(each);
  }
  Json DoReport() const override { return all_->report(); }

  const std::unique_ptr<EpisodeSource> all_;
  std::vector<size_t> numbers_;  // in all_
};

std::string WhyNotRead(const EpisodeSource& source, size_t e) {
  try {
    source.ReadEpisode(e);
    return "";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    return error.what();
  }
}

// Only files of robomimic's family hold pictures as fractions.
void RequireFractions(const EpisodeSource& source, const std::string& camera,
                      const std::string& map) {
  const std::vector<std::string>& cameras = source.header().cameras;
  const std::string place = fmt::format("{}: pictures.{}", map, camera);
  if (std::ranges::find(cameras, camera) == cameras.end()) {
    ThrowBadInput(fmt::format("{}: {}", place, UnknownName("camera", camera, cameras)));
  }
  if (dynamic_cast<const Hdf5Source*>(&source) != nullptr) return;
  ThrowBadInput(fmt::format("{}: pictures of '{}' are bytes, which have no mean and deviation",
                            place, source.path().string()));
}

}  // namespace

std::unique_ptr<EpisodeSource> OpenDataset(const fs::path& given, const ReadOptions& options,
                                           const FormatList& formats) {
  const fs::path path = DatasetPath(given);
  const DatasetFormat* format = FindFormat(path, options, formats);
  const DatasetFormat& opens = format != nullptr ? *format : formats.at(0);
  ReadOptions read = options;
  std::optional<ColumnMap> map;
  if (!options.map.empty()) {
    map = LoadColumnMap(options.map);
    read.pictures = ScalesOf(*map);
  }
  auto source = opens.Open(path, read);
  for (const auto& [camera, scale] : read.pictures) RequireFractions(*source, camera, options.map);
  if (options.skip_bad && !opens.leaves_out_bad) {
    source = std::make_unique<PartOfDataset>(std::move(source), WhyNotRead);
  }
  if (map) source = MapColumns(std::move(source), *map);
  if (options.joint_robot) source = PoseByJoints(std::move(source), options.joint_robot);
  return source;
}

std::unique_ptr<EpisodeSource> LeaveOutUnwritable(std::unique_ptr<EpisodeSource> source,
                                                  const DatasetFormat& format) {
  if (!format.states_after_actions) return source;
  const auto why = [](const EpisodeSource& all, size_t e) -> std::string {
    if (all.episodes()[e].length != 1 || !all.ReadEpisode(e).final_observation.arms.empty()) {
      return "";
    }
    return "has a single row and no state after it";
  };
  for (size_t e = 0; e < source->episodes().size(); ++e) {
    if (!why(*source, e).empty()) return std::make_unique<PartOfDataset>(std::move(source), why);
  }
  return source;
}

namespace {

VerifyReport VerifyAs(const DatasetFormat& format, const fs::path& given,
                      const VerifyOptions& options, const OptionValues& format_options,
                      Progress& progress) {
  RefuseMap(options.read.map);
  const fs::path path = DatasetPath(given);
  return format.Verify ? format.Verify(path, options, format_options, progress)
                       : VerifyByReading(format, path, options);
}

}  // namespace

VerifyReport VerifyDataset(const fs::path& path, const VerifyOptions& options,
                           const FormatList& formats) {
  const DatasetFormat* found = FindFormat(path, options.read, formats);
  Progress quiet;
  return VerifyAs(found != nullptr ? *found : formats.at(0), path, options, {}, quiet);
}

VerifyReport VerifyApart(const fs::path& path, const VerifyOptions& options,
                         const OptionValues& format_options, Progress& progress) {
  const DatasetFormat* found = FindFormat(path, options.read);
  const DatasetFormat& format = found != nullptr ? *found : OwnFormat();
  const auto verify = [&] { return VerifyAs(format, path, options, format_options, progress); };
  return format.verify_apart ? RunApart(verify, options.episode) : verify();
}

}  // namespace understudy
