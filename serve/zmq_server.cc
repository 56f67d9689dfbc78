#include "serve/zmq_server.h"

#include <fmt/format.h>

#include <vector>
#include <zmq.hpp>

#include "core/base/error.h"

namespace understudy {

std::string ZmqVersion() {
  const auto [major, minor, patch] = zmq::version();
  return fmt::format("{}.{}.{}", major, minor, patch);
}

struct ZmqServer::Sockets {
  zmq::context_t context;
  zmq::socket_t router{context, zmq::socket_type::router};
};

ZmqServer::ZmqServer(const std::string& address, const ServerLimits& limits)
    : sockets_(std::make_unique<Sockets>()) {
  zmq::socket_t& router = sockets_->router;
  router.set(zmq::sockopt::maxmsgsize, limits.message_bytes);
  router.set(zmq::sockopt::sndhwm, limits.waiting);
  router.set(zmq::sockopt::rcvhwm, limits.waiting);
  router.set(zmq::sockopt::linger, 200);
  // a client whose machine is gone is given up
  router.set(zmq::sockopt::tcp_keepalive, 1);
  std::string bound = address;
  if (bound.ends_with(":0")) bound.replace(bound.size() - 1, 1, "*");
  try {
    router.bind(bound);
  } catch (const zmq::error_t& error) {
    ThrowUsage(fmt::format("serve: {}: {}", address,
                           error.num() == EADDRINUSE
                               ? "the port is in use: end the program that has it, or take another "
                                 "one (--port; 0: a free one)"
                               : error.what()));
  }
}

ZmqServer::~ZmqServer() = default;

std::string ZmqServer::address() const { return sockets_->router.get(zmq::sockopt::last_endpoint); }

int ZmqServer::Serve(int timeout_ms, const Answer& answer) {
  zmq::socket_t& router = sockets_->router;
  int answered = 0;
  try {
    zmq::pollitem_t item{router.handle(), 0, ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, std::chrono::milliseconds(timeout_ms));
    // as many as have come, but not for ever: the caller looks whether it is to end
    for (int i = 0; i < 64; ++i) {
      std::vector<zmq::message_t> frames;
      zmq::message_t frame;
      if (!router.recv(frame, zmq::recv_flags::dontwait)) break;
      frames.push_back(std::move(frame));
      while (frames.back().more()) {
        zmq::message_t next;
        (void)router.recv(next);
        // a request has three frames: the rest of a longer one is read and forgotten
        if (frames.size() < 4) {
          frames.push_back(std::move(next));
        } else {
          frames.back() = std::move(next);
        }
      }
      // who, nothing (of REQ), what
      const bool req = frames.size() == 3 && frames[1].size() == 0;
      if (!req && frames.size() != 2) {
        ++dropped_;
        continue;
      }
      const std::string client = frames[0].to_string();
      const std::string reply = answer(client, frames.back().to_string_view());
      router.send(frames[0], zmq::send_flags::sndmore);
      if (req) router.send(zmq::message_t(), zmq::send_flags::sndmore);
      router.send(zmq::buffer(reply));
      ++answered;
    }
  } catch (const zmq::error_t& error) {
    // a signal interrupts what waits
    if (error.num() != EINTR) ThrowFailed(fmt::format("serve: {}", error.what()));
  }
  return answered;
}

}  // namespace understudy
