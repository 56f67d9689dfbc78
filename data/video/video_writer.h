#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/seam/frame_sink.h"
#include "data/video/codec.h"

namespace understudy {

// All of them change the film: at another preset, and on other numbers of threads, an encoder makes
// other pixels.
struct VideoOptions {
  double fps = 20;  // frames per second of film; the task's control rate is real time
  int scale = 1;
  VideoCodec codec = VideoCodec::kH264;
  int quality = 20;  // constant rate factor of x264 or SVT-AV1: 0 best … 51 worst
  int gop = 0;       // frames per key frame, each made from the one before; 0: two seconds
  std::string preset = "veryfast";
  int threads = 1;

  template <class V>
  void Visit(V& v) {
    v("fps", fps, "frames per second of film", Limits{0.1, 1000});
    v("scale", scale, "each pixel becomes a square of this side", Limits{1, 16});
    v("codec", codec, "h264 plays everywhere; av1 makes smaller files, from 64 px on");
    v("quality", quality, "constant rate factor, 0 best to 51 worst", Limits{0, 51});
    v("gop", gop, "frames per key frame; 0: two seconds", Limits{0, 10000});
    v("preset", preset, "x264's speed: ultrafast … veryslow");
    v("threads", threads, "of the encoder", Limits{1, 64});
  }
};

struct VideoReport {
  std::string encoder;  // "libx264"
  std::string codec;    // libav's name: "h264", "av1", "mpeg4"
  std::string warning;  // where the encoder is not the one that plays everywhere
  int64_t frames = 0;
  int width = 0, height = 0;  // px, even
};

// Films one episode as MP4: the cameras side by side, top edges level. H.264 in yuv420p (BT.601,
// limited range) where libav has an encoder for it (libx264 first), else MPEG-4 part 2 with a
// warning in the report; or AV1, likewise in yuv420p. The time of frame k is exactly k / fps, fps
// as a fraction. Grows as `file`.part; Finish gives it its name, the index in front so that it
// plays while loading. One thread at a time.
class VideoWriter : public FrameSink {
 public:
  // Throws Error(kUsage) for an unknown preset, Error(kFailed) where the folder does not exist.
  VideoWriter(std::filesystem::path file, const VideoOptions& options = {});
  // Without Finish the .part file is removed and no film is left.
  ~VideoWriter() override;

  // Images of one row; their sizes are those of the first call. Throws Error(kFailed) naming the
  // file where there is no encoder or it cannot be written (disk full).
  void Add(const std::vector<Image>& images) override;

  // Ends the file and gives it its name. Throws Error(kFailed) where it cannot be written,
  // Error(kBadInput) without any frame. Called once.
  void Finish() override;

  // Of the film so far; complete after Finish.
  const VideoReport& report() const { return report_; }

 private:
  class Encoder;
  std::filesystem::path file_;
  VideoOptions options_;
  VideoReport report_;
  bool finished_ = false;
  std::unique_ptr<Encoder> encoder_;
};

// A VideoWriter for `cameras` pictures per frame that also finishes when it is destroyed, unless an
// exception is on its way: for callers that know sinks only. What then cannot be written leaves no
// file; call Finish to hear why.
std::unique_ptr<FrameSink> MakeVideoSink(const std::filesystem::path& file, size_t cameras,
                                         double fps, const VideoOptions& options = {});

}  // namespace understudy
