#include "serve/robot_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"

namespace understudy {

RobotProtocol::RobotProtocol(Robot& robot, Pictures pictures, std::function<int64_t()> now_ns)
    : robot_(robot),
      pictures_(std::move(pictures)),
      now_ns_(std::move(now_ns)),
      card_(CardOf(robot.info())) {
  command_ = robot_.Begin(RngKey{}, false, &reading_);
}

void RobotProtocol::Tick() {
  robot_.Send(command_);
  robot_.Read(&reading_);
  ++steps_;
}

std::string RobotProtocol::Answer(std::string_view request) {
  return answers_.To(request, [this](const WireValue& value) { return Call(value); });
}

WireValue RobotProtocol::Call(const WireValue& request) {
  const WireValue* endpoint = request.Find("endpoint");
  const std::string* name = endpoint ? endpoint->As<std::string>() : nullptr;
  if (!name) ThrowBadInput("request: has no endpoint");
  const WireValue* data = request.Find("data");
  if (*name == "ping") return WireMap{{"status", "ok"}};
  if (*name == "robot_info") return ToWire(card_);
  if (*name == "begin") return Begin(data);
  if (*name == "step") return Step(data);
  if (*name == "pictures") return TakePictures(data);
  ThrowBadInput(fmt::format(
      "endpoint '{}' is unknown; known: ping, robot_info, begin, step, pictures", *name));
}

WireValue RobotProtocol::Begin(const WireValue* data) {
  RngKey key;
  if (const WireValue* given = data ? data->Find("key") : nullptr) {
    const std::optional<RngKey> read = ReadWireKey(*given);
    if (!read) ThrowBadInput("begin: 'key' is five whole numbers");
    key = *read;
  }
  command_ = robot_.Begin(key, false, &reading_);
  return WireMap{{"hold", ToWire(command_, card_.arms)},
                 {"reading", ToWire(reading_, card_, now_ns_())}};
}

WireValue RobotProtocol::Step(const WireValue* data) {
  if (const WireValue* action = data ? data->Find("action") : nullptr) {
    command_ = ReadWireAction(*action, card_, "action");
  }
  return ToWire(reading_, card_, now_ns_());
}

WireValue RobotProtocol::TakePictures(const WireValue* data) {
  constexpr int64_t kMostPixels = 4096;
  constexpr size_t kMostCameras = 16;
  std::vector<std::string> cameras;
  const WireValue* names = data ? data->Find("cameras") : nullptr;
  if (const WireList* list = names ? names->As<WireList>() : nullptr) {
    for (size_t i = 0; i < list->size() && i < kMostCameras; ++i) {
      const WireValue& item = (*list)[i];
      if (const std::string* name = item.As<std::string>()) cameras.push_back(*name);
    }
  }
  const auto size = [&](const char* key) {
    const WireValue* value = data ? data->Find(key) : nullptr;
    const int64_t* number = value ? value->As<int64_t>() : nullptr;
    if (!number || *number < 1 || *number > kMostPixels) {
      ThrowBadInput(fmt::format("pictures: '{}' is a number of pixels, 1 to {}", key, kMostPixels));
    }
    return static_cast<int>(*number);
  };
  const int width = size("width"), height = size("height");
  if (cameras.empty()) ThrowBadInput("pictures: 'cameras' is a list of names");
  for (const std::string& camera : cameras) {
    if (std::ranges::find(card_.cameras, camera) == card_.cameras.end()) {
      ThrowBadInput("pictures: " + UnknownName("camera", camera, card_.cameras));
    }
  }
  const std::string asked = fmt::format("{} {} {}", fmt::join(cameras, " "), width, height);
  if (asked != cameras_asked_) {
    cameras_ = pictures_(cameras, width, height);
    cameras_asked_ = asked;
  }
  std::vector<Image> images;
  const int64_t taken_ns = cameras_->Take(reading_, &images);
  WireMap video;
  for (size_t c = 0; c < cameras.size(); ++c) {
    const Image& image = images[c];
    video.emplace_back(cameras[c], WireArray::Bytes({image.height, image.width, 3},
                                                    {image.rgb.begin(), image.rgb.end()}));
  }
  return WireMap{{"video", std::move(video)},
                 {"age_s", 1e-9 * static_cast<double>(now_ns_() - taken_ns)}};
}

}  // namespace understudy
