#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace understudy {

// Decoded frames in a file of a local disk, for the processes of one machine and for later runs:
// a film is decoded once. Frames are put as they come until the room is used up; each has a hash,
// so that what a crash or a full disk left half-written is not taken for a frame. Thread-safe, and
// safe between processes.
class FrameStore {
 public:
  // Opens or makes `folder`/<key>.frames for frames 0 … `frames` - 1 of `frame_bytes` each; what
  // has one key must have the same frames. All files of the folder take `limit_bytes` at most:
  // those that nobody uses go, least recently used first, and where others leave no room this one
  // keeps no frames. Throws Error(kFailed) where the folder cannot be written or has no flock.
  FrameStore(const std::filesystem::path& folder, const std::string& key, uint64_t frames,
             uint64_t frame_bytes, uint64_t limit_bytes);
  ~FrameStore();
  FrameStore(const FrameStore&) = delete;
  FrameStore& operator=(const FrameStore&) = delete;

  // False where the frame is not there, or not whole.
  bool Get(uint64_t frame, uint8_t* out) const;
  // Where there is room for it. A disk that is full ends the keeping, not the training.
  void Put(uint64_t frame, const uint8_t* pixels);

  uint64_t room() const { return slots_; }  // frames

 private:
  struct Table;
  std::atomic<uint32_t>& place(uint64_t frame) const;
  uint64_t SlotAt(uint64_t slot) const;

  std::filesystem::path file_;
  uint64_t frames_, frame_bytes_, slots_ = 0, table_bytes_;
  int fd_ = -1;
  Table* table_ = nullptr;  // of the file, mapped
  std::atomic<bool> full_{false};
};

}  // namespace understudy
