#include "view/http/page_server.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "view/http/assets.h"
#include "view/http/guard.h"

namespace understudy {
namespace {

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// What `work` answers; an exception becomes an answer with its message.
template <class F>
Response Answered(F work) {
  try {
    return work();
  } catch (const RequestError& error) {
    return Refusal(error.status(), error.what());
  } catch (const Error& error) {
    const int status = error.kind() == ErrorKind::kUsage      ? 400
                       : error.kind() == ErrorKind::kBadInput ? 422
                                                              : 503;
    return Refusal(status, error.what());
  } catch (const std::exception& error) {
    return Refusal(500, std::string("this is a bug in Understudy: ") + error.what());
  }
}

HttpOptions OptionsOf(int port, const std::string& nonce) {
  return {.port = port,
          .headers = {{"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Content-Security-Policy",
                       fmt::format("default-src 'none'; script-src 'nonce-{0}' 'self'; style-src "
                                   "'nonce-{0}'; img-src data:; connect-src 'self'; base-uri "
                                   "'none'; form-action 'none'; frame-ancestors 'none'",
                                   nonce)}}};
}

}  // namespace

std::shared_ptr<WebSocketHandler> Site::Open(const Request& request) {
  throw RequestError(404, fmt::format("no socket at '{}'", request.path));
}

struct PageServer::Impl {
  Impl(Site& what, int wanted_port)
      : site(what),
        server(OptionsOf(wanted_port, nonce),
               {.admit = [this](const Request& head) { return Admit(head); },
                .answer = [this](const Request& request) { return Answer(request); },
                .open = [this](const Request& request) { return site.Open(request); }}),
        url(fmt::format("http://127.0.0.1:{}/?key={}", server.port(), guard.key())) {}

  std::optional<Response> Admit(const Request& head) const {
    if (std::optional<Response> refusal = guard.Refuse(head)) return refusal;
    if (head.method == "POST" && !site.Changes(head.path)) {
      return Refusal(404, fmt::format("nothing to change at '{}'", head.path));
    }
    return std::nullopt;
  }

  Response Answer(Request request) {
    request.parameters.erase("key");
    return Answered([&]() -> Response {
      const std::string library = "/lib/";
      if (request.path.starts_with(library)) {
        const std::string_view text = Asset(request.path.substr(library.size()));
        if (!request.path.ends_with(".js") || text.empty()) {
          throw RequestError(404, fmt::format("nothing at '{}'", request.path));
        }
        return {.type = "text/javascript; charset=utf-8", .body = std::string(text)};
      }
      if (request.method == "POST" || (request.path != "/" && request.path != "/index.html")) {
        return site.Answer(request);
      }
      if (!request.parameters.empty()) {
        throw RequestError(
            400, fmt::format("unknown parameter '{}'", request.parameters.begin()->first));
      }
      return {.type = "text/html; charset=utf-8",
              .body = Replaced(Replaced(std::string(site.page()), "@KEY@", guard.key()), "@NONCE@",
                               nonce)};
    });
  }

  Site& site;
  const Guard guard{RandomKey()};
  const std::string nonce = RandomKey();
  HttpServer server;
  const std::string url;
};

PageServer::PageServer(Site& site, int port) : impl_(std::make_unique<Impl>(site, port)) {}
PageServer::~PageServer() = default;

const std::string& PageServer::url() const { return impl_->url; }
const std::string& PageServer::key() const { return impl_->guard.key(); }
int PageServer::port() const { return impl_->server.port(); }

}  // namespace understudy
