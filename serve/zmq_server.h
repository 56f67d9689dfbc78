#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace understudy {

std::string ZmqVersion();  // "4.3.4"

struct ServerLimits {
  int64_t message_bytes = int64_t{64} << 20;  // of a request; longer ones end the connection
  int waiting = 64;                           // answers that wait for a client that does not read
};

// Serves ZeroMQ requests (REQ and DEALER clients) one after the other.
class ZmqServer {
 public:
  // Binds to `address` ("tcp://127.0.0.1:5555"; port 0: a free one). Throws Error(kUsage) where it
  // is in use or is no address.
  ZmqServer(const std::string& address, const ServerLimits& limits);
  ~ZmqServer();
  ZmqServer(const ZmqServer&) = delete;
  ZmqServer& operator=(const ZmqServer&) = delete;

  std::string address() const;  // with the port that was bound

  // Waits for at most `timeout_ms` and answers what has come: `answer(client, request)` returns the
  // reply. Messages whose frames are no request are dropped. Returns the requests answered.
  using Answer = std::function<std::string(const std::string& client, std::string_view request)>;
  int Serve(int timeout_ms, const Answer& answer);
  int64_t dropped() const { return dropped_; }

 private:
  struct Sockets;
  std::unique_ptr<Sockets> sockets_;
  int64_t dropped_ = 0;
};

}  // namespace understudy
