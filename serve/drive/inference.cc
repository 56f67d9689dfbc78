#include "serve/drive/inference.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {

Inference::Inference(const Policy& policy, std::string instruction, const SimulatorInfo& robot,
                     const RobotCamerasFactory& cameras, double picture_age_s)
    : policy_(policy), instruction_(std::move(instruction)), picture_age_s_(picture_age_s) {
  const PolicyInfo& info = policy.info();
  if (info.history > 1) {
    ThrowBadInput(fmt::format(
        "drive: policy '{}' sees {} observations of the past, one for each control step, which a "
        "policy beside the loop cannot be shown; take one that acts on the newest (groot, act)",
        info.name, info.history));
  }
  for (const std::string& object : info.objects) {
    const auto found = std::ranges::find(robot.objects, object);
    if (found == robot.objects.end()) {
      ThrowBadInput(fmt::format(
          "drive: the policy sees the place of '{}', which this robot does not know", object));
    }
    places_.push_back(static_cast<size_t>(found - robot.objects.begin()));
  }
  thread_ = std::thread([this, cameras] { Work(cameras); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stage_ != Stage::kStarting; });
  if (!error_) return;
  lock.unlock();
  thread_.join();
  std::rethrow_exception(error_);
}

Inference::~Inference() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Inference::busy() const {
  const std::lock_guard lock(mutex_);
  return stage_ != Stage::kIdle;
}

void Inference::Ask(ChunkRequest* request) {
  {
    const std::lock_guard lock(mutex_);
    Require(stage_ == Stage::kIdle, "one request at a time");
    std::swap(request_, *request);
    stage_ = Stage::kAsked;
  }
  changed_.notify_all();
}

bool Inference::Take(ChunkAnswer* answer) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::kAnswered) return false;
  std::swap(answer_, *answer);
  stage_ = Stage::kIdle;
  return true;
}

void Inference::Work(const RobotCamerasFactory& make_cameras) {
  std::unique_ptr<RobotCameras> cameras;
  std::unique_lock lock(mutex_);
  try {
    lock.unlock();
    if (make_cameras) cameras = make_cameras();
    lock.lock();
  } catch (...) {
    lock.lock();
    error_ = std::current_exception();
  }
  stage_ = Stage::kIdle;
  changed_.notify_all();
  if (error_) return;
  while (true) {
    changed_.wait(lock, [&] { return stage_ == Stage::kAsked || ends_; });
    if (ends_) return;
    stage_ = Stage::kAnswering;
    lock.unlock();
    Answer(request_, cameras.get(), &answer_);
    lock.lock();
    stage_ = Stage::kAnswered;
  }
}

void Inference::Answer(const ChunkRequest& request, RobotCameras* cameras, ChunkAnswer* answer) {
  const double begin = MonotonicSeconds();
  answer->run = request.run;
  answer->step = request.step;
  answer->chunk.clear();
  answer->problem.clear();
  answer->picture_age_s = 0;
  try {
    PolicyInput input;
    input.instruction = instruction_;
    input.arms = request.reading.observation.arms;
    for (const size_t place : places_) {
      input.X_WO.push_back(request.reading.observation.X_WO.at(place));
    }
    if (cameras) {
      const int64_t asked_ns = MonotonicNs();
      const int64_t taken_ns = cameras->Take(request.reading, &input.images);
      answer->picture_age_s = 1e-9 * static_cast<double>(asked_ns - taken_ns);
      if (answer->picture_age_s > picture_age_s_) {
        ThrowFailed(fmt::format("the newest pictures are {:.2f} s old", answer->picture_age_s));
      }
    }
    input.committed = request.committed;
    answer->chunk = policy_.Act(input, request.key);
    Require(!answer->chunk.empty(), "a policy answers with at least one action");
  } catch (const std::exception& error) {
    answer->chunk.clear();
    answer->problem = error.what();
  }
  answer->seconds = MonotonicSeconds() - begin;
}

}  // namespace understudy
