#pragma once

#include "data/store/dataset.h"
#include "data/store/hdf5.h"

namespace understudy {

// Appends the faults of one episode, whatever they are, and counts what was read.
void VerifyEpisode(const h5::Group& data, const std::string& name, const DatasetHeader& header,
                   bool own, VerifyReport& report);

}  // namespace understudy
