#pragma once

#include <string>
#include <vector>

namespace understudy {

// What `understudy doctor` says about LibTorch on this machine.
struct TorchProbe {
  std::string version;            // "2.13.0, 2 threads, AVX512"
  std::vector<std::string> gpus;  // one text per device
  std::string graphs;  // why steps are not recorded, nor sums left to NCCL; empty: they are
};
TorchProbe ProbeTorch();

}  // namespace understudy
