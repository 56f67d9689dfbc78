#pragma once

// A thin layer over HDF5's C interface for the .cc files of this folder: handles that close
// themselves, one lock, no printing, and errors that name file and object. Writing throws
// Error(kFailed), reading Error(kBadInput): a file that we read is somebody's input.

#include <hdf5.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/store/hdf5/column.h"

namespace understudy::h5 {

// Holds the process-wide HDF5 lock and keeps HDF5 from printing. Taken by every function of this
// file; taken outside where several calls must not be torn apart. Recursive.
class Guard {
 public:
  Guard();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

// fork() between two calls of HDF5, so that the child, which has this thread only, may use it.
pid_t Fork();

// Owns one HDF5 identifier of any kind.
class Id {
 public:
  Id() = default;
  explicit Id(hid_t id) : id_(id) {}
  ~Id() { Reset(); }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Id& operator=(Id&& other) noexcept;
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  void Reset();

 private:
  hid_t id_ = -1;
};

// The innermost messages of HDF5's error stack, or of our file driver; call it right after a
// failure.
std::string ErrorText();
[[noreturn]] void FailWriting(const std::string& place, const std::string& what);
[[noreturn]] void FailReading(const std::string& place, const std::string& what);

// Sizes of a dataset as the file claims them: nothing has been allocated for it yet.
struct DatasetInfo {
  H5T_class_t type_class = H5T_NO_CLASS;
  size_t type_size = 0;
  bool is_signed = false;
  std::vector<hsize_t> dims;
  // Integers or floating-point numbers that a conversion needs no more memory for than for ours.
  bool is_number() const {
    return (type_class == H5T_INTEGER || type_class == H5T_FLOAT) && type_size <= 16;
  }
  // The column type of equal width and kind; none for other types.
  std::optional<ColumnType> type() const;
};

// Whether a link of `file` to `target` (relative to the folder of `file`) is followed: it stays in
// that folder or below, or `outside_links` are allowed. Names only: symbolic links of the file
// system are the user's own.
bool MayLink(const std::filesystem::path& file, const std::filesystem::path& target,
             bool outside_links);

// A group of an open file (or the root). Names may be paths ("obs/object").
class Group {
 public:
  Group() = default;
  // External links are followed as MayLink says, by this group and by what is opened from it.
  Group(Id id, std::string file, std::string path, bool outside_links = false)
      : id_(std::move(id)),
        file_(std::move(file)),
        path_(std::move(path)),
        outside_links_(outside_links) {}

  hid_t id() const { return id_.get(); }
  const std::string& file() const { return file_; }
  const std::string& path() const { return path_; }
  std::string Place(const std::string& name = "") const;  // "x.h5: /data/demo_0/actions"

  // True where every link of the path exists and its end can be opened.
  bool Has(const std::string& name) const;
  std::vector<std::string> Names() const;
  int64_t Size() const;  // number of members
  Group Open(const std::string& name) const;
  Group Create(const std::string& name) const;
  Group OpenOrCreate(const std::string& name) const;
  void Delete(const std::string& name) const;
  void Move(const std::string& from, const std::string& to) const;
  // A copy of the group `name` as `as` of another group, of this or another file; chunks are copied
  // as they are compressed. Not by one H5Ocopy: that of 1.10.8 crashes on the attributes of large
  // files (in H5A__dense_post_copy_file_all; met after five hundred episodes).
  void CopyTo(const std::string& name, const Group& into, const std::string& as) const;
  void LinkExternal(const std::string& name, const std::string& file,
                    const std::string& path) const;
  // The file that an external link names; empty for other links.
  std::string ExternalTarget(const std::string& name) const;

  // Attributes of this group (`object` empty) or of a member. Setting replaces. Reading without a
  // fallback throws where the attribute is missing or of another kind.
  bool HasAttribute(const std::string& name) const;
  void SetText(const std::string& name, const std::string& text,
               const std::string& object = "") const;
  void SetInt(const std::string& name, int64_t value) const;
  void SetUint(const std::string& name, uint64_t value) const;
  void SetDouble(const std::string& name, double value) const;
  void SetBool(const std::string& name, bool value) const;  // h5py's boolean
  std::string Text(const std::string& name) const;
  std::string Text(const std::string& name, const std::string& fallback) const;
  int64_t Int(const std::string& name) const;
  uint64_t Uint(const std::string& name) const;
  double Double(const std::string& name) const;
  bool Bool(const std::string& name, bool fallback) const;

  // Whole arrays. Write creates contiguous datasets (groups on the way included); Grow creates or
  // extends one with chunks of 64 rows.
  void Write(const Column& column) const;
  void Write(std::span<const Column> columns) const;
  void Grow(const Column& column) const;
  void SetRows(const std::string& name, hsize_t rows) const;
  // Reads all rows as `type` (numbers are converted between widths, never between text and number).
  // Refuses a rank of 0, other row sizes than `row_dims` (an entry of -1 takes any), more than
  // kMaxArrayBytes.
  Column Read(const std::string& name, ColumnType type,
              const std::vector<int64_t>& row_dims = {-2}) const;
  // The same for any shape, as the type that is stored.
  Column Read(const std::string& name) const;
  // The same where `wanted` says so of what the file claims, before memory is taken for it.
  std::optional<Column> ReadIf(const std::string& name,
                               const std::function<bool(const DatasetInfo&)>& wanted) const;
  // Rows [first, first + count) alone. The dataset may be larger than kMaxArrayBytes, but then the
  // file must really hold it; the rows asked for may not.
  Column ReadRows(const std::string& name, ColumnType type, const std::vector<int64_t>& row_dims,
                  hsize_t first, hsize_t count) const;
  DatasetInfo Info(const std::string& name) const;
  Id OpenDataset(const std::string& name) const;
  // Fixed-length strings of a 1-D dataset.
  void WriteTexts(const std::string& name, const std::vector<std::string>& texts) const;
  std::vector<std::string> ReadTexts(const std::string& name) const;
  // The same one by one, in order, so that memory holds a block of them: `count` texts of at most
  // `width` bytes from text(0), text(1), …; to each(text).
  void WriteTexts(const std::string& name, size_t count, size_t width,
                  const std::function<std::string(size_t)>& text) const;
  void VisitTexts(const std::string& name,
                  const std::function<void(const std::string&)>& each) const;

 private:
  struct Rows {
    hsize_t first = 0, count = 0;
  };
  void WriteMember(const Column& column, const std::string& name) const;
  // All rows without `rows`.
  Column ReadOpened(const Id& dataset, const DatasetInfo& info, const std::string& name,
                    ColumnType type, const std::vector<int64_t>& row_dims,
                    const std::optional<Rows>& rows = {}) const;

  Id id_;
  std::string file_, path_;
  bool outside_links_ = false;
};

inline constexpr uint64_t kMaxArrayBytes = uint64_t{1} << 31;
inline constexpr uint64_t kMaxTextBytes = uint64_t{1} << 28;

hid_t NativeType(ColumnType type);
// To create a link with: makes the groups on the way.
hid_t LinkCreation();

// Opens for reading with HDF5's plain driver. Says what is wrong with files that are no HDF5.
// `outside_links`: follow external links out of the folder of the file that holds them.
Group OpenForReading(const std::filesystem::path& file, bool outside_links = false);

// Keeps HDF5's cache of metadata small for the file of `group`, which is read from one end to the
// other. Its index of chunks takes ten times as much memory as the size that HDF5 counts.
void KeepCacheSmall(const Group& group);

}  // namespace understudy::h5
