#pragma once

// Films as a player sees them.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <filesystem>
#include <string>
#include <vector>

#include "core/image/image.h"

namespace understudy {

struct DecodedFilm {
  std::string codec;
  AVRational time_base{};
  std::vector<int64_t> pts;
  std::vector<Image> frames;
};

// Every frame of a file, in order of display, as RGB.
inline DecodedFilm ReadFilm(const std::filesystem::path& file, AVCodecID still = AV_CODEC_ID_NONE) {
  DecodedFilm film;
  AVFormatContext* container = nullptr;
  if (avformat_open_input(&container, file.c_str(), nullptr, nullptr) < 0) return film;
  avformat_find_stream_info(container, nullptr);
  const AVStream* stream = container->streams[0];
  film.time_base = stream->time_base;
  const AVCodec* codec =
      avcodec_find_decoder(still == AV_CODEC_ID_NONE ? stream->codecpar->codec_id : still);
  film.codec = codec->name;
  AVCodecContext* decoder = avcodec_alloc_context3(codec);
  avcodec_parameters_to_context(decoder, stream->codecpar);
  decoder->thread_count = 1;
  avcodec_open2(decoder, codec, nullptr);
  AVPacket* packet = av_packet_alloc();
  AVFrame* frame = av_frame_alloc();
  const auto drain = [&] {
    while (avcodec_receive_frame(decoder, frame) == 0) {
      Image image(frame->width, frame->height);
      SwsContext* scaler = sws_getContext(
          frame->width, frame->height, static_cast<AVPixelFormat>(frame->format), frame->width,
          frame->height, AV_PIX_FMT_RGB24, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
          nullptr, nullptr, nullptr);
      uint8_t* target[] = {image.rgb.data()};
      const int stride[] = {image.width * 3};
      sws_scale(scaler, frame->data, frame->linesize, 0, frame->height, target, stride);
      sws_freeContext(scaler);
      film.pts.push_back(frame->best_effort_timestamp);
      film.frames.push_back(image);
    }
  };
  while (av_read_frame(container, packet) == 0) {
    avcodec_send_packet(decoder, packet);
    av_packet_unref(packet);
    drain();
  }
  avcodec_send_packet(decoder, nullptr);
  drain();
  av_frame_free(&frame);
  av_packet_free(&packet);
  avcodec_free_context(&decoder);
  avformat_close_input(&container);
  return film;
}

}  // namespace understudy
