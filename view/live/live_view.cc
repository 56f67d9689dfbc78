#include "view/live/live_view.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "view/http/assets.h"
#include "view/http/page_server.h"
#include "view/live/live_frame.h"
#include "view/scene/scene_message.h"

namespace understudy {
namespace {

// Of what pages send and nobody takes, as where a stage has ended: more than a device sends in a
// minute.
constexpr size_t kMostUntaken = 16384, kMostUntakenBytes = size_t{16} << 20;
// Of one page in a second: what a device sends in half a minute, which comes at once where a
// network stood still. A page that sends more is heard no more.
constexpr size_t kMostPerSecond = 4000, kMostBytesPerSecond = size_t{4} << 20;
constexpr int64_t kSecondNs = 1'000'000'000;

WebSocket::Message MessageOf(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

// The open pages: what is shown goes to all of them, and what they send is collected.
class Pages {
 public:
  uint64_t Open(const std::shared_ptr<WebSocket>& socket) {
    const std::lock_guard lock(mutex_);
    const uint64_t number = next_++;
    pages_.push_back({.number = number, .socket = socket});
    socket->SendText(MessageOf(status_.dump()));
    if (frame_) socket->SendLatest(frame_);
    Collect({BrowserMessage::Kind::kOpened, number, MonotonicNs(), ""});
    return number;
  }
  void Close(uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (std::erase_if(pages_, [&](const Page& page) { return page.number == number; }) == 0) return;
    Collect({BrowserMessage::Kind::kClosed, number, MonotonicNs(), ""});
  }
  void Receive(uint64_t number, std::string_view content, bool binary) {
    const int64_t now = MonotonicNs();
    const auto kind = binary ? BrowserMessage::Kind::kBytes : BrowserMessage::Kind::kText;
    const std::lock_guard lock(mutex_);
    const auto page = Find(number);
    if (page == pages_.end()) return;
    if (now - page->second_ns > kSecondNs) {
      page->second_ns = now;
      page->messages = page->bytes = 0;
    }
    page->bytes += content.size();
    if (++page->messages > kMostPerSecond || page->bytes > kMostBytesPerSecond) {
      const Json why{{"refused",
                      "this page sends more than a device does, and is heard no more: "
                      "reload it"}};
      page->socket->SendText(MessageOf(why.dump()));
      pages_.erase(page);
      return Collect({BrowserMessage::Kind::kClosed, number, now, ""});
    }
    Collect({kind, number, now, std::string(content)});
  }
  void Reply(uint64_t number, const Json& message) {
    const std::lock_guard lock(mutex_);
    const auto page = Find(number);
    if (page != pages_.end()) page->socket->SendText(MessageOf(message.dump()));
  }
  void Take(std::vector<BrowserMessage>* messages) {
    const std::lock_guard lock(mutex_);
    std::move(received_.begin(), received_.end(), std::back_inserter(*messages));
    received_.clear();
    received_bytes_ = 0;
  }
  void Say(const Json& status) {
    const std::lock_guard lock(mutex_);
    status_.update(status);
    const WebSocket::Message message = MessageOf(status.dump());
    for (const Page& page : pages_) page.socket->SendText(message);
  }
  // What was shown is of another scene.
  void ForgetFrame() {
    const std::lock_guard lock(mutex_);
    frame_ = nullptr;
  }
  void Show(std::string frame) {
    const std::lock_guard lock(mutex_);
    frame_ = MessageOf(std::move(frame));
    for (const Page& page : pages_) page.socket->SendLatest(frame_);
  }

 private:
  struct Page {
    uint64_t number = 0;
    std::shared_ptr<WebSocket> socket;
    int64_t second_ns = 0;  // when the second began in which these came
    size_t messages = 0, bytes = 0;
  };
  std::vector<Page>::iterator Find(uint64_t number) {
    return std::find_if(pages_.begin(), pages_.end(),
                        [&](const Page& page) { return page.number == number; });
  }
  // That a page came or went is never lost: the device would wait for it for ever.
  void Collect(BrowserMessage message) {
    const bool content =
        message.kind == BrowserMessage::Kind::kText || message.kind == BrowserMessage::Kind::kBytes;
    if (content && (received_.size() >= kMostUntaken ||
                    received_bytes_ + message.content.size() > kMostUntakenBytes)) {
      return;
    }
    received_bytes_ += message.content.size();
    received_.push_back(std::move(message));
  }

  std::mutex mutex_;
  std::vector<Page> pages_;
  std::vector<BrowserMessage> received_;
  size_t received_bytes_ = 0;
  Json status_ = Json::object();
  WebSocket::Message frame_;
  uint64_t next_ = 1;
};

class PageHandler final : public WebSocketHandler {
 public:
  explicit PageHandler(Pages& pages) : pages_(pages) {}
  void Opened(const std::shared_ptr<WebSocket>& socket) override { page_ = pages_.Open(socket); }
  void Received(std::string_view message, bool binary) override {
    pages_.Receive(page_, message, binary);
  }
  void Closed() override { pages_.Close(page_); }

 private:
  Pages& pages_;
  uint64_t page_ = 0;
};

class LiveSite final : public Site {
 public:
  explicit LiveSite(Pages& pages) : pages_(pages) {}
  // Returns the scene's number: they count from 1 on.
  int SetScene(std::string scene) {
    const std::lock_guard lock(mutex_);
    scene_ = std::move(scene);
    return ++number_;
  }
  std::string_view page() const override { return Asset("live.html"); }
  bool Changes(const std::string&) const override { return false; }
  Response Answer(const Request& request) override {
    if (request.path == "/api/scene") {
      const std::lock_guard lock(mutex_);
      return {.type = "application/octet-stream",
              .body = scene_,
              .headers = {{"X-Understudy-Scene", std::to_string(number_)}}};
    }
    throw RequestError(404, "nothing at '" + request.path + "'");
  }
  std::shared_ptr<WebSocketHandler> Open(const Request& request) override {
    if (request.path == "/api/live") return std::make_shared<PageHandler>(pages_);
    return Site::Open(request);
  }

 private:
  Pages& pages_;
  std::mutex mutex_;
  std::string scene_;
  int number_ = 0;
};

}  // namespace

struct LiveView::Impl {
  Impl(const SceneViewFactory& scenes, const LiveViewOptions& options) : site(pages) {
    thread = std::thread([this] { Work(); });
    try {
      Change(scenes);
      server = std::make_unique<PageServer>(site, options.page);
    } catch (...) {
      End();
      throw;
    }
  }
  ~Impl() { End(); }

