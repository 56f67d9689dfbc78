#include "data/video/video_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>

#include "core/base/error.h"
#include "data/video/av.h"

namespace understudy {
namespace {

int Even(int size) { return size + size % 2; }

// Finishes when it goes out of scope in peace.
class SelfFinishingSink : public FrameSink {
 public:
  SelfFinishingSink(const std::filesystem::path& file, size_t cameras, const VideoOptions& options)
      : writer_(file, options), cameras_(cameras) {}
  ~SelfFinishingSink() override {
    if (frames_ == 0 || finished_ || std::uncaught_exceptions() > exceptions_) return;
    try {
      writer_.Finish();
    } catch (const std::exception&) {
      // a destructor cannot report it: the missing film does
    }
  }
  void Add(const std::vector<Image>& images) override {
    Require(images.size() == cameras_, "a film has one picture per camera in every frame");
    writer_.Add(images);
    ++frames_;
  }
  void Finish() override {
    finished_ = true;
    writer_.Finish();
  }

 private:
  VideoWriter writer_;
  size_t cameras_;
  int64_t frames_ = 0;
  bool finished_ = false;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace

std::unique_ptr<FrameSink> MakeVideoSink(const std::filesystem::path& file, size_t cameras,
                                         double fps, const VideoOptions& options) {
  VideoOptions settings = options;
  settings.fps = fps;
  return std::make_unique<SelfFinishingSink>(file, cameras, settings);
}

class VideoWriter::Encoder {
 public:
  Encoder(const std::filesystem::path& file, const VideoOptions& options,
          const std::vector<Image>& first)
      : part_(file.string() + ".part"), options_(options) {
    for (const Image& image : first) sizes_.push_back({image.width, image.height});
    for (const auto& [width, height] : sizes_) {
      picture_.width += width * options.scale;
      picture_.height = std::max(picture_.height, height * options.scale);
    }
    picture_.width = Even(picture_.width);
    picture_.height = Even(picture_.height);
    picture_.rgb.assign(static_cast<size_t>(picture_.width) * picture_.height * 3, 0);
    report_.width = picture_.width;
    report_.height = picture_.height;
    try {
      OpenCodec();
      OpenFile();
    } catch (...) {
      Close();
      throw;
    }
  }

