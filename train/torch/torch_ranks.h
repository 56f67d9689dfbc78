#pragma once

#include <memory>

#include "train/run/ranks.h"

namespace understudy {

// Ranks over PyTorch's own c10d: a TCPStore and Gloo. Waits until all ranks are there. Throws
// Error(kFailed) where rank 0 does not answer or its port is taken, Error(kBadInput) where this
// program was built without c10d.
std::unique_ptr<Ranks> JoinRanks(const RankPlace& place);

}  // namespace understudy
