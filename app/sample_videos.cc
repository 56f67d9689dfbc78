#include "app/sample_videos.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/page.h"
#include "app/scratch_folder.h"
#include "core/base/error.h"
#include "data/video/module.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFilms = 12;
constexpr size_t kFilmsPerFailure = 2;
constexpr int kSize = 256;    // px
constexpr size_t kEvery = 2;  // steps per picture

std::vector<uint8_t> Film(const Episode& episode, Renderer& renderer, const fs::path& file) {
  const std::vector<std::string> cameras{StillCamera(renderer)};
  const std::unique_ptr<FrameSink> writer = Module<VideoModule>().make_writer(
      file, {.fps = episode.meta.control_hz / static_cast<double>(kEvery)});
  std::vector<Image> images;
  renderer.SetWorld(episode.meta.physics);
  const auto add = [&](const SimState& state) {
    renderer.Render(state, cameras, kSize, kSize, &images);
    writer->Add(images);
  };
  for (size_t t = 0; t < episode.length(); t += kEvery) add(episode.steps[t].state);
  add(episode.final_state);
  writer->Finish();
  return ReadBytes(file);
}

// What the report says of an attempt: the cause of its failure, empty for a success.
std::string CauseOf(const MimicReport& report, int64_t attempt) {
  for (const auto& [place, kind] : report.failure_kinds) {
    if (std::find(kind.first.begin(), kind.first.end(), attempt) != kind.first.end()) {
      return place.first;
    }
  }
  return "";
}

SampleVideo Describe(int64_t number, const Attempt& attempt) {
  SampleVideo video{.attempt = number, .success = attempt.success()};
  video.steps = static_cast<int64_t>(attempt.episode.length());
  if (attempt.failure) {
    video.cause = CauseName(attempt.failure->cause);
    video.subtask = attempt.failure->subtask;
    video.detail = attempt.failure->detail;
  }
  return video;
}

}  // namespace

std::string StillCamera(const Renderer& renderer) {
  const auto& cameras = renderer.inventory().cameras;
  if (cameras.empty()) ThrowFailed("the scene has no camera");
  const auto still = std::find_if(cameras.begin(), cameras.end(),
                                  [](const SceneInventory::Camera& c) { return !c.on_robot; });
  return (still == cameras.end() ? cameras.front() : *still).name;
}

std::vector<int64_t> SampleAttempts(const MimicReport& report, size_t most, size_t per_failure) {
  std::vector<const FailureKind*> kinds;
  for (const auto& [place, kind] : report.failure_kinds) kinds.push_back(&kind);
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const FailureKind* a, const FailureKind* b) { return a->count > b->count; });
  // who gets how many, then each way's together
  std::vector<size_t> shown(kinds.size(), 0);
  const bool success = most > 0 && !report.first_successes.empty();
  size_t left = most - success;
  for (size_t round = 0; round < per_failure; ++round) {
    for (size_t k = 0; k < kinds.size(); ++k) {
      if (left == 0 || round >= kinds[k]->first.size()) continue;
      ++shown[k];
      --left;
    }
  }
  std::vector<int64_t> numbers;
  if (success) numbers.push_back(report.first_successes[0]);
  for (size_t k = 0; k < kinds.size(); ++k) {
    const auto begin = kinds[k]->first.begin();
    numbers.insert(numbers.end(), begin, begin + static_cast<long>(shown[k]));
  }
  return numbers;
}

SampleVideos FilmSamples(const MimicReport& report, const MimicOptions& options,
                         const TaskSpec& task, const WorkerSeams& seams,
                         const RendererFactory& renderers, const AdaptSource& adapt) {
  SampleVideos samples;
  try {
    const std::vector<int64_t> numbers = SampleAttempts(report, kMostFilms, kFilmsPerFailure);
    if (numbers.empty()) return samples;
    const std::unique_ptr<Renderer> renderer = renderers();
    const ScratchFolder folder;
    RepeatAttempts(
        options, task, seams, report.source_weights, numbers,
        [&](int64_t number, const Attempt& attempt) {
          SampleVideo video = Describe(number, attempt);
          if (video.cause != CauseOf(report, number)) {
            samples.note = fmt::format(
                "attempt {} came out otherwise when it was made again for its video: the simulator "
                "does not repeat itself",
                number);
            return;
          }
          // out of reach at once: nothing moved
          if (attempt.episode.length() == 0) return;
          video.mp4 = Film(attempt.episode, *renderer, folder.path() / "film.mp4");
          samples.videos.push_back(std::move(video));
        },
        adapt);
  } catch (const Error& error) {
    samples.note = fmt::format("{}: {}", samples.videos.empty() ? "No videos" : "No more videos",
                               error.what());
  }
  return samples;
}

}  // namespace understudy