  void End() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_one();
    thread.join();
  }

  // Has the thread make another view, and waits for it.
  void Change(const SceneViewFactory& scenes) {
    std::promise<void> made;
    std::future<void> done = made.get_future();
    {
      const std::lock_guard lock(mutex);
      wanted = Wanted{scenes, std::move(made)};
      fresh = false;  // of the scene before, as is a look
      look.reset();
    }
    changed.notify_one();
    done.get();
  }

  // Informs the pages that the scene is another one; what was shown is of the one before.
  void SetScene(const SceneLook& look) {
    const int number = site.SetScene(SceneMessage(look));
    pages.ForgetFrame();
    pages.Say({{"scene", number}});
  }

  // Makes messages of what is shown, instant after instant; skips what is replaced before its turn.
  void Work() {
    std::unique_ptr<SceneView> view;
    LiveFrame now;
    std::vector<float> poses, contacts;
    for (;;) {
      std::optional<Wanted> next;
      std::optional<SceneVariation> other_look;
      bool shows = false;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return ending || fresh || wanted || look; });
        if (ending) return;
        std::swap(next, wanted);
        std::swap(other_look, look);
        shows = std::exchange(fresh, false);
        if (shows) std::swap(now, newest);
      }
      if (next) {
        try {
          std::unique_ptr<SceneView> made = next->scenes();
          SetScene(made->Look());
          view = std::move(made);
          next->made.set_value();
        } catch (...) {
          next->made.set_exception(std::current_exception());
        }
      }
      if (other_look) {
        try {
          SetScene(view->Look(*other_look));
        } catch (const Error& error) {
          pages.Say({{"hint", error.what()}});
        }
      }
      if (!shows) continue;
      view->Poses(now.state, &poses);
      view->Contacts(&contacts);
      pages.Show(LiveFrameMessage(now, poses, contacts));
    }
  }

  struct Wanted {
    SceneViewFactory scenes;
    std::promise<void> made;
  };

  Pages pages;
  LiveSite site;
  std::unique_ptr<PageServer> server;  // ends before what it serves
  std::mutex mutex;
  std::condition_variable changed;
  LiveFrame newest;
  std::optional<SceneVariation> look;  // that is not shown yet
  bool fresh = false, ending = false;
  std::optional<Wanted> wanted;
  std::thread thread;
};

LiveView::LiveView(const SceneViewFactory& scenes, const LiveViewOptions& options)
    : impl_(std::make_unique<Impl>(scenes, options)) {}
LiveView::~LiveView() = default;

void LiveView::Show(const LiveFrame& frame) {
  {
    // held for copies of a few kilobytes only
    const std::lock_guard lock(impl_->mutex);
    impl_->newest = frame;
    impl_->fresh = true;
  }
  impl_->changed.notify_one();
}
void LiveView::Look(const SceneVariation& look) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->look = look;
  }
  impl_->changed.notify_one();
}
void LiveView::Say(const Json& status) { impl_->pages.Say(status); }
void LiveView::ChangeScene(const SceneViewFactory& scenes) { impl_->Change(scenes); }
void LiveView::Reply(uint64_t page, const Json& message) { impl_->pages.Reply(page, message); }
void LiveView::Take(std::vector<BrowserMessage>* messages) { impl_->pages.Take(messages); }
const PageServer& LiveView::server() const { return *impl_->server; }
const std::string& LiveView::url() const { return impl_->server->url(); }

}  // namespace understudy
