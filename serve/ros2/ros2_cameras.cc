#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "ros2_messages.h"
#include "serve/ros2/dds_node.h"
#include "serve/ros2/joint_board.h"
#include "serve/ros2/picture.h"
#include "serve/ros2/ros2_robot.h"

namespace understudy {
namespace {

// A camera and its newest picture.
struct SeenCamera {
  Ros2Camera options;
  std::string place;  // begins messages
  dds_entity_t reader = 0;
  // under the mutex
  RawPicture picture;
  std::vector<uint8_t> bytes;
  int64_t captured_ns = 0;  // 0: none has come
  int64_t stamp_ns = 0;     // of the sender's clock; 0: none
  std::string problem;      // of the newest message; empty: it was sound
};

class TopicCameras : public RobotCameras {
 public:
  TopicCameras(const Ros2Options& options, std::vector<std::string> names, int width, int height)
      : stamps_(options.stamps), width_(width), height_(height), node_(options.domain) {
    std::vector<dds_entity_t> readers;
    for (const std::string& name : names) {
      SeenCamera& camera = cameras_.emplace_back();
      camera.options = options.cameras.at(name);
      camera.place = fmt::format("camera '{}' ({})", name, camera.options.topic);
      camera.reader = node_.Reader(camera.options.topic, sensor_msgs_msg_dds__Image__desc, 1);
      readers.push_back(camera.reader);
    }
    listener_ = std::make_unique<DdsListener>(readers, [this](size_t reader, const void* message,
                                                              dds_instance_handle_t,
                                                              int64_t arrival_ns) {
      See(*static_cast<const sensor_msgs_msg_dds__Image_*>(message), arrival_ns, cameras_[reader]);
    });
    AwaitFirst(options.wait_s);
  }

  int64_t Take(const RobotReading&, std::vector<Image>* images) override {
    images->resize(cameras_.size());
    int64_t oldest_ns = std::numeric_limits<int64_t>::max();
    const std::lock_guard lock(mutex_);
    for (size_t c = 0; c < cameras_.size(); ++c) {
      if (!cameras_[c].problem.empty()) ThrowFailed(cameras_[c].problem);
      Image& image = (*images)[c];
      if (image.width != width_ || image.height != height_) image = Image(width_, height_);
      ScalePicture(cameras_[c].picture, &image);
      oldest_ns = std::min(oldest_ns, cameras_[c].captured_ns);
    }
    return oldest_ns;
  }

 private:
  // What is wrong is said before anything moves.
  void AwaitFirst(double wait_s) {
    const int64_t until_ns = MonotonicNs() + std::llround(1e9 * wait_s);
    while (true) {
      const std::string why = NotReady();
      if (why.empty()) return;
      if (MonotonicNs() > until_ns) ThrowFailed(why);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  std::string NotReady() {
    const std::lock_guard lock(mutex_);
    for (const SeenCamera& camera : cameras_) {
      if (!camera.problem.empty()) return camera.problem;
      if (camera.captured_ns != 0) continue;
      if (Publishers(camera.reader) > 0) return camera.place + ": no picture has come";
      return fmt::format("{}: nobody publishes it as sensor_msgs/msg/Image in domain {}",
                         camera.place, node_.domain());
    }
    return "";
  }

  // On the listener's thread.
  void See(const sensor_msgs_msg_dds__Image_& image, int64_t arrival_ns, SeenCamera& camera) {
    const std::lock_guard lock(mutex_);
    try {
      const RawPicture picture{image.width_,
                               image.height_,
                               image.step_,
                               image.encoding_,
                               {image.data_._buffer, image.data_._length}};
      CheckPicture(picture, camera.options.width, camera.options.height, camera.place);
      const auto& stamp = image.header_.stamp_;
      const int64_t stamp_ns = int64_t{1'000'000'000} * stamp.sec_ + stamp.nanosec_;
      // the same picture, sent again, is as old as it was
      const bool repeated = stamp_ns != 0 && camera.stamp_ns == stamp_ns;
      if (!repeated) {
        camera.captured_ns = stamps_ == Ros2Stamps::kArrival
                                 ? arrival_ns
                                 : CapturedNs(stamp_ns, arrival_ns, camera.place);
      }
      camera.bytes.assign(picture.data.begin(), picture.data.end());
      camera.picture = picture;
      camera.picture.data = camera.bytes;
      camera.stamp_ns = stamp_ns;
      camera.problem.clear();
    } catch (const std::exception& error) {
      camera.problem = error.what();
    }
  }

  Ros2Stamps stamps_;
  int width_, height_;
  std::mutex mutex_;
  std::vector<SeenCamera> cameras_;
  DdsNode node_;
  std::unique_ptr<DdsListener> listener_;
};

}  // namespace

RobotCamerasFactory Ros2Cameras(const Ros2Options& options, const std::string& file,
                                const PolicyInfo& policy) {
  std::vector<std::string> known;
  for (const auto& [name, camera] : options.cameras) known.push_back(name);
  for (const std::string& name : policy.cameras) {
    if (options.cameras.contains(name)) continue;
    ThrowBadInput(file + ": cameras: the policy sees more: " + UnknownName("camera", name, known));
  }
  return [options, names = policy.cameras, width = policy.image_width,
          height = policy.image_height]() -> std::unique_ptr<RobotCameras> {
    return std::make_unique<TopicCameras>(options, names, width, height);
  };
}

}  // namespace understudy
