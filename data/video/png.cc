#include "data/video/png.h"

#include <fmt/format.h>

#include <cstring>

#include "core/base/error.h"
#include "core/image/panorama.h"
#include "data/video/av.h"

namespace understudy {

std::vector<uint8_t> EncodePng(const Image& image) {
  Require(image.width > 0 && image.height > 0 &&
              image.rgb.size() == static_cast<size_t>(image.width) * image.height * 3,
          "a picture has a size and three bytes per pixel");
  av::Quiet();
  const auto check = [](int code, const char* what) {
    if (code < 0) ThrowFailed(fmt::format("PNG: {}: {}", what, av::ErrorText(code)));
  };

  // encoder
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  if (codec == nullptr) {
    ThrowFailed(
        "PNG: this libav has no PNG encoder; install Debian's libavcodec59 or a build of "
        "FFmpeg with --enable-zlib");
  }
  const av::CodecContextPtr context(avcodec_alloc_context3(codec));
  Require(context != nullptr, "memory for an encoder");
  context->width = image.width;
  context->height = image.height;
  context->pix_fmt = AV_PIX_FMT_RGB24;
  context->time_base = {1, 1};
  context->thread_count = 1;
  check(avcodec_open2(context.get(), codec, nullptr), "encoder does not open");

  // one frame in, one packet out
  const av::FramePtr frame(av_frame_alloc());
  const av::PacketPtr packet(av_packet_alloc());
  Require(frame != nullptr && packet != nullptr, "memory for a frame");
  frame->format = AV_PIX_FMT_RGB24;
  frame->width = image.width;
  frame->height = image.height;
  check(av_frame_get_buffer(frame.get(), 0), "no memory");
  const size_t row = static_cast<size_t>(image.width) * 3;
  for (int y = 0; y < image.height; ++y) {
    std::memcpy(frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0],
                image.rgb.data() + y * row, row);
  }
  frame->pts = 0;
  check(avcodec_send_frame(context.get(), frame.get()), "frame refused");
  check(avcodec_send_frame(context.get(), nullptr), "end refused");
  check(avcodec_receive_packet(context.get(), packet.get()), "no packet");
  return {packet->data, packet->data + packet->size};
}

namespace {

struct Failing {
  const std::string& place;
  [[noreturn]] void Fail(const std::string& what) const {
    ThrowBadInput(fmt::format("{}: {}", place, what));
  }
  void Check(int code) const {
    if (code < 0) Fail(fmt::format("does not decode as a picture: {}", av::ErrorText(code)));
  }
};

// The one picture of a file.
av::FramePtr DecodeFrame(AVCodecID id, const std::string& file, const Failing& failing) {
  av::Quiet();
  if (file.size() > (size_t{1} << 30)) failing.Fail("is larger than 1 GiB");
  const AVCodec* codec = avcodec_find_decoder(id);
  if (codec == nullptr) {
    failing.Fail(fmt::format("this libav cannot read {}", avcodec_get_name(id)));
  }

  // one packet in, one frame out
  const av::CodecContextPtr context(avcodec_alloc_context3(codec));
  av::FramePtr frame(av_frame_alloc());
  const av::PacketPtr packet(av_packet_alloc());
  Require(context != nullptr && frame != nullptr && packet != nullptr, "memory for a picture");
  context->thread_count = 1;
  context->max_pixels = static_cast<int64_t>(kMaxImageSide) * kMaxImageSide;
  context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  failing.Check(avcodec_open2(context.get(), codec, nullptr));
  failing.Check(av_new_packet(packet.get(), static_cast<int>(file.size())));
  std::memcpy(packet->data, file.data(), file.size());
  failing.Check(avcodec_send_packet(context.get(), packet.get()));
  failing.Check(avcodec_send_packet(context.get(), nullptr));
  failing.Check(avcodec_receive_frame(context.get(), frame.get()));
  if (frame->width > kMaxImageSide || frame->height > kMaxImageSide) {
    failing.Fail(fmt::format("has {} x {} pixels; at most {} are allowed", frame->width,
                             frame->height, kMaxImageSide));
  }
  return frame;
}

}  // namespace

Image DecodePicture(const std::string& file, const std::string& place) {
  const Failing failing{place};
  // the first bytes show it
  AVCodecID id = AV_CODEC_ID_NONE;
  if (file.starts_with("\x89PNG")) id = AV_CODEC_ID_PNG;
  if (file.starts_with("\xff\xd8")) id = AV_CODEC_ID_MJPEG;
  if (id == AV_CODEC_ID_NONE) failing.Fail("is neither a PNG nor a JPEG picture");
  const av::FramePtr frame = DecodeFrame(id, file, failing);

  // to RGB; the formats of JPEG say by themselves that they use the whole range
  const av::ScalerPtr scaler(sws_getContext(
      frame->width, frame->height, static_cast<AVPixelFormat>(frame->format), frame->width,
      frame->height, AV_PIX_FMT_RGB24, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
      nullptr, nullptr, nullptr));
  if (scaler == nullptr) failing.Fail("its pixel format cannot be converted to RGB");
  Image image(frame->width, frame->height);
  uint8_t* target[] = {image.rgb.data()};
  const int stride[] = {image.width * 3};
  sws_scale(scaler.get(), frame->data, frame->linesize, 0, image.height, target, stride);
  return image;
}

Image DecodeLight(const std::string& file, const std::string& place) {
  const Failing failing{place};
  if (!file.starts_with("\x76\x2f\x31\x01")) failing.Fail("is no OpenEXR picture");
  const av::FramePtr frame = DecodeFrame(AV_CODEC_ID_EXR, file, failing);
  if (frame->format != AV_PIX_FMT_GBRPF32LE && frame->format != AV_PIX_FMT_GBRAPF32LE) {
    failing.Fail("has no red, green and blue light");
  }
  // planes of green, blue and red
  constexpr int kPlanes[] = {2, 0, 1};
  std::vector<float> rgb(static_cast<size_t>(frame->width) * frame->height * 3);
  size_t at = 0;
  for (int y = 0; y < frame->height; ++y) {
    for (int x = 0; x < frame->width; ++x) {
      for (const int plane : kPlanes) {
        const uint8_t* line =
            frame->data[plane] + static_cast<ptrdiff_t>(y) * frame->linesize[plane];
        std::memcpy(&rgb[at++], line + sizeof(float) * static_cast<size_t>(x), sizeof(float));
      }
    }
  }
  return ToneMap(frame->width, frame->height, rgb);
}

}  // namespace understudy
