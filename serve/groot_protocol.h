#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/rng.h"
#include "serve/requests.h"
#include "serve/served_policy.h"
#include "serve/wire_value.h"

namespace understudy {

struct ProtocolOptions {
  uint64_t seed = 1;  // of the policy's noise, where a request says none
  std::string token;  // that requests must hold; empty: none
  bool allow_kill = false;
};

// GR00T's policy server (Isaac-GR00T, `gr00t/eval/service.py` and `gr00t/policy`, protocol of N1.5
// to N1.7) as a function from one message to the next; what carries them is elsewhere.
//
// Request: {endpoint, data?, api_token?}. Endpoints: ping, get_action, reset, get_modality_config,
// kill. An error is {error: text}; the server lives on.
// get_action: data = {observation: {video: {camera: u8 [B, T, H, W, 3]}, state: {part: [B, T, D]},
// language: {key: [[text]]}}, options}; the answer is [{part: f4 [B, T, D]}, {}]. Or, as N1.5 and
// simulators have it, data = {"video.camera": …, "state.part": …, "annotation.…": [text]} with or
// without the first axis; the answer is {"action.part": f4 [B, T, D] or [T, D]}.
// Beyond GR00T's: options {"noise": five whole numbers} names the draw, {"dtype": "float64"} asks
// for double precision, {"committed": {part: [B, k, D]}} gives the first k actions, which are done
// before the answer comes (PolicyInput::committed); get_modality_config says sizes and rates under
// "understudy".
class GrootProtocol {
 public:
  GrootProtocol(std::shared_ptr<const ServedPolicy> policy, ProtocolOptions options);

  // The answer to one message; never throws for what a client sent. Each `client` has episodes and
  // chunks of its own: its noise does not depend on the others. Not thread-safe.
  std::string Answer(const std::string& client, std::string_view request);
  int64_t chunks() const { return chunks_; }
  int64_t refused() const { return answers_.refused(); }
  const std::string& last_refusal() const { return answers_.last_refusal(); }  // why, for the log
  bool killed() const { return killed_; }

 private:
  // How far a client has come.
  struct Client {
    int64_t episode = 0, chunk = 0, last = 0;
  };
  WireValue Call(const std::string& client, const WireValue& request);
  WireValue GetAction(const std::string& client, const WireValue* data);
  WireValue ModalityConfig() const;
  Client& ClientOf(const std::string& name);

  std::shared_ptr<const ServedPolicy> policy_;
  ProtocolOptions options_;
  std::map<std::string, Client> clients_;
  Answers answers_;
  int64_t requests_ = 0, chunks_ = 0;
  bool killed_ = false;
};

}  // namespace understudy
