#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/seam/episode_source.h"
#include "data/store/hdf5_source.h"
#include "data/store/read_options.h"

namespace understudy {

// Opens a dataset of our own layout (one file, or a master of external links).
class DatasetReader : public Hdf5Source {
 public:
  // Throws Error(kBadInput) as Hdf5Source, and for files of other programs: OpenDataset
  // (data/formats/formats.h) reads them.
  explicit DatasetReader(const std::filesystem::path& path, const ReadOptions& options = {});
  ~DatasetReader() override;
  DatasetReader(DatasetReader&&) noexcept;

  // Whether the file is of our layout. False for what cannot be opened.
  static bool Recognises(const std::filesystem::path& path);

 private:
  EpisodeMeta DoReadMeta(size_t index) const override;
  Episode DoReadEpisode(size_t index, bool with_raw) const override;
  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override;
  std::vector<CameraParameters> DoReadCameras(size_t index) const override;
  void DoVisitAttempts(const std::function<void(const AttemptRecord&)>& each) const override;
  Json DoReport() const override;
  std::optional<DatasetFigures> DoStoredFigures() const override { return figures_; }

  void ListEpisodes(const ReadOptions& options);
  bool ListIndexed();

  std::optional<DatasetFigures> figures_;
  bool check_hashes_ = false;
  mutable std::set<size_t> checked_;  // episodes whose columns were compared; under HDF5's lock
};

}  // namespace understudy
