#include "serve/zmq_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>
#include <zmq.hpp>

#include "core/base/error.h"

namespace understudy {

WireArray PicturesOf(const std::vector<const PolicyObservation*>& moments, size_t camera) {
  std::string pixels;
  for (const PolicyObservation* moment : moments) {
    const Image& image = moment->images[camera];
    pixels.append(image.rgb.begin(), image.rgb.end());
  }
  const Image& first = moments.front()->images[camera];
  return WireArray::Bytes({1, static_cast<int64_t>(moments.size()), first.height, first.width, 3},
                          std::move(pixels));
}

std::vector<double> FiniteNumbers(const WireArray& array, const std::string& address,
                                  const std::string& name) {
  std::vector<double> numbers = array.Numbers();
  if (!std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); })) {
    ThrowFailed(fmt::format(
        "policy server {}: '{}' of its answer holds a number that is not finite", address, name));
  }
  return numbers;
}

struct ZmqClient::Sockets {
  zmq::context_t context;
  std::mutex mutex;
  std::vector<zmq::socket_t> idle;
};

ZmqClient::ZmqClient(RemoteOptions options)
    : options_(std::move(options)), sockets_(std::make_unique<Sockets>()) {}

ZmqClient::~ZmqClient() = default;

WireValue ZmqClient::Ask(const std::string& endpoint, WireValue data) {
  WireMap request{{"endpoint", endpoint}};
  if (!data.is_null()) request.emplace_back("data", std::move(data));
  if (!options_.token.empty()) request.emplace_back("api_token", options_.token);
  const std::string bytes = Pack(request, options_.arrays);

  zmq::socket_t socket;
  {
    const std::lock_guard lock(sockets_->mutex);
    if (!sockets_->idle.empty()) {
      socket = std::move(sockets_->idle.back());
      sockets_->idle.pop_back();
    }
  }
  zmq::message_t reply;
  try {
    if (!socket) {
      socket = zmq::socket_t(sockets_->context, zmq::socket_type::req);
      socket.set(zmq::sockopt::linger, 0);
      socket.set(zmq::sockopt::rcvtimeo, options_.timeout_ms);
      socket.set(zmq::sockopt::sndtimeo, options_.timeout_ms);
      socket.connect(options_.address);
    }
    socket.send(zmq::buffer(bytes));
    // one that waits in vain is not used again: it would take the late answer for the next
    if (!socket.recv(reply)) {
      ThrowFailed(fmt::format("{} {}: no answer to {} within {:.1f} s", options_.peer,
                              options_.address, endpoint, options_.timeout_ms / 1000.0));
    }
  } catch (const zmq::error_t& error) {
    const std::string text =
        fmt::format("{} '{}': {}", options_.peer, options_.address, error.what());
    if (error.num() == EINVAL || error.num() == EPROTONOSUPPORT) {
      ThrowUsage(text + "; an address is tcp://HOST:PORT");
    }
    ThrowFailed(text);
  }
  {
    const std::lock_guard lock(sockets_->mutex);
    sockets_->idle.push_back(std::move(socket));
  }

  WireValue value;
  try {
    value = Unpack(reply.to_string_view()).value;
  } catch (const Error& error) {
    ThrowFailed(fmt::format("{} {}: its answer to {} is {}", options_.peer, options_.address,
                            endpoint, error.what()));
  }
  if (const WireValue* error = value.Find("error")) {
    const std::string* text = error->As<std::string>();
    ThrowFailed(fmt::format("{} {}: {}: {}", options_.peer, options_.address, endpoint,
                            text ? *text : "refused without a reason"));
  }
  return value;
}

}  // namespace understudy
