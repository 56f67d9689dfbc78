#include "view/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "core/base/error.h"
#include "view/answers.h"
#include "view/http.h"
#include "view/page.h"

namespace understudy {
namespace {

constexpr const char* kJsonType = "application/json; charset=utf-8";
constexpr size_t kMaxBody = size_t{16} << 20;  // marks of a million episodes
constexpr size_t kThreads = 24;  // mostly waiting for browsers that keep a connection open

// 128 random bits.
std::string RandomKey() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Answers go out as they are: compressing them would cost more than the loopback interface does.
void Send(httplib::Response& response, int status, std::string body, const char* type) {
  response.status = status;
  const auto shared = std::make_shared<const std::string>(std::move(body));
  response.set_content_provider(shared->size(), type,
                                [shared](size_t offset, size_t length, httplib::DataSink& sink) {
                                  return sink.write(shared->data() + offset, length);
                                });
}

void SendJson(httplib::Response& response, const Json& json, int status = 200) {
  Send(response, status, json.dump(-1, ' ', false, Json::error_handler_t::replace), kJsonType);
}

// Runs `work`; an exception becomes an answer with its message.
template <class F>
void Answer(httplib::Response& response, F work) {
  try {
    work();
  } catch (const RequestError& error) {
    SendJson(response, {{"error", error.what()}}, error.status());
  } catch (const Error& error) {
    const int status = error.kind() == ErrorKind::kUsage      ? 400
                       : error.kind() == ErrorKind::kBadInput ? 422
                                                              : 503;
    SendJson(response, {{"error", error.what()}}, status);
  } catch (const std::exception& error) {
    SendJson(response, {{"error", std::string("this is a bug in Understudy: ") + error.what()}},
             500);
  }
}

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

// "/api/episode/12/frames" -> 12 and "/frames".
bool SplitEpisodePath(const std::string& path, size_t* episode, std::string* rest) {
  const std::string prefix = "/api/episode/";
  if (!path.starts_with(prefix)) return false;
  const size_t slash = path.find('/', prefix.size());
  const std::string number = path.substr(prefix.size(), slash - prefix.size());
  const bool digits = !number.empty() && number.size() <= 9 &&
                      number.find_first_not_of("0123456789") == std::string::npos;
  if (!digits) return false;
  *episode = std::stoul(number);
  *rest = slash == std::string::npos ? "" : path.substr(slash);
  return true;
}

}  // namespace

struct ViewServer::Impl {
  Impl(const std::filesystem::path& dataset, const ViewOptions& options);
  ~Impl();

  // Whether `request` may be answered; otherwise `response` holds the refusal.
  bool Admit(const httplib::Request& request, httplib::Response& response) const;
  void Get(const httplib::Request& request, httplib::Response& response);
  void GetEpisode(size_t episode, const std::string& rest, const Parameters::Values& parameters,
                  httplib::Response& response);
  void SendFrames(const Answers::Frames& frames, httplib::Response& response) const;
  void Post(const httplib::Request& request, httplib::Response& response,
            const httplib::ContentReader& read_body);

