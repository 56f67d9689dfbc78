#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/seam/episode_source.h"
#include "data/store/read_options.h"
#include "data/store/skip_bad.h"

namespace understudy {

namespace h5 {
class Group;
}

// Base of the readers of HDF5 layouts, ours and those of robomimic's family: /data/demo_<i> with
// pictures below obs, and /mask. Files are hostile: sizes, types and shapes are checked before
// memory is taken. HDF5 is serialised inside, decompression is not.
class Hdf5Source : public EpisodeSource {
 public:
  ~Hdf5Source() override;

  // The group of an episode, to copy from it what is compressed as it is.
  h5::Group Demo(size_t index) const;

 protected:
  // Throws Error(kBadInput) naming the file and what is wrong with it (missing, truncated, no HDF5,
  // no /data, a .part left by a running or killed writer).
  Hdf5Source(const std::filesystem::path& path, const ReadOptions& options);
  Hdf5Source(Hdf5Source&&) noexcept;

  const h5::Group& root() const;
  // Name, length and linked_file of every episode, for the constructors of implementations.
  // `also_bad`: one whose length cannot be read has none; otherwise it is an error.
  std::vector<EpisodeSummary> ListDemos(bool also_bad) const;
  // For the end of constructors, where the read options say so: reads the numbers and pictures of
  // every episode and leaves out what cannot be read, with the reason.
  void LeaveOutBad();

  // The group `name` of /data as it is read.
  virtual h5::Group OpenDemo(const h5::Group& data, const std::string& name) const;
  // What a column means by its path in the episode: `actions` is the action, the arms' poses and
  // fingers below obs are the state.
  virtual ColumnRole RoleOf(const std::string& path) const;
  void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const override;

  std::vector<std::vector<double>> DoReadColumns(
      size_t index, std::span<const ColumnSpec> columns) const override;

  // Paths in an episode of arrays that have the shape of pictures and are columns.
  std::set<std::string> no_pictures_;

 private:
  void ReadPictures(size_t index) const;
  std::vector<ColumnSpec> DoListColumns() const override;
  std::vector<ColumnSpec> DoColumnsOf(size_t index) const override;
  std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const override;
  std::vector<std::string> DoMaskNames() const override;
  std::vector<std::string> DoReadMask(const std::string& key) const override;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
