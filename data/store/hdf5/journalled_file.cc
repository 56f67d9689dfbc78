#include "data/store/hdf5/journalled_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <utility>

#include "core/base/json.h"

namespace understudy::h5 {
namespace {

constexpr size_t kTailBytes = 128 << 10;

thread_local std::string system_error;

// All of `bytes` at `address`.
bool WriteAt(int fd, const std::string& name, const void* data, size_t bytes, haddr_t address) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n =
        pwrite(fd, from, std::min<size_t>(bytes, 1 << 30), static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return NoteSystemError(name);
    from += n;
    bytes -= static_cast<size_t>(n);
    address += static_cast<haddr_t>(n);
  }
  return true;
}

}  // namespace

bool NoteSystemError(const std::string& file) {
  if (system_error.empty()) system_error = fmt::format("{}: {}", file, std::strerror(errno));
  return false;
}

void SetSystemError(const std::string& text) { system_error = text; }

std::string TakeSystemError() { return std::exchange(system_error, ""); }

JournalledFile::~JournalledFile() { Close(); }

bool JournalledFile::Open(const std::string& name, bool fresh) {
  name_ = name;
  has_blocks_ = fresh;
  const std::string file = fresh ? name + ".new" : name;
  fd_ = open(file.c_str(), fresh ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0666);
  if (fd_ < 0) return NoteSystemError(file);
  const auto busy = [](const std::string& which) {
    SetSystemError(fmt::format("{}: another process is writing it", which));
    return false;
  };
  // file systems without locks are used without
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return busy(file);
  // somebody may be at work on the file that we would replace
  if (fresh) {
    const int other = open(name.c_str(), O_RDONLY | O_CLOEXEC);
    const bool locked = other >= 0 && flock(other, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (other >= 0) close(other);
    if (locked) return busy(name);
    if (ftruncate(fd_, 0) != 0) return NoteSystemError(file);
    unlink(journal().c_str());
  } else if (!Recover()) {
    return false;
  }
  struct stat status {};
  if (fstat(fd_, &status) != 0) return NoteSystemError(file);
  committed_ = static_cast<haddr_t>(status.st_size);
  fresh_ = fresh;
  return true;
}

bool JournalledFile::Close() {
  if (fd_ < 0) return true;
  if (fresh_) unlink((name_ + ".new").c_str());
  return close(std::exchange(fd_, -1)) == 0;
}

bool JournalledFile::Recover() {
  std::error_code none;
  if (!std::filesystem::exists(journal(), none)) return true;
  std::string text;
  try {
    text = ReadText(journal());
  } catch (const std::exception& error) {
    SetSystemError(error.what());  // nothing may be thrown through HDF5
    return false;
  }
  for (const Patch& patch : ParseJournal(text)) {
    if (!WriteAt(fd_, name_, patch.bytes.data(), patch.bytes.size(), patch.address)) return false;
  }
  if (fdatasync(fd_) != 0) return NoteSystemError(name_);
  return unlink(journal().c_str()) == 0 || NoteSystemError(journal());
}

haddr_t JournalledFile::Allocate(hsize_t size, bool is_data) {
  if (size > kMaxAddress - end_) return HADDR_UNDEF;
  const haddr_t block_size = std::clamp<haddr_t>(end_ / 64, 2 << 10, 256 << 10);
  if (!has_blocks_ || is_data || size > block_size / 2) return std::exchange(end_, end_ + size);
  if (!block_.Holds(block_.begin, size)) {
    block_ = {end_, end_ + block_size};
    end_ += block_size;
  }
  return std::exchange(block_.begin, block_.begin + size);
}

haddr_t JournalledFile::Size() const {
  struct stat status {};
  fstat(fd_, &status);
  return std::max<haddr_t>(static_cast<haddr_t>(status.st_size),
                           tail_.address + tail_.bytes.size());
}

bool JournalledFile::Read(haddr_t address, size_t size, char* out) const {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = pread(fd_, out + done, size - done, static_cast<off_t>(address + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return NoteSystemError(name_);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  // allocated but never written reads as zero
  if (done < size) std::memset(out + done, 0, size - done);
  const auto lay_over = [&](const Patch& patch) {
    const haddr_t low = std::max<haddr_t>(address, patch.address);
    const haddr_t high = std::min<haddr_t>(address + size, patch.address + patch.bytes.size());
    if (low < high) {
      std::memcpy(out + (low - address), patch.bytes.data() + (low - patch.address), high - low);
    }
  };
  lay_over(tail_);
  for (const Patch& patch : pending_) lay_over(patch);
  return true;
}

bool JournalledFile::Write(haddr_t address, size_t size, const char* data) {
  if (IsFresh(address, size)) return WriteFresh(address, size, data);
  pending_.push_back({address, std::string(data, size)});
  return true;
}

// Whether nothing that was committed refers to these bytes.
bool JournalledFile::IsFresh(haddr_t address, size_t size) const {
  return address >= committed_ || spare_.Holds(address, size);
}

// Neighbours are written together.
bool JournalledFile::WriteFresh(haddr_t address, size_t size, const char* data) {
  const bool joins = address >= tail_.address && address <= tail_.address + tail_.bytes.size() &&
                     address + size <= tail_.address + kTailBytes;
  if (!joins) {
    if (!WriteTail()) return false;
    if (size >= kTailBytes) return WriteAt(fd_, name_, data, size, address);
    tail_.address = address;
  }
  const size_t at = address - tail_.address;
  tail_.bytes.replace(at, std::min(size, tail_.bytes.size() - at), data, size);
  return true;
}

bool JournalledFile::WriteTail() {
  const bool written = WriteAt(fd_, name_, tail_.bytes.data(), tail_.bytes.size(), tail_.address);
  tail_.bytes.clear();
  return written;
}

bool JournalledFile::WriteJournal() const {
  const std::string text = JournalText(pending_);
  const int fd = open(journal().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return NoteSystemError(journal());
  const bool written = WriteAt(fd, journal(), text.data(), text.size(), 0);
  close(fd);
  if (!written) unlink(journal().c_str());
  return written;
}

bool JournalledFile::Commit() {
  if (!WriteTail()) return false;
  // HDF5 takes a file shorter than its allocated space for truncated
  struct stat status {};
  if (fstat(fd_, &status) != 0) return NoteSystemError(name_);
  if (static_cast<haddr_t>(status.st_size) < end_ &&
      ftruncate(fd_, static_cast<off_t>(end_)) != 0) {
    return NoteSystemError(name_);
  }
  if (!pending_.empty()) {
    if (!WriteJournal()) return false;
    // from here on the journal holds the truth until the last patch is in place
    for (const Patch& patch : pending_) {
      if (!WriteAt(fd_, name_, patch.bytes.data(), patch.bytes.size(), patch.address)) {
        return false;
      }
    }
    if (unlink(journal().c_str()) != 0) return NoteSystemError(journal());
  }
  if (fresh_) {
    if (rename((name_ + ".new").c_str(), name_.c_str()) != 0) return NoteSystemError(name_);
    fresh_ = false;
  }
  committed_ = std::max<haddr_t>(end_, static_cast<haddr_t>(status.st_size));
  spare_ = block_;
  pending_.clear();
  return true;
}

}  // namespace understudy::h5
