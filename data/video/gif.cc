#include "data/video/gif.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "data/video/av.h"
#include "data/video/video_reader.h"

namespace understudy {
namespace {

constexpr AVPixelFormat kColours = AV_PIX_FMT_RGB8;  // 3 bits of red and green, 2 of blue
constexpr AVRational kHundredths{1, 100};            // s: what the format counts in

void Check(int code, const char* what) {
  if (code < 0) ThrowFailed(fmt::format("GIF: {}: {}", what, av::ErrorText(code)));
}

// A GIF in memory.
class GifWriter {
 public:
  GifWriter(int width, int height) {
    av::Quiet();
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_GIF);
    if (codec == nullptr) ThrowFailed("GIF: this libav has no GIF encoder");
    context_.reset(avcodec_alloc_context3(codec));
    Require(context_ != nullptr && frame_ != nullptr && packet_ != nullptr, "memory for a GIF");
    context_->width = width;
    context_->height = height;
    context_->pix_fmt = kColours;
    context_->time_base = kHundredths;
    context_->thread_count = 1;
    Check(avcodec_open2(context_.get(), codec, nullptr), "encoder does not open");

    AVFormatContext* made = nullptr;
    Check(avformat_alloc_output_context2(&made, nullptr, "gif", nullptr), "no such container");
    container_.reset(made);
    AVStream* stream = avformat_new_stream(made, nullptr);
    Require(stream != nullptr, "memory for a GIF");
    Check(avcodec_parameters_from_context(stream->codecpar, context_.get()), "stream refused");
    stream->time_base = kHundredths;
    Check(avio_open_dyn_buf(&made->pb), "no memory");
    Check(avformat_write_header(made, nullptr), "header refused");

    scaler_.reset(sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, kColours,
                                 SWS_POINT, nullptr, nullptr, nullptr));
    Require(scaler_ != nullptr, "a conversion to 256 colours");
    frame_->format = kColours;
    frame_->width = width;
    frame_->height = height;
    Check(av_frame_get_buffer(frame_.get(), 0), "no memory");
  }
  ~GifWriter() { Close(); }

  // `time`: hundredths of a second.
  void Add(const Image& image, int64_t time) {
    Check(av_frame_make_writable(frame_.get()), "no memory");
    const uint8_t* source[] = {image.rgb.data()};
    const int stride[] = {3 * image.width};
    sws_scale(scaler_.get(), source, stride, 0, image.height, frame_->data, frame_->linesize);
    frame_->pts = time;
    Check(avcodec_send_frame(context_.get(), frame_.get()), "frame refused");
    WritePackets();
  }
  std::string Finish() {
    Check(avcodec_send_frame(context_.get(), nullptr), "end refused");
    WritePackets();
    Check(av_write_trailer(container_.get()), "end refused");
    return Close();
  }

 private:
  struct OutputDeleter {
    void operator()(AVFormatContext* output) const { avformat_free_context(output); }
  };

  void WritePackets() {
    for (;;) {
      const int code = avcodec_receive_packet(context_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      Check(code, "no packet");
      av_packet_rescale_ts(packet_.get(), kHundredths, container_->streams[0]->time_base);
      Check(av_write_frame(container_.get(), packet_.get()), "packet refused");
      av_packet_unref(packet_.get());
    }
  }
  std::string Close() {
    if (!container_ || container_->pb == nullptr) return {};
    uint8_t* bytes = nullptr;
    const int size = avio_close_dyn_buf(std::exchange(container_->pb, nullptr), &bytes);
    std::string all(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    av_free(bytes);
    return all;
  }

  av::CodecContextPtr context_;
  av::FramePtr frame_{av_frame_alloc()};
  av::PacketPtr packet_{av_packet_alloc()};
  av::ScalerPtr scaler_;
  std::unique_ptr<AVFormatContext, OutputDeleter> container_;
};

}  // namespace

Gif GifOf(const std::filesystem::path& film, double most_fps) {
  VideoReader reader(film);
  const std::vector<double> times = reader.Times();
  const double last = times.size() > 1 ? times.back() : 0;
  const double fps = last > 0 ? static_cast<double>(times.size() - 1) / last : most_fps;
  const auto every = std::max<int64_t>(1, std::llround(std::ceil(fps / most_fps - 1e-6)));

  GifWriter writer(reader.width(), reader.height());
  for (int64_t k = 0; k < reader.frames(); k += every) {
    writer.Add(reader.Read(k), std::llround(100 * static_cast<double>(k) / fps));
  }
  return {reader.width(), reader.height(), writer.Finish()};
}

}  // namespace understudy