  ~Encoder() { Close(); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void Add(const std::vector<Image>& images) {
    Compose(images);

    // the encoder may still hold the frame before
    Check(av_frame_make_writable(frame_.get()), "no memory for a frame");
    const uint8_t* const source[] = {picture_.rgb.data()};
    const int stride[] = {picture_.width * 3};
    sws_scale(scaler_.get(), source, stride, 0, picture_.height, frame_->data, frame_->linesize);
    frame_->pts = report_.frames++;
    Check(avcodec_send_frame(codec_.get(), frame_.get()), "frame refused");
    Drain();
  }

  void Finish() {
    Check(avcodec_send_frame(codec_.get(), nullptr), "end refused");
    Drain();
    Check(av_write_trailer(container_), "index not written");
    Check(avio_closep(&container_->pb), "not closed");
  }

  const VideoReport& report() const { return report_; }

 private:
  void Check(int code, const char* what) const {
    if (code < 0) {
      ThrowFailed(fmt::format("{}: {}: {}", part_.string(), what, av::ErrorText(code)));
    }
  }

  void OpenCodec() {
    // the encoder's clock ticks once per frame
    const AVCodec* codec = av::FindEncoder(options_.codec);
    if (codec == nullptr) {
      ThrowFailed(fmt::format("{}: this libav has no encoder for {}; install Debian's libavcodec59",
                              part_.string(),
                              options_.codec == VideoCodec::kAv1 ? "AV1" : "H.264 or MPEG-4"));
    }
    report_.encoder = codec->name;
    report_.codec = avcodec_get_name(codec->id);
    if (codec->id == AV_CODEC_ID_MPEG4) {
      report_.warning = fmt::format(
          "no H.264 encoder in libav: filmed with {}, which browsers do "
          "not play; install libx264",
          codec->name);
    }
    codec_.reset(avcodec_alloc_context3(codec));
    Require(codec_ != nullptr, "memory for an encoder");
    const AVRational fps = av_d2q(options_.fps, 100000);
    codec_->width = picture_.width;
    codec_->height = picture_.height;
    codec_->pix_fmt = AV_PIX_FMT_YUV420P;
    codec_->time_base = av_inv_q(fps);
    codec_->framerate = fps;
    codec_->thread_count = options_.threads;
    codec_->gop_size =
        options_.gop > 0 ? options_.gop : std::max(1, static_cast<int>(options_.fps * 2));
    if (options_.gop > 0) codec_->max_b_frames = 0;
    codec_->color_range = AVCOL_RANGE_MPEG;
    codec_->colorspace = AVCOL_SPC_SMPTE170M;
    codec_->color_primaries = AVCOL_PRI_SMPTE170M;
    codec_->color_trc = AVCOL_TRC_SMPTE170M;
    codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    av::SetRate(codec_.get(), codec, options_.quality, options_.preset, options_.fps);
    const int opened = avcodec_open2(codec_.get(), codec, nullptr);
    if (opened < 0) {
      ThrowFailed(
          fmt::format("{}: encoder {} does not open for {} x {} pixels at {} frames/s, "
                      "preset '{}': {}",
                      part_.string(), codec->name, picture_.width, picture_.height, options_.fps,
                      options_.preset, av::ErrorText(opened)));
    }

    // frame, packet and the way from RGB
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
    Require(frame_ != nullptr && packet_ != nullptr, "memory for a frame");
    frame_->format = AV_PIX_FMT_YUV420P;
    frame_->width = picture_.width;
    frame_->height = picture_.height;
    Check(av_frame_get_buffer(frame_.get(), 0), "no memory for a frame");
    scaler_.reset(sws_getContext(picture_.width, picture_.height, AV_PIX_FMT_RGB24, picture_.width,
                                 picture_.height, AV_PIX_FMT_YUV420P,
                                 SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, nullptr,
                                 nullptr, nullptr));
    Require(scaler_ != nullptr, "a way from RGB to YUV");
  }

  void OpenFile() {
    Check(avformat_alloc_output_context2(&container_, nullptr, "mp4", part_.c_str()), "no MP4");
    container_->flags |= AVFMT_FLAG_BITEXACT;
    stream_ = avformat_new_stream(container_, nullptr);
    Require(stream_ != nullptr, "memory for a stream");
    Check(avcodec_parameters_from_context(stream_->codecpar, codec_.get()), "stream");
    stream_->time_base = codec_->time_base;
    stream_->avg_frame_rate = codec_->framerate;
    const int opened = avio_open(&container_->pb, part_.c_str(), AVIO_FLAG_WRITE);
    if (opened < 0) {
      ThrowFailed(
          fmt::format("{}: cannot be made: {}; does the folder exist and may it be written?",
                      part_.string(), av::ErrorText(opened)));
    }
    AVDictionary* settings = nullptr;
    av_dict_set(&settings, "movflags", "+faststart", 0);
    // one tick of the file is a whole share of a frame: times stay exact
    av_dict_set_int(&settings, "video_track_timescale", TimeScale(), 0);
    const int begun = avformat_write_header(container_, &settings);
    av_dict_free(&settings);
    Check(begun, "header not written");
  }

  // A multiple of the frame rate's numerator, large enough for players that expect milliseconds.
  int TimeScale() const {
    const int numerator = codec_->framerate.num;
    return numerator >= 1000 ? numerator : numerator * (1000 / numerator + 1);
  }

  // Puts the cameras side by side, pixels enlarged.
  void Compose(const std::vector<Image>& images) {
    Require(images.size() == sizes_.size(), "a film has the same cameras in every frame");
    const size_t row = static_cast<size_t>(picture_.width) * 3;
    int left = 0;
    for (size_t i = 0; i < images.size(); ++i) {
      const Image& image = images[i];
      Require(image.width == sizes_[i][0] && image.height == sizes_[i][1] &&
                  image.rgb.size() == static_cast<size_t>(image.width) * image.height * 3,
              "a film's pictures keep their size");
      for (int y = 0; y < image.height; ++y) {
        uint8_t* line = picture_.rgb.data() + y * options_.scale * row + size_t{3} * left;
        const uint8_t* source = image.rgb.data() + static_cast<size_t>(y) * image.width * 3;
        uint8_t* target = line;
        for (int x = 0; x < image.width; ++x, source += 3) {
          for (int k = 0; k < options_.scale; ++k, target += 3) std::memcpy(target, source, 3);
        }
        const auto bytes = static_cast<size_t>(target - line);
        for (int k = 1; k < options_.scale; ++k) std::memcpy(line + k * row, line, bytes);
      }
      left += image.width * options_.scale;
    }
  }

  // Moves what the encoder has finished into the file.
  void Drain() {
    while (true) {
      const int code = avcodec_receive_packet(codec_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      Check(code, "encoder failed");
      packet_->duration = 1;
      av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
      packet_->stream_index = stream_->index;
      Check(av_interleaved_write_frame(container_, packet_.get()), "not written");
      // errors of buffered writing show here first
      Check(container_->pb->error, "not written");
    }
  }

  void Close() {
    if (container_ == nullptr) return;
    if (container_->pb != nullptr) avio_closep(&container_->pb);
    avformat_free_context(container_);
    container_ = nullptr;
  }

  std::filesystem::path part_;
  VideoOptions options_;
  std::vector<std::array<int, 2>> sizes_;
  Image picture_;  // one frame, all cameras
  VideoReport report_;
  av::CodecContextPtr codec_;
  av::FramePtr frame_;
  av::PacketPtr packet_;
  av::ScalerPtr scaler_;
  AVFormatContext* container_ = nullptr;
  AVStream* stream_ = nullptr;  // owned by container_
};

VideoWriter::VideoWriter(std::filesystem::path file, const VideoOptions& options)
    : file_(std::move(file)), options_(options) {
  Require(options.fps > 0 && options.scale >= 1 && options.threads >= 1,
          "a film has a rate, a scale and a thread");
  av::Quiet();
  // asked before the encoder is, because x264 prints what it does not know
  const std::vector<std::string>& presets = VideoPresets();
  if (std::find(presets.begin(), presets.end(), options.preset) == presets.end()) {
    ThrowUsage("video: " + UnknownName("preset", options.preset, presets));
  }
  const std::filesystem::path folder = file_.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder)) {
    ThrowFailed(fmt::format("{}: the folder {} does not exist", file_.string(), folder.string()));
  }
}

VideoWriter::~VideoWriter() {
  if (!encoder_) return;
  encoder_.reset();
  std::error_code ignored;
  std::filesystem::remove(file_.string() + ".part", ignored);
}

void VideoWriter::Add(const std::vector<Image>& images) {
  Require(!finished_ && !images.empty() && images[0].width > 0 && images[0].height > 0,
          "a film's frame has at least one picture and comes before the end");
  if (!encoder_) encoder_ = std::make_unique<Encoder>(file_, options_, images);
  encoder_->Add(images);
  report_ = encoder_->report();
}

void VideoWriter::Finish() {
  Require(!finished_, "a film is finished once");
  if (!encoder_) ThrowBadInput(fmt::format("{}: a film needs at least one frame", file_.string()));
  encoder_->Finish();
  finished_ = true;
  encoder_.reset();
  const std::filesystem::path part = file_.string() + ".part";
  std::error_code problem;
  std::filesystem::rename(part, file_, problem);
  if (problem) {
    ThrowFailed(fmt::format("{}: cannot be renamed from {}: {}", file_.string(), part.string(),
                            problem.message()));
  }
}

}  // namespace understudy
