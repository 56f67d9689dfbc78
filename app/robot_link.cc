#include "app/robot_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/base/error.h"
#include "data/formats/formats.h"
#include "data/video/module.h"
#include "serve/robots/feetech_arm.h"
#include "serve/robots/simulated_robot.h"
#include "serve/ros2/module.h"
#ifdef WITH_SERVE
#include "serve/wire_robot.h"
#endif

namespace understudy {
namespace {

namespace fs = std::filesystem;

RobotLink OpenSimulated(const Twin& twin, const std::string& variant) {
  RobotLink link;
  link.robot = MakeSimulatedRobot(twin.simulators(), variant);
  link.cameras = [renderers = twin.renderers](const PolicyInfo& policy) {
    return SimulatedCameras(renderers, policy.cameras, policy.image_width, policy.image_height);
  };
  link.harmless = link.simulated = true;
  return link;
}

RobotLink OpenRecorded(const std::string& place, const Twin& twin) {
  RobotLink link;
  link.recording = OpenDataset(place);
  if (link.recording->episodes().empty()) ThrowBadInput(place + ": has no episodes");
  auto robot = std::make_unique<RecordedRobot>(*link.recording, 0, twin.simulators());
  link.cameras = [&source = *link.recording, &played = *robot](const PolicyInfo& policy) {
    return RecordedCameras(source, 0, played, policy.cameras, policy.image_width,
                           policy.image_height);
  };
  link.played = robot.get();
  link.robot = std::move(robot);
  link.harmless = true;
  return link;
}

// The newest pictures of an arm's cameras.
class ArmCameras : public RobotCameras {
 public:
  explicit ArmCameras(const std::vector<LiveCameraOptions>& cameras) {
    for (const LiveCameraOptions& camera : cameras) {
      cameras_.push_back(Module<VideoModule>().open_camera(camera));
    }
  }
  int64_t Take(const RobotReading&, std::vector<Image>* images) override {
    images->resize(cameras_.size());
    int64_t oldest_ns = std::numeric_limits<int64_t>::max();
    for (size_t c = 0; c < cameras_.size(); ++c) {
      oldest_ns = std::min(oldest_ns, cameras_[c]->Newest(&(*images)[c]));
    }
    return oldest_ns;
  }

 private:
  std::vector<std::unique_ptr<LiveCamera>> cameras_;
};

RobotCamerasFactory CamerasOfArm(const FeetechArmOptions& options, const std::string& file,
                                 const PolicyInfo& policy) {
  std::vector<LiveCameraOptions> cameras;
  std::vector<std::string> known;
  for (const auto& [name, camera] : options.cameras) known.push_back(name);
  for (const std::string& name : policy.cameras) {
    const auto found = options.cameras.find(name);
    if (found == options.cameras.end()) {
      ThrowBadInput(file +
                    ": cameras: the policy sees more: " + UnknownName("camera", name, known));
    }
    const CameraDevice& camera = found->second;
    cameras.push_back({.name = name,
                       .device = camera.device,
                       .format = camera.format,
                       .width = camera.width,
                       .height = camera.height,
                       .fps = camera.fps,
                       .pixels = camera.pixels,
                       .wanted_width = policy.image_width,
                       .wanted_height = policy.image_height});
  }
  return [cameras]() -> std::unique_ptr<RobotCameras> {
    return std::make_unique<ArmCameras>(cameras);
  };
}

RobotLink OpenRos2(const Json& json, const std::string& file, const Twin& twin) {
  const auto options = FromJson<Ros2Options>(json, file);
  RobotLink link;
  link.robot = Module<Ros2Module>().open_robot(options, file, twin.simulators());
  link.cameras = [options, file](const PolicyInfo& policy) {
    return Module<Ros2Module>().cameras(options, file, policy);
  };
  return link;
}

// The file's `type` says what the robot is.
RobotLink OpenDescribed(const std::string& file, const Twin& twin) {
  Json json = LoadYaml(file);
  std::string type = "feetech";
  if (json.is_object() && json.contains("type")) {
    if (json["type"].is_string()) type = json["type"];
    if (!json["type"].is_string() || (type != "feetech" && type != "ros2")) {
      ThrowBadInput(fmt::format("{}: type: {}: it is feetech or ros2", file, json["type"].dump()));
    }
    json.erase("type");
  }
  if (type == "ros2") return OpenRos2(json, file, twin);
  const auto options = FromJson<FeetechArmOptions>(json, file);
  RobotLink link;
  link.robot = OpenFeetechArm(options, file, twin.simulators());
  link.cameras = [options, file](const PolicyInfo& policy) {
    return CamerasOfArm(options, file, policy);
  };
  return link;
}

RobotLink OpenWired([[maybe_unused]] const std::string& place, [[maybe_unused]] const Twin& twin) {
#ifdef WITH_SERVE
  RobotLink link;
  link.robot = OpenWireRobot(place, twin.simulators());
  link.cameras = [place](const PolicyInfo& policy) {
    return WireCameras(place, policy.cameras, policy.image_width, policy.image_height);
  };
  return link;
#else
  ThrowUsage("link: " + place + ": this program was built without ZeroMQ (-DWITH_SERVE=ON)");
#endif
}

}  // namespace

RobotLink OpenRobotLink(const std::string& place, const Twin& twin, const std::string& variant) {
  if (place == "sim") return OpenSimulated(twin, variant);
  if (place.starts_with("tcp://")) return OpenWired(place, twin);
  if (!fs::exists(place)) {
    ThrowUsage("link: " + place +
               ": no such file; it is 'sim', the address of a robot (tcp://HOST:PORT), the YAML "
               "file of a robot, or a dataset");
  }
  const std::string ending = fs::path(place).extension().string();
  if (ending == ".yaml" || ending == ".yml") return OpenDescribed(place, twin);
  return OpenRecorded(place, twin);
}

}  // namespace understudy
