#include "view/dataset/view_server.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/formats/base/unread_poses.h"
#include "view/dataset/answers.h"
#include "view/dataset/episode_scenes.h"
#include "view/http/assets.h"
#include "view/http/page_server.h"

namespace understudy {
namespace {

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

// Numbers go out as they are: compressing them would cost more than the loopback interface does.
constexpr const char* kBytesType = "application/octet-stream";

class DatasetSite final : public Site {
 public:
  DatasetSite(const std::filesystem::path& dataset, const ViewOptions& options)
      : answers_(dataset, options.marks, options.read),
        scenes_(answers_.reader(), options.scenes) {}

  const Answers& answers() const { return answers_; }

  std::string_view page() const override { return Asset("dataset.html"); }
  bool Changes(const std::string& path) const override {
    return path == "/api/marks" || path == "/api/apply";
  }
  Response Answer(const Request& request) override {
    return request.method == "POST" ? Post(request) : Get(request);
  }

 private:
  Response Get(const Request& request);
  Response GetEpisode(size_t episode, const std::string& rest, const Request& request);
  Response Frames(const Answers::Frames& frames) const;
  Response Post(const Request& request);

  Answers answers_;
  EpisodeScenes scenes_;
};

Response DatasetSite::Get(const Request& request) {
  const auto take = [&](const std::vector<std::string>& known) {
    return Parameters(request.parameters, known);
  };
  size_t episode = 0;
  std::string rest;
  const std::string& path = request.path;
  if (path == "/api/dataset") {
    take({});
    return JsonResponse(answers_.Dataset());
  }
  if (path == "/api/rows") return JsonResponse(answers_.Rows(take({"from"})));
  if (path == "/api/where") return JsonResponse(answers_.Where(take({"condition"})));
  if (path == "/api/marks") {
    take({});
    return JsonResponse(answers_.MarksNow());
  }
  if (path == "/api/scenes") {
    take({});
    return JsonResponse(scenes_.About());
  }
  if (SplitEpisodePath(path, &episode, &rest)) return GetEpisode(episode, rest, request);
  throw RequestError(404, fmt::format("nothing at '{}'", path));
}

Response DatasetSite::GetEpisode(size_t episode, const std::string& rest, const Request& request) {
  const size_t count = answers_.reader().episodes().size();
  if (episode >= count) {
    throw RequestError(404, fmt::format("no episode {}: there are {}", episode, count));
  }
  if (rest.empty()) {
    Parameters(request.parameters, {});
    return JsonResponse(answers_.Episode(episode)->about);
  }
  if (rest == "/columns") {
    Parameters(request.parameters, {});
    const std::shared_ptr<const EpisodeView> view = answers_.Episode(episode);
    const std::string_view bytes(reinterpret_cast<const char*>(view->numbers.data()),
                                 view->numbers.size() * sizeof(double));
    return {.type = kBytesType, .size = bytes.size(), .pieces = [view, bytes](size_t offset) {
              return bytes.substr(offset);
            }};
  }
  if (rest == "/scene" || rest == "/poses") {
    Parameters(request.parameters, {});
    return {.type = kBytesType,
            .body = rest == "/scene" ? scenes_.Scene(episode) : scenes_.Poses(episode)};
  }
  if (rest == "/frames") {
    return Frames(
        answers_.FramesOf(episode, Parameters(request.parameters, {"camera", "from", "count"})));
  }
  throw RequestError(404, fmt::format("an episode has no '{}'", rest));
}

// Frame by frame: memory stays at one frame per request.
Response DatasetSite::Frames(const Answers::Frames& frames) const {
  const auto frame = std::make_shared<std::vector<uint8_t>>(frames.frame_bytes);
  const EpisodeSource& reader = answers_.reader();
  // read the first one before the answer begins, so that damage is reported as a message
  reader.ReadFrame(frames.episode, frames.camera, frames.from, frame->data());
  return {
      .type = kBytesType,
      .size = frames.count * frames.frame_bytes,
      .pieces = [frames, frame, &reader](size_t offset) -> std::string_view {
        const size_t at = offset / frames.frame_bytes, within = offset % frames.frame_bytes;
        if (at > 0 && within == 0) {
          try {
            reader.ReadFrame(frames.episode, frames.camera, frames.from + at, frame->data());
          } catch (const std::exception&) {
            return {};  // a request for this frame alone reports why
          }
        }
        return {reinterpret_cast<const char*>(frame->data()) + within, frames.frame_bytes - within};
      }};
}

Response DatasetSite::Post(const Request& request) {
  Json json;
  try {
    json = ParseJson(request.body, "the request");
  } catch (const Error& error) {
    throw RequestError(400, error.what());
  }
  try {
    return JsonResponse(request.path == "/api/marks" ? answers_.SetMarks(json)
                                                     : answers_.Apply(json));
  } catch (const Error& error) {
    // a request that cannot be met is not damage of the dataset
    throw RequestError(error.kind() == ErrorKind::kFailed ? 500 : 400, error.what());
  }
}

}  // namespace

struct ViewServer::Impl {
  Impl(const std::filesystem::path& dataset, const ViewOptions& options)
      : site(dataset, options), server(site, {.port = options.port}) {}
  DatasetSite site;
  PageServer server;
};

ViewServer::ViewServer(const std::filesystem::path& dataset, const ViewOptions& options)
    : impl_(std::make_unique<Impl>(dataset, options)) {}
ViewServer::~ViewServer() = default;

const std::string& ViewServer::url() const { return impl_->server.url(); }
const std::string& ViewServer::key() const { return impl_->server.key(); }
int ViewServer::port() const { return impl_->server.port(); }
std::string ViewServer::notice() const {
  const Answers& answers = impl_->site.answers();
  const std::string marks = answers.marks().notice(), poses = UnreadPosesNote(answers.reader());
  return marks + (marks.empty() || poses.empty() ? "" : "\n") + poses;
}

Json ViewServer::Summary() const {
  const Answers& answers = impl_->site.answers();
  const Json marks = answers.MarksNow();
  return {{"episodes", answers.reader().episodes().size()},
          {"kept", marks["keep"].size()},
          {"dropped", marks["drop"].size()},
          {"marks", marks["file"]}};
}

}  // namespace understudy
