#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/seam/episode_source.h"
#include "core/seam/robot.h"

namespace understudy {

// A recorded episode as a robot: each reading shows its next row, whatever is sent; after the last
// one none comes. A test of the wiring of a policy before a robot is there.
class RecordedRobot : public Robot {
 public:
  // `twin` gives info and kinematics. Throws Error(kBadInput) where the episode has other arms or
  // another rate, or no rows.
  RecordedRobot(const EpisodeSource& source, size_t index, std::unique_ptr<Simulator> twin);

  const SimulatorInfo& info() const override { return info_; }
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const override {
    return twin_->ArmKinematics(arm);
  }
  Action Begin(const RngKey& key, bool shadow, RobotReading* reading) override;
  bool Read(RobotReading* reading) override;
  void Send(const Action& action) override;

  int64_t length() const { return static_cast<int64_t>(episode_.length()); }
  // The row that was shown last; of any thread.
  int64_t row() const { return row_; }
  // m, mean distance of what was sent from the recorded targets, over arms and steps.
  double mean_distance() const;

 private:
  const Step& ShownStep() const { return episode_.steps[static_cast<size_t>(row_.load())]; }
  void Show(RobotReading* reading) const;

  Episode episode_;
  std::unique_ptr<Simulator> twin_;
  SimulatorInfo info_;
  std::atomic<int64_t> row_{0};
  bool begun_ = false;  // its first row has been read
  double distance_ = 0;
  int64_t sent_ = 0;
};

// The pictures of the row that `robot` shows, as the dataset stores them. `source` and `robot` must
// outlive what is made. Throws Error(kBadInput) where it has no such camera or another size.
RobotCamerasFactory RecordedCameras(const EpisodeSource& source, size_t index,
                                    const RecordedRobot& robot, std::vector<std::string> cameras,
                                    int width, int height);

}  // namespace understudy
