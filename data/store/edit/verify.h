#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "data/store/read_options.h"

namespace understudy {

// Every fault of a dataset with its place; empty: sound.
struct Fault {
  std::string place;  // "/data/demo_3/actions[17]"
  std::string what;
};
struct VerifyReport {
  std::vector<Fault> faults;
  int64_t episodes = 0, steps = 0, bytes_read = 0;
  bool crashed = false;  // RunApart only: the file ended the process that read it
};

struct VerifyOptions {
  int threads = 0;           // as in ThreadCount; the report is the same for any number
  std::string episode = {};  // a name: that episode alone, nothing of the dataset's own; empty: all
  ReadOptions read = {};
};
// Of a dataset of our layout. Does not throw for what is wrong with the file.
VerifyReport VerifyOwn(const std::filesystem::path& path, const VerifyOptions& options = {});

// {"sound": bool, "episodes", "steps", "bytes_read", "faults": [{"place", "what"}]}
Json ToJson(const VerifyReport& report);

// Calls `verify` in a process of its own, for files from strangers: damage that crashes HDF5
// becomes a fault of `episode` (empty: of the whole file). What `verify` throws is thrown again.
// Throws Error(kFailed) where no process can be started.
VerifyReport RunApart(const std::function<VerifyReport()>& verify, const std::string& episode = "");

}  // namespace understudy
