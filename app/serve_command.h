#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/options.h"
#include "core/base/progress.h"
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
      "instead of a checkpoint: address of `understudy serve`, as tcp://127.0.0.1:5555, or of "
      "another program's server (--policy-map), as ws://127.0.0.1:8000");
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

// Where a server listens, as ZeroMQ takes it: numbers, no names.
std::string ListenAddress(const std::string& host, int port);

// Says once in a while what a server has refused: a hostile client must not fill the log.
class RefusalLog {
 public:
  explicit RefusalLog(Progress& progress) : progress_(progress) {}
  // `refused` so far, and why the last time.
  void See(int64_t refused, const std::string& last_refusal);

 private:
  Progress& progress_;
  int64_t said_ = 0;
  double said_s_ = 0;
};

// Serves the checkpoint on a free port of this machine, on a thread, while `use` has the policy
// behind it. False: this program was built without serving.
bool WithServed(const std::string& checkpoint,
                const std::function<void(const Policy& remote)>& use);

}  // namespace understudy
