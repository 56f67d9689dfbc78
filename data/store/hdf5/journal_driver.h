#pragma once

// An HDF5 file driver for files that grow: whatever moment the process is killed in, or the disk
// fills up in, the file opens as it was at its last flush. HDF5 itself rewrites its group lists and
// trees in place, one write after another, so that a kill inside a flush can lose groups that were
// flushed long ago.
//
// What nothing referred to at the last flush is fresh space (nothing is ever freed for reuse): it
// is written as it comes, neighbours together. What overwrites older bytes is held back until the
// flush; then it goes into `<file>.journal` with its hash, then in place, then the journal is
// removed. Opening the file for writing replays a whole journal and drops a half one. After a
// failed write everything later is swallowed and the old metadata stays.
//
// The first flush of a new file goes to `<file>.new`, renamed when whole. The file is locked
// (flock) against a second writer. What is on disk is plain HDF5.

#include <filesystem>
#include <functional>
#include <string>

#include "data/store/hdf5/hdf5.h"

namespace understudy::h5 {

// A growing file. Not thread-safe beyond the HDF5 lock.
class GrowingFile {
 public:
  GrowingFile() = default;
  // Both throw Error(kFailed) naming the file. Create replaces what is there.
  static GrowingFile Create(const std::filesystem::path& file);
  static GrowingFile Open(const std::filesystem::path& file);
  GrowingFile(GrowingFile&&) noexcept = default;
  GrowingFile& operator=(GrowingFile&& other) noexcept;
  ~GrowingFile();

  bool open() const { return file_.valid(); }
  const Group& root() const { return root_; }
  // Makes all that was written so far survive. Throws Error(kFailed).
  void Flush();
  // Closes without a flush: the file on disk stays as of the last one.
  void Abandon();
  // Closes and opens again where HDF5's cache of metadata has grown by `bound` bytes: it keeps
  // everything that was ever touched otherwise. The size is that on the disk; memory takes ten
  // times as much. All other handles must be closed.
  void Trim(size_t bound = 1 << 20);
  // Flushes, and lets `work` read the file as a reader does: HDF5 keeps every piece of a growing
  // file's metadata that is touched, but few of one that is read. All other handles must be closed.
  void Read(const std::function<void(const Group& root)>& work);
  // Flushes, closes, and waits for the disk (fsync). Throws Error(kFailed).
  void Close();

 private:
  explicit GrowingFile(const std::filesystem::path& file) : path_(file) {}
  void OpenAgain();
  std::filesystem::path path_;
  Id file_;
  Group root_;
  size_t untrimmable_ = 0;  // size of the cache when Trim was first called since opening
};

// The error of the last failed system call of the driver; empty where there was none since.
std::string TakeDriverError();

}  // namespace understudy::h5
