#include "data/video/camera_device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "data/video/av.h"

namespace understudy {
namespace {

constexpr int64_t kFirstPictureNs = 5'000'000'000;

// Registers its devices with libavformat. Debian 12 has version 59.
void LoadDevices() {
  static std::once_flag once;
  static std::string problem;
  std::call_once(once, [] {
    const std::string file = fmt::format("libavdevice.so.{}", LIBAVFORMAT_VERSION_MAJOR);
    void* library = dlopen(file.c_str(), RTLD_NOW);
    void* found = library ? dlsym(library, "avdevice_register_all") : nullptr;
    if (found) {
      reinterpret_cast<void (*)()>(found)();
    } else {
      problem =
          fmt::format("cameras need {}, which is not installed: apt-get install libavdevice{}",
                      file, LIBAVFORMAT_VERSION_MAJOR);
    }
  });
  if (!problem.empty()) ThrowUsage(problem);
}

class DeviceCamera : public LiveCamera {
 public:
  explicit DeviceCamera(LiveCameraOptions options) : options_(std::move(options)) {
    av::Quiet();
    LoadDevices();
    Open();
    thread_ = std::thread([this] { Work(); });
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, std::chrono::nanoseconds(kFirstPictureNs),
                                        [&] { return taken_ns_ != 0 || !problem_.empty(); });
    const std::string problem = came ? problem_ : "no picture has come within 5 s";
    lock.unlock();
    if (problem.empty()) return;
    Stop();
    ThrowFailed(Words(problem));
  }
  ~DeviceCamera() override { Stop(); }

  int64_t Newest(Image* image) override {
    const std::lock_guard lock(mutex_);
    if (!problem_.empty()) ThrowFailed(Words(problem_));
    *image = image_;
    return taken_ns_;
  }

 private:
  std::string Words(const std::string& problem) const {
    return fmt::format("camera '{}' ({}): {}", options_.name, options_.device, problem);
  }

  void Open() {
    const AVInputFormat* format = av_find_input_format(options_.format.c_str());
    if (!format) {
      ThrowUsage(Words(fmt::format("libavdevice knows no format '{}'", options_.format)));
    }
    AVFormatContext* opened = avformat_alloc_context();
    Require(opened != nullptr, "memory for a camera");
    opened->interrupt_callback = {
        [](void* stop) { return static_cast<std::atomic<bool>*>(stop)->load() ? 1 : 0; }, &stop_};
    // a device that hangs is not waited for
    opened->flags |= AVFMT_FLAG_NONBLOCK;
    AVDictionary* settings = nullptr;
    if (options_.format == "v4l2") {
      const std::string size = fmt::format("{}x{}", options_.width, options_.height);
      av_dict_set(&settings, "video_size", size.c_str(), 0);
      av_dict_set(&settings, "framerate", std::to_string(options_.fps).c_str(), 0);
      if (!options_.pixels.empty()) {
        av_dict_set(&settings, "input_format", options_.pixels.c_str(), 0);
      }
    }
    const int code = avformat_open_input(&opened, options_.device.c_str(), format, &settings);
    av_dict_free(&settings);
    if (code < 0) {
      ThrowUsage(Words(fmt::format("cannot be opened: {}", av::ErrorText(code))));
    }
    input_.reset(opened);
    const int index = av_find_best_stream(opened, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (index < 0) ThrowUsage(Words("gives no pictures"));
    stream_ = opened->streams[index];
    const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
    if (!codec) ThrowUsage(Words("gives pictures that this libav cannot decode"));
    decoder_.reset(avcodec_alloc_context3(codec));
    Require(decoder_ != nullptr, "memory for a decoder");
    decoder_->thread_count = 1;
    decoder_->max_pixels = static_cast<int64_t>(kMaxImageSide) * kMaxImageSide;
    if (avcodec_parameters_to_context(decoder_.get(), stream_->codecpar) < 0 ||
        avcodec_open2(decoder_.get(), codec, nullptr) < 0) {
      ThrowUsage(Words("its decoder does not open"));
    }
  }

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void Work() {
    const av::PacketPtr packet(av_packet_alloc());
    const av::FramePtr frame(av_frame_alloc());
    Image image;
    while (!stop_) {
      const int code = av_read_frame(input_.get(), packet.get());
      if (code == AVERROR(EAGAIN)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      if (code < 0) return Fail(av::ErrorText(code));
      const int64_t taken_ns = TimeOf(*packet);
      const bool ours = packet->stream_index == stream_->index;
      // one that does not decode is left out
      if (ours) avcodec_send_packet(decoder_.get(), packet.get());
      av_packet_unref(packet.get());
      while (ours && avcodec_receive_frame(decoder_.get(), frame.get()) == 0) {
        if (!Convert(*frame, &image)) return Fail("its pictures cannot be converted");
        Show(&image, taken_ns);
      }
    }
  }

  // v4l2 gives the kernel's monotonic time; other devices count from anywhere.
  int64_t TimeOf(const AVPacket& packet) const {
    const int64_t now_ns = MonotonicNs();
    if (options_.format != "v4l2" || packet.pts == AV_NOPTS_VALUE) return now_ns;
    return std::min(now_ns, av_rescale_q(packet.pts, stream_->time_base, {1, 1'000'000'000}));
  }

  bool Convert(const AVFrame& frame, Image* image) {
    const int width = options_.wanted_width, height = options_.wanted_height;
    // the mean of what a pixel covers
    scaler_.reset(sws_getCachedContext(
        scaler_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
        width, height, AV_PIX_FMT_RGB24, SWS_AREA | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
    if (!scaler_) return false;
    if (image->width != width || image->height != height) *image = Image(width, height);
    uint8_t* target[] = {image->rgb.data()};
    const int stride[] = {3 * width};
    return sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, target, stride) ==
           height;
  }

  void Show(Image* image, int64_t taken_ns) {
    {
      const std::lock_guard lock(mutex_);
      std::swap(image_, *image);
      taken_ns_ = taken_ns;
    }
    changed_.notify_all();
  }

  void Fail(const std::string& problem) {
    {
      const std::lock_guard lock(mutex_);
      problem_ = problem;
    }
    changed_.notify_all();
  }

  const LiveCameraOptions options_;
  std::atomic<bool> stop_ = false;
  av::InputPtr input_;
  AVStream* stream_ = nullptr;  // owned by input_
  av::CodecContextPtr decoder_;
  av::ScalerPtr scaler_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // under the mutex
  Image image_;
  int64_t taken_ns_ = 0;  // 0: none yet
  std::string problem_;

  std::thread thread_;
};

}  // namespace

std::unique_ptr<LiveCamera> OpenLiveCamera(const LiveCameraOptions& options) {
  return std::make_unique<DeviceCamera>(options);
}

}  // namespace understudy
