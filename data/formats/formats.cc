#include "data/formats/formats.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/spec/foreign_names.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

DatasetFormat OwnFormat() {
  return {.name = "understudy",
          .summary = "this program's own: exact states, all that a stage needs",
          .Recognises = [](const fs::path& path,
                           const ReadOptions&) { return DatasetReader::Recognises(path); },
          .Open = [](const fs::path& path,
                     const ReadOptions& options) -> std::unique_ptr<EpisodeSource> {
            return std::make_unique<DatasetReader>(path, options);
          },
          .Lost = [](const EpisodeSource& source,
                     const WriteRequest& request) { return LostInImport(source, request.from); },
          .Write =
              [](const EpisodeSource& source, const fs::path& output, const WriteRequest& request,
                 Progress& progress) {
                return ImportForeign(source, output, request.import, request.from, progress);
              },
          .Verify = VerifyOwn};
}

// A format of robomimic's family. `last`: it takes the files whose first episode cannot be read.
DatasetFormat FamilyFormat(const char* name, const char* summary, const foreign::Dialect& dialect,
                           ForeignTarget target, bool last = false) {
  return {.name = name,
          .summary = summary,
          .family = dialect.family,
          .Recognises =
              [&dialect, last](const fs::path& path, const ReadOptions& options) {
                return foreign::Recognises(dialect, path, options, last);
              },
          .Open =
              [&dialect](const fs::path& path, const ReadOptions& options) {
                return foreign::OpenForeign(dialect, path, options);
              },
          .Lost =
              [target](const EpisodeSource& source, const WriteRequest& request) {
                return LostIn(target, source, request.foreign, request.into);
              },
          .Write =
              [target](const EpisodeSource& source, const fs::path& output,
                       const WriteRequest& request, Progress& progress) {
                return WriteForeign(target, source, output, request.foreign, request.from,
                                    request.into, progress);
              },
          .Verify =
              [&dialect](const fs::path& path, const VerifyOptions& options) {
                return foreign::VerifyForeign(dialect, path, options);
              }};
}

// A folder whose reader and writer need Arrow and libav, which are a part of their own: it is
// recognised, and converted before it is read.
DatasetFormat LerobotFormat(const char* name, const char* summary) {
  return {.name = name,
          .summary = summary,
          .Recognises =
              [](const fs::path& path, const ReadOptions&) {
                std::error_code none;
                return fs::exists(path / "meta" / "info.json", none);
              },
          .Open = [](const fs::path& path, const ReadOptions&) -> std::unique_ptr<EpisodeSource> {
            ThrowBadInput(fmt::format(
                "{}: is the folder of a LeRobot dataset; `understudy data convert {} --to "
                "understudy --out FILE` makes a dataset of it that every command reads",
                path.string(), path.string()));
          }};
}

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
      OwnFormat(),
      FamilyFormat("isaaclab", "Isaac Lab and Isaac Lab Mimic (HDF5)", foreign::kIsaacLabDialect,
                   ForeignTarget::kIsaacLab),
      FamilyFormat("mimicgen", "MimicGen: robomimic with poses and signals (HDF5)",
                   foreign::kMimicgenDialect, ForeignTarget::kMimicgen),
      FamilyFormat("robomimic", "robomimic and robosuite (HDF5)", foreign::kRobomimicDialect,
                   ForeignTarget::kRobomimic, true),
      LerobotFormat("lerobot", "LeRobot v3.0 (a folder of Parquet and MP4)"),
      LerobotFormat("lerobot21", "LeRobot v2.1 with GR00T's files")};
  return formats;
}

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

VerifyReport VerifyDataset(const fs::path& path, const VerifyOptions& options,
                           const FormatList& formats) {
  const DatasetFormat* found = FindFormat(path, options.read, formats);
  const DatasetFormat& format = found != nullptr ? *found : formats.at(0);
  return format.Verify ? format.Verify(path, options) : VerifyByReading(format, path, options);
}

VerifyReport VerifyApart(const fs::path& path, const VerifyOptions& options) {
  return RunApart([&] { return VerifyDataset(path, options); }, options.episode);
}

}  // namespace understudy
