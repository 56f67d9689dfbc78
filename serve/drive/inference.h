#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "core/seam/policy.h"
#include "serve/drive/chunk_source.h"

namespace understudy {

// A policy on a thread of its own, with the cameras that it sees by. What goes wrong there is an
// answer with a problem.
class Inference : public ChunkSource {
 public:
  // `cameras` makes them on that thread; empty: the policy sees none. `policy` must outlive this.
  // `picture_age_s`: it is not shown older pictures. Throws what making the cameras throws, and
  // Error(kBadInput) for a policy that wants to see the past.
  Inference(const Policy& policy, std::string instruction, const SimulatorInfo& robot,
            const RobotCamerasFactory& cameras, double picture_age_s);
  ~Inference() override;

  bool busy() const override;
  void Ask(ChunkRequest* request) override;
  bool Take(ChunkAnswer* answer) override;

 private:
  void Work(const RobotCamerasFactory& cameras);
  void Answer(const ChunkRequest& request, RobotCameras* cameras, ChunkAnswer* answer);

  const Policy& policy_;
  const std::string instruction_;
  const double picture_age_s_;
  std::vector<size_t> places_;  // of the policy's objects among the robot's

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // under the mutex
  enum class Stage { kStarting, kIdle, kAsked, kAnswering, kAnswered };
  Stage stage_ = Stage::kStarting;
  ChunkRequest request_;
  ChunkAnswer answer_;
  std::exception_ptr error_;  // of the start
  bool ends_ = false;

  std::thread thread_;
};

}  // namespace understudy
