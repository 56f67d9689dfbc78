#include "data/formats/lerobot/entry/lerobot_entry.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/module.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWriteOptions = "lerobot";
constexpr const char* kImportOptions = "lerobot_import";

LerobotOptions WriteOptionsOf(LerobotVersion version, const ConvertRequest& request) {
  auto options = request.options.Get<LerobotOptions>(kWriteOptions);
  options.version = version;
  options.overwrite = request.overwrite;
  return options;
}

LerobotImportOptions ImportOptionsOf(const ConvertRequest& request) {
  auto options = request.options.Get<LerobotImportOptions>(kImportOptions);
  options.overwrite = request.overwrite;
  return options;
}

void RequireExtras(const fs::path& folder, const ConvertRequest& request) {
  std::error_code none;
  if (!request.exact) return;
  if (ImportOptionsOf(request).extras && fs::exists(folder / "extras", none)) return;
  ThrowBadInput(
      fmt::format("{}: has no extras/understudy.h5, without which this program converts "
                  "LeRobot datasets to '--to understudy' only",
                  folder.string()));
}

Json ToJson(const LerobotReport& report) {
  return {{"episodes", report.episodes},
          {"frames", report.frames},
          {"data_files", report.data_files},
          {"video_files", report.video_files},
          {"encoder", report.encoder}};
}

Json ToJson(const LerobotImportReport& report) {
  Json json{{"version", report.version},
            {"exact", report.exact},
            {"episodes", report.episodes},
            {"frames", report.frames},
            {"not_understood", report.not_understood}};
  if (!report.dropped.empty()) json["deleted_in_lerobot"] = report.dropped;
  return json;
}

DatasetFormat MakeFormat(const char* name, const char* summary, LerobotVersion version) {
  return {.name = name,
          .summary = summary,
          .write_options = {OptionsNamed<LerobotOptions>(kWriteOptions)},
          .import_options = {OptionsNamed<LerobotImportOptions>(kImportOptions)},
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
          },
          .Lost =
              [version](const EpisodeSource& source, const ConvertRequest& request) {
                return Module<LerobotModule>().lost_in(source, WriteOptionsOf(version, request));
              },
          .Write =
              [version](const EpisodeSource& source, const fs::path& output,
                        const ConvertRequest& request, Progress& progress) {
                return ToJson(Module<LerobotModule>().write(
                    source, output, WriteOptionsOf(version, request), progress));
              },
          .LostInImport =
              [](const fs::path& path, const ConvertRequest& request) {
                auto lost = Module<LerobotModule>().lost_from(path, ImportOptionsOf(request));
                RequireExtras(path, request);
                return lost;
              },
          .Import =
              [](const fs::path& path, const fs::path& output, const ConvertRequest& request,
                 Progress& progress) {
                RequireExtras(path, request);
                return ToJson(
                    Module<LerobotModule>().read(path, output, ImportOptionsOf(request), progress));
              },
          .Verify =
              [](const fs::path& path, const VerifyOptions&, const OptionValues& options,
                 Progress& progress) {
                return Module<LerobotModule>().verify(
                    path, options.Get<LerobotImportOptions>(kImportOptions), progress);
              },
          .verify_apart = false};
}

}  // namespace

DatasetFormat LerobotV30Format() {
  return MakeFormat("lerobot", "LeRobot v3.0 (a folder of Parquet and MP4)", LerobotVersion::kV30);
}

DatasetFormat LerobotV21Format() {
  return MakeFormat("lerobot21", "LeRobot v2.1 with GR00T's files", LerobotVersion::kV21);
}

}  // namespace understudy
