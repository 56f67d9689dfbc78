#pragma once

#include <memory>
#include <string>

#include "serve/wire_value.h"
#include "serve/zmq_client.h"

namespace understudy {

// Asks a policy server of openpi's WebSocket protocol (openpi, `scripts/serve_policy.py`). The
// server sends a map, its metadata, when a client connects; then every binary message of the client
// is an observation and every binary message back an answer, each a msgpack map. A text message is
// the traceback of an error. Thread-safe: requests of several threads go by connections of their
// own.
class OpenpiClient {
 public:
  // Connects. `options.address` is ws://HOST:PORT, `options.token` goes as "Api-Key" in the header
  // Authorization. Throws Error(kUsage) for another kind of address; Error(kFailed) if no server
  // answers in time, with its words if it refuses.
  explicit OpenpiClient(RemoteOptions options);
  ~OpenpiClient();

  // The server's answer to an observation, a map. A lost connection is opened again and the
  // observation sent again, as long as there is time. Throws Error(kFailed) like the constructor,
  // and for an answer that is no map.
  WireValue Infer(const WireValue& observation);
  // What the server sent at the first connection.
  const WireValue& metadata() const { return metadata_; }
  const std::string& address() const { return options_.address; }

 private:
  struct Connections;
  RemoteOptions options_;
  std::unique_ptr<Connections> connections_;
  WireValue metadata_;
};

}  // namespace understudy
