#include "view/http/server.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <thread>

#include "core/base/error.h"

namespace understudy {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;

constexpr size_t kPoolThreads = 4;  // that read files
constexpr uint32_t kMostHeader = 64 << 10;
constexpr auto kPatience = std::chrono::seconds(30);  // with a silent connection
constexpr auto kFarewell = std::chrono::seconds(5);   // until the other side hangs up too
constexpr size_t kMostUnread = size_t{64} << 20;      // of a refused body

// "%2e" -> "."; with `plus`, "+" is a blank, as in parameters. Broken escapes stay as they are.
std::string Decoded(std::string_view text, bool plus) {
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

// What all connections share. Its members outlive them: the server's thread has ended by then.
struct Shared {
  const HttpOptions options;
  const HttpHandlers handlers;
  net::io_context io{1};
  net::thread_pool pool{kPoolThreads};
};

class OpenSocket;

// What a handler holds of a socket: it may outlive the socket and the server.
class SocketHandle final : public WebSocket {
 public:
  explicit SocketHandle(std::weak_ptr<OpenSocket> socket) : socket_(std::move(socket)) {}
  void SendText(Message message) override;
  void SendLatest(Message message) override;
  void Close() override;

 private:
  const std::weak_ptr<OpenSocket> socket_;
};

// A WebSocket at work, on the server's thread.
class OpenSocket : public std::enable_shared_from_this<OpenSocket> {
 public:
  OpenSocket(Shared& shared, beast::tcp_stream stream, std::shared_ptr<WebSocketHandler> handler)
      : shared_(shared), socket_(std::move(stream)), handler_(std::move(handler)) {}

  template <class Message>
  void Accept(Message request) {
    namespace websocket = beast::websocket;
    beast::get_lowest_layer(socket_).expires_never();
    socket_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket_.read_message_max(shared_.options.most_message);
    socket_.auto_fragment(false);
    const auto held = std::make_shared<Message>(std::move(request));
    socket_.async_accept(*held, [self = shared_from_this(), held](error_code error) {
      if (error) return;
      self->open_ = true;
      self->handler_->Opened(std::make_shared<SocketHandle>(self));
      self->Read();
    });
  }

  // From any thread: makes a change, then sends what waits.
  template <class Change>
  void Post(Change change) {
    net::post(shared_.io, [self = shared_from_this(), change = std::move(change)] {
      if (!self->open_) return;
      change(*self);
      self->Write();
    });
  }

  void Queue(WebSocket::Message message) {
    if (waiting_.size() >= WebSocket::kMostWaiting) return End();
    waiting_.push_back(std::move(message));
  }
  void SetLatest(WebSocket::Message message) { latest_ = std::move(message); }
  void CloseAfterwards() { closing_ = true; }

 private:
  void Read() {
    socket_.async_read(buffer_, [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->End();
      const auto bytes = self->buffer_.cdata();
      self->handler_->Received({static_cast<const char*>(bytes.data()), bytes.size()},
                               self->socket_.got_binary());
      self->buffer_.consume(self->buffer_.size());
      self->Read();
    });
  }

  // Sends what waits, one message after the other: texts before the latest state.
  void Write() {
    if (writing_ || !open_) return;
    if (!waiting_.empty()) {
      now_ = waiting_.front();
      waiting_.pop_front();
      socket_.text(true);
    } else if (latest_) {
      now_ = std::move(latest_);
      latest_ = nullptr;
      socket_.binary(true);
    } else if (closing_) {
      writing_ = true;
      return socket_.async_close(beast::websocket::close_code::normal,
                                 [self = shared_from_this()](error_code) { self->End(); });
    } else {
      return;
    }
    writing_ = true;
    socket_.async_write(net::buffer(*now_), [self = shared_from_this()](error_code error, size_t) {
      self->writing_ = false;
      if (error) return self->End();
      self->Write();
    });
  }

  void End() {
    if (!open_) return;
    open_ = false;
    error_code ignored;
    beast::get_lowest_layer(socket_).socket().close(ignored);
    handler_->Closed();
  }

  Shared& shared_;
  beast::websocket::stream<beast::tcp_stream> socket_;
  const std::shared_ptr<WebSocketHandler> handler_;
  beast::flat_buffer buffer_;
  std::deque<WebSocket::Message> waiting_;
  WebSocket::Message latest_, now_;  // `now_` is kept while it is written
  bool open_ = false, writing_ = false, closing_ = false;
};

void SocketHandle::SendText(Message message) {
  if (const auto socket = socket_.lock()) {
    socket->Post([message = std::move(message)](OpenSocket& self) { self.Queue(message); });
  }
}
void SocketHandle::SendLatest(Message message) {
  if (const auto socket = socket_.lock()) {
    socket->Post([message = std::move(message)](OpenSocket& self) { self.SetLatest(message); });
  }
}
void SocketHandle::Close() {
  if (const auto socket = socket_.lock()) {
    socket->Post([](OpenSocket& self) { self.CloseAfterwards(); });
  }
}

// A connection with one request.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, tcp::socket socket)
      : shared_(shared), stream_(std::move(socket)), parser_(std::in_place) {
    parser_->header_limit(kMostHeader);
    parser_->body_limit(shared_.options.most_body);
  }

  void Begin() {
    stream_.expires_after(kPatience);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, size_t) {
                              error ? self->Fail(error) : self->Admit();
                            });
  }

 private:
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
    request_ = HeadOf(parser_->get());
    if (std::optional<Response> refusal = shared_.handlers.admit(request_)) {
      return Answer(std::move(*refusal));
    }
    if (request_.upgrade) return Upgrade();
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, size_t) {
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
    std::make_shared<OpenSocket>(shared_, std::move(stream_), std::move(handler))
        ->Accept(parser_->release());
  }

  // The answer is found on a thread of the pool, and sent from the server's.
  void Work() {
    stream_.expires_never();
    request_.body = std::move(parser_->get().body());
    net::post(shared_.pool, [self = shared_from_this()] {
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
    const std::string_view body =
        request_.method == "HEAD" || response_.pieces ? std::string_view() : response_.body;
    const std::array<net::const_buffer, 2> buffers{net::buffer(head_),
                                                   net::buffer(body.data(), body.size())};
    stream_.expires_after(kPatience);
    net::async_write(stream_, buffers,
                     [self = shared_from_this(), whole](error_code error, size_t) {
                       if (error) return;
                       whole ? self->Leave() : self->NextPiece();
                     });
  }

  void NextPiece() {
    if (sent_ == response_.size) return Leave();
    net::post(shared_.pool, [self = shared_from_this()] {
      const std::string_view piece = self->response_.pieces(self->sent_);
      // none: the connection is cut with the last owner of this
      if (piece.empty()) return;
      net::post(self->shared_.io, [self, piece] {
        self->stream_.expires_after(kPatience);
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
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kFarewell);
    Drop();
  }
  void Drop() {
    stream_.async_read_some(net::buffer(dropped_),
                            [self = shared_from_this()](error_code error, size_t size) {
                              self->unread_ += size;
                              if (!error && self->unread_ < kMostUnread) self->Drop();
                            });
  }

  Shared& shared_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Request request_;
  Response response_;
  std::string head_;
  size_t sent_ = 0, unread_ = 0;
  std::array<char, 16384> dropped_;
};

}  // namespace

struct HttpServer::Impl : Shared {
  Impl(const HttpOptions& with, HttpHandlers how) : Shared{with, std::move(how)}, acceptor(io) {
    const std::string where = fmt::format("port {} of {}", options.port, options.address);
    try {
      const tcp::endpoint endpoint(net::ip::make_address(options.address),
                                   static_cast<uint16_t>(options.port));
      acceptor.open(endpoint.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(endpoint);
      acceptor.listen();
      port = acceptor.local_endpoint().port();
    } catch (const boost::system::system_error& error) {
      ThrowFailed(fmt::format("{} cannot be opened: {}; --port 0 takes a free one", where,
                              error.code().message()));
    }
    Accept();
    thread = std::thread([this] { io.run(); });
  }
  ~Impl() {
    io.stop();
    thread.join();
    pool.stop();
    pool.join();
  }
  void Accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error) {
        // no descriptor is free: some connection ends before long
        pause.expires_after(std::chrono::milliseconds(100));
        return pause.async_wait([this](error_code) { Accept(); });
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Connection>(*this, std::move(socket))->Begin();
      Accept();
    });
  }

  tcp::acceptor acceptor;
  net::steady_timer pause{io};
  int port = 0;
  std::thread thread;
};

HttpServer::HttpServer(const HttpOptions& options, HttpHandlers handlers)
    : impl_(std::make_unique<Impl>(options, std::move(handlers))) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port; }

std::string HttpLibraryVersion() {
  return fmt::format("{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000);
}

}  // namespace understudy
