// Verification of files of robomimic's family.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <string_view>

#include "core/base/error.h"
#include "data/formats/family/foreign_parts.h"
#include "data/formats/family/foreign_source.h"
#include "data/store/edit/verify_episode.h"
#include "data/store/hdf5/file.h"
#include "data/store/usual_columns.h"

namespace understudy::foreign {
namespace {

void Fail(const h5::Group& demo, const std::string& place, const std::string& what,
          VerifyReport& report) {
  report.faults.push_back({demo.path() + "/" + place, what});
}

// Numbers that must be finite, and in [-1, 1] where the format says so.
void CheckValues(const h5::Group& demo, const std::string& path, const h5::DatasetInfo& info,
                 bool box, VerifyReport& report) {
  std::string what;
  if (const auto row = FirstRowNotFinite(demo, path, info, &what)) {
    return Fail(demo, fmt::format("{}[{}]", path, *row), what, report);
  }
  uint64_t bytes = info.type_size;
  for (const hsize_t n : info.dims) bytes *= n;
  report.bytes_read += static_cast<int64_t>(bytes);
  if (!box) return;
  if (const auto row = FirstRowOutsideBox(demo, info.dims[0], &what)) {
    Fail(demo, fmt::format("{}[{}]", path, *row), what, report);
  }
}

// Whether a column must have a row for every step.
bool IsPerStep(const std::string& path) {
  for (const char* name : {"actions", "actions_abs", "states", "rewards", "dones"}) {
    if (path == name) return true;
  }
  for (const std::string_view group : {"obs/", "next_obs/"}) {
    if (path.starts_with(group) && path.find('/', group.size()) == std::string::npos) return true;
  }
  return false;
}

// What stands per step in the episodes, by their paths. Thread-safe.
struct SeenColumns {
  std::mutex mutex;
  std::map<std::string, std::vector<ColumnSpec>> columns;
};

// Every array of numbers, whether an Episode has a place for it or not: finite, one row per step.
void CheckColumns(const Dialect& dialect, const h5::Group& demo, const DatasetHeader& header,
                  size_t length, SeenColumns& seen_columns, VerifyReport& report) {
  std::vector<ColumnSpec> columns;
  const bool boxed = dialect.boxed_actions != nullptr && dialect.boxed_actions(header);
  VisitNumbers(demo, [&](const std::string& path, const h5::DatasetInfo& seen) {
    try {
      const h5::DatasetInfo info = seen.dims.empty() ? demo.Info(path) : seen;
      if (info.dims[0] == length && !path.starts_with("next_obs/")) {
        columns.push_back({path, "", {info.dims.begin() + 1, info.dims.end()}});
        if (dialect.role != nullptr) columns.back().role = dialect.role(path);
      }
      if (IsPerStep(path) && info.dims[0] != length) {
        return Fail(demo, path,
                    fmt::format("has shape ({}), must have {} rows{}", fmt::join(info.dims, ", "),
                                length, ExtraRowHint(path, info.dims[0], length)),
                    report);
      }
      // pictures and flags cannot be wrong in other ways
      if (info.type_class != H5T_FLOAT) return;
      // rows that no step has: not for the sake of what a file merely claims
      if (info.dims[0] != length && info.dims[0] > kMaxColumnBytes / sizeof(double)) return;
      CheckValues(demo, path, info, boxed && path == "actions", report);
    } catch (const Error& error) {
      Fail(demo, path, error.what(), report);
    }
  });
  const std::scoped_lock lock(seen_columns.mutex);
  seen_columns.columns[demo.path()] = std::move(columns);
}

// Objects and signals that most other episodes lack: they are not read.
void CheckNames(const Dialect& dialect, const h5::Group& demo, const DatasetHeader& header,
                VerifyReport& report) {
  const SimulatorInfo& info = header.simulator;
  if (dialect.names == nullptr) return;
  if (info.objects.empty() && info.signals.empty()) return;
  for (const std::string& path : dialect.names(demo)) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto has = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (has(info.objects) || has(info.signals)) continue;
    Fail(demo, path, "most other episodes have nothing of this name: it is not read", report);
  }
}

void CheckEpisodeOf(const Dialect& dialect, const h5::Group& data, const std::string& name,
                    const DatasetHeader& header, SeenColumns& seen, VerifyReport& report) {
  try {
    const h5::Group demo = OpenEpisode(data, name);
    const size_t length = LengthOf(demo);
    if (demo.HasAttribute("success")) StoredSuccess(demo);
    ++report.episodes;
    report.steps += static_cast<int64_t>(length);
    const size_t before = report.faults.size();
    CheckColumns(dialect, demo, header, length, seen, report);
    // it stops at the first fault, which these have named
    if (report.faults.size() == before) {
      ReadForeignEpisode(dialect, demo, header, ReadForeignFacts(dialect, demo));
    }
    CheckNames(dialect, demo, header, report);
    for (const std::string& camera : header.cameras) {
      VerifyPictures(demo, camera, length, header, Json::object(), report);
    }
  } catch (const Error& error) {
    report.faults.push_back({data.path() + "/" + name, error.what()});
  }
}

// Columns that most others have and an episode lacks or has in another shape, where nothing else is
// wrong with it.
void CheckAlike(const SeenColumns& seen, VerifyReport& report) {
  std::vector<std::vector<ColumnSpec>> columns;
  for (const auto& [demo, of_episode] : seen.columns) columns.push_back(of_episode);
  const std::vector<ColumnSpec> usual = UsualColumns(columns);
  std::set<std::string> faulty;
  for (const Fault& fault : report.faults) {
    faulty.insert(fault.place.substr(0, fault.place.find('/', std::string_view("/data/").size())));
  }
  for (const auto& [demo, of_episode] : seen.columns) {
    const std::string odd = OddColumn(usual, of_episode);
    if (odd.empty() || faulty.contains(demo)) continue;
    const size_t end = odd.find(": ");
    report.faults.push_back({demo + "/" + odd.substr(0, end), odd.substr(end + 2)});
  }
}

}  // namespace

VerifyReport VerifyForeign(const Dialect& dialect, const std::filesystem::path& path,
                           const VerifyOptions& options) {
  VerifyReport report;
  try {
    const h5::Group root = h5::OpenForReading(path, options.read.outside_links);
    const DatasetHeader header = ForeignHeader(dialect, root, options.read);
    SeenColumns seen;
    for (const Json& what : header.settings.value(kWrongInFile, Json::array())) {
      report.faults.push_back({"/data", what});
    }
    if (!options.episode.empty()) {
      CheckEpisodeOf(dialect, root.Open("data"), options.episode, header, seen, report);
      return report;
    }
    VerifyEpisodes(
        root, options.threads,
        [&](const h5::Group& data, const std::string& name, VerifyReport& one,
            std::optional<EpisodeStamp>*) {
          CheckEpisodeOf(dialect, data, name, header, seen, one);
        },
        report);
    CheckAlike(seen, report);
  } catch (const Error& error) {
    report.faults.push_back({"/", error.what()});
  }
  return report;
}

}  // namespace understudy::foreign
