#pragma once

#include <hdf5.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/store/hdf5/journal.h"

namespace understudy::h5 {

// Errors of system calls, which cannot be thrown through HDF5: one per thread waits until it is
// taken. Note keeps an earlier one; it has the text of errno.
bool NoteSystemError(const std::string& file);  // false, to return it
void SetSystemError(const std::string& text);
std::string TakeSystemError();  // empty if there was none

struct FileRange {
  haddr_t begin = 0, end = 0;
  bool Holds(haddr_t address, size_t size) const {
    return address >= begin && address + size <= end;
  }
};

// The bytes of a file that grows by HDF5's writes and survives a kill (journal_driver.h). Every
// method that returns false has noted the error.
class JournalledFile {
 public:
  JournalledFile() = default;
  ~JournalledFile();  // closes; removes a new file that was never committed
  JournalledFile(const JournalledFile&) = delete;
  JournalledFile& operator=(const JournalledFile&) = delete;

  // Opens and locks. A `fresh` file starts empty as <name>.new; of another one, a whole journal is
  // applied.
  bool Open(const std::string& name, bool fresh);
  bool Close();
  const std::string& name() const { return name_; }

  // Addresses are handed out in order. With blocks, metadata lies apart from data: it is written at
  // a flush, data before, and each then has its neighbours beside it.
  haddr_t Allocate(hsize_t size, bool is_data);
  // `spare`: a part of the file to which nothing refers, for the next metadata.
  void UseBlocks(bool use, const FileRange& spare) {
    has_blocks_ = use;
    if (use) block_ = spare_ = spare;
  }
  const FileRange& spare() const { return spare_; }
  haddr_t end() const { return end_; }  // of allocated space
  void SetEnd(haddr_t end) { end_ = end; }
  haddr_t Size() const;  // what is in the file or waits to be

  bool Read(haddr_t address, size_t size, char* out) const;
  bool Write(haddr_t address, size_t size, const char* data);
  // Brings all that was written to the disk, old space by way of the journal.
  bool Commit();

 private:
  std::string journal() const { return name_ + ".journal"; }
  bool Recover();
  bool IsFresh(haddr_t address, size_t size) const;
  bool WriteFresh(haddr_t address, size_t size, const char* data);
  bool WriteTail();
  bool WriteJournal() const;

  int fd_ = -1;
  std::string name_;            // final name
  bool fresh_ = false;          // still called <name>.new
  haddr_t end_ = 0;             // end of allocated space
  bool has_blocks_ = false;     // HDF5 leaves it to us where things lie
  FileRange block_;             // for metadata, within it: not allocated yet
  haddr_t committed_ = 0;       // size of the file at the last commit
  FileRange spare_;             // within it: what of the block was not allocated then
  std::vector<Patch> pending_;  // what overwrites what was committed, in order
  Patch tail_;                  // fresh bytes that wait to be written together
};

inline constexpr haddr_t kMaxAddress = (haddr_t{1} << 62) - 1;

}  // namespace understudy::h5
