#pragma once

// How groups and arrays of new files are laid out, so that a short episode takes little space. What
// is made so is read by every HDF5 since 1.8.

#include <hdf5.h>

#include <cstdint>

#include "data/store/hdf5/id.h"

namespace understudy::h5 {

// A growing file's objects in the format of HDF5 1.8, whose headers are smaller and have checksums.
void UseSmallHeaders(const Id& file_access);
// The same for the headers of the arrays of an open file.
void UseSmallArrayHeaders(const Id& file);

// Property list of a group, with room in its header for links and attributes that take
// `header_bytes` together: a header that grows piece by piece takes up to twice as much. 0:
// unknown.
Id GroupCreation(uint64_t header_bytes);
// What links and attributes take there, about.
uint64_t LinkBytes(uint64_t name_length);
inline constexpr uint64_t kAttributeBytes = 58;  // with a usual name; texts lie elsewhere

// Property list of an array of numbers of `bytes` that is written whole: a small one lies in its
// header. Nobody closes it.
hid_t ArrayCreation(uint64_t bytes);

}  // namespace understudy::h5
