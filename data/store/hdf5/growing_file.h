#pragma once

#include <filesystem>
#include <functional>

#include "data/store/hdf5/group.h"
#include "data/store/hdf5/id.h"
#include "data/store/hdf5/journalled_file.h"

namespace understudy::h5 {

// An HDF5 file that grows through our driver (journal_driver.h): whatever happens, it opens as it
// was at its last flush. Not thread-safe beyond the HDF5 lock.
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
  void OpenAgain(const FileRange& spare = {});
  FileRange CloseForNow();  // flushed before; what OpenAgain takes
  std::filesystem::path path_;
  Id file_;
  Group root_;
  size_t untrimmable_ = 0;  // size of the cache when Trim was first called since opening
};

}  // namespace understudy::h5
