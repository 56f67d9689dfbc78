#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/error.h"

namespace understudy {

// Threads for a user's option: 0 means one per core; never more than `work` items.
inline int ThreadCount(int wanted, int64_t work = std::numeric_limits<int64_t>::max()) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return static_cast<int>(std::clamp<int64_t>(work, 1, wanted > 0 ? wanted : cores));
}

// Runs work(worker, index) for index = first, first + 1, … on `threads` threads and hands results
// to consume(index, result) on the calling thread in the order of the indices, whatever the threads
// do. consume returns false to stop; results of later indices are then dropped, so that what was
// consumed is the same for any thread count. Ends at `end` (exclusive). At most `window` results
// wait, so memory does not grow with the work. The first exception, in index order, is rethrown.
// `worker` is 0 … threads-1: per-thread state (a simulator) is looked up by it.
template <class Result>
void RunOrdered(int threads, int64_t first, int64_t end,
                const std::function<Result(int worker, int64_t index)>& work,
                const std::function<bool(int64_t index, Result&& result)>& consume,
                int64_t window = 0) {
  Require(threads > 0, "RunOrdered needs at least one thread");
  if (window <= 0) window = 4 * threads;
  std::mutex mutex;
  std::condition_variable produced, freed;
  std::map<int64_t, std::pair<std::optional<Result>, std::exception_ptr>> waiting;
  int64_t next_to_start = first, next_to_consume = first;
  bool stop = false;

  const auto run = [&](int worker) {
    while (true) {
      int64_t index = 0;
      {
        std::unique_lock lock(mutex);
        freed.wait(lock, [&] { return stop || next_to_start < next_to_consume + window; });
        if (stop || next_to_start >= end) return;
        index = next_to_start++;
      }
      std::pair<std::optional<Result>, std::exception_ptr> outcome;
      try {
        outcome.first.emplace(work(worker, index));
      } catch (...) {
        outcome.second = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex);
        waiting.emplace(index, std::move(outcome));
      }
      produced.notify_one();
    }
  };

  std::vector<std::jthread> pool;
  for (int worker = 0; worker < threads; ++worker) pool.emplace_back(run, worker);
  const auto halt = [&] {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    freed.notify_all();
    pool.clear();  // joins
  };

  try {
    for (int64_t index = first; index < end; ++index) {
      std::pair<std::optional<Result>, std::exception_ptr> outcome;
      {
        std::unique_lock lock(mutex);
        produced.wait(lock, [&] { return waiting.contains(index); });
        outcome = std::move(waiting.extract(index).mapped());
        next_to_consume = index + 1;
      }
      freed.notify_all();
      if (outcome.second) std::rethrow_exception(outcome.second);
      if (!consume(index, std::move(*outcome.first))) break;
    }
  } catch (...) {
    halt();
    throw;
  }
  halt();
}

}  // namespace understudy
