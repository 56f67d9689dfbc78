#include "serve/openpi_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "serve/websocket/websocket_client.h"

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = WebsocketReply::Kind;
constexpr auto kBetweenAttempts = std::chrono::milliseconds(50);
constexpr size_t kLongestWords = 4000;

// The end of a traceback, which says what went wrong; whole lines.
std::string EndOf(std::string text) {
  text.erase(text.find_last_not_of(" \r\n\t") + 1);
  if (text.empty()) return "refused without a reason";
  if (text.size() > kLongestWords) {
    text = text.substr(text.size() - kLongestWords);
    text.erase(0, text.find('\n') + 1);
  }
  return AsUtf8(text);
}

WebsocketAddress AddressOf(const RemoteOptions& options) {
  const std::optional<WebsocketAddress> address = ReadWebsocketAddress(options.address);
  if (!address) {
    ThrowUsage(fmt::format("{} '{}': a server of openpi's protocol has an address ws://HOST:PORT",
                           options.peer, options.address));
  }
  return *address;
}

}  // namespace

struct OpenpiClient::Connections {
  explicit Connections(const RemoteOptions& of)
      : options(of),
        address(AddressOf(of)),
        authorization(of.token.empty() ? "" : "Api-Key " + of.token) {}

  [[noreturn]] void Fail(const std::string& what) const {
    ThrowFailed(fmt::format("{} {}: {}", options.peer, options.address, what));
  }

  // The map that a message holds; `what` was asked for. Throws what the server refuses with.
  WireValue Read(const WebsocketReply& reply, const char* what) const {
    if (reply.kind == Kind::kText) Fail(fmt::format("{}: {}", what, EndOf(reply.bytes)));
    WireValue value;
    try {
      value = Unpack(reply.bytes).value;
    } catch (const Error& error) {
      Fail(fmt::format("its answer to {} is {}", what, error.what()));
    }
    if (!value.As<WireMap>()) {
      Fail(fmt::format("its answer to {} is {}, not a map", what, value.TypeName()));
    }
    return value;
  }

  // Asks until there is an answer or no more time: a server that restarts is asked again.
  // `request` null: connects and returns the metadata.
  WireValue Ask(const std::string* request, const char* what) {
    const auto deadline = Clock::now() + std::chrono::milliseconds(options.timeout_ms);
    std::string reason;
    while (Clock::now() < deadline) {
      std::unique_ptr<WebsocketConnection> connection = request ? TakeIdle() : nullptr;
      const bool used = connection != nullptr;
      WebsocketReply reply;
      WireValue value;
      if (!used) {
        connection =
            std::make_unique<WebsocketConnection>(address, authorization, WebsocketLimits());
        reply = connection->Open(deadline);
        if (IsMessage(reply)) value = Read(reply, "connect");
      }
      if (request && (used || IsMessage(reply))) reply = connection->Exchange(*request, deadline);
      if (IsMessage(reply)) {
        if (request) value = Read(reply, what);
        const std::lock_guard lock(mutex);
        idle.push_back(std::move(connection));
        return value;
      }
      // a server closes a connection that was idle for too long: that says nothing of the request
      if (reply.kind == Kind::kRejected && !used) Fail(fmt::format("{}: {}", what, reply.bytes));
      if (!reply.bytes.empty()) reason = reply.bytes;
      if (reply.kind == Kind::kLost && !used) {
        std::this_thread::sleep_until(std::min(deadline, Clock::now() + kBetweenAttempts));
      }
    }
    Fail(fmt::format("no answer to {} within {:.1f} s{}", what, options.timeout_ms / 1000.0,
                     reason.empty() ? "" : " (" + reason + ")"));
  }

  static bool IsMessage(const WebsocketReply& reply) {
    return reply.kind == Kind::kBinary || reply.kind == Kind::kText;
  }

  // A connection that waits for work and is sound; null if there is none.
  std::unique_ptr<WebsocketConnection> TakeIdle() {
    const std::lock_guard lock(mutex);
    while (!idle.empty()) {
      std::unique_ptr<WebsocketConnection> connection = std::move(idle.back());
      idle.pop_back();
      // what has come meanwhile is no answer: it must not be taken for the next one
      if (connection->IsQuiet()) return connection;
    }
    return nullptr;
  }

  const RemoteOptions options;
  const WebsocketAddress address;
  const std::string authorization;
  std::mutex mutex;
  std::vector<std::unique_ptr<WebsocketConnection>> idle;
};

OpenpiClient::OpenpiClient(RemoteOptions options)
    : options_(std::move(options)), connections_(std::make_unique<Connections>(options_)) {
  metadata_ = connections_->Ask(nullptr, "connect");
}

OpenpiClient::~OpenpiClient() = default;

WireValue OpenpiClient::Infer(const WireValue& observation) {
  const std::string request = Pack(observation, ArrayForm::kOpenpi);
  return connections_->Ask(&request, "infer");
}

}  // namespace understudy
