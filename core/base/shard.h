#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

namespace understudy {

// One of the equal parts that a long run is split into, for jobs of a cluster.
struct Shard {
  int64_t index = 0, count = 1;

  bool whole() const { return count == 1; }
  // First and exclusive last of this part of `total` things: parts differ by one at most, and
  // together they are everything, in order.
  int64_t begin(int64_t total) const { return Edge(index, total); }
  int64_t end(int64_t total) const { return Edge(index + 1, total); }
  // File name of this part: out.h5 -> out.shard-002-of-016.h5; the whole keeps `out`.
  std::filesystem::path Output(const std::filesystem::path& out) const;

 private:
  int64_t Edge(int64_t i, int64_t total) const {
    return total / count * i + std::min(i, total % count);
  }
};

// "" is the whole; "2/16" the third of sixteen parts; "auto" what a whole Slurm array says
// (SLURM_ARRAY_TASK_ID, _MIN, _STEP and _COUNT); "auto/16" the part that SLURM_ARRAY_TASK_ID or
// JOB_COMPLETION_INDEX (Kubernetes indexed jobs) numbers from 0, which still holds where one task
// of the array is submitted again alone. Throws Error(kUsage) for anything else, and where
// the environment says nothing.
Shard ParseShard(const std::string& text);

}  // namespace understudy
