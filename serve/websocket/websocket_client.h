#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace understudy {

struct WebsocketAddress {
  std::string host, port;
  std::string target = "/";
};

// Reads ws://HOST:PORT, with or without a path; [HOST] for IPv6. nullopt for anything else, TLS
// (wss://) included.
std::optional<WebsocketAddress> ReadWebsocketAddress(std::string_view text);

struct WebsocketLimits {
  uint64_t message_bytes = uint64_t{64} << 20;  // of a message from the server
};

// What came of an attempt to get a message.
struct WebsocketReply {
  enum class Kind {
    kBinary,
    kText,
    kTimeout,  // nothing came before the deadline
    kLost,     // no connection, or not any more: another attempt may succeed
    kRejected  // the server does not take the connection or the message: another attempt is vain
  };
  Kind kind = Kind::kTimeout;
  std::string bytes;  // the message, or the reason in words; empty for kTimeout
};

// One connection of a client. After any reply but a message it is of no more use. One thread.
class WebsocketConnection {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  // `authorization`: value of the header of that name; empty: no such header.
  WebsocketConnection(WebsocketAddress address, std::string authorization, WebsocketLimits limits);
  ~WebsocketConnection();
  WebsocketConnection(const WebsocketConnection&) = delete;
  WebsocketConnection& operator=(const WebsocketConnection&) = delete;

  // Connects and returns the first message of the server.
  WebsocketReply Open(Deadline deadline);
  // Sends a binary message and returns the next message of the server.
  WebsocketReply Exchange(std::string_view message, Deadline deadline);
  // False if the server has closed the connection, or sent what nobody asked for.
  bool IsQuiet();

 private:
  struct Stream;
  const WebsocketAddress address_;
  const std::string authorization_;
  const std::unique_ptr<Stream> stream_;
};

}  // namespace understudy