  Answers answers;
  std::string key, nonce, url;
  int port = 0;
  httplib::Server server;
  std::atomic<bool> ended{false};
  std::thread thread;
};

ViewServer::Impl::Impl(const std::filesystem::path& dataset, const ViewOptions& options)
    : answers(dataset, options.marks, options.read), key(RandomKey()), nonce(RandomKey()) {
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_tcp_nodelay(true);
  // one request, one connection: a refused body is never taken for the next request
  server.set_keep_alive_max_count(1);
  server.set_keep_alive_timeout(2);
  // not httplib's SO_REUSEPORT, with which two servers would share a port
  server.set_socket_options([](int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_default_headers(
      {{"Cache-Control", "no-store"},
       {"X-Content-Type-Options", "nosniff"},
       {"Referrer-Policy", "no-referrer"},
       {"Cross-Origin-Resource-Policy", "same-origin"},
       {"Content-Security-Policy",
        fmt::format("default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src "
                    "data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                    "frame-ancestors 'none'",
                    nonce)}});
  // everything but the bodies of changes is answered here, without httplib's patterns and files
  server.set_pre_routing_handler([this](const auto& request, auto& response) {
    using Response = httplib::Server::HandlerResponse;
    if (!Admit(request, response)) return Response::Handled;
    if (request.method != "GET") return Response::Unhandled;
    Answer(response, [&] { Get(request, response); });
    return Response::Handled;
  });
  const auto post = [this](const auto& request, auto& response, const auto& read_body) {
    Answer(response, [&] { Post(request, response, read_body); });
  };
  server.Post("/api/marks", post);
  server.Post("/api/apply", post);
  if (options.port == 0) {
    port = server.bind_to_any_port("127.0.0.1");
  } else if (server.bind_to_port("127.0.0.1", options.port)) {
    port = options.port;
  }
  if (port <= 0) {
    ThrowFailed(fmt::format("port {} of 127.0.0.1 cannot be opened: {}; --port 0 takes a free one",
                            options.port, std::strerror(errno)));
  }
  url = fmt::format("http://127.0.0.1:{}/?key={}", port, key);
  thread = std::thread([this] {
    server.listen_after_bind();
    ended = true;
  });
  // stop() does nothing before that
  while (!server.is_running() && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

ViewServer::Impl::~Impl() {
  server.stop();
  thread.join();
}

bool ViewServer::Impl::Admit(const httplib::Request& request, httplib::Response& response) const {
  const auto refuse = [&](int status, const std::string& why) {
    SendJson(response, {{"error", why}}, status);
    return false;
  };
  const std::string host = request.get_header_value("Host");
  if (request.get_header_value_count("Host") != 1 || !IsThisMachine(host)) {
    return refuse(403, "this server answers to 127.0.0.1 and localhost only");
  }
  if (request.has_header("Range")) return refuse(400, "range requests are not supported");
  const bool change = request.method == "POST";
  if (!change && request.method != "GET") {
    return refuse(405, fmt::format("method {}: only GET and POST are supported", request.method));
  }
  // a change needs what no form and no link of another page can send
  const bool known = request.get_header_value("X-Understudy-Key") == key ||
                     (!change && request.get_param_value_count("key") == 1 &&
                      request.get_param_value("key") == key);
  if (!known) {
    return refuse(
        403,
        "the key is missing or belongs to another run: open the address that `understudy data "
        "view` printed");
  }
  if (!change) return true;
  if (request.has_header("Origin") && request.get_header_value("Origin") != "http://" + host) {
    return refuse(403, "changes come from this server's own page only");
  }
  if (!request.get_header_value("Content-Type").starts_with("application/json")) {
    return refuse(415, "a change must be application/json");
  }
  if (request.path != "/api/marks" && request.path != "/api/apply") {
    return refuse(404, fmt::format("nothing to change at '{}'", request.path));
  }
  return true;
}

void ViewServer::Impl::Get(const httplib::Request& request, httplib::Response& response) {
  Parameters::Values parameters(request.params.begin(), request.params.end());
  parameters.erase("key");
  const auto take = [&](const std::vector<std::string>& known) {
    return Parameters(parameters, known);
  };
  size_t episode = 0;
  std::string rest;
  const std::string& path = request.path;
  if (path == "/" || path == "/index.html") {
    take({});
    Send(response, 200, Replaced(Replaced(std::string(Page()), "@KEY@", key), "@NONCE@", nonce),
         "text/html; charset=utf-8");
  } else if (path == "/api/dataset") {
    take({});
    SendJson(response, answers.Dataset());
  } else if (path == "/api/rows") {
    SendJson(response, answers.Rows(take({"from"})));
  } else if (path == "/api/where") {
    SendJson(response, answers.Where(take({"condition"})));
  } else if (path == "/api/marks") {
    take({});
    SendJson(response, answers.MarksNow());
  } else if (SplitEpisodePath(path, &episode, &rest)) {
    GetEpisode(episode, rest, parameters, response);
  } else {
    throw RequestError(404, fmt::format("nothing at '{}'", path));
  }
}

void ViewServer::Impl::GetEpisode(size_t episode, const std::string& rest,
                                  const Parameters::Values& parameters,
                                  httplib::Response& response) {
  const size_t count = answers.reader().episodes().size();
  if (episode >= count) {
    throw RequestError(404, fmt::format("no episode {}: there are {}", episode, count));
  }
  if (rest.empty()) {
    Parameters(parameters, {});
    SendJson(response, answers.Episode(episode)->about);
  } else if (rest == "/columns") {
    Parameters(parameters, {});
    const std::shared_ptr<const EpisodeView> view = answers.Episode(episode);
    const size_t bytes = view->numbers.size() * sizeof(double);
    response.status = 200;
    response.set_content_provider(
        bytes, "application/octet-stream",
        [view](size_t offset, size_t length, httplib::DataSink& sink) {
          return sink.write(reinterpret_cast<const char*>(view->numbers.data()) + offset, length);
        });
  } else if (rest == "/frames") {
    SendFrames(answers.FramesOf(episode, Parameters(parameters, {"camera", "from", "count"})),
               response);
  } else {
    throw RequestError(404, fmt::format("an episode has no '{}'", rest));
  }
}

// Frame by frame: memory stays at one frame per request.
void ViewServer::Impl::SendFrames(const Answers::Frames& frames,
                                  httplib::Response& response) const {
  const auto frame = std::make_shared<std::vector<uint8_t>>(frames.frame_bytes);
  const EpisodeSource& reader = answers.reader();
  // read the first one before the answer begins, so that damage is reported as a message
  reader.ReadFrame(frames.episode, frames.camera, frames.from, frame->data());
  response.status = 200;
  response.set_content_provider(
      frames.count * frames.frame_bytes, "application/octet-stream",
      [frames, frame, &reader](size_t offset, size_t, httplib::DataSink& sink) {
        const size_t at = offset / frames.frame_bytes, within = offset % frames.frame_bytes;
        if (at > 0 && within == 0) {
          try {
            reader.ReadFrame(frames.episode, frames.camera, frames.from + at, frame->data());
          } catch (const std::exception&) {
            return false;  // end the connection; a request for this frame alone reports why
          }
        }
        return sink.write(reinterpret_cast<const char*>(frame->data()) + within,
                          frames.frame_bytes - within);
      });
}

void ViewServer::Impl::Post(const httplib::Request& request, httplib::Response& response,
                            const httplib::ContentReader& read_body) {
  std::string body;
  const bool whole = read_body([&](const char* data, size_t size) {
    if (body.size() + size > kMaxBody) return false;
    body.append(data, size);
    return true;
  });
  if (!whole) throw RequestError(413, fmt::format("the request has more than {} bytes", kMaxBody));
  Json json;
  try {
    json = ParseJson(body, "the request");
  } catch (const Error& error) {
    throw RequestError(400, error.what());
  }
  try {
    SendJson(response, request.path == "/api/marks" ? answers.SetMarks(json) : answers.Apply(json));
  } catch (const Error& error) {
    // a request that cannot be met is not damage of the dataset
    throw RequestError(error.kind() == ErrorKind::kFailed ? 500 : 400, error.what());
  }
}

ViewServer::ViewServer(const std::filesystem::path& dataset, const ViewOptions& options)
    : impl_(std::make_unique<Impl>(dataset, options)) {}
ViewServer::~ViewServer() = default;

const std::string& ViewServer::url() const { return impl_->url; }
const std::string& ViewServer::key() const { return impl_->key; }
int ViewServer::port() const { return impl_->port; }
const std::string& ViewServer::notice() const { return impl_->answers.marks().notice(); }

Json ViewServer::Summary() const {
  const Json marks = impl_->answers.MarksNow();
  return {{"episodes", impl_->answers.reader().episodes().size()},
          {"kept", marks["keep"].size()},
          {"dropped", marks["drop"].size()},
          {"marks", marks["file"]}};
}

std::string HttpLibraryVersion() { return CPPHTTPLIB_VERSION; }

}  // namespace understudy
