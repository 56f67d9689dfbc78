#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/options.h"

struct AVCodec;
struct AVCodecContext;

namespace understudy {

enum class VideoCodec { kH264, kAv1 };
template <>
struct EnumNames<VideoCodec> {
  static constexpr std::array kNames{"h264", "av1"};
};

// Name of the H.264 encoder that films are made with; empty where libav has none and films are
// MPEG-4 part 2. Of the AV1 encoder; empty where there is none.
std::string H264EncoderName();
std::string Av1EncoderName();

// Speeds by x264's names, fastest first; AV1 encoders get the number that belongs to one.
const std::vector<std::string>& VideoPresets();

namespace av {

// The encoder for `codec`, the best liked of those that libav was built with; null where there is
// none. H.264 falls back to MPEG-4 part 2.
const AVCodec* FindEncoder(VideoCodec codec);
// The decoder for libav's codec id, one that works in software; null where there is none.
const AVCodec* FindDecoder(int codec_id);
// Rate factor, speed and threads in the words of the encoder, before it is opened. Encoders that
// know no rate factor get enough bits for clean pictures.
void SetRate(AVCodecContext* context, const AVCodec* encoder, int quality,
             const std::string& preset, double fps);

}  // namespace av
}  // namespace understudy
