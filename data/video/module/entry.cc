#include "core/base/module_entry.h"
#include "data/video/camera_device.h"
#include "data/video/codec.h"
#include "data/video/gif.h"
#include "data/video/module.h"
#include "data/video/png.h"

namespace understudy {
namespace {

std::unique_ptr<FrameSink> MakeWriter(const std::filesystem::path& file,
                                      const VideoOptions& options) {
  return std::make_unique<VideoWriter>(file, options);
}

constexpr VideoModule kFunctions{MakeVideoSink, MakeWriter,  EncodePng, H264EncoderName,
                                 DecodePicture, DecodeLight, GifOf,     OpenLiveCamera};

}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
