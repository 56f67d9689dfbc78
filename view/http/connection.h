#pragma once

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "view/http/open_socket.h"
#include "view/http/shared.h"

namespace understudy::http_server {

inline constexpr uint32_t kMostHeader = 64 << 10;
inline constexpr auto kFarewell = std::chrono::seconds(5);  // until the other side hangs up too
inline constexpr size_t kMostUnread = size_t{64} << 20;     // of a refused body

// "%2e" -> "."; with `plus`, "+" is a blank, as in parameters. Broken escapes stay as they are.
inline std::string Decoded(std::string_view text, bool plus) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2]));
      i += 2;
    } else {
      decoded += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

template <class Message>
Request HeadOf(const Message& message) {
  Request request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const size_t question = target.find('?');
  request.path = Decoded(target.substr(0, question), false);
  if (question != std::string_view::npos) {
    std::string_view rest = target.substr(question + 1);
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('&'), rest.size());
      const std::string_view pair = rest.substr(0, end);
      const size_t equals = std::min(pair.find('='), pair.size());
      if (!pair.empty()) {
        request.parameters.emplace(Decoded(pair.substr(0, equals), true),
                                   Decoded(pair.substr(std::min(equals + 1, pair.size())), true));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  for (const auto& field : message) {
    request.headers.emplace(std::string(field.name_string()), std::string(field.value()));
  }
  request.upgrade = beast::websocket::is_upgrade(message);
  return request;
}

// A connection with one request.
template <class Stream>
class Connection : public std::enable_shared_from_this<Connection<Stream>> {
 public:
  // `buffer` holds what was read of it already.
  Connection(Shared& shared, Stream stream, beast::flat_buffer buffer)
      : shared_(shared), stream_(std::move(stream)), buffer_(std::move(buffer)) {
    parser_.header_limit(kMostHeader);
    parser_.body_limit(shared_.options.most_body);
  }

  void Begin() {
    lowest().expires_after(kPatience);
    if constexpr (kTls) {
      stream_.async_handshake(net::ssl::stream_base::server, buffer_.data(),
                              [self = this->shared_from_this()](error_code error, size_t used) {
                                if (error) return;
                                self->buffer_.consume(used);
                                self->Read();
                              });
    } else {
      Read();
    }
  }

 private:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  void Read() {
    http::async_read_header(stream_, buffer_, parser_,
                            [self = this->shared_from_this()](error_code error, size_t) {
                              error ? self->Fail(error) : self->Admit();
                            });
  }

  void Fail(error_code error) {
    if (error == http::error::end_of_stream || error == beast::error::timeout) return;
    if (error == http::error::body_limit) {
      return Answer(Refusal(
          413, fmt::format("the request has more than {} bytes", shared_.options.most_body)));
    }
    if (error.category() != http::make_error_code(http::error::bad_method).category()) return;
    Answer(Refusal(400, "not a request of HTTP: " + error.message()));
  }

  void Admit() {
    request_ = HeadOf(parser_.get());
    request_.encrypted = kTls;
    error_code unknown;
    const tcp::endpoint from = lowest().socket().remote_endpoint(unknown);
    request_.from_this_machine = !unknown && from.address().is_loopback();
    if (std::optional<Response> refusal = shared_.handlers.admit(request_)) {
      return Answer(std::move(*refusal));
    }
    if (request_.upgrade) return Upgrade();
    http::async_read(stream_, buffer_, parser_,
                     [self = this->shared_from_this()](error_code error, size_t) {
                       error ? self->Fail(error) : self->Work();
                     });
  }

  void Upgrade() {
    std::shared_ptr<WebSocketHandler> handler;
    try {
      handler = shared_.handlers.open(request_);
    } catch (const RequestError& error) {
      return Answer(Refusal(error.status(), error.what()));
    }
    std::make_shared<OpenSocket<Stream>>(shared_, std::move(stream_), std::move(handler))
        ->Accept(parser_.release());
  }

  // The answer is found on a thread of the pool, and sent from the server's.
  void Work() {
    lowest().expires_never();
    request_.body = std::move(parser_.get().body());
    net::post(shared_.pool, [self = this->shared_from_this()] {
      Response response = self->shared_.handlers.answer(self->request_);
      net::post(self->shared_.io, [self, response = std::move(response)]() mutable {
        self->Answer(std::move(response));
      });
    });
  }

  void Answer(Response response) {
    response_ = std::move(response);
    const auto status = static_cast<http::status>(response_.status);
    const size_t size = response_.pieces ? response_.size : response_.body.size();
    head_ = fmt::format("HTTP/1.1 {} {}\r\n", response_.status,
                        http::obsolete_reason(status).to_string());
    const auto add = [&](std::string_view name, std::string_view value) {
      head_ += fmt::format("{}: {}\r\n", name, value);
    };
    if (!response_.type.empty()) add("Content-Type", response_.type);
    add("Content-Length", std::to_string(size));
    add("Connection", "close");
    for (const auto& [name, value] : shared_.options.headers) add(name, value);
    for (const auto& [name, value] : response_.headers) add(name, value);
    head_ += "\r\n";
    // the answer to HEAD is the head alone, whatever it would have been
    const bool whole = !response_.pieces || request_.method == "HEAD";
    // one buffer: of several, Beast's stream of TLS writes the first alone where the next is large
    if (whole && request_.method != "HEAD") head_ += response_.body;
    lowest().expires_after(kPatience);
    net::async_write(stream_, net::buffer(head_),
                     [self = this->shared_from_this(), whole](error_code error, size_t) {
                       if (error) return;
                       whole ? self->Leave() : self->NextPiece();
                     });
  }

  void NextPiece() {
    if (sent_ == response_.size) return Leave();
    net::post(shared_.pool, [self = this->shared_from_this()] {
      const std::string_view piece = self->response_.pieces(self->sent_);
      // none: the connection is cut with the last owner of this
      if (piece.empty()) return;
      net::post(self->shared_.io, [self, piece] {
        self->lowest().expires_after(kPatience);
        net::async_write(self->stream_, net::buffer(piece.data(), piece.size()),
                         [self](error_code error, size_t size) {
                           if (error) return;
                           self->sent_ += size;
                           self->NextPiece();
                         });
      });
    });
  }

  // Closing at once would reset the connection where a body is still on its way, and the answer
  // would be lost with it: what comes is read and dropped until the other side hangs up.
  void Leave() {
    error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    lowest().expires_after(kFarewell);
    Drop();
  }
  void Drop() {
    lowest().async_read_some(net::buffer(dropped_),
                             [self = this->shared_from_this()](error_code error, size_t size) {
                               self->unread_ += size;
                               if (!error && self->unread_ < kMostUnread) self->Drop();
                             });
  }

  Shared& shared_;
  Stream stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::string_body> parser_;
  Request request_;
  Response response_;
  std::string head_;
  size_t sent_ = 0, unread_ = 0;
  std::array<char, 16384> dropped_;
};

}  // namespace understudy::http_server
