#pragma once

// What may be asked of the HDF5 library without its headers.

#include <filesystem>
#include <string>

namespace understudy {

// Whether there is such a file and it is HDF5's, a dataset or not.
bool IsHdf5(const std::filesystem::path& file);

// "1.10.8", of the library that is loaded.
std::string Hdf5Version();

}  // namespace understudy
