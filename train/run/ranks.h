#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace understudy {

// Where a process stands among several that train one network together.
struct RankPlace {
  int rank = 0, size = 1;
  int local_size = 1;  // ranks on this machine
  std::string host;    // where rank 0 (or the launcher) listens
  int port = 0;
  bool launcher_listens = false;  // instead of rank 0
  int attempt = 0;                // how often the launcher has restarted the ranks
};

// Value of an environment variable, or null.
using ReadEnvironment = std::function<const char*(const char* name)>;

// What a launcher set: torchrun, or anything else that sets RANK, WORLD_SIZE, MASTER_ADDR and
// MASTER_PORT; else srun. None where one process is to train alone. Throws Error(kUsage) where only
// a part is set, a number is none, or Slurm gave more tasks than were started by srun.
std::optional<RankPlace> FindRankPlace(const ReadEnvironment& environment);

// The first host of a list as Slurm writes it: "tux[03-07,9],b1" has "tux03".
std::string FirstHost(const std::string& hosts);

// Several processes, each with one part of every batch. Calls block until all ranks have made them
// in the same order. They throw Error(kFailed) that names the ranks that are lost, or what ended
// them. One thread.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Adds up what the ranks hold, in place; all get the same bits. `cuda`: the numbers lie on this
  // rank's device.
  virtual void Sum(float* numbers, int64_t count, bool cuda) = 0;
  // One text of each rank.
  virtual std::vector<std::string> Gather(const std::string& text) = 0;
  // Reports to the others why this rank ends. Never throws.
  virtual void Fail(const std::string& why) = 0;

  bool Any(bool here) {
    float count = here ? 1 : 0;
    Sum(&count, 1, false);
    return count > 0;
  }
};

}  // namespace understudy
