#include "data/formats/formats.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/formats/aloha/aloha.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/lerobot/entry/lerobot_entry.h"
#include "data/formats/own/own.h"
#include "data/formats/robosuite/robosuite.h"

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
    std::vector<uint8_t> frame(3 * static_cast<size_t>(header.image_width) *
                               static_cast<size_t>(header.image_height));
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

}  // namespace

const FormatList& DatasetFormats() {
  static const FormatList formats{
      UnderstudyFormat(),  // our own
      IsaacLabFormat(),    // before robomimic's, which takes what is left of its family
      MimicgenFormat(),   LiberoFormat(),     RobomimicFormat(),
      AlohaFormat(),      LerobotV30Format(), LerobotV21Format()};
  return formats;
}

const DatasetFormat& OwnFormat() { return DatasetFormats().front(); }

const DatasetFormat* FindFormat(const fs::path& path, const ReadOptions& options,
                                const FormatList& formats) {
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

std::unique_ptr<EpisodeSource> OpenDataset(const fs::path& path, const ReadOptions& options,
                                           const FormatList& formats) {
  const DatasetFormat* format = FindFormat(path, options, formats);
  return (format != nullptr ? *format : formats.at(0)).Open(path, options);
}

namespace {

VerifyReport VerifyAs(const DatasetFormat& format, const fs::path& path,
                      const VerifyOptions& options, const OptionValues& format_options,
                      Progress& progress) {
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
