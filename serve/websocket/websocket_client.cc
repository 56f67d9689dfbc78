#include "serve/websocket/websocket_client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <functional>
#include <utility>

namespace understudy {
namespace {

namespace beast = boost::beast;
namespace net = boost::asio;
namespace websocket = beast::websocket;
using ErrorCode = beast::error_code;
using Kind = WebsocketReply::Kind;
constexpr auto kGoodbye = std::chrono::milliseconds(200);

// Close codes (RFC 6455, 7.4.1) after which the same request would fare no better; a server that
// ends or restarts closes with another one, or with none.
bool IsRefusal(uint16_t code) {
  return code == websocket::protocol_error || code == websocket::unknown_data ||
         code == websocket::bad_payload || code == websocket::policy_error ||
         code == websocket::too_big || code == websocket::internal_error;
}

}  // namespace

std::optional<WebsocketAddress> ReadWebsocketAddress(std::string_view text) {
  constexpr std::string_view kScheme = "ws://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  WebsocketAddress address;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) address.target = text.substr(slash);
  const std::string_view place = text.substr(0, slash);
  const size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = place.substr(0, colon);
  const std::string_view port = place.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool digits = port.find_first_not_of("0123456789") == std::string_view::npos;
  const bool printable = text.find_first_of(" \t\r\n") == std::string_view::npos;
  if (host.empty() || port.empty() || port.size() > 5 || !digits || !printable) return std::nullopt;
  address.host = host;
  address.port = port;
  return address;
}

struct WebsocketConnection::Stream {
  net::io_context io;
  websocket::stream<beast::tcp_stream> socket{io};
  beast::flat_buffer buffer;
  std::optional<ErrorCode> read;  // what the read under way came to

  // Starts an operation of the socket and waits for its end. False at the deadline; the connection
  // is closed then.
  template <class Start>
  bool Run(Deadline deadline, ErrorCode* error, const Start& start) {
    bool ended = false;
    start([&](ErrorCode result, auto&&...) {
      *error = result;
      ended = true;
    });
    return Wait(deadline, [&] { return ended; });
  }

  bool Wait(Deadline deadline, const std::function<bool()>& ended) {
    io.restart();
    while (!ended() && io.run_one_until(deadline) > 0) {
    }
    if (ended()) return true;
    beast::get_lowest_layer(socket).close();
    // handlers refer to their caller's frame: they end first
    io.restart();
    io.run();
    return false;
  }

  // There is always a read under way: it answers pings, and notices what comes unasked.
  void StartRead() {
    buffer.clear();
    read.reset();
    socket.async_read(buffer, [this](ErrorCode result, size_t) { read = result; });
  }

  WebsocketReply Failure(const ErrorCode& error) {
    if (error == websocket::error::closed) {
      const websocket::close_reason& reason = socket.reason();
      std::string words = fmt::format("the server closed the connection, code {}", reason.code);
      if (!reason.reason.empty()) {
        words += fmt::format(": {}", std::string_view(reason.reason.data(), reason.reason.size()));
      }
      return {IsRefusal(reason.code) ? Kind::kRejected : Kind::kLost, std::move(words)};
    }
    if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
      return {Kind::kRejected, "the server's message is too long"};
    }
    // any other fault of the protocol is of a server that speaks another one
    const bool other = error.category() == make_error_code(websocket::error::closed).category();
    return {other ? Kind::kRejected : Kind::kLost, error.message()};
  }

  WebsocketReply Read(Deadline deadline) {
    if (!Wait(deadline, [this] { return read.has_value(); })) return {};
    if (*read) return Failure(*read);
    const auto bytes = buffer.cdata();
    WebsocketReply reply{socket.got_binary() ? Kind::kBinary : Kind::kText,
                         std::string(static_cast<const char*>(bytes.data()), bytes.size())};
    StartRead();
    return reply;
  }
};

WebsocketConnection::WebsocketConnection(WebsocketAddress address, std::string authorization,
                                         WebsocketLimits limits)
    : address_(std::move(address)),
      authorization_(std::move(authorization)),
      stream_(std::make_unique<Stream>()) {
  auto& socket = stream_->socket;
  socket.read_message_max(limits.message_bytes);
  // pictures go out whole, not in pieces of a few kilobytes
  socket.auto_fragment(false);
  socket.write_buffer_bytes(size_t{1} << 16);
  socket.binary(true);
  socket.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
    if (!authorization_.empty()) request.set(beast::http::field::authorization, authorization_);
  }));
}

WebsocketConnection::~WebsocketConnection() {
  // say goodbye: servers log a connection that breaks off as a fault
  if (!stream_->socket.is_open()) return;
  ErrorCode ignored;
  stream_->Run(std::chrono::steady_clock::now() + kGoodbye, &ignored, [&](auto handler) {
    stream_->socket.async_close(websocket::close_code::normal, handler);
  });
}

WebsocketReply WebsocketConnection::Open(Deadline deadline) {
  Stream& stream = *stream_;
  ErrorCode error;
  net::ip::tcp::resolver resolver(stream.io);
  const auto endpoints = resolver.resolve(address_.host, address_.port, error);
  if (error) return {Kind::kRejected, fmt::format("{}: {}", address_.host, error.message())};
  beast::tcp_stream& tcp = beast::get_lowest_layer(stream.socket);
  const bool connected =
      stream.Run(deadline, &error, [&](auto handler) { tcp.async_connect(endpoints, handler); });
  if (!connected) return {};
  if (error) return {Kind::kLost, error.message()};
  tcp.socket().set_option(net::ip::tcp::no_delay(true), error);

  const std::string host = address_.host.find(':') == std::string::npos
                               ? fmt::format("{}:{}", address_.host, address_.port)
                               : fmt::format("[{}]:{}", address_.host, address_.port);
  websocket::response_type response;
  const bool answered = stream.Run(deadline, &error, [&](auto handler) {
    stream.socket.async_handshake(response, host, address_.target, handler);
  });
  if (!answered) return {};
  if (error == websocket::error::upgrade_declined) {
    return {Kind::kRejected,
            fmt::format("HTTP {} {}", response.result_int(),
                        std::string_view(response.reason().data(), response.reason().size()))};
  }
  // what answers, but not with HTTP
  if (error && error.category() == make_error_code(beast::http::error::bad_version).category() &&
      error != beast::http::error::end_of_stream && error != beast::http::error::partial_message) {
    return {Kind::kRejected, "it does not speak WebSocket: " + error.message()};
  }
  if (error) return stream.Failure(error);
  stream.StartRead();
  return stream.Read(deadline);
}

WebsocketReply WebsocketConnection::Exchange(std::string_view message, Deadline deadline) {
  Stream& stream = *stream_;
  ErrorCode error;
  const bool sent = stream.Run(deadline, &error, [&](auto handler) {
    stream.socket.async_write(net::buffer(message.data(), message.size()), handler);
  });
  if (!sent) return {};
  if (error) return stream.Failure(error);
  return stream.Read(deadline);
}

bool WebsocketConnection::IsQuiet() {
  stream_->io.restart();
  stream_->io.poll();
  return !stream_->read;
}

}  // namespace understudy
