#pragma once

// What a page server shows.

#include <memory>
#include <string_view>

#include "view/http/server.h"

namespace understudy {

// A page and what it asks for. Every call may come from any thread, several at once.
class Site {
 public:
  virtual ~Site() = default;
  // The HTML page at "/". A server replaces `@KEY@` and `@NONCE@`.
  virtual std::string_view page() const = 0;
  // Answers an admitted request, without its key among the parameters. Throws RequestError, and
  // Error, which becomes an answer with its message.
  virtual Response Answer(const Request& request) = 0;
  // Whether a POST may come to `path`: asked before its body is read.
  virtual bool Changes(const std::string& path) const = 0;
  // What speaks with a WebSocket at `request.path`. Throws RequestError.
  virtual std::shared_ptr<WebSocketHandler> Open(const Request& request);
};

}  // namespace understudy
