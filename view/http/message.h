#pragma once

// A request and its answer as values, without a library for HTTP.

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// An invalid request, with its HTTP status.
class RequestError : public std::runtime_error {
 public:
  RequestError(int status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// Order of header names, whose case does not matter.
struct HeaderLess {
  bool operator()(std::string_view a, std::string_view b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return std::tolower(static_cast<unsigned char>(x)) <
             std::tolower(static_cast<unsigned char>(y));
    });
  }
};

struct Request {
  std::string method;                                  // "GET"
  std::string path;                                    // decoded, without parameters
  std::multimap<std::string, std::string> parameters;  // decoded
  std::multimap<std::string, std::string, HeaderLess> headers;
  std::string body;               // empty while a request is only admitted
  bool upgrade = false;           // asks for a WebSocket
  bool encrypted = false;         // came over TLS
  bool from_this_machine = true;  // over the loopback interface

  // The value of a header or parameter that is given once; else "".
  std::string Header(const std::string& name) const {
    return headers.count(name) == 1 ? headers.find(name)->second : "";
  }
  std::string Parameter(const std::string& name) const {
    return parameters.count(name) == 1 ? parameters.find(name)->second : "";
  }
};

struct Response {
  int status = 200;
  std::string type;  // of the content
  std::string body;
  // Where the body is not whole in memory: its size and what gives the next bytes from an offset,
  // valid until it is asked again. It is asked on a thread of the server's own; none: the
  // connection is cut.
  size_t size = 0;
  std::function<std::string_view(size_t offset)> pieces;
  std::vector<std::pair<std::string, std::string>> headers;  // besides the server's own
};

// Text that is no UTF-8 is replaced: a page must be able to read every answer.
inline Response JsonResponse(const Json& json, int status = 200) {
  return {.status = status,
          .type = "application/json; charset=utf-8",
          .body = json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

inline Response Refusal(int status, const std::string& why) {
  return JsonResponse({{"error", why}}, status);
}

}  // namespace understudy
