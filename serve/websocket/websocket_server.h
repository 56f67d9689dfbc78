#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace understudy {

struct WebsocketServerOptions {
  std::string host = "127.0.0.1";             // a number, no name
  int port = 0;                               // 0: a free one
  int64_t message_bytes = int64_t{64} << 20;  // of a request; longer ones end the connection
  int connections = 64;                       // at most; more are turned away with HTTP 503
  std::string greeting;                       // binary message to each client that connects
  // Whether a client may connect, by its header Authorization; null: everybody may.
  std::function<bool(std::string_view authorization)> allows;
};

// Serves WebSocket requests one after the other, one message for one message. GET /healthz answers
// "OK". Web pages (a header Origin) are turned away: a stranger's page in a browser of this machine
// reaches its loopback interface.
class WebsocketServer {
 public:
  // Throws Error(kUsage) where the address is in use or is none.
  explicit WebsocketServer(WebsocketServerOptions options);
  ~WebsocketServer();
  WebsocketServer(const WebsocketServer&) = delete;
  WebsocketServer& operator=(const WebsocketServer&) = delete;

  std::string address() const;  // "ws://127.0.0.1:8000", with the port that was bound

  struct Reply {
    std::string bytes;
    bool binary = true;
  };
  // `client` is another number for each connection.
  using Answer =
      std::function<Reply(const std::string& client, std::string_view request, bool binary)>;
  // Answers what comes within `timeout_ms`. Returns the requests answered. One thread.
  int Serve(int timeout_ms, const Answer& answer);
  // Connections that were turned away or ended by a fault of their client.
  int64_t dropped() const;

 private:
  struct State;
  class Session;
  const std::unique_ptr<State> state_;
};

}  // namespace understudy
