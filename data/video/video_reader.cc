#include "data/video/video_reader.h"

extern "C" {
#include <fmt/format.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/base/lfs_pointer.h"
#include "data/video/av.h"
#include "data/video/codec.h"

namespace understudy {
namespace fs = std::filesystem;

struct VideoReader::Impl {
  fs::path file;
  double fps = 0;
  av::InputPtr container;
  av::CodecContextPtr decoder;
  av::FramePtr frame{av_frame_alloc()};
  av::PacketPtr packet{av_packet_alloc()};
  av::ScalerPtr scaler;
  int scaled_format = -1, scaled_space = -1, scaled_range = -1;
  AVStream* stream = nullptr;  // owned by container
  int64_t frames = 0, next = 0;
  int64_t first_time = 0;  // of frame 0, in ticks of the stream
  bool drained = false;    // the decoder knows that nothing follows
  Image image;             // picture next - 1, unless `stale`
  bool stale = false;
  bool sought = false;  // since the film was opened
  // Of every frame in the order of display, in ticks of the stream; empty: they are not all known.
  std::vector<int64_t> times;
  struct KeyFrame {
    int64_t number = 0;  // in the order of display
    int64_t dts = 0;
  };
  std::vector<KeyFrame> keys;  // by number; empty: the film is read in order only

  [[noreturn]] void Fail(const std::string& what) const {
    ThrowBadInput(fmt::format("{}: {}", file.string(), what));
  }
  void Check(int code, const char* what) const {
    if (code < 0) Fail(fmt::format("{}: {}", what, av::ErrorText(code)));
  }

  void OpenFile();
  void OpenDecoder();
  void CountFrames();
  void Rewind();
  bool Seek(int64_t number);
  void ReadOn(int64_t number);
  bool ReadPacket();
  void Decode();
  void Convert();
};

void VideoReader::Impl::OpenFile() {
  container.reset();
  std::error_code none;
  if (!fs::is_regular_file(file, none)) Fail("no such film");
  // MP4 and nothing else: other formats of libav name further files and addresses to open
  AVFormatContext* opened = avformat_alloc_context();
  Require(opened != nullptr, "memory for a film");
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "protocol_whitelist", "file", 0);
  const int code = avformat_open_input(&opened, ("file:" + file.string()).c_str(),
                                       av_find_input_format("mp4"), &settings);
  av_dict_free(&settings);
  if (code < 0) {
    RefuseLfsPointer(file);
    Fail(fmt::format("is no MP4 film, or a truncated one: {}", av::ErrorText(code)));
  }
  container.reset(opened);
  const int index = av_find_best_stream(opened, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0) Fail("holds no pictures");
  stream = opened->streams[index];
  for (unsigned i = 0; i < opened->nb_streams; ++i) {
    if (static_cast<int>(i) != index) opened->streams[i]->discard = AVDISCARD_ALL;
  }
  const AVCodecParameters& p = *stream->codecpar;
  if (p.width < 1 || p.height < 1 || p.width > kMaxImageSide || p.height > kMaxImageSide) {
    Fail(fmt::format("claims pictures of {} x {} pixels; 1 to {} are allowed", p.width, p.height,
                     kMaxImageSide));
  }
}

void VideoReader::Impl::OpenDecoder() {
  const AVCodecParameters& p = *stream->codecpar;
  const AVCodec* codec = av::FindDecoder(p.codec_id);
  if (codec == nullptr) {
    Fail(fmt::format("its codec {} is not known to this libav; convert the film to H.264",
                     avcodec_get_name(p.codec_id)));
  }
  decoder.reset(avcodec_alloc_context3(codec));
  Require(decoder != nullptr, "memory for a decoder");
  Check(avcodec_parameters_to_context(decoder.get(), &p), "decoder");
  decoder->thread_count = 1;
  decoder->max_pixels = static_cast<int64_t>(kMaxImageSide) * kMaxImageSide;
  // a picture that is guessed where data is broken would pass for the real one
  decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  decoder->error_concealment = 0;
  Check(avcodec_open2(decoder.get(), codec, nullptr), "the decoder does not open");
  next = 0;
  drained = false;
  sought = false;
}

// Packets of an MP4 film are its pictures, one each.
void VideoReader::Impl::CountFrames() {
  frames = 0;
  bool timed = true, plain = true;
  std::vector<KeyFrame> found;
  std::vector<int64_t> key_times;
  while (ReadPacket()) {
    ++frames;
    timed &= packet->pts != AV_NOPTS_VALUE;
    plain &= packet->dts != AV_NOPTS_VALUE && (packet->flags & AV_PKT_FLAG_DISCARD) == 0;
    times.push_back(packet->pts);
    if ((packet->flags & AV_PKT_FLAG_KEY) != 0) {
      found.push_back({0, packet->dts});
      key_times.push_back(packet->pts);
    }
    av_packet_unref(packet.get());
  }
  if (frames == 0) Fail("holds no pictures");
  std::sort(times.begin(), times.end());
  const bool distinct = std::adjacent_find(times.begin(), times.end()) == times.end();
  if (!timed || !distinct) {
    times.clear();
    return;
  }
  if (!plain) return;
  for (size_t i = 0; i < found.size(); ++i) {
    found[i].number = std::lower_bound(times.begin(), times.end(), key_times[i]) - times.begin();
  }
  std::sort(found.begin(), found.end(),
            [](const KeyFrame& a, const KeyFrame& b) { return a.number < b.number; });
  keys = std::move(found);
}

bool VideoReader::Impl::ReadPacket() {
  while (true) {
    const int code = av_read_frame(container.get(), packet.get());
    if (code == AVERROR_EOF) return false;
    Check(code, "truncated or damaged");
    if (packet->stream_index == stream->index) return true;
    av_packet_unref(packet.get());
  }
}

// Opening again is the one way back that every film knows.
void VideoReader::Impl::Rewind() {
  decoder.reset();
  OpenFile();
  OpenDecoder();
}

// To the last key frame before `number`, where that is nearer than what comes next. False: the film
// has to be read on or from its beginning.
bool VideoReader::Impl::Seek(int64_t number) {
  auto key = std::upper_bound(keys.begin(), keys.end(), number,
                              [](int64_t n, const KeyFrame& k) { return n < k.number; });
  if (key == keys.begin()) return false;
  --key;
  if (number >= next && key->number <= next) return false;
  if (av_seek_frame(container.get(), stream->index, key->dts, AVSEEK_FLAG_BACKWARD) < 0) {
    return false;
  }
  sought = true;
  avcodec_flush_buffers(decoder.get());
  drained = false;
  // the first picture's time says where the film goes on
  next = key->number;
  const double rate = std::exchange(fps, 0.0);
  Decode();
  fps = rate;
  const auto at = std::lower_bound(times.begin(), times.end(), frame->best_effort_timestamp);
  if (at == times.end() || *at != frame->best_effort_timestamp || at - times.begin() > number) {
    Fail(fmt::format("frame {} is not where its index says", number));
  }
  next = at - times.begin();
  stale = next != number;
  if (!stale) Convert();
  ++next;
  return true;
}

void VideoReader::Impl::ReadOn(int64_t number) {
  while (next <= number) {
    Decode();
    if (sought && frame->best_effort_timestamp != times[static_cast<size_t>(next)]) {
      Fail(fmt::format("frame {} is not at its time", next));
    }
    stale = next != number;
    if (!stale) Convert();
    ++next;
  }
}

// The next picture into `frame`.
void VideoReader::Impl::Decode() {
  const auto place = [&] { return fmt::format("frame {} does not decode", next); };
  while (true) {
    const int code = avcodec_receive_frame(decoder.get(), frame.get());
    if (code == 0) break;
    if (code != AVERROR(EAGAIN) || drained) {
      Fail(fmt::format("{}: {}", place(), av::ErrorText(code)));
    }
    if (ReadPacket()) {
      const int sent = avcodec_send_packet(decoder.get(), packet.get());
      av_packet_unref(packet.get());
      if (sent < 0) Fail(fmt::format("{}: {}", place(), av::ErrorText(sent)));
    } else {
      avcodec_send_packet(decoder.get(), nullptr);
      drained = true;
    }
  }
  if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
    Fail(place() + ": its data is damaged");
  }
  if (frame->width != image.width || frame->height != image.height) {
    Fail(fmt::format("frame {} has {} x {} pixels, the film {} x {}", next, frame->width,
                     frame->height, image.width, image.height));
  }
  // a picture that was dropped or doubled moves all later ones
  if (fps > 0 && frame->best_effort_timestamp != AV_NOPTS_VALUE) {
    if (!times.empty()) {
      first_time = times[0];
    } else if (next == 0) {
      first_time = frame->best_effort_timestamp;
    }
    const double seconds =
        static_cast<double>(frame->best_effort_timestamp - first_time) * av_q2d(stream->time_base);
    if (!(std::abs(seconds * fps - static_cast<double>(next)) < 0.25)) {
      Fail(fmt::format("frame {} is shown at {:.6f} s, must be at {:.6f} s ({} frames/s)", next,
                       seconds, static_cast<double>(next) / fps, fps));
    }
  }
}

