#pragma once

#include <memory>

#include "core/seam/policy.h"
#include "serve/zmq_client.h"

namespace understudy {

// A policy of arms behind `understudy serve`, which says itself what it sees and answers. Acts bit
// for bit as the policy would here: numbers and noise cross the wire whole. Thread-safe. Throws
// Error(kFailed) where no server answers in time, with its words where it refuses;
// Error(kBadInput) where it is another program's, or serves no policy of arms.
std::unique_ptr<Policy> OpenRemotePolicy(const RemoteOptions& options);

}  // namespace understudy
