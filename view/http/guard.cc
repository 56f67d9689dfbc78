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

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

bool Guard::IsThisMachine(const std::string& host) const {
  const std::string name = Lower(HostName(host));
  if (name == "127.0.0.1" || name == "localhost" || name == "[::1]") return true;
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const std::string& own) { return Lower(own) == name; });
}

std::string RandomKey() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::optional<Response> Guard::RefuseStranger(const Request& head) const {
  const std::string host = head.Header("Host");
  if (head.headers.count("Host") != 1 || !IsThisMachine(host)) {
    return Refusal(403, hosts_.empty()
                            ? "this server answers to 127.0.0.1 and localhost only"
                            : "this server answers to the addresses on its terminal only");
  }
  if (head.headers.count("Range")) return Refusal(400, "range requests are not supported");
  const bool change = head.method == "POST";
  if (!change && head.method != "GET") {
    return Refusal(405, fmt::format("method {}: only GET and POST are supported", head.method));
  }
  // pages of other sites may send and open sockets: their browser says where they are from
  const std::string own = (head.encrypted ? "https://" : "http://") + host;
  if ((change || head.upgrade) && head.headers.count("Origin") && head.Header("Origin") != own) {
    return Refusal(403, fmt::format("{} come from this server's own page only",
                                    change ? "changes" : "sockets"));
  }
  return std::nullopt;
}

std::optional<Response> Guard::Refuse(const Request& head) const {
  if (std::optional<Response> refusal = RefuseStranger(head)) return refusal;
  // a change needs what no form and no link of another page can send
  const bool change = head.method == "POST";
  const bool known =
      head.Header("X-Understudy-Key") == key_ || (!change && head.Parameter("key") == key_);
  if (!known) {
    return Refusal(403,
                   "the key is missing or belongs to another run: open the address that the "
                   "program printed");
  }
  if (change && !head.Header("Content-Type").starts_with("application/json")) {
    return Refusal(415, "a change must be application/json");
  }
  return std::nullopt;
}

}  // namespace understudy
