#include "serve/robots/recorded_robot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {
namespace {

class Recorded : public RobotCameras {
 public:
  Recorded(const EpisodeSource& source, size_t index, const RecordedRobot& robot,
           std::vector<size_t> cameras, int width, int height)
      : source_(source),
        index_(index),
        robot_(robot),
        cameras_(std::move(cameras)),
        width_(width),
        height_(height) {}

  int64_t Take(const RobotReading&, std::vector<Image>* images) override {
    const int64_t taken_ns = MonotonicNs();
    const auto row = static_cast<size_t>(robot_.row());
    images->assign(cameras_.size(), Image(width_, height_));
    for (size_t i = 0; i < cameras_.size(); ++i) {
      source_.ReadFrame(index_, cameras_[i], row, (*images)[i].rgb.data());
    }
    return taken_ns;
  }

 private:
  const EpisodeSource& source_;
  size_t index_;
  const RecordedRobot& robot_;
  std::vector<size_t> cameras_;
  int width_, height_;
};

}  // namespace

RecordedRobot::RecordedRobot(const EpisodeSource& source, size_t index,
                             std::unique_ptr<Simulator> twin)
    : episode_(source.ReadEpisode(index)), twin_(std::move(twin)), info_(twin_->info()) {
  const std::string place = fmt::format("{}: {}", source.path().string(), episode_.meta.name);
  if (episode_.steps.empty()) ThrowBadInput(place + ": has no rows");
  const size_t arms = episode_.steps.front().observation.arms.size();
  if (arms != info_.arms.size()) {
    ThrowBadInput(fmt::format("{}: has {} arms, the robot {}", place, arms, info_.arms.size()));
  }
  for (size_t a = 0; a < arms && a < info_.joint_names.size(); ++a) {
    const auto joints = episode_.steps.front().observation.arms[a].joint_q.size();
    if (joints == static_cast<Eigen::Index>(info_.joint_names[a].size())) continue;
    ThrowBadInput(fmt::format("{}: an arm has {} joints, the robot's {}", place, joints,
                              info_.joint_names[a].size()));
  }
  const double hz = source.header().simulator.control_hz;
  if (hz != info_.control_hz) {
    ThrowBadInput(
        fmt::format("{}: is recorded at {} Hz, the robot runs at {}", place, hz, info_.control_hz));
  }
}

Action RecordedRobot::Begin(const RngKey&, bool, RobotReading* reading) {
  row_ = 0;
  begun_ = false;
  distance_ = 0;
  sent_ = 0;
  Show(reading);
  Action hold = episode_.steps.front().action;
  for (size_t a = 0; a < hold.arms.size(); ++a) {
    hold.arms[a].X_WE_cmd = reading->observation.arms[a].X_WE;
    if (info_.action_kind == ActionKind::kJoints) {
      hold.arms[a].q_cmd = reading->observation.arms[a].joint_q;
    }
  }
  return hold;
}

void RecordedRobot::Show(RobotReading* reading) const {
  reading->captured_ns = MonotonicNs();
  reading->observation = ShownStep().observation;
  reading->observation.success = false;  // of the recording, not of what is sent
  reading->state = ShownStep().state;
}

bool RecordedRobot::Read(RobotReading* reading) {
  if (std::exchange(begun_, true)) {
    if (row_ + 1 >= length()) return false;
    ++row_;
  }
  Show(reading);
  return true;
}

void RecordedRobot::Send(const Action& action) {
  for (size_t a = 0; a < action.arms.size(); ++a) {
    distance_ +=
        (action.arms[a].X_WE_cmd.translation() - ShownStep().action.arms[a].X_WE_cmd.translation())
            .norm();
    ++sent_;
  }
}

double RecordedRobot::mean_distance() const {
  return sent_ > 0 ? distance_ / static_cast<double>(sent_) : 0;
}

RobotCamerasFactory RecordedCameras(const EpisodeSource& source, size_t index,
                                    const RecordedRobot& robot, std::vector<std::string> cameras,
                                    int width, int height) {
  const DatasetHeader& header = source.header();
  std::vector<size_t> places;
  for (const std::string& camera : cameras) {
    const auto found = std::ranges::find(header.cameras, camera);
    if (found == header.cameras.end()) {
      ThrowBadInput(fmt::format(
          "{}: stores no pictures of {}; `understudy augment --variants 0` renders them",
          source.path().string(), UnknownName("camera", camera, header.cameras)));
    }
    places.push_back(static_cast<size_t>(found - header.cameras.begin()));
    const PictureSize size = header.size_of(places.back());
    if (size.width != width || size.height != height) {
      ThrowBadInput(fmt::format("{}: pictures of '{}' are {} x {}, the policy sees {} x {}",
                                source.path().string(), camera, size.width, size.height, width,
                                height));
    }
  }
  return [&source, index, &robot, places, width, height]() -> std::unique_ptr<RobotCameras> {
    return std::make_unique<Recorded>(source, index, robot, places, width, height);
  };
}

}  // namespace understudy
