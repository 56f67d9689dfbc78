#include "train/samples/frame_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/base/error.h"
#include "core/base/file_bytes.h"
#include "core/base/hash.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMagic = 0x31534d4152465355;  // "USFRAMS1"
constexpr size_t kHash = 32;                     // hex digits in front of a frame

[[noreturn]] void Fail(const fs::path& file, const char* what) {
  ThrowFailed(fmt::format("{}: {}: {}", file.string(), what, std::strerror(errno)));
}

// Bytes of the other files of the folder, after those that nobody holds have made room.
uint64_t MakeRoom(const fs::path& folder, const fs::path& own, uint64_t wanted, uint64_t limit) {
  struct Other {
    fs::path file;
    uint64_t bytes;
    fs::file_time_type used;
  };
  std::vector<Other> others;
  uint64_t total = 0;
  std::error_code gone;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, gone)) {
    if (entry.path() == own || entry.path().extension() != ".frames") continue;
    others.push_back({entry.path(), entry.file_size(gone), entry.last_write_time(gone)});
    total += others.back().bytes;
  }
  std::ranges::sort(others, {}, &Other::used);
  for (const Other& other : others) {
    if (total + wanted <= limit) break;
    const int fd = ::open(other.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::unlink(other.file.c_str()) == 0) {
      total -= other.bytes;
    }
    ::close(fd);
  }
  return total;
}

}  // namespace

// In front of the slots: what is where.
struct FrameStore::Table {
  uint64_t magic, frames, frame_bytes, slots;
  std::atomic<uint64_t> next;  // slot that is given out next
  // behind it, for each frame: its slot + 1, or 0
};

FrameStore::FrameStore(const fs::path& folder, const std::string& key, uint64_t frames,
                       uint64_t frame_bytes, uint64_t limit_bytes)
    : file_(folder / (key + ".frames")),
      frames_(frames),
      frame_bytes_(frame_bytes),
      table_bytes_((sizeof(Table) + frames * sizeof(uint32_t) + 4095) / 4096 * 4096) {
  static_assert(std::atomic<uint32_t>::is_always_lock_free);
  std::error_code failed;
  fs::create_directories(folder, failed);
  fd_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) Fail(file_, "cannot be written");
  try {
    // who comes first makes the file, the others wait for it
    Table found{};
    const auto whole = [&](int lock) {
      if (::flock(fd_, lock) != 0) Fail(file_, "cannot be locked: name a folder of a local disk");
      return ReadAt(fd_, &found, sizeof(Table), 0) && found.magic == kMagic &&
             found.frames == frames && found.frame_bytes == frame_bytes;
    };
    if (!whole(LOCK_SH) && !whole(LOCK_EX)) {
      const uint64_t slot = frame_bytes + kHash;
      const uint64_t others =
          MakeRoom(folder, file_, table_bytes_ + frames * slot, limit_bytes) + table_bytes_;
      const uint64_t slots = others < limit_bytes ? (limit_bytes - others) / slot : 0;
      found.magic = kMagic;
      found.frames = frames;
      found.frame_bytes = frame_bytes;
      found.slots = std::min(frames, slots);
      // the table has its place on the disk, frames take theirs as they come
      if (::ftruncate(fd_, 0) != 0) Fail(file_, "cannot be emptied");
      if (const int error = ::posix_fallocate(fd_, 0, static_cast<off_t>(table_bytes_))) {
        errno = error;
        Fail(file_, "no room for its table");
      }
      if (::ftruncate(fd_, static_cast<off_t>(table_bytes_ + found.slots * slot)) != 0 ||
          !WriteAt(fd_, &found, sizeof(Table), 0)) {
        Fail(file_, "cannot be written");
      }
    }
    slots_ = found.slots;
    ::futimens(fd_, nullptr);  // used now
    if (::flock(fd_, LOCK_SH) != 0) Fail(file_, "cannot be locked");
    void* mapped = ::mmap(nullptr, table_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (mapped == MAP_FAILED) Fail(file_, "cannot be mapped");
    table_ = static_cast<Table*>(mapped);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

FrameStore::~FrameStore() {
  ::munmap(table_, table_bytes_);
  ::close(fd_);
}

std::atomic<uint32_t>& FrameStore::place(uint64_t frame) const {
  Require(frame < frames_, "a frame of the store");
  return reinterpret_cast<std::atomic<uint32_t>*>(table_ + 1)[frame];
}

uint64_t FrameStore::SlotAt(uint64_t slot) const {
  return table_bytes_ + slot * (frame_bytes_ + kHash);
}

bool FrameStore::Get(uint64_t frame, uint8_t* out) const {
  const uint32_t slot = place(frame).load(std::memory_order_acquire);
  if (slot == 0 || slot > slots_) return false;
  // read, not mapped: a file that somebody cut is a frame that is missing
  char hash[kHash];
  return ReadAt(fd_, hash, kHash, SlotAt(slot - 1)) &&
         ReadAt(fd_, out, frame_bytes_, SlotAt(slot - 1) + kHash) &&
         ContentHash({reinterpret_cast<const char*>(out), frame_bytes_}) ==
             std::string_view(hash, kHash);
}

void FrameStore::Put(uint64_t frame, const uint8_t* pixels) {
  if (full_) return;
  std::atomic<uint32_t>& at = place(frame);
  const uint32_t before = at.load(std::memory_order_acquire);
  // one that is there but not whole is written again
  uint64_t slot = before > 0 && before <= slots_ ? before - 1 : 0;
  if (before == 0) {
    slot = table_->next.fetch_add(1);
    if (slot >= slots_) {
      table_->next.fetch_sub(1);
      full_ = true;
      return;
    }
  } else if (before > slots_) {
    return;
  }
  const std::string hash = ContentHash({reinterpret_cast<const char*>(pixels), frame_bytes_});
  if (!WriteAt(fd_, pixels, frame_bytes_, SlotAt(slot) + kHash) ||
      !WriteAt(fd_, hash.data(), kHash, SlotAt(slot))) {
    full_ = true;  // the disk is
    return;
  }
  at.store(static_cast<uint32_t>(slot + 1), std::memory_order_release);
}

}  // namespace understudy
