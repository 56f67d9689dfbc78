// The live page's server: what pages are told, and what they may send.
#include <gmock/gmock.h>

#include <atomic>
#include <cstring>

#include "core/episode/episode.h"
#include "tests/view/fake_view.h"
#include "tests/view/session.h"
#include "tests/view/socket_client.h"
#include "view/live/live_view.h"

namespace understudy::view_test {
namespace {

using testing::HasSubstr;

std::unique_ptr<LiveView> OpenLive() {
  return std::make_unique<LiveView>([] { return std::make_unique<FakeView>(); }, LiveViewOptions{});
}

struct Address {
  int port = 0;
  std::string key;
};
Address AddressOf(const BrowserLink& link) {
  const std::string& url = link.url();
  const size_t port = url.find(':', 5) + 1, key = url.find("key=") + 4;
  return {std::stoi(url.substr(port)), url.substr(key)};
}

SocketClient OpenPage(const BrowserLink& link) {
  const auto [port, key] = AddressOf(link);
  SocketClient page(port, "/api/live?key=" + key);
  EXPECT_EQ(page.status(), 101);
  return page;
}

LiveFrame FrameAt(double x, int64_t step) {
  LiveFrame frame;
  frame.state = {x, 2, 3};
  frame.arms = {{Pose(Eigen::Quaterniond::Identity(), {4, 5, 6}), 1, kClutchEngaged | kTracked}};
  frame.step = step;
  frame.sim_time_s = 0.5;
  frame.success = true;
  return frame;
}

// What was sent so far; waits until there are `count`.
std::vector<BrowserMessage> TakeFrom(BrowserLink& link, size_t count) {
  std::vector<BrowserMessage> messages;
  for (int i = 0; i < 2000 && messages.size() < count; ++i) {
    link.Take(&messages);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(messages.size(), count);
  return messages;
}

// The text of the scene that the page would draw.
Json SceneOf(const BrowserLink& link) {
  const auto [port, key] = AddressOf(link);
  const auto [status, scene] = Ask(port, "GET", "/api/scene", {{"X-Understudy-Key", key}});
  EXPECT_EQ(status, 200);
  uint32_t length = 0;
  std::memcpy(&length, scene.data(), 4);
  return Json::parse(scene.substr(4, length));
}

// The next task of a session: open pages are told that the scene is another one.
TEST(LivePage, ChangesItsScene) {
  const std::unique_ptr<LiveView> live = OpenLive();
  SocketClient page = OpenPage(*live);
  EXPECT_EQ(Json::parse(page.Receive())["scene"], 1);
  live->Show(FrameAt(1.5, 7));
  EXPECT_EQ(page.Receive().size(), 4u * (8 + 21 + 9 + 3));
  live->ChangeScene([] { return std::make_unique<FakeView>("lid"); });
  EXPECT_EQ(Json::parse(page.Receive())["scene"], 2);
  EXPECT_EQ(SceneOf(*live)["bodies"][2], "lid");
  // a page that opens now is told the new one, and shown nothing of the old
  SocketClient late = OpenPage(*live);
  EXPECT_EQ(Json::parse(late.Receive())["scene"], 2);
  live->Show(FrameAt(2.5, 8));
  EXPECT_EQ(late.Receive().size(), 4u * (8 + 21 + 9 + 3));
  // one that cannot be made leaves what is there
  EXPECT_THAT([&] { live->ChangeScene([]() -> std::unique_ptr<SceneView> { ThrowFailed("no"); }); },
              testing::ThrowsMessage<Error>(HasSubstr("no")));
  EXPECT_EQ(SceneOf(*live)["bodies"][2], "lid");
  live->Show(FrameAt(3.5, 9));
  EXPECT_EQ(late.Receive().size(), 4u * (8 + 21 + 9 + 3));
}

TEST(LivePage, ShowsTheSceneAndEveryInstant) {
  const std::unique_ptr<LiveView> live = OpenLive();
  const auto [port, key] = AddressOf(*live);
  const Headers mine{{"X-Understudy-Key", key}};
  const auto [page_status, page] = Ask(port, "GET", "/", mine);
  EXPECT_EQ(page_status, 200);
  for (const char* unwanted : {"https://", "@include", "@KEY@", "@NONCE@"}) {
    EXPECT_THAT(page, testing::Not(HasSubstr(unwanted)));
  }
  for (const char* library : {"three.module.js", "OrbitControls.js"}) {
    const auto [status, text] = Ask(port, "GET", std::string("/lib/") + library, mine);
    EXPECT_EQ(status, 200);
    EXPECT_THAT(text, HasSubstr("export"));
  }
  EXPECT_EQ(Ask(port, "GET", "/lib/live.html", mine).first, 404);
  EXPECT_EQ(Ask(port, "GET", "/lib/", mine).first, 404);

  // the scene: a text that refers to numbers behind it
  const auto [status, scene] = Ask(port, "GET", "/api/scene", mine);
  ASSERT_EQ(status, 200);
  uint32_t length = 0;
  std::memcpy(&length, scene.data(), 4);
  const Json json = Json::parse(scene.substr(4, length));
  EXPECT_EQ(json["bodies"], (Json{"world", "hand", "cube"}));
  EXPECT_EQ(json["shapes"][1]["kind"], "mesh");
  const Json& positions = json["meshes"][0]["positions"];
  EXPECT_EQ(positions["count"], 9);
  float x = 0;
  std::memcpy(&x, scene.data() + 4 + length + positions["at"].get<size_t>() + 12, 4);
  EXPECT_EQ(x, 1);
  const Json& pixels = json["pictures"][0]["rgb"];
  EXPECT_EQ(scene.substr(4 + length + pixels["at"].get<size_t>(), 3), "\x0a\x14\x1e");

  // an instant, as view/page/live.js reads it
  SocketClient socket = OpenPage(*live);
  live->Show(FrameAt(1.5, 7));
  std::string frame = socket.Receive();
  while (frame.starts_with("{")) frame = socket.Receive();
  ASSERT_EQ(frame.size(), 4u * (8 + 21 + 9 + 3));
  const auto u32 = [&](size_t i) {
    uint32_t value = 0;
    std::memcpy(&value, frame.data() + 4 * i, 4);
    return value;
  };
  const auto f32 = [&](size_t i) {
    float value = 0;
    std::memcpy(&value, frame.data() + 4 * i, 4);
    return value;
  };
  EXPECT_EQ((std::vector<uint32_t>{u32(0), u32(1), u32(3), u32(4), u32(5), u32(6)}),
            (std::vector<uint32_t>{1, 7, 1, 3, 1, 1}));
  EXPECT_EQ(f32(2), 0.5f);
  EXPECT_EQ((std::vector<float>{f32(8 + 14), f32(8 + 15), f32(8 + 16), f32(8 + 17)}),
            (std::vector<float>{1.5f, 2, 3, 1}));
  EXPECT_EQ((std::vector<float>{f32(29), f32(30), f32(31), f32(32), f32(36)}),
            (std::vector<float>{4, 5, 6, 1, 1}));
  EXPECT_EQ(u32(37), uint32_t{kClutchEngaged | kTracked});
  EXPECT_EQ((std::vector<float>{f32(38), f32(39), f32(40)}), (std::vector<float>{1, 2, 3}));
}

// A page that opens late is told what the others know.
TEST(LivePage, TellsLatePagesWhereThingsStand) {
  const std::unique_ptr<LiveView> live = OpenLive();
  live->Say({{"task", "stack"}, {"phase", "waiting"}});
  live->Say({{"phase", "recording"}});
  SocketClient first = OpenPage(*live);
  EXPECT_EQ(Json::parse(first.Receive()), (Json{{"scene", 1}, {"task", "stack"}, {"phase", "recording"}}));
  live->Say({{"count", "1 of 3"}});
  EXPECT_EQ(Json::parse(first.Receive()), (Json{{"count", "1 of 3"}}));
  live->Show(FrameAt(1, 1));
  EXPECT_EQ(first.Receive().size(), 164u);
  SocketClient second = OpenPage(*live);
  EXPECT_EQ(Json::parse(second.Receive())["count"], "1 of 3");
  EXPECT_EQ(second.Receive().size(), 164u);
}

TEST(LivePage, AnswersOnePageAlone) {
  const std::unique_ptr<LiveView> live = OpenLive();
  SocketClient first = OpenPage(*live);
  const uint64_t page = TakeFrom(*live, 1)[0].page;
  SocketClient second = OpenPage(*live);
  TakeFrom(*live, 1);
  live->Reply(page, {{"only", "you"}});
  live->Reply(99, {{"only", "nobody"}});
  live->Say({{"all", 1}});
  first.Receive(), second.Receive();  // where things stand
  EXPECT_EQ(Json::parse(first.Receive()), (Json{{"only", "you"}}));
  EXPECT_EQ(Json::parse(first.Receive()), (Json{{"all", 1}}));
  EXPECT_EQ(Json::parse(second.Receive()), (Json{{"all", 1}}));
}

TEST(LivePage, TakesWhatPagesSendInOrder) {
  const std::unique_ptr<LiveView> live = OpenLive();
  {
    SocketClient page = OpenPage(*live);
    for (int i = 0; i < 50; ++i) page.SendText(std::to_string(i));
    page.SendBinary(std::string("\0\x01", 2));
    const std::vector<BrowserMessage> messages = TakeFrom(*live, 52);
    EXPECT_EQ(messages[0].kind, BrowserMessage::Kind::kOpened);
    EXPECT_EQ(messages[51].kind, BrowserMessage::Kind::kBytes);
    EXPECT_EQ(messages[51].content, std::string("\0\x01", 2));
    for (size_t i = 0; i < 50; ++i) {
      EXPECT_EQ(messages[i + 1].content, std::to_string(i));
      EXPECT_EQ(messages[i + 1].page, messages[0].page);
      EXPECT_GE(messages[i + 1].received_ns, messages[i].received_ns);
    }
  }
  EXPECT_EQ(TakeFrom(*live, 1)[0].kind, BrowserMessage::Kind::kClosed);
}

// Whoever lacks the key, comes from another site's page or sends too much is shut out, and the
// others go on.
TEST(LivePage, ShutsOutStrangersAndFloods) {
  const std::unique_ptr<LiveView> live = OpenLive();
  const auto [port, key] = AddressOf(*live);
  EXPECT_EQ(SocketClient(port, "/api/live").status(), 403);
  EXPECT_EQ(SocketClient(port, "/api/live?key=" + std::string(32, '0')).status(), 403);
  EXPECT_EQ(SocketClient(port, "/api/nothing?key=" + key).status(), 404);
  EXPECT_EQ(
      SocketClient(port, "/api/live?key=" + key, {{"Origin", "http://evil.example"}}).status(),
      403);
  EXPECT_EQ(SocketClient(port, "/api/live?key=" + key, {{"Host", "evil.example"}}).status(), 403);
  const std::string own = "http://127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(SocketClient(port, "/api/live?key=" + key, {{"Origin", own}}).status(), 101);
  SocketClient good = OpenPage(*live), flood = OpenPage(*live);
  flood.SendText(std::string(100'000, 'x'));
  EXPECT_TRUE(flood.Ended());
  // frames that no standard knows
  for (const std::string& nonsense :
       {std::string(64, '\xff'), std::string(64, '\0'), std::string("GET / HTTP/1.1\r\n\r\n")}) {
    SocketClient page = OpenPage(*live);
    page.SendRaw(nonsense);
    EXPECT_TRUE(page.Ended());
  }
  good.Receive();
  live->Say({{"phase", "still here"}});
  EXPECT_THAT(good.Receive(), HasSubstr("still here"));
}

// A page that sends without end is told so and heard no more; that it went is known, however much
// waits to be taken.
TEST(LivePage, HearsNoMoreOfAFlood) {
  const std::unique_ptr<LiveView> live = OpenLive();
  SocketClient flood = OpenPage(*live), good = OpenPage(*live);
  const std::string piece(60'000, 'x');
  for (int i = 0; i < 200; ++i) flood.SendText(piece);
  std::string told;
  while (!(told = flood.Receive()).empty() && told.find("refused") == std::string::npos) continue;
  EXPECT_THAT(told, HasSubstr("this page sends more than a device does, and is heard no more"));
  good.SendText("still here");
  std::vector<BrowserMessage> messages;
  const auto last = [&] { return messages.empty() ? "" : messages.back().content; };
  for (int i = 0; i < 2000 && last() != "still here"; ++i) {
    live->Take(&messages);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(last(), "still here");
  size_t bytes = 0;
  uint64_t opened = 0, closed = 0;
  for (const BrowserMessage& message : messages) {
    bytes += message.content.size();
    if (message.kind == BrowserMessage::Kind::kOpened && opened == 0) opened = message.page;
    if (message.kind == BrowserMessage::Kind::kClosed) closed = message.page;
  }
  EXPECT_LT(bytes, size_t{5} << 20);
  EXPECT_EQ(closed, opened);
  // and nobody is told of it again
  flood.SendText("once more");
  good.SendText("after that");
  EXPECT_EQ(TakeFrom(*live, 1)[0].content, "after that");
}

// Another look is another scene, which pages fetch.
TEST(LivePage, ShowsTheSceneAsItIsDrawnAnew) {
  const std::unique_ptr<LiveView> live = OpenLive();
  const auto [port, key] = AddressOf(*live);
  SocketClient page = OpenPage(*live);
  page.Receive();
  const auto scene = [&, port = port, key = key] {
    return Ask(port, "GET", "/api/scene", {{"X-Understudy-Key", key}}).second;
  };
  const std::string nominal = scene();
  SceneVariation look;
  look.edits.push_back(LightEdit{.light = "lamp"});
  live->Look(look);
  EXPECT_EQ(Json::parse(page.Receive()), (Json{{"scene", 2}}));
  EXPECT_NE(scene(), nominal);
  live->Look({});
  EXPECT_EQ(Json::parse(page.Receive()), (Json{{"scene", 3}}));
  EXPECT_EQ(scene(), nominal);
}

// A page that does not read costs nobody anything, and the newest instant waits for it.
TEST(LivePage, SlowPagesSkipInstants) {
  const std::unique_ptr<LiveView> live = OpenLive();
  SocketClient slow = OpenPage(*live);
  LiveFrame frame = FrameAt(0, 0);
  frame.arms.resize(2000, frame.arms[0]);
  const int last = 3000;
  for (int i = 1; i <= last; ++i) {
    frame.step = i;
    live->Show(frame);
  }
  int received = 0;
  uint32_t step = 0;
  while (step != last) {
    const std::string message = slow.Receive();
    ASSERT_FALSE(message.empty());
    if (message.starts_with("{")) continue;
    uint32_t next = 0;
    std::memcpy(&next, message.data() + 4, 4);
    EXPECT_GT(next, step);
    step = next;
    ++received;
  }
  EXPECT_LT(received, last);
}

TEST(LivePage, EndsWithPagesOpen) {
  std::unique_ptr<LiveView> live = OpenLive();
  SocketClient page = OpenPage(*live), other = OpenPage(*live);
  std::atomic<bool> ended{false};
  std::thread sender([&] {
    for (int i = 0; i < 200 && !ended; ++i) page.SendText("{}");
  });
  live->Show(FrameAt(1, 1));
  sender.join();
  live.reset();
  ended = true;
  EXPECT_TRUE(other.Ended());
}

TEST(LivePage, SaysWhatIsWrongWithAScene) {
  EXPECT_THAT(ErrorOf(
                  [] {
                    LiveView live(
                        []() -> std::unique_ptr<SceneView> { ThrowBadInput("no such mesh"); },
                        LiveViewOptions{});
                  },
                  ErrorKind::kBadInput),
              HasSubstr("no such mesh"));
}

}  // namespace
}  // namespace understudy::view_test