// `frame` into `image`, by the colours that the film says it has.
void VideoReader::Impl::Convert() {
  const bool same = scaler != nullptr && scaled_format == frame->format &&
                    scaled_space == frame->colorspace && scaled_range == frame->color_range;
  if (!same) {
    scaler.reset(sws_getContext(
        image.width, image.height, static_cast<AVPixelFormat>(frame->format), image.width,
        image.height, AV_PIX_FMT_RGB24, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
        nullptr, nullptr, nullptr));
    if (scaler == nullptr) Fail("its pixel format cannot be converted to RGB");
    const int* from = sws_getCoefficients(
        frame->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : frame->colorspace);
    const int whole = 1 << 16;
    sws_setColorspaceDetails(scaler.get(), from, frame->color_range == AVCOL_RANGE_JPEG ? 1 : 0,
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, whole, whole);
    scaled_format = frame->format;
    scaled_space = frame->colorspace;
    scaled_range = frame->color_range;
  }
  uint8_t* target[] = {image.rgb.data()};
  const int stride[] = {image.width * 3};
  sws_scale(scaler.get(), frame->data, frame->linesize, 0, image.height, target, stride);
}

VideoReader::VideoReader(const fs::path& file, double fps) : impl_(std::make_unique<Impl>()) {
  Impl& m = *impl_;
  av::Quiet();
  Require(m.frame != nullptr && m.packet != nullptr, "memory for a frame");
  m.file = file;
  m.fps = fps;
  m.OpenFile();
  m.CountFrames();
  m.image = Image(m.stream->codecpar->width, m.stream->codecpar->height);
  m.Rewind();
}

VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const fs::path& VideoReader::file() const { return impl_->file; }
int VideoReader::width() const { return impl_->image.width; }
int VideoReader::height() const { return impl_->image.height; }
int64_t VideoReader::frames() const { return impl_->frames; }

int VideoReader::bits() const {
  const auto* format =
      av_pix_fmt_desc_get(static_cast<AVPixelFormat>(impl_->stream->codecpar->format));
  return format != nullptr ? format->comp[0].depth : 8;
}
int64_t VideoReader::next() const { return impl_->next; }

std::pair<int, int> VideoReader::SizeOf(const fs::path& file) {
  av::Quiet();
  Impl m;
  m.file = file;
  m.OpenFile();
  return {m.stream->codecpar->width, m.stream->codecpar->height};
}

std::vector<double> VideoReader::Times() const {
  const double tick = av_q2d(impl_->stream->time_base);
  std::vector<double> shown;
  for (const int64_t time : impl_->times) {
    shown.push_back(static_cast<double>(time - impl_->times[0]) * tick);
  }
  return shown;
}

void VideoReader::RequireTimes(double fps, double tolerance_s, const std::string& advice) const {
  const Impl& m = *impl_;
  const double allowed = std::max(tolerance_s, 0.25 / fps);
  const std::vector<double> shown = Times();
  const auto off = [&](size_t k) { return std::abs(shown[k] - static_cast<double>(k) / fps); };
  size_t first = shown.size();
  double worst = 0;
  for (size_t k = shown.size(); k-- > 0;) {
    worst = std::max(worst, off(k));
    if (off(k) >= allowed) first = k;
  }
  if (first == shown.size()) return;
  m.Fail(fmt::format("frame {} is shown at {:.6f} s, must be at {:.6f} s ({} frames/s){}", first,
                     shown[first], static_cast<double>(first) / fps, fps,
                     fmt::format(fmt::runtime(advice), std::ceil(worst * 100 + 1) / 100)));
}

const Image& VideoReader::Read(int64_t number) {
  Impl& m = *impl_;
  Require(number >= 0 && number < m.frames, "a frame of the film");
  if (number == m.next - 1 && !m.stale) return m.image;
  // where a jump leads astray, the film is read from its beginning
  const double rate = m.fps;
  try {
    if (m.Seek(number) || number >= m.next) {
      m.ReadOn(number);
      return m.image;
    }
  } catch (const Error&) {
    if (!m.sought) throw;
    m.fps = rate;
  }
  m.Rewind();
  m.ReadOn(number);
  return m.image;
}

}  // namespace understudy
