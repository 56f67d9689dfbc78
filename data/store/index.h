#pragma once

// The index of a dataset, /understudy/index (docs/format.md): what lists of episodes say, in one
// place, so that thousands of episodes need not be opened for it. It lies in blocks of text, each
// with its hash, and is no part of the content hash: it follows from the episodes.

#include <optional>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/episode_source.h"
#include "data/store/hdf5/group.h"

namespace understudy {

inline constexpr size_t kIndexBlock = 512;               // episodes
inline constexpr const char* kRiseAgain = "rise_again";  // key of EpisodeFigures::rise_again
inline constexpr const char* kCorrectedRows = "corrected_rows";  // likewise

// What a list says of a whole episode, whose raw stream does not matter.
EpisodeFigures FiguresOf(const Episode& episode);

struct IndexEntry {
  std::string uuid;
  size_t length = 0;
  bool success = false;
  int variant_index = 0;
  EpisodeFigures figures;
  NumberSums actions;  // of this episode; the index stores those of all together
  bool success_known = true;

  // Of a whole episode, whose raw stream does not matter.
  static IndexEntry Of(const Episode& episode);
  // What follows from the meta alone.
  void SetMeta(const EpisodeMeta& meta);
  Json ToJson() const;
};

struct DatasetIndex {
  std::vector<IndexEntry> entries;  // by the number of the episode
  NumberSums actions;
};

// Of the group /understudy; unset where there is no index, where it was made for another content
// hash, or where it is damaged.
std::optional<DatasetIndex> ReadIndex(const h5::Group& understudy);

// Collects the entries of a file that grows. Memory holds a block of them.
class IndexWriter {
 public:
  void Add(IndexEntry entry);  // of the next episode
  // Episodes so far; those of a file that is resumed are read from its blocks first.
  size_t size() const { return stored_ + fresh_.size(); }
  void Resume(const h5::Group& understudy);

  // Stores a block that is full. To be called before every flush.
  void StoreFull(const h5::Group& understudy);
  // Stores the rest, and for which content the index is.
  void Finish(const h5::Group& understudy, const std::string& content_hash);
  // No index will be written: an episode cannot be read.
  void GiveUp();
  bool given_up() const { return given_up_; }

 private:
  void Store(const h5::Group& understudy);

  size_t stored_ = 0;
  std::vector<IndexEntry> fresh_;
  NumberSums actions_;
  bool given_up_ = false;
};

// A whole episode but for its raw stream, of its group.
Episode ReadEpisodeRows(const h5::Group& demo);

// The end of a new dataset: its content hash, and the index that holds for it.
void StoreHash(const h5::Group& root, const std::string& content_hash, IndexWriter& index);

}  // namespace understudy
