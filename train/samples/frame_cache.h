#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace understudy {

// Decoded frames, kept until the limit is reached and then no more: under random access every
// frame is as good as another. Thread-safe without locks.
class FrameCache {
 public:
  FrameCache(size_t frames, size_t frame_bytes, int64_t limit_bytes)
      : places_(limit_bytes > 0 ? frames : 0), bytes_(frame_bytes), left_(limit_bytes) {}
  ~FrameCache() {
    for (auto& place : places_) delete[] place.load();
  }
  FrameCache(const FrameCache&) = delete;
  FrameCache& operator=(const FrameCache&) = delete;

  bool Get(size_t frame, uint8_t* out) const {
    if (places_.empty()) return false;
    const uint8_t* found = places_[frame].load(std::memory_order_acquire);
    if (found != nullptr) std::memcpy(out, found, bytes_);
    return found != nullptr;
  }

  void Put(size_t frame, const uint8_t* pixels) {
    const int64_t cost = static_cast<int64_t>(bytes_);
    if (places_.empty()) return;
    if (left_.fetch_sub(cost) < cost) {
      left_.fetch_add(cost);
      return;
    }
    uint8_t* copy = new uint8_t[bytes_];
    std::memcpy(copy, pixels, bytes_);
    uint8_t* expected = nullptr;
    // another thread may have been first: its copy is the same
    if (!places_[frame].compare_exchange_strong(expected, copy, std::memory_order_acq_rel)) {
      delete[] copy;
      left_.fetch_add(cost);
    }
  }

 private:
  std::vector<std::atomic<uint8_t*>> places_;
  size_t bytes_;
  std::atomic<int64_t> left_;
};

}  // namespace understudy
