#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/rng.h"
#include "serve/requests.h"
#include "serve/served_policy.h"
#include "serve/websocket/websocket_server.h"
#include "serve/wire_value.h"

namespace understudy {

// openpi's policy server as a function from one message to the next; what carries them is
// elsewhere.
//
// Observation, a binary message: {"observation/<camera>": u8 [height, width, 3],
// "observation/<part of the state>": [D], "prompt": text}; other keys are left aside, and "prompt"
// may be missing where the policy knows one instruction. Answer: {"actions": f4 [T, D], the parts
// of the action side by side, "server_timing": {"infer_ms"}}. A refusal is a text message; the
// server lives on.
class OpenpiProtocol {
 public:
  // `seed` is of the policy's noise.
  OpenpiProtocol(std::shared_ptr<const ServedPolicy> policy, uint64_t seed);

  // The first message to a client: name, hash, rates, keys with their shapes, and the columns of
  // "actions".
  std::string Metadata() const;
  // The answer to one message; never throws for what a client sent. Its noise is a function of the
  // message and the seed, so that answers do not depend on the order of clients. Not thread-safe.
  WebsocketServer::Reply Answer(std::string_view request, bool binary);
  int64_t chunks() const { return chunks_; }
  int64_t refused() const { return answers_.refused(); }
  const std::string& last_refusal() const { return answers_.last_refusal(); }  // why, for the log

 private:
  WireValue Infer(const WireValue& observation, const RngKey& noise) const;

  std::shared_ptr<const ServedPolicy> policy_;
  const uint64_t seed_;
  int64_t chunks_ = 0;
  Answers answers_;
};

}  // namespace understudy
