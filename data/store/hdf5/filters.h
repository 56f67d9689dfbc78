#pragma once

// Compressions of HDF5 that the library itself lacks.

#include <hdf5.h>

#include <string>

namespace understudy::h5 {

// Makes `lzf`, which h5py ships and HDF5 does not know, readable in this process. Any thread, any
// number of times.
void RegisterFilters();

// Why a read of `dataset` failed: the filters that it needs and that are not here, with the command
// that removes them, or else ErrorText(). Call it right after the failure.
std::string WhyNotRead(hid_t dataset);

}  // namespace understudy::h5
