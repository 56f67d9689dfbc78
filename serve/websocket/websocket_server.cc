#include "serve/websocket/websocket_server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "core/base/error.h"

namespace understudy {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace net = boost::asio;
namespace websocket = beast::websocket;
using ErrorCode = beast::error_code;
using tcp = net::ip::tcp;
constexpr auto kRequestTime = std::chrono::seconds(10);  // for a client to say what it wants
constexpr uint64_t kMostBody = 4096;                     // bytes of a request that is no WebSocket

}  // namespace

struct WebsocketServer::State {
  explicit State(WebsocketServerOptions of) : options(std::move(of)) {}
  WebsocketServerOptions options;
  const Answer* answer = nullptr;  // during Serve
  int open = 0, answered = 0;
  int64_t clients = 0, dropped = 0;
  // last: its handlers own the sessions, which count themselves out
  net::io_context io;
  tcp::acceptor acceptor{io};
};

// A client, from its first byte on; it lives as long as an operation of it is under way.
class WebsocketServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(State& state, tcp::socket socket)
      : state_(state), socket_(std::move(socket)), client_(std::to_string(++state.clients)) {
    ++state_.open;
  }
  ~Session() { --state_.open; }

  void Start() {
    parser_.emplace();
    parser_->body_limit(kMostBody);
    beast::tcp_stream& stream = beast::get_lowest_layer(socket_);
    stream.expires_after(kRequestTime);
    http::async_read(stream, buffer_, *parser_,
                     [self = shared_from_this()](ErrorCode error, size_t) {
                       if (error) return self->Drop();
                       self->Enter();
                     });
  }

 private:
  void Enter() {
    const auto& request = parser_->get();
    const WebsocketServerOptions& options = state_.options;
    if (!websocket::is_upgrade(request)) {
      const bool healthy = request.target() == "/healthz" && request.method() == http::verb::get;
      if (healthy) return Respond(http::status::ok, "OK\n");
      return Refuse(http::status::upgrade_required, "this server speaks WebSocket\n");
    }
    // browsers let any page open a WebSocket to this machine, and name the page here
    if (request.find(http::field::origin) != request.end()) {
      return Refuse(http::status::forbidden, "web pages are not answered\n");
    }
    const auto authorization = request[http::field::authorization];
    if (options.allows && !options.allows({authorization.data(), authorization.size()})) {
      return Refuse(http::status::unauthorized, "the key in Authorization is not the server's\n");
    }
    if (state_.open > options.connections) {
      return Refuse(http::status::service_unavailable,
                    "the server has all clients that it takes\n");
    }
    beast::get_lowest_layer(socket_).expires_never();
    socket_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket_.read_message_max(static_cast<size_t>(options.message_bytes));
    socket_.auto_fragment(false);
    buffer_.clear();
    socket_.async_accept(request, [self = shared_from_this()](ErrorCode error) {
      if (error) return self->Drop();
      self->parser_.reset();
      self->Send({self->state_.options.greeting, true});
    });
  }

  void Refuse(http::status status, const char* words) {
    ++state_.dropped;
    Respond(status, words);
  }

  void Respond(http::status status, const char* words) {
    auto response = std::make_shared<http::response<http::string_body>>(status, 11, words);
    response->keep_alive(false);
    response->prepare_payload();
    http::async_write(beast::get_lowest_layer(socket_), *response,
                      [self = shared_from_this(), response](ErrorCode, size_t) {
                        ErrorCode ignored;
                        beast::get_lowest_layer(self->socket_)
                            .socket()
                            .shutdown(tcp::socket::shutdown_both, ignored);
                      });
  }

  void Send(Reply reply) {
    reply_ = std::move(reply);
    socket_.binary(reply_.binary);
    socket_.async_write(net::buffer(reply_.bytes),
                        [self = shared_from_this()](ErrorCode error, size_t) {
                          if (error) return self->Drop();
                          self->Read();
                        });
  }

  void Read() {
    socket_.async_read(buffer_, [self = shared_from_this()](ErrorCode error, size_t) {
      // a client that goes away is no fault
      if (error == websocket::error::closed || error == net::error::eof) return;
      if (error) return self->Drop();
      const auto bytes = self->buffer_.cdata();
      Reply reply = (*self->state_.answer)(self->client_,
                                           {static_cast<const char*>(bytes.data()), bytes.size()},
                                           self->socket_.got_binary());
      ++self->state_.answered;
      // a large request's memory is given back
      self->buffer_ = beast::flat_buffer();
      self->Send(std::move(reply));
    });
  }

  void Drop() { ++state_.dropped; }

  State& state_;
  websocket::stream<beast::tcp_stream> socket_;
  const std::string client_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Reply reply_;
};

WebsocketServer::WebsocketServer(WebsocketServerOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
  const std::string wanted = fmt::format("ws://{}:{}", state_->options.host, state_->options.port);
  ErrorCode error;
  const auto host = net::ip::make_address(state_->options.host, error);
  if (error) ThrowUsage(fmt::format("serve: {}: a host is a number, as 127.0.0.1", wanted));
  const tcp::endpoint endpoint(host, static_cast<uint16_t>(state_->options.port));
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(net::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (error) {
    ThrowUsage(fmt::format("serve: {}: {}", wanted,
                           error == net::error::address_in_use
                               ? "the port is in use: end the program that has it, or take another "
                                 "one (--port; 0: a free one)"
                               : error.message()));
  }
  // an accept is always under way
  struct Next {
    State* state;
    void operator()(ErrorCode error, tcp::socket socket) const {
      // clients that say nothing must not take all file handles
      if (!error && state->open < 2 * state->options.connections) {
        std::make_shared<Session>(*state, std::move(socket))->Start();
      } else {
        ++state->dropped;
      }
      if (error != net::error::operation_aborted) state->acceptor.async_accept(*this);
    }
  };
  acceptor.async_accept(Next{state_.get()});
}

WebsocketServer::~WebsocketServer() = default;

std::string WebsocketServer::address() const {
  const tcp::endpoint endpoint = state_->acceptor.local_endpoint();
  const std::string host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) return fmt::format("ws://[{}]:{}", host, endpoint.port());
  return fmt::format("ws://{}:{}", host, endpoint.port());
}

int WebsocketServer::Serve(int timeout_ms, const Answer& answer) {
  state_->answer = &answer;
  state_->answered = 0;
  state_->io.restart();
  state_->io.run_for(std::chrono::milliseconds(timeout_ms));
  state_->answer = nullptr;
  return state_->answered;
}

int64_t WebsocketServer::dropped() const { return state_->dropped; }

}  // namespace understudy
