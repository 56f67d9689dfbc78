#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/seam/policy.h"
#include "serve/wire_value.h"

namespace understudy {

struct RemoteOptions {
  std::string address;  // "tcp://127.0.0.1:5555"
  std::string token;    // empty: none
  int timeout_ms = 15000;
  ArrayForm arrays = ArrayForm::kMsgpackNumpy;  // of requests
  std::string peer = "policy server";           // what messages call it
};

// The pictures of one camera, [1, T, height, width, 3], oldest first.
WireArray PicturesOf(const std::vector<const PolicyObservation*>& moments, size_t camera);

// The numbers of a part of an answer. Throws Error(kFailed) where one is not finite; `address` and
// `name` name the server and the part.
std::vector<double> FiniteNumbers(const WireArray& array, const std::string& address,
                                  const std::string& name);

// Requests to a policy server of GR00T's protocol. Thread-safe: requests of several threads go by
// connections of their own.
class ZmqClient {
 public:
  explicit ZmqClient(RemoteOptions options);
  ~ZmqClient();

  // The server's answer to {endpoint, data}; data that is null is left out. Throws Error(kFailed)
  // with its words where it refuses, or where it does not answer in time; Error(kUsage) for an
  // address that is none.
  WireValue Ask(const std::string& endpoint, WireValue data);
  const std::string& address() const { return options_.address; }

 private:
  struct Sockets;
  RemoteOptions options_;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace understudy
