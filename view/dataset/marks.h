#pragma once

// Episodes that a person keeps or drops; stored beside the dataset, never in it.

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/seam/episode_source.h"
#include "data/store/read_options.h"

namespace understudy {

enum class Mark : uint8_t { kNone, kKeep, kDrop };
template <>
struct EnumNames<Mark> {
  static constexpr std::array kNames{"none", "keep", "drop"};
};

// The marks of a dataset, in a small JSON file: {"understudy_marks": 1, "dataset", "content_hash",
// "keep": {uuid: name}, "drop": {uuid: name}}. An episode is known by its uuid, so that marks find
// it in a merged or filtered dataset too, and marks of episodes that are not here are carried on;
// files of other programs have no uuids, their episodes go by "name:demo_3". The file is written
// atomically at every change and read again before it, under a lock (core/base/locks.h), so that a
// killed program loses nothing and two of them do not overwrite each other's marks. Thread-safe.
class Marks {
 public:
  // `file` empty: `<dataset>.marks.json`. Reads it if it exists. Throws Error(kBadInput) for a
  // file that does not hold marks, and does not overwrite it.
  explicit Marks(const EpisodeSource& reader, std::filesystem::path file = {});

  const std::filesystem::path& file() const { return file_; }
  // A sentence if the file was written for other content of the dataset; otherwise empty.
  const std::string& notice() const { return notice_; }
  // One entry per episode of the dataset.
  std::vector<Mark> All() const;
  // Sets (kNone: removes) the marks of episodes by their place, and writes the file. Throws
  // Error(kFailed) if it cannot be written, and Error(kUsage) naming the program that holds it, if
  // one does for seconds; then no mark has changed.
  void Set(const std::map<size_t, Mark>& changes);

 private:
  struct Entry {
    Mark mark = Mark::kNone;
    std::string name;  // of the episode where it was marked
  };
  using Entries = std::map<std::string, Entry>;
  Entries Load(std::string* content_hash) const;

  std::filesystem::path file_, dataset_;
  std::string content_hash_, notice_;
  std::vector<std::string> keys_, names_;  // of the episodes
  mutable std::mutex mutex_;
  Entries entries_;
};

// Options of `data view --apply-marks` and of the page's button.
struct ApplyOptions {
  std::string keep_key = "keep", drop_key = "drop";  // names of the filter keys
  Mark unmarked = Mark::kNone;                       // which key episodes without a mark go to
  bool by_reference = false, overwrite = false;
  ReadOptions read = {};
};
struct ApplyReport {
  int64_t episodes = 0, kept = 0, dropped = 0;
};
// A new dataset of all episodes of `input` with the marks as filter keys (`mask/<key>`); `marks`
// has one entry per episode. A file of another program is copied as it is, with the keys added.
// Throws Error(kUsage) if no episode is marked, a key is not a valid name, `output` exists (unless
// overwrite) or is the input.
ApplyReport ApplyMarks(const std::filesystem::path& input, const std::vector<Mark>& marks,
                       const std::filesystem::path& output, const ApplyOptions& options);

}  // namespace understudy
