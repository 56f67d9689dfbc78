#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/episode/column_spec.h"
#include "core/seam/episode_source.h"

namespace understudy {

// An episode as a page shows it.
struct EpisodeView {
  // Names, outcome, provenance, draws ("draws": [{"what", "field", "value"}]) and "columns":
  // [{"name", "of", "kind", "unit", "parts", "first"}]. `of` is the arm or object; part p of a
  // column is channel first + p. Names: docs/data.md.
  Json about;
  // Channel c of T rows is numbers[c T], …, numbers[(c + 1) T - 1]; NaN where a row has no value.
  std::vector<double> numbers;
};

// Columns of another program's dataset, by name, and their rows. Wide ones are only named: nobody
// looks at a hundred curves.
struct StoredColumns {
  static constexpr size_t kWidest = 64;  // numbers per row
  std::vector<ColumnSpec> specs;
  std::vector<std::vector<double>> values;
  std::vector<std::string> wide;
};
StoredColumns ReadStoredColumns(const EpisodeSource& reader, size_t episode);

// `stored` is null for datasets of ours, whose columns all have a place in an Episode.
EpisodeView MakeEpisodeView(const Episode& episode, const StoredColumns* stored = nullptr);

// The most recently requested views, made one at a time. Memory stays at a few episodes, however
// many requests there are. Thread-safe.
class EpisodeViews {
 public:
  // `reader` must outlive it.
  explicit EpisodeViews(const EpisodeSource& reader) : reader_(reader) {}
  // Throws Error(kBadInput) if the episode cannot be read.
  std::shared_ptr<const EpisodeView> Get(size_t episode);

 private:
  const EpisodeSource& reader_;
  std::mutex mutex_;
  std::vector<std::pair<size_t, std::shared_ptr<const EpisodeView>>> recent_;  // newest last
};

}  // namespace understudy
