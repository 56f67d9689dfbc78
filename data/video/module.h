#pragma once

// Films and PNG files as a module (core/base/module.h): libav is opened when one is made.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/module.h"
#include "core/image/image.h"
#include "core/seam/frame_sink.h"
#include "core/seam/live_camera.h"
#include "data/video/gif.h"
#include "data/video/video_writer.h"

namespace understudy {

struct VideoModule {
  static constexpr ModuleName kName{"video", "libav", "films", "WITH_VIDEO"};
  // As MakeVideoSink, VideoWriter, EncodePng, H264EncoderName, DecodePicture and DecodeLight in
  // video_writer.h, png.h and codec.h.
  std::unique_ptr<FrameSink> (*make_sink)(const std::filesystem::path& file, size_t cameras,
                                          double fps, const VideoOptions& options) = nullptr;
  std::unique_ptr<FrameSink> (*make_writer)(const std::filesystem::path& file,
                                            const VideoOptions& options) = nullptr;
  std::vector<uint8_t> (*encode_png)(const Image& image) = nullptr;
  std::string (*h264_encoder)() = nullptr;
  Image (*decode_picture)(const std::string& file, const std::string& place) = nullptr;
  Image (*decode_light)(const std::string& file, const std::string& place) = nullptr;
  // As GifOf in gif.h.
  Gif (*gif_of)(const std::filesystem::path& film, double most_fps) = nullptr;
  // As OpenLiveCamera in camera_device.h.
  std::unique_ptr<LiveCamera> (*open_camera)(const LiveCameraOptions& options) = nullptr;
};

}  // namespace understudy
