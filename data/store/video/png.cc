#include "data/store/video/png.h"

#include <cstring>

#include "data/base/error.h"
#include "data/store/video/av.h"

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

}  // namespace understudy
