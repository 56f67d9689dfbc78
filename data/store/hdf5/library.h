#pragma once

// Questions to the HDF5 library that need none of its headers.

#include <filesystem>
#include <string>

namespace understudy {

// Whether the file exists and is an HDF5 file, a dataset or not.
bool IsHdf5(const std::filesystem::path& file);

// Version of the loaded library: "1.10.8".
std::string Hdf5Version();

}  // namespace understudy
