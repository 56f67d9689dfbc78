#include "app/evaluation_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/base/error.h"
#include "data/store/files.h"
#include "data/video/module.h"
#include "train/run/checkpoint.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// Throws Error where the JSON is no report that `understudy evaluate --out` writes: of an
// evaluation, of factors or of a comparison with recorded actions.
void ReadEvaluation(const Json& report) {
  if (!report.is_object()) ThrowBadInput("no report");
  const auto has = [&](const std::vector<const char*>& keys) {
    return std::ranges::all_of(keys, [&](const char* key) { return report.contains(key); });
  };
  if (has({"factors", "nominal", "r50"})) return;
  if (has({"error", "error_of_mean_chunk", "share_by_step"})) return;
  ReadEvalReport(report, "out");
}

}  // namespace

fs::path VideoFile(const std::string& out, int64_t episode) {
  fs::path folder = out;
  folder.replace_extension();
  return fs::path(folder.string() + "_videos") / fmt::format("episode_{:04}.mp4", episode);
}

fs::path FactorVideoFile(const std::string& out, size_t factor, int64_t episode) {
  return VideoFile(out, 0).parent_path() /
         fmt::format("factor_{:02}_episode_{:04}.mp4", factor, episode);
}

Json OlderEvaluation(const std::string& out) {
  return OlderReport(out, "out", "report of this program", ReadEvaluation);
}

void RemoveVideos(const Json& report, const std::string& out) {
  if (!report.is_object()) return;
  std::error_code ignored;
  const fs::path folder = VideoFile(out, 0).parent_path();
  for (const Json& video : report.value("videos", Json::array())) {
    // a report may have been moved away from its videos, and another one's must not be lost
    fs::remove(folder / fs::path(video.value("file", "")).filename(), ignored);
  }
  if (fs::is_empty(folder, ignored)) fs::remove(folder, ignored);
}

SinkFactory VideoSinks(const std::string& out, const EvalOptions& options,
                       const std::function<void(int64_t)>& begin) {
  const bool wanted = !out.empty() && options.videos_success + options.videos_failure > 0;
  if (!wanted || !HasModule(VideoModule::kName)) return {};
  return [out, begin](int64_t episode, bool, const std::vector<std::string>& cameras,
                      double control_hz) -> std::unique_ptr<FrameSink> {
    begin(episode);
    const fs::path file = VideoFile(out, episode);
    fs::create_directories(file.parent_path());
    return Module<VideoModule>().make_sink(file, cameras.size(), control_hz, {});
  };
}

Json TrainingOf(const std::string& checkpoint) {
  Json training = Json::object();
  if (checkpoint.empty()) return training;
  const Json run = LoadTrainingRun(checkpoint);
  if (!run.is_object()) return training;
  const Json engine = run.value("engine", Json::object());
  if (run.contains("program")) training["program"] = run["program"];
  for (const char* key : {"precision", "device"}) {
    if (engine.is_object() && engine.contains(key)) training[key] = engine[key];
  }
  return training;
}

}  // namespace understudy
