#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy {

// All of the bytes of an open file from `at` on, whatever interrupts. False with errno; where a
// read comes to the file's end, errno is 0.
bool ReadAt(int fd, void* data, size_t bytes, uint64_t at);
bool WriteAt(int fd, const void* data, size_t bytes, uint64_t at);

}  // namespace understudy
