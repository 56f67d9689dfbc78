#include "app/convert_lerobot.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "data/formats/lerobot/module.h"
#include "data/store/files.h"
#include "data/store/reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

Json Say(const std::string& out, const std::vector<std::string>& lost, CommandContext& context) {
  for (const std::string& line : lost) context.progress->Message("lost: " + line);
  return {{"out", out}, {"lost", lost}};
}

// A file that goes when it goes out of scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code none;
    fs::remove(path_, none);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Json ToLerobot(const EpisodeSource& reader, const std::string& out, const LerobotOptions& options,
               CommandContext& context) {
  Json result = Say(out, Module<LerobotModule>().lost_in(reader, options), context);
  if (context.plan) return result;
  const LerobotReport report =
      Module<LerobotModule>().write(reader, out, options, *context.progress);
  result.update({{"episodes", report.episodes},
                 {"frames", report.frames},
                 {"data_files", report.data_files},
                 {"video_files", report.video_files},
                 {"encoder", report.encoder}});
  return result;
}

Json FromLerobot(const std::string& folder, const std::string& out,
                 const LerobotImportOptions& options, CommandContext& context) {
  Json result = Say(out, Module<LerobotModule>().lost_from(folder, options), context);
  if (context.plan) return result;
  const LerobotImportReport report =
      Module<LerobotModule>().read(folder, out, options, *context.progress);
  result.update({{"version", report.version},
                 {"exact", report.exact},
                 {"episodes", report.episodes},
                 {"frames", report.frames},
                 {"not_understood", report.not_understood}});
  if (!report.dropped.empty()) result["deleted_in_lerobot"] = report.dropped;
  return result;
}

Json ThroughDataset(const std::string& folder, const std::string& out,
                    const LerobotImportOptions& import,
                    const std::function<Json(const EpisodeSource&)>& write,
                    CommandContext& context) {
  CheckOutput(out, import.overwrite, {folder});
  Json result = Say(out, Module<LerobotModule>().lost_from(folder, import), context);
  std::error_code none;
  if (!import.extras || !fs::exists(fs::path(folder) / "extras", none)) {
    ThrowBadInput(
        fmt::format("{}: has no extras/understudy.h5, without which this program converts "
                    "LeRobot datasets to '--to understudy' only",
                    folder));
  }
  if (context.plan) return result;
  const TemporaryFile between(fmt::format("{}.{}.h5", out, getpid()));
  Module<LerobotModule>().read(folder, between.path(), import, *context.progress);
  Json written = write(DatasetReader(between.path()));
  for (const Json& line : written["lost"]) result["lost"].push_back(line);
  written["lost"] = result["lost"];
  return written;
}

}  // namespace understudy
