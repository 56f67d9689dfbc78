#include "app/robot_link.h"

#include "core/base/error.h"
#include "data/formats/formats.h"
#include "serve/robots/recorded_robot.h"
#include "serve/robots/simulated_robot.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

RobotLink OpenSimulated(const Twin& twin, const std::string& variant, const PolicyInfo& policy) {
  RobotLink link;
  link.robot = MakeSimulatedRobot(twin.simulators(), variant);
  if (!policy.cameras.empty()) {
    link.cameras = SimulatedCameras(twin.renderers, policy.cameras, policy.image_width,
                                    policy.image_height);
  }
  link.harmless = link.simulated = true;
  return link;
}

RobotLink OpenRecorded(const std::string& place, const Twin& twin, const PolicyInfo& policy) {
  RobotLink link;
  link.recording = OpenDataset(place);
  if (link.recording->episodes().empty()) ThrowBadInput(place + ": has no episodes");
  auto robot = std::make_unique<RecordedRobot>(*link.recording, 0, twin.simulators());
  if (!policy.cameras.empty()) {
    link.cameras = RecordedCameras(*link.recording, 0, *robot, policy.cameras, policy.image_width,
                                   policy.image_height);
  }
  link.rows = robot->length();
  link.robot = std::move(robot);
  link.harmless = true;
  return link;
}

}  // namespace

RobotLink OpenRobotLink(const std::string& place, const Twin& twin, const std::string& variant,
                        const PolicyInfo& policy) {
  if (place == "sim") return OpenSimulated(twin, variant, policy);
  if (!fs::exists(place)) {
    ThrowUsage("link: " + place +
               ": no such file; it is 'sim', the address of a robot (tcp://HOST:PORT), the YAML "
               "file of an arm, or a dataset");
  }
  return OpenRecorded(place, twin, policy);
}

}  // namespace understudy
