#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/options.h"
#include "core/seam/policy.h"
#include "core/seam/simulator.h"

namespace understudy {

// Which policy server is asked, and how.
struct PolicyServerFlags {
  std::string policy_server, policy_map, token_file;
  double server_timeout = 15;
  template <class V>
  void Visit(V& v) {
    v("policy_server", policy_server,
      "instead of a checkpoint: address of `understudy serve`, as tcp://127.0.0.1:5555");
    v("policy_map", policy_map,
      "YAML file that says what the parts of another program's server are: docs/deploy.md");
    v("token_file", token_file, "file whose first line is the token of policy_server",
      Effect::kPlace);
    v("server_timeout", server_timeout,
      "s that an answer of policy_server may take; more workers wait longer for theirs",
      Limits{0.01, 86400}, Effect::kPlace);
  }
};

// The policy behind a server for the robot of `simulator`; without a map `understudy serve` is
// taken for one. Errors: of OpenRemotePolicy and OpenMappedPolicy, and Error(kUsage) where this
// program was built without serving.
std::unique_ptr<Policy> PolicyOfServer(const PolicyServerFlags& flags,
                                       const SimulatorInfo& simulator);

// Serves the checkpoint on a free port of this machine, on a thread, while `use` has the policy
// behind it. False: this program was built without serving.
bool TimeOverTheWire(const std::string& checkpoint,
                     const std::function<void(const Policy& remote)>& use);

}  // namespace understudy
