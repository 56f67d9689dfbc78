#pragma once

#include <cstdint>
#include <string>

#include "core/image/image.h"

namespace understudy {

// A camera, and the pictures that are wanted of it.
struct LiveCameraOptions {
  std::string name;                         // in messages
  std::string device, format;               // as libavdevice takes them: "/dev/video0", "v4l2"
  int width = 0, height = 0;                // of the camera, px
  int fps = 30;                             // of it
  std::string pixels;                       // v4l2's input_format; empty: the camera's own choice
  int wanted_width = 0, wanted_height = 0;  // pictures are scaled to it, px
};

// A camera that takes pictures all the time. One thread.
class LiveCamera {
 public:
  virtual ~LiveCamera() = default;
  // The newest picture, and when it was taken (CLOCK_MONOTONIC, ns). Throws Error(kFailed) where
  // the camera is lost.
  virtual int64_t Newest(Image* image) = 0;
};

}  // namespace understudy
