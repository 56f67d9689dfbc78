#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// Every fault of a dataset with its place; empty: sound.
struct Fault {
  std::string place;  // "/data/demo_3/actions[17]"
  std::string what;
};
struct VerifyReport {
  std::vector<Fault> faults;
  int64_t episodes = 0, steps = 0, bytes_read = 0;
  bool crashed = false;  // VerifyApart only: the file ended the process that read it
};
// `threads` as in ThreadCount; the report is the same for any number.
// With `episode`, a name, that episode alone and nothing of the dataset's own.
VerifyReport VerifyDataset(const std::filesystem::path& path, int threads = 0,
                           const std::string& episode = "");

// {"sound": bool, "episodes", "steps", "bytes_read", "faults": [{"place", "what"}]}
Json ToJson(const VerifyReport& report);

// VerifyDataset in a process of its own, for files from strangers: damage that crashes HDF5 becomes
// a fault. Throws Error(kFailed) where no process can be had.
VerifyReport VerifyApart(const std::filesystem::path& path, int threads = 0,
                         const std::string& episode = "");

}  // namespace understudy
