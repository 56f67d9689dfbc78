#pragma once

#include <deque>
#include <memory>

#include "view/http/shared.h"

namespace understudy::http_server {

// What a handler holds of a socket: it may outlive the socket and the server.
template <class Socket>
class SocketHandle final : public WebSocket {
 public:
  explicit SocketHandle(std::weak_ptr<Socket> socket) : socket_(std::move(socket)) {}
  void SendText(Message message) override {
    Change([message = std::move(message)](Socket& socket) { socket.Queue(message); });
  }
  void SendLatest(Message message) override {
    Change([message = std::move(message)](Socket& socket) { socket.SetLatest(message); });
  }

 private:
  template <class F>
  void Change(F change) {
    if (const auto socket = socket_.lock()) socket->Post(std::move(change));
  }
  const std::weak_ptr<Socket> socket_;
};

// A WebSocket at work, on the server's thread.
template <class Stream>
class OpenSocket : public std::enable_shared_from_this<OpenSocket<Stream>> {
 public:
  OpenSocket(Shared& shared, Stream stream, std::shared_ptr<WebSocketHandler> handler)
      : shared_(shared), socket_(std::move(stream)), handler_(std::move(handler)) {}

  template <class Message>
  void Accept(Message request) {
    namespace websocket = beast::websocket;
    beast::get_lowest_layer(socket_).expires_never();
    socket_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket_.read_message_max(shared_.options.most_message);
    // in pieces of a few kilobytes: see Connection::Answer
    socket_.auto_fragment(true);
    const auto held = std::make_shared<Message>(std::move(request));
    socket_.async_accept(*held, [self = this->shared_from_this(), held](error_code error) {
      if (error) return;
      self->open_ = true;
      self->handler_->Opened(std::make_shared<SocketHandle<OpenSocket>>(self));
      self->Read();
    });
  }

  // From any thread: makes a change, then sends what waits.
  template <class Change>
  void Post(Change change) {
    net::post(shared_.io, [self = this->shared_from_this(), change = std::move(change)] {
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

 private:
  void Read() {
    socket_.async_read(buffer_, [self = this->shared_from_this()](error_code error, size_t) {
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
    } else {
      return;
    }
    writing_ = true;
    socket_.async_write(net::buffer(*now_),
                        [self = this->shared_from_this()](error_code error, size_t) {
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
  beast::websocket::stream<Stream> socket_;
  const std::shared_ptr<WebSocketHandler> handler_;
  beast::flat_buffer buffer_;
  std::deque<WebSocket::Message> waiting_;
  WebSocket::Message latest_, now_;  // `now_` is kept while it is written
  bool open_ = false, writing_ = false;
};

}  // namespace understudy::http_server
