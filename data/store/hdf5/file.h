#pragma once

#include <filesystem>

#include "data/store/hdf5/group.h"

namespace understudy::h5 {

// Opens a file for reading with HDF5's plain driver, and gives its root. Throws Error(kBadInput)
// that says what is wrong with a file that is no HDF5, is truncated, or is being written.
// `outside_links`: follow external links out of the folder of the file that holds them.
Group OpenForReading(const std::filesystem::path& file, bool outside_links = false);

// Keeps HDF5's cache of metadata small for the file of `group`, which is read from one end to the
// other. Its index of chunks takes ten times as much memory as the size that HDF5 counts.
void KeepCacheSmall(const Group& group);

}  // namespace understudy::h5
