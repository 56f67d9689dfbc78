#include "data/formats/lerobot/entry/lerobot_entry.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/module.h"
#include "data/store/edit/describe.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWriteOptions = "lerobot";
constexpr const char* kImportOptions = "lerobot_import";

LerobotOptions WriteOptionsOf(LerobotVersion version, const ConvertRequest& request) {
  auto options = request.options.Get<LerobotOptions>(kWriteOptions);
  options.version = version;
  options.overwrite = request.overwrite;
  options.control_hz = request.control_hz;
  return options;
}

LerobotImportOptions ImportOptionsOf(const ConvertRequest& request) {
  auto options = request.options.Get<LerobotImportOptions>(kImportOptions);
  options.overwrite = request.overwrite;
  options.skip_bad = request.skip_bad;
  options.control_hz = request.control_hz;
  return options;
}

bool Restores(const fs::path& folder, const ConvertRequest& request) {
  std::error_code none;
  return ImportOptionsOf(request).extras && fs::exists(folder / "extras/understudy.h5", none);
}

// A dataset of this format is taken over column by column and film by film.
bool IsLerobot(const EpisodeSource& source) {
  std::error_code none;
  return fs::is_directory(source.path(), none) && Module<LerobotModule>().is_lerobot(source);
}

Json ToJson(const LerobotReport& report) {
  Json json{{"episodes", report.episodes},
            {"frames", report.frames},
            {"data_files", report.data_files},
            {"video_files", report.video_files}};
  if (!report.encoder.empty()) json["encoder"] = report.encoder;
  return json;
}

Json ToJson(const LerobotImportReport& report) {
  Json json{{"version", report.version},
            {"exact", report.exact},
            {"episodes", report.episodes},
            {"frames", report.frames},
            {"not_understood", report.not_understood}};
  if (!report.dropped.empty()) json["deleted_in_lerobot"] = report.dropped;
  if (!report.skipped.empty()) json["skipped"] = SkippedToJson(report.skipped);
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
          .Open =
              [](const fs::path& path, const ReadOptions& options) {
                return Module<LerobotModule>().open(path, options);
              },
          .OpenToMend =
              [](const fs::path& path, const ReadOptions& options) {
                return Module<LerobotModule>().open_to_mend(path, options);
              },
          .Lost =
              [version](const EpisodeSource& source, const ConvertRequest& request) {
                const LerobotOptions options = WriteOptionsOf(version, request);
                const LerobotModule& module = Module<LerobotModule>();
                return IsLerobot(source) ? module.lost_in_copy(source, options)
                                         : module.lost_in(source, options);
              },
          .Write =
              [version](const EpisodeSource& source, const fs::path& output,
                        const ConvertRequest& request, Progress& progress) {
                const LerobotOptions options = WriteOptionsOf(version, request);
                const LerobotModule& module = Module<LerobotModule>();
                return ToJson(IsLerobot(source) ? module.copy(source, output, options,
                                                              ImportOptionsOf(request), progress)
                                                : module.write(source, output, options, progress));
              },
          .LostInImport =
              [](const fs::path& path, const ConvertRequest& request,
                 std::vector<SkippedEpisode>* skipped) {
                return Module<LerobotModule>().lost_from(path, ImportOptionsOf(request), skipped);
              },
          .Import =
              [](const fs::path& path, const fs::path& output, const ConvertRequest& request,
                 Progress& progress) {
                return ToJson(
                    Module<LerobotModule>().read(path, output, ImportOptionsOf(request), progress));
              },
          .Restores = Restores,
          .Verify =
              [](const fs::path& path, const VerifyOptions&, const OptionValues& options,
                 Progress& progress) {
                return Module<LerobotModule>().verify(
                    path, options.Get<LerobotImportOptions>(kImportOptions), progress);
              },
          .Copy =
              [](const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
                 const fs::path& output, Progress& progress) {
                Module<LerobotModule>().edit(inputs, plan, output, {}, {}, progress);
              },
          .verify_apart = false,
          .leaves_out_bad = true};
}

}  // namespace

DatasetFormat LerobotV30Format() {
  return MakeFormat("lerobot", "LeRobot v3.0 (a folder of Parquet and MP4)", LerobotVersion::kV30);
}

DatasetFormat LerobotV21Format() {
  return MakeFormat("lerobot21", "LeRobot v2.1 with GR00T's files", LerobotVersion::kV21);
}

}  // namespace understudy
