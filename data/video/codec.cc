#include "data/video/codec.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/video/av.h"

namespace understudy {

const std::vector<std::string>& VideoPresets() {
  static const std::vector<std::string> presets{"ultrafast", "superfast", "veryfast", "faster",
                                                "fast",      "medium",    "slow",     "slower",
                                                "veryslow",  "placebo"};
  return presets;
}

std::string H264EncoderName() {
  const AVCodec* codec = av::FindEncoder(VideoCodec::kH264);
  return codec == nullptr || codec->id != AV_CODEC_ID_H264 ? "" : codec->name;
}

std::string Av1EncoderName() {
  const AVCodec* codec = av::FindEncoder(VideoCodec::kAv1);
  return codec == nullptr ? "" : codec->name;
}

namespace av {
namespace {

const AVCodec* FirstEncoder(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const AVCodec* codec = avcodec_find_encoder_by_name(name);
    if (codec != nullptr) return codec;
  }
  return nullptr;
}

}  // namespace

const AVCodec* FindEncoder(VideoCodec codec) {
  // in order of liking; which of them exist depends on how libav was built
  if (codec == VideoCodec::kAv1) return FirstEncoder({"libsvtav1", "libaom-av1", "librav1e"});
  const AVCodec* h264 = FirstEncoder({"libx264", "libopenh264", "h264_nvenc", "h264_v4l2m2m"});
  if (h264 == nullptr) h264 = avcodec_find_encoder(AV_CODEC_ID_H264);
  return h264 != nullptr ? h264 : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

const AVCodec* FindDecoder(int codec_id) {
  // libav's own AV1 decoder wants hardware
  if (codec_id == AV_CODEC_ID_AV1) {
    for (const char* name : {"libdav1d", "libaom-av1"}) {
      const AVCodec* codec = avcodec_find_decoder_by_name(name);
      if (codec != nullptr) return codec;
    }
  }
  return avcodec_find_decoder(static_cast<AVCodecID>(codec_id));
}

void SetRate(AVCodecContext* context, const AVCodec* encoder, int quality,
             const std::string& preset, double fps) {
  const std::string name = encoder->name;
  const auto set = [&](const char* option, const std::string& value) {
    av_opt_set(context->priv_data, option, value.c_str(), 0);
  };
  const auto& presets = VideoPresets();
  const auto speed = std::find(presets.begin(), presets.end(), preset) - presets.begin();
  if (name == "libx264") {
    set("crf", std::to_string(quality));
    set("preset", preset);
  } else if (name == "libsvtav1") {
    // 12 is its fastest for films, 0 its slowest
    set("crf", std::to_string(quality));
    set("preset", std::to_string(std::max<std::ptrdiff_t>(0, 12 - speed)));
    set("svtav1-params", fmt::format("lp={}", context->thread_count));
  } else if (name == "libaom-av1") {
    set("crf", std::to_string(quality));
    set("cpu-used", std::to_string(std::max<std::ptrdiff_t>(0, 8 - speed)));
  } else {
    context->bit_rate =
        static_cast<int64_t>(context->width) * context->height * static_cast<int64_t>(fps + 1) / 3;
  }
}

}  // namespace av
}  // namespace understudy
