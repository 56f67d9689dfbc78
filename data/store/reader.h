#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/episode/episode.h"
#include "core/image/image.h"
#include "core/seam/renderer.h"
#include "data/store/attempt_record.h"
#include "data/store/header.h"

namespace understudy {

// How the four numbers of a quaternion stand in files of Isaac Lab, which changed it in 2026.
enum class QuaternionOrder { kAsk, kWxyz, kXyzw };
template <>
struct EnumNames<QuaternionOrder> {
  static constexpr std::array kNames{"ask", "wxyz", "xyzw"};
};
// The order for files that do not tell theirs; kAsk refuses them with the question. For the whole
// process; set before datasets are opened.
void AssumeQuaternions(QuaternionOrder order);

// One line of an episode list.
struct EpisodeSummary {
  std::string name, uuid;
  size_t length = 0;
  bool success = false;
  int variant_index = 0;
};

// Opens a dataset (one file, or a master of external links) for reading. Files are hostile: sizes,
// types and shapes are checked before memory is taken. Several threads may call the const members
// of one reader at once; HDF5 itself is serialised inside, decompression is not.
class DatasetReader {
 public:
  // Throws Error(kBadInput) naming the file and what is wrong with it (missing, truncated, no HDF5,
  // no dataset, a .part left by a running or killed writer). Files of robomimic, MimicGen and Isaac
  // Lab are datasets as well: header().stage names the format, and content_hash() is empty.
  explicit DatasetReader(const std::filesystem::path& path);
  ~DatasetReader();
  DatasetReader(DatasetReader&&) noexcept;

  const std::filesystem::path& path() const;
  const DatasetHeader& header() const;
  const std::string& content_hash() const;              // empty for files of other programs
  const std::vector<EpisodeSummary>& episodes() const;  // by number
  std::vector<AttemptRecord> attempts() const;
  // The same one by one, in order; memory holds a block of them.
  void VisitAttempts(const std::function<void(const AttemptRecord&)>& each) const;
  Json report() const;
  std::vector<std::string> MaskNames() const;
  std::vector<std::string> ReadMask(const std::string& key) const;

  // Everything of episode `index` that is no row.
  EpisodeMeta ReadMeta(size_t index) const;
  // All rows of episode `index`; without the raw stream unless asked.
  Episode ReadEpisode(size_t index, bool with_raw = false) const;
  // One frame, straight into `out` (height * width * 3 bytes, HWC).
  void ReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const;
  Image ReadImage(size_t index, const std::string& camera, size_t step) const;
  // As handed to BeginEpisode, in the order of the header's cameras; empty without images.
  std::vector<CameraParameters> ReadCameras(size_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
