#pragma once

#include <optional>
#include <string>

#include "data/store/edit/verify.h"
#include "data/store/hdf5/hdf5.h"
#include "data/store/header.h"

namespace understudy {

// What the rest of a dataset is checked against, of an episode of ours.
struct EpisodeStamp {
  std::string uuid, content_hash;
};

// Appends the faults of one episode, whatever they are, and counts what was read. `stamp` is filled
// where both could be read.
void VerifyEpisode(const h5::Group& data, const std::string& name, const DatasetHeader& header,
                   bool own, VerifyReport& report, std::optional<EpisodeStamp>* stamp = nullptr);

}  // namespace understudy
