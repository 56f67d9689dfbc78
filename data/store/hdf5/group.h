#pragma once

// Groups of an HDF5 file: the way in which everything else in data/ reads and writes HDF5. The
// files beside this one do the work of one subject each: attributes, arrays of numbers, lists of
// texts, links, opening, copying, and files that grow and survive a kill.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/store/hdf5/arrays.h"
#include "data/store/hdf5/column.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/id.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {

// Of arrays with `stored` rows that are one of `members` of a group, or lie below one, only the
// first `read` rows count.
struct RowLimit {
  std::vector<std::string> members;  // "states", "obs"
  hsize_t stored = 0, read = 0;
};

// A group of an open file, or its root. Names may be paths ("obs/object"). Reading throws
// Error(kBadInput), writing Error(kFailed); both name file and object.
class Group {
 public:
  Group() = default;
  // External links are followed as MayLink says (links.h), by this group and by what is opened from
  // it.
  Group(Id id, std::string file, std::string path, bool outside_links = false)
      : id_(std::move(id)),
        file_(std::move(file)),
        path_(std::move(path)),
        outside_links_(outside_links) {}

  hid_t id() const { return id_.get(); }
  const std::string& file() const { return file_; }
  const std::string& path() const { return path_; }
  std::string Place(const std::string& name = "") const;  // "x.h5: /data/demo_0/actions"

  // ---- members ----
  // True where every link of the path exists and its end can be opened.
  bool Has(const std::string& name) const;
  // True for arrays; false for groups, links to nothing and what is damaged.
  bool IsArray(const std::string& name) const;
  std::vector<std::string> Names() const;
  int64_t Size() const;  // number of members
  Group Open(const std::string& name) const;
  Group Again() const;  // this one, for another owner
  // `header_bytes`: room for the links and attributes that follow (creation.h); 0: unknown.
  Group Create(const std::string& name, uint64_t header_bytes = 0) const;
  Group OpenOrCreate(const std::string& name) const;
  // This group, read (by it and by what is opened from it) as if the arrays of `limit` had no more
  // rows than those that count.
  Group Limited(RowLimit limit) &&;
  bool is_limited() const { return limit_ != nullptr; }
  void Delete(const std::string& name) const;
  void Move(const std::string& from, const std::string& to) const;
  void LinkExternal(const std::string& name, const std::string& file,
                    const std::string& path) const;
  // The file that an external link names; empty for other links.
  std::string ExternalTarget(const std::string& name) const;

  // ---- attributes of this group ----
  // Setting replaces. Reading without a fallback throws where the attribute is missing or of
  // another kind.
  bool HasAttribute(const std::string& name) const;
  void RemoveAttribute(const std::string& name) const;
  void SetText(const std::string& name, const std::string& text) const;
  void SetTextInHeader(const std::string& name, const std::string& text) const;
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

  // ---- arrays of numbers ----
  // Write creates contiguous arrays (groups on the way included); Grow creates or extends one in
  // chunks.
  void Write(const Column& column) const;
  void Write(std::span<const Column> columns) const;
  void Grow(const Column& column) const;
  // Bytes that are not empty, deflated in one piece; read as an array of kU8.
  void WritePacked(const std::string& name, std::string_view bytes) const;
  void SetRows(const std::string& name, hsize_t rows) const;
  // All rows as `type`; ReadArray says what is refused.
  Column Read(const std::string& name, ColumnType type,
              const std::vector<int64_t>& row_dims = kAnyShape) const;
  // The same for any shape, as the type that is stored.
  Column Read(const std::string& name) const;
  // The same where `wanted` says so of what the file claims, before memory is taken for it.
  std::optional<Column> ReadIf(const std::string& name,
                               const std::function<bool(const DatasetInfo&)>& wanted) const;
  // Rows [first, first + count) alone. The array may be larger than kMaxArrayBytes, but then the
  // file must really hold it; the rows asked for may not.
  Column ReadRows(const std::string& name, ColumnType type, const std::vector<int64_t>& row_dims,
                  hsize_t first, hsize_t count) const;
  DatasetInfo Info(const std::string& name) const;
  DatasetInfo InfoOf(const Id& dataset, const std::string& name) const;  // the open array `name`
  // Bytes that an array takes in the file; 0: nothing was written of it.
  uint64_t StoredBytes(const std::string& name) const;
  Id OpenDataset(const std::string& name) const;

  // ---- lists of texts, as fixed-length strings ----
  void WriteTexts(const std::string& name, const std::vector<std::string>& texts) const;
  std::vector<std::string> ReadTexts(const std::string& name) const;
  // The same one by one, in order, so that memory holds a block of them: `count` texts of at most
  // `width` bytes from text(0), text(1), …; to each(text).
  void WriteTexts(const std::string& name, size_t count, size_t width,
                  const std::function<std::string(size_t)>& text) const;
  void VisitTexts(const std::string& name,
                  const std::function<void(const std::string&)>& each) const;

 private:
  Group Member(Id id, const std::string& name) const;

  Id id_;
  std::string file_, path_;
  bool outside_links_ = false;
  std::shared_ptr<const RowLimit> limit_;
  std::string within_;  // path of this group below the limited one, "obs/"
};

}  // namespace understudy::h5
