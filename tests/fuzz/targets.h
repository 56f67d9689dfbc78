#pragma once

// What the fuzzers run. Each takes any bytes and returns; whatever else happens is a defect: a
// crash, an exception that is no Error, memory for what a file merely claims. Run by libFuzzer
// (preset `fuzz`) and, with bytes of a fixed seed, by tests/slow.

#include <cstddef>
#include <cstdint>

namespace understudy {

// JSON, YAML and conditions of `data filter`.
void FuzzText(const uint8_t* data, size_t size);
// A sound dataset, ours or robomimic's, injured through HDF5's own interface as the bytes say: then
// opened, read, described and verified.
void FuzzDataset(const uint8_t* data, size_t size);
// A sound dataset with some bytes of the file changed: verified in a process of its own.
void FuzzFile(const uint8_t* data, size_t size);
// A file of weights whose header nearly holds: read, and what was read written and read again.
void FuzzTensors(const uint8_t* data, size_t size);

// What a browser sends: a page leads the arm, then messages come that nearly hold, from it and from
// others. Whatever comes, no command exceeds the limiter.
void FuzzPage(const uint8_t* data, size_t size);

}  // namespace understudy
