#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace understudy {

// Things that one thread fills in and another works on, in order, so that the first never waits for
// the second. Their memory goes round: nothing is allocated as long as the second keeps up.
template <class T>
class HandOver {
 public:
  using Things = std::vector<std::unique_ptr<T>>;

  // With memory for `spare` things.
  explicit HandOver(size_t spare) : next_(std::make_unique<T>()) {
    ready_.reserve(spare);
    for (size_t i = 0; i < spare; ++i) free_.push_back(std::make_unique<T>());
  }

  // Of the first thread: what is filled in next, and its handing over.
  T& Next() { return *next_; }
  void Push() {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(next_));
      if (!free_.empty()) {
        next_ = std::move(free_.back());
        free_.pop_back();
      }
    }
    changed_.notify_all();
    if (!next_) next_ = std::make_unique<T>();  // the second does not keep up
  }
  // Gives all that is free the memory of what is filled in now.
  void Warm() {
    const std::lock_guard lock(mutex_);
    for (const auto& thing : free_) *thing = *next_;
  }
  // No more will come.
  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  // Of the second thread: gives back `things`, waits, and takes all that have come. False: none
  // has, and none will.
  bool Take(Things* things) {
    std::unique_lock lock(mutex_);
    for (auto& thing : *things) free_.push_back(std::move(thing));
    things->clear();
    changed_.wait(lock, [&] { return !ready_.empty() || closed_; });
    things->swap(ready_);
    return !things->empty();
  }

 private:
  std::unique_ptr<T> next_;  // of the first thread
  std::mutex mutex_;
  std::condition_variable changed_;
  Things ready_, free_;
  bool closed_ = false;
};

}  // namespace understudy
