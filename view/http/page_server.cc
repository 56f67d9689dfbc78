#include "view/http/page_server.h"

#include <fmt/format.h>

#include <thread>

#include "core/base/error.h"
#include "view/http/assets.h"
#include "view/http/guard.h"
#include "view/http/pairing.h"
#include "view/http/tls_identity.h"

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

HttpOptions OptionsOf(const PageOptions& options, const std::string& nonce,
                      const std::optional<OwnTls>& tls) {
  return {.address = options.network ? "0.0.0.0" : "127.0.0.1",
          .port = options.port,
          .tls = tls ? std::optional(tls->identity) : std::nullopt,
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
  Impl(Site& what, const PageOptions& options)
      : site(what),
        hosts(options.network ? OwnHosts() : std::vector<std::string>()),
        guard(RandomKey(), hosts),
        tls(options.network
                ? std::optional(LoadOwnTls(
                      options.tls_folder.empty() ? DefaultTlsFolder() : options.tls_folder, hosts))
                : std::nullopt),
        pairing(options.network ? std::make_unique<Pairing>(guard.key(), options.show_code)
                                : nullptr),
        server(OptionsOf(options, nonce, tls),
               {.admit = [this](const Request& head) { return Admit(head); },
                .answer = [this](const Request& request) { return Answer(request); },
                .open = [this](const Request& request) { return site.Open(request); }}),
        url(fmt::format("http://127.0.0.1:{}/?key={}", server.port(), guard.key())) {
    for (const std::string& host : hosts) {
      addresses.push_back(fmt::format("https://{}:{}/", host, server.port()));
    }
  }

  // Where a stranger of the network gets in.
  bool IsDoor(const Request& head) const {
    if (!tls || head.upgrade) return false;
    return head.method == "POST" ? head.path == "/pair"
                                 : head.path == "/" || head.path == "/authority.crt";
  }

  std::optional<Response> Admit(const Request& head) const {
    std::optional<Response> refusal = guard.RefuseStranger(head);
    if (refusal) return refusal;
    // what crosses the network is encrypted
    if (!head.encrypted && !head.from_this_machine) {
      const std::string there = "https://" + head.Header("Host") + "/";
      return Response{.status = 308, .headers = {{"Location", there}}};
    }
    refusal = guard.Refuse(head);
    if (refusal) return IsDoor(head) ? std::nullopt : refusal;
    if (head.method == "POST" && !site.Changes(head.path) && !IsDoor(head)) {
      return Refusal(404, fmt::format("nothing to change at '{}'", head.path));
    }
    return std::nullopt;
  }

  // {"code": "123456"} -> {"key": …}
  Response Pair(const Request& request) {
    const Json json = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("code") || !json["code"].is_string()) {
      throw RequestError(400, "the code is missing");
    }
    if (const auto key = pairing->Try(json["code"].get<std::string>())) {
      return JsonResponse({{"key", *key}});
    }
    // nobody tries a million codes
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    throw RequestError(403, "this is not the code on the terminal; after a few tries it changes");
  }

  Response Page(std::string_view page) const {
    return {.type = "text/html; charset=utf-8",
            .body = Replaced(Replaced(std::string(page), "@KEY@", guard.key()), "@NONCE@", nonce)};
  }

  Response Answer(Request request) {
    const bool stranger = guard.Refuse(request).has_value();
    request.parameters.erase("key");
    return Answered([&]() -> Response {
      if (tls && request.method == "POST" && request.path == "/pair") return Pair(request);
      if (tls && request.path == "/authority.crt") {
        return {.type = "application/x-x509-ca-cert", .body = tls->authority};
      }
      if (stranger) return Page(Asset("pair.html"));
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
      return Page(site.page());
    });
  }

  Site& site;
  const std::vector<std::string> hosts;
  const Guard guard;
  const std::optional<OwnTls> tls;
  const std::string nonce = RandomKey();
  const std::unique_ptr<Pairing> pairing;  // null: nobody of the network gets in
  HttpServer server;                       // its threads use all above
  const std::string url;
  std::vector<std::string> addresses;
};

PageServer::PageServer(Site& site, const PageOptions& options)
    : impl_(std::make_unique<Impl>(site, options)) {}
PageServer::~PageServer() = default;

const std::string& PageServer::url() const { return impl_->url; }
const std::string& PageServer::key() const { return impl_->guard.key(); }
const std::vector<std::string>& PageServer::addresses() const { return impl_->addresses; }
const std::string& PageServer::fingerprint() const {
  static const std::string kNone;
  return impl_->tls ? impl_->tls->fingerprint : kNone;
}
int PageServer::port() const { return impl_->server.port(); }

}  // namespace understudy
