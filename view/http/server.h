#pragma once

// HTTP and WebSockets on one port.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "view/http/message.h"

namespace understudy {

// One open WebSocket. Thread-safe; after the other side has gone, what is sent goes nowhere.
class WebSocket {
 public:
  using Message = std::shared_ptr<const std::string>;
  virtual ~WebSocket() = default;
  // In order. A receiver that leaves more than `kMostWaiting` messages waiting is disconnected.
  virtual void SendText(Message message) = 0;
  // Binary. Replaces the latest one if that is still waiting: a slow receiver skips, and does not
  // fall behind.
  virtual void SendLatest(Message message) = 0;

  static constexpr size_t kMostWaiting = 256;
};

// What happens to one WebSocket, on the server's thread: answer at once.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void Opened(const std::shared_ptr<WebSocket>& socket) = 0;
  virtual void Received(std::string_view message, bool binary) = 0;
  virtual void Closed() = 0;
};

// Who a server is, as PEM: its certificate, with the authority's behind it, and its private key.
struct TlsIdentity {
  std::string chain, key;
};

struct HttpOptions {
  std::string address = "127.0.0.1";  // to listen on
  int port = 0;                       // 0: a free one
  std::optional<TlsIdentity> tls;     // then both TLS and plain text are understood on the port
  size_t most_body = size_t{16} << 20;
  size_t most_message = size_t{64} << 10;                    // of a WebSocket
  std::vector<std::pair<std::string, std::string>> headers;  // of every answer
};

// What a server does. `admit` is called on the server's thread before a body is read and decides
// whether the request is answered at all; `answer` on a thread of a pool; `open` gives what a
// WebSocket speaks with, or throws RequestError.
struct HttpHandlers {
  std::function<std::optional<Response>(const Request& head)> admit;
  std::function<Response(const Request&)> answer;
  std::function<std::shared_ptr<WebSocketHandler>(const Request&)> open;
};

// Serves until it is destroyed, from threads of its own. One request per connection: a refused body
// is never taken for the next request.
class HttpServer {
 public:
  // Throws Error(kFailed) if the port cannot be opened.
  HttpServer(const HttpOptions& options, HttpHandlers handlers);
  ~HttpServer();

  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "1.74", of Boost.
std::string HttpLibraryVersion();

}  // namespace understudy
