#include "data/formats/lerobot/film.h"

#include <fmt/format.h>

#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;

std::string FileIndex::Name(const char* extension) const {
  return fmt::format("chunk-{:03d}/file-{:03d}.{}", chunk(), file(), extension);
}

VideoOptions FilmOptions(const LerobotOptions& options, double fps) {
  return {.fps = fps,
          .codec = options.codec,
          .quality = options.quality,
          .gop = options.gop,
          .preset = options.preset};
}

Json FilmFeature(const VideoReport& film, int fps) {
  return {{"dtype", "video"},
          {"shape", {film.height, film.width, 3}},
          {"names", {"height", "width", "channels"}},
          {"info",
           {{"video.height", film.height},
            {"video.width", film.width},
            {"video.codec", film.codec},
            {"video.pix_fmt", "yuv420p"},
            {"video.is_depth_map", false},
            {"video.fps", fps},
            {"video.channels", 3},
            {"has_audio", false}}}};
}

Film::Place Film::BeginEpisode() {
  if (writer_ && Size() >= options_.video_file_mb * 1e6) {
    Finish();
    ++index_.number;
  }
  if (!writer_) {
    const fs::path file = folder_ / index_.Name("mp4");
    fs::create_directories(file.parent_path());
    writer_ = std::make_unique<VideoWriter>(file, FilmOptions(options_, fps_));
    frames_ = 0;
    ++files_;
  }
  return {index_, frames_};
}

void Film::Add(const Image& image) {
  writer_->Add({image});
  ++frames_;
}

void Film::Finish() {
  if (!writer_) return;
  writer_->Finish();
  report_ = writer_->report();
  writer_.reset();
}

double Film::Size() const {
  std::error_code none;
  const auto bytes = fs::file_size(PartOf(folder_ / index_.Name("mp4")), none);
  return none ? 0 : static_cast<double>(bytes);
}

}  // namespace understudy
