#include "view/http/guard.h"

#include <fmt/format.h>

#include <random>

namespace understudy {
namespace {

// "[::1]:8080" -> "[::1]"
std::string HostName(const std::string& host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  return host.substr(0, colon);
}

bool IsThisMachine(const std::string& host) {
  std::string name = HostName(host);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
}

}  // namespace

std::string RandomKey() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::optional<Response> Guard::Refuse(const Request& head) const {
  const std::string host = head.Header("Host");
  if (head.headers.count("Host") != 1 || !IsThisMachine(host)) {
    return Refusal(403, "this server answers to 127.0.0.1 and localhost only");
  }
  if (head.headers.count("Range")) return Refusal(400, "range requests are not supported");
  const bool change = head.method == "POST";
  if (!change && head.method != "GET") {
    return Refusal(405, fmt::format("method {}: only GET and POST are supported", head.method));
  }
  // a change needs what no form and no link of another page can send
  const bool known =
      head.Header("X-Understudy-Key") == key_ || (!change && head.Parameter("key") == key_);
  if (!known) {
    return Refusal(403,
                   "the key is missing or belongs to another run: open the address that the "
                   "program printed");
  }
  // pages of other sites may open sockets: their browser says where they are from
  const bool own = !head.headers.count("Origin") || head.Header("Origin") == "http://" + host;
  if ((change || head.upgrade) && !own) {
    return Refusal(403, fmt::format("{} come from this server's own page only",
                                    change ? "changes" : "sockets"));
  }
  if (change && !head.Header("Content-Type").starts_with("application/json")) {
    return Refusal(415, "a change must be application/json");
  }
  return std::nullopt;
}

}  // namespace understudy
