// Verification of files of robomimic's family.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/foreign_source.h"
#include "data/store/edit/verify_episode.h"
#include "data/store/hdf5/file.h"
#include "data/store/meta.h"

namespace understudy::foreign {
namespace {

void Fail(const h5::Group& demo, const std::string& place, const std::string& what,
          VerifyReport& report) {
  report.faults.push_back({demo.path() + "/" + place, what});
}

// In blocks: depth pictures are floating-point numbers too.
void CheckValues(const h5::Group& demo, const std::string& path, const h5::DatasetInfo& info,
                 bool box, VerifyReport& report) {
  constexpr uint64_t kRowsBytes = 1 << 24;
  uint64_t row_bytes = sizeof(double);
  for (size_t i = 1; i < info.dims.size(); ++i) {
    row_bytes *= std::clamp<hsize_t>(info.dims[i], 1, kRowsBytes);
    row_bytes = std::min(row_bytes, kRowsBytes);
  }
  const size_t rows = info.dims[0], block = std::max<uint64_t>(1, kRowsBytes / row_bytes);
  for (size_t first = 0; first < rows; first += block) {
    const Column c = ReadRows(demo, path, first, std::min(block, rows - first));
    report.bytes_read += static_cast<int64_t>(c.bytes.size());
    for (size_t i = 0; i < c.rows * c.row_size(); ++i) {
      const double v = c.At<double>(0, i);
      if (std::isfinite(v) && !(box && std::abs(v) > 1)) continue;
      return Fail(demo, fmt::format("{}[{}]", path, first + i / c.row_size()),
                  std::isfinite(v) ? fmt::format("= {} must lie in [-1, 1]", v) : "is not finite",
                  report);
    }
  }
}

// What ReadForeignEpisode does not look at.
void CheckColumns(const Dialect& dialect, const h5::Group& demo, const Episode& episode,
                  VerifyReport& report) {
  // numbers of the simulator, rewards and observations: finite, and one row per step
  std::vector<std::string> paths{"actions", "actions_abs", "states", "rewards", "dones"};
  for (const char* group : {"obs", "next_obs"}) {
    for (const std::string& name : NamesIn(demo, group)) {
      paths.push_back(fmt::format("{}/{}", group, name));
    }
  }
  for (const std::string& path : paths) {
    if (!IsDataset(demo, path)) continue;
    try {
      const h5::DatasetInfo info = demo.Info(path);
      if (info.dims.empty() || info.dims[0] != episode.length()) {
        Fail(demo, path,
             fmt::format("has shape ({}), must have {} rows", fmt::join(info.dims, ", "),
                         episode.length()),
             report);
        continue;
      }
      // pictures and flags cannot be wrong in other ways
      if (info.type_class != H5T_FLOAT) continue;
      const bool box = path == "actions" && dialect.boxed_actions &&
                       episode.meta.settings.value("target_from", "") != "actions, absolute";
      CheckValues(demo, path, info, box, report);
    } catch (const Error& error) {
      Fail(demo, path, error.what(), report);
    }
  }
}

void CheckEpisodeOf(const Dialect& dialect, const h5::Group& data, const std::string& name,
                    const DatasetHeader& header, VerifyReport& report) {
  try {
    const h5::Group demo = data.Open(name);
    const size_t length = ReadLength(demo);
    ++report.episodes;
    report.steps += static_cast<int64_t>(length);
    CheckColumns(dialect, demo, ReadForeignEpisode(dialect, demo, header), report);
    for (const std::string& camera : header.cameras) {
      VerifyPictures(demo, camera, length, header, Json::object(), report);
    }
  } catch (const Error& error) {
    report.faults.push_back({data.path() + "/" + name, error.what()});
  }
}

}  // namespace

VerifyReport VerifyForeign(const Dialect& dialect, const std::filesystem::path& path,
                           const VerifyOptions& options) {
  VerifyReport report;
  try {
    const h5::Group root = h5::OpenForReading(path, options.read.outside_links);
    const DatasetHeader header = ForeignHeader(dialect, root, options.read);
    if (!options.episode.empty()) {
      CheckEpisodeOf(dialect, root.Open("data"), options.episode, header, report);
      return report;
    }
    VerifyEpisodes(
        root, options.threads,
        [&](const h5::Group& data, const std::string& name, VerifyReport& one,
            std::optional<EpisodeStamp>*) { CheckEpisodeOf(dialect, data, name, header, one); },
        report);
  } catch (const Error& error) {
    report.faults.push_back({"/", error.what()});
  }
  return report;
}

}  // namespace understudy::foreign
