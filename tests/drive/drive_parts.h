#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/base/error.h"
#include "serve/drive/drive_trial.h"

namespace understudy {

// A clock that stands still until somebody sleeps.
class StandingClock : public DriveClock {
 public:
  int64_t NowNs() const override { return now_ns; }
  void SleepUntil(int64_t ns) override { now_ns = std::max(now_ns, ns); }
  int64_t now_ns = 1'000'000'000;
};

// A policy that answers at once, and whose answers come `delay` steps later.
class DelayedPolicy : public ChunkSource {
 public:
  using Act = std::function<std::vector<Action>(const ChunkRequest&)>;
  DelayedPolicy(Act act, const DriveControl& control, int delay)
      : act_(std::move(act)), control_(control), delay_(delay) {}

  bool busy() const override { return asked_; }
  void Ask(ChunkRequest* request) override {
    answer_.run = request->run;
    answer_.step = request->step;
    answer_.problem.clear();
    answer_.seconds = 0.001;
    try {
      answer_.chunk = act_(*request);
    } catch (const Error& error) {
      answer_.chunk.clear();
      answer_.problem = error.what();
    }
    asked_ = true;
    ++requests;
  }
  bool Take(ChunkAnswer* answer) override {
    const bool over = control_.run() != answer_.run;
    if (!asked_ || silent || (!over && control_.step() < answer_.step + delay_)) return false;
    std::swap(answer_, *answer);
    asked_ = false;
    return true;
  }
  bool silent = false;
  int64_t requests = 0;

 private:
  Act act_;
  const DriveControl& control_;
  int delay_;
  bool asked_ = false;
  ChunkAnswer answer_;
};

// What a person does, step by step.
class ScriptedInput : public DriveInput {
 public:
  explicit ScriptedInput(std::function<DriveKeys(int64_t)> keys) : keys_(std::move(keys)) {}
  DriveKeys Poll() override { return keys_(step_++); }
  bool has_keys() const override { return true; }

 private:
  std::function<DriveKeys(int64_t)> keys_;
  int64_t step_ = 0;
};

}  // namespace understudy
