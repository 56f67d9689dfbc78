#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/error.h"

namespace understudy {

// A thread that does one piece of work after another.
class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}
  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Requires that the work before it was waited for.
  void Start(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      Require(!busy_, "one piece of work at a time");
      work_ = std::move(work);
      busy_ = true;
    }
    changed_.notify_all();
  }

  // Until the work is done; rethrows what it threw.
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !busy_; });
    if (const std::exception_ptr error = std::exchange(error_, nullptr)) {
      std::rethrow_exception(error);
    }
  }

 private:
  void Run() {
    while (true) {
      std::function<void()> work;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stop_ || work_ != nullptr; });
        if (work_ == nullptr) return;
        work = std::exchange(work_, nullptr);
      }
      std::exception_ptr error;
      try {
        work();
      } catch (...) {
        error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        error_ = error;
        busy_ = false;
      }
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool busy_ = false, stop_ = false;
  std::exception_ptr error_;
  std::jthread thread_;  // last: begins when everything else is there
};

}  // namespace understudy
