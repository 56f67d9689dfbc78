#pragma once

// The film of one camera over many episodes, as v3.0 wants it.

#include <filesystem>
#include <memory>

#include "data/formats/lerobot/lerobot.h"
#include "data/video/video_writer.h"

namespace understudy {

inline constexpr int64_t kFilesPerChunk = 1000;

// The n-th file of a kind lies in a chunk of a thousand.
struct FileIndex {
  int64_t number = 0;
  int64_t chunk() const { return number / kFilesPerChunk; }
  int64_t file() const { return number % kFilesPerChunk; }
  std::string Name(const char* extension) const;  // "chunk-000/file-000.mp4"
};

VideoOptions FilmOptions(const LerobotOptions& options, double fps);
// A video feature of info.json.
Json FilmFeature(const VideoReport& film, int fps);

// In as many files as its size asks for. One thread.
class Film {
 public:
  struct Place {
    FileIndex file;
    int64_t first_frame = 0;  // of the episode in that file
  };
  Film(std::filesystem::path folder, const LerobotOptions& options, double fps)
      : folder_(std::move(folder)), options_(options), fps_(fps) {}

  Place BeginEpisode();
  void Add(const Image& image);
  void Finish();
  int64_t files() const { return files_; }
  const VideoReport& report() const { return report_; }  // of the file last finished

 private:
  double Size() const;

  std::filesystem::path folder_;
  LerobotOptions options_;
  double fps_;
  FileIndex index_;
  int64_t frames_ = 0, files_ = 0;
  VideoReport report_;
  std::unique_ptr<VideoWriter> writer_;
};

}  // namespace understudy
