#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/seam/dataset_header.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/group.h"

namespace understudy {

// What the checks of a whole dataset need of an episode of ours.
struct EpisodeStamp {
  std::string uuid, content_hash;
  Json index_entry;  // as it must stand in the index
};

// Compares the files of the scene with their hashes.
void VerifySceneFiles(const DatasetHeader& header, VerifyReport& report);

// Appends all faults of one episode of ours, and counts what was read. Fills `stamp` if both could
// be read.
void VerifyEpisode(const h5::Group& data, const std::string& name, const DatasetHeader& header,
                   VerifyReport& report, std::optional<EpisodeStamp>* stamp = nullptr);

// Appends the faults of the pictures of one camera of an episode; `hashes` as stored, by column.
void VerifyPictures(const h5::Group& demo, const std::string& camera, size_t length,
                    const DatasetHeader& header, const Json& hashes, VerifyReport& report);

// Checks every episode of a file with `check`, and that its lists of episodes fit. One stamp per
// episode.
using EpisodeStamps = std::vector<std::optional<EpisodeStamp>>;
using CheckEpisode = std::function<void(const h5::Group& data, const std::string& name,
                                        VerifyReport& report, std::optional<EpisodeStamp>* stamp)>;
EpisodeStamps VerifyEpisodes(const h5::Group& root, int threads, const CheckEpisode& check,
                             VerifyReport& report);

}  // namespace understudy
