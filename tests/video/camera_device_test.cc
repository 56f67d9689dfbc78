// A camera that takes pictures all the time, by libavdevice.
#include "data/video/camera_device.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

LiveCameraOptions Source(const std::string& graph) {
  return {.name = "front",
          .device = graph,
          .format = "lavfi",
          .width = 64,
          .height = 48,
          .wanted_width = 32,
          .wanted_height = 24};
}

class CameraDevice : public testing::Test {
 protected:
  void SetUp() override {
    void* library = dlopen("libavdevice.so.59", RTLD_LAZY);
    if (!library) GTEST_SKIP() << "libavdevice59 is not installed";
    dlclose(library);
  }
};

// A source that is red for half a second and blue afterwards, paced as a camera is.
TEST_F(CameraDevice, TheNewestPictureIsGiven) {
  const std::unique_ptr<LiveCamera> camera =
      OpenLiveCamera(Source("color=c=red:size=64x48:rate=30:duration=0.5[a];"
                            "color=c=blue:size=64x48:rate=30[b];[a][b]concat=n=2,realtime"));
  Image image;
  int64_t taken_ns = camera->Newest(&image);
  EXPECT_EQ(image.width, 32);
  EXPECT_EQ(image.height, 24);
  EXPECT_GT(image.rgb[0], 200);
  EXPECT_LT(image.rgb[2], 60);
  EXPECT_LT(MonotonicNs() - taken_ns, 500'000'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  const int64_t later_ns = camera->Newest(&image);
  EXPECT_LT(image.rgb[0], 60);
  EXPECT_GT(image.rgb[2], 200);
  EXPECT_GT(later_ns, taken_ns + 500'000'000);
  EXPECT_LE(later_ns, MonotonicNs());
}

// A camera that ends is lost, by its name.
TEST_F(CameraDevice, ALostCameraIsNamed) {
  const std::unique_ptr<LiveCamera> camera =
      OpenLiveCamera(Source("color=c=red:size=64x48:rate=30:duration=0.2,realtime"));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  Image image;
  EXPECT_THAT([&] { camera->Newest(&image); },
              ThrowsMessage<Error>(HasSubstr("camera 'front' (color=c=red")));
}

TEST_F(CameraDevice, WhatIsNoCameraIsRefused) {
  LiveCameraOptions options = Source("x");
  options.format = "v4l2";
  options.device = "/dev/video99";
  EXPECT_THAT([&] { OpenLiveCamera(options); },
              ThrowsMessage<Error>(HasSubstr("camera 'front' (/dev/video99): cannot be opened")));
  options.format = "telescope";
  EXPECT_THAT([&] { OpenLiveCamera(options); },
              ThrowsMessage<Error>(HasSubstr("knows no format 'telescope'")));
}

}  // namespace
}  // namespace understudy
