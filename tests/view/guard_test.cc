// What the server refuses, and that nobody can hold it up.
#include <gmock/gmock.h>

#include "core/base/json.h"
#include "tests/view/session.h"

namespace understudy::view_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

TEST_F(ServerTest, RefusesWhatItCannotAnswer) {
  Session session(folder_ / "looks.h5");
  struct Case {
    std::string path;
    int status;
    std::string why;
  };
  const std::vector<Case> cases{
      {"/api/nothing", 404, "nothing at '/api/nothing'"},
      {"/api/dataset?x=1", 400, "unknown parameter 'x'"},
      {"/?x=1", 400, "unknown parameter 'x'"},
      {"/api/rows?from=4", 400, "from = '4': must be a whole number in [0, 3]"},
      {"/api/rows?from=0&from=1", 400, "given twice"},
      {"/api/where", 400, "condition: name one"},
      {"/api/where?condition=steps%20%3C", 400, "a value or a name is missing"},
      {"/api/where?condition=sucess", 400, "did you mean 'success'?"},
      {"/api/episode/3", 404, "no episode 3: there are 3"},
      {"/api/episode/99999999999999999999", 404, "nothing at"},
      {"/api/episode/-1", 404, "nothing at"},
      {"/api/episode/+1", 404, "nothing at"},
      {"/api/episode/1x", 404, "nothing at"},
      {"/api/episode/", 404, "nothing at"},
      {"/api/episode/0/", 404, "an episode has no '/'"},
      {"/api/episode/0/pixels", 404, "an episode has no '/pixels'"},
      {"/api/episode/0/frames?camera=2", 400, "camera = '2': must be a whole number in [0, 1]"},
      {"/api/episode/0/frames?camera=-1", 400, "camera = '-1'"},
      {"/api/episode/0/frames?from=70", 400, "from = '70': must be a whole number in [0, 69]"},
      {"/api/episode/0/frames?count=0", 400, "count = '0': must be a whole number in [1, 256]"},
      {"/api/episode/0/frames?count=100000", 400, "count"},
      {"/api/episode/0/frames?count=0x10", 400, "count"},
      {"/api/episode/0/frames?count=", 400, "count = ''"},
      {"/api/episode/0/frames?step=1", 400, "unknown parameter 'step'"},
      {"/api/episode/0/columns?from=0", 400, "unknown parameter 'from'"},
  };
  for (const Case& c : cases) {
    const auto [status, body] = session.Get(c.path);
    EXPECT_EQ(status, c.status) << c.path << " " << body;
    EXPECT_THAT(Json::parse(body)["error"].get<std::string>(), HasSubstr(c.why)) << c.path;
  }
  // no file of the machine has a name here
  for (const char* path :
       {"/../../../../etc/passwd", "/api/episode/0/../../../../../etc/passwd", "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/api/episode/0/frames/../../x",
        "/page.html", "/looks.h5", "/etc/passwd%00.html", "/\\..\\etc"}) {
    const auto [status, body] = session.Get(path);
    EXPECT_EQ(status, 404) << path;
    EXPECT_THAT(body, Not(HasSubstr("root:")));
  }
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}) {
    const std::string answer =
        Speak(session.server.port(), std::string(method) +
                                         " /api/marks HTTP/1.1\r\nHost: localhost\r\n"
                                         "X-Understudy-Key: " +
                                         session.server.key() + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr(" 405 ")) << method;
  }
  EXPECT_THAT(Speak(session.server.port(), "nonsense\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(session.Get("/api/dataset", {{"Range", "bytes=0-1, 0-1, 0-1"}}).first, 400);
}

TEST_F(ServerTest, AnswersThisMachineOnly) {
  Session session(folder_ / "looks.h5");
  const auto with_hosts = [&](const std::string& hosts) {
    return Speak(session.server.port(), "GET /api/dataset HTTP/1.1\r\n" + hosts +
                                            "X-Understudy-Key: " + session.server.key() +
                                            "\r\n\r\n");
  };
  for (const char* host : {"127.0.0.1", "localhost", "LocalHost:8080", "[::1]:80", "localhost:1"}) {
    EXPECT_THAT(with_hosts("Host: " + std::string(host) + "\r\n"), HasSubstr(" 200 ")) << host;
  }
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                           "evil.example:localhost", "127.0.0.2", "[::2]", "[::1].evil.example",
                           "0.0.0.0", "localhost@evil.example", ""}) {
    EXPECT_THAT(with_hosts("Host: " + std::string(host) + "\r\n"), HasSubstr(" 403 ")) << host;
  }
  EXPECT_THAT(with_hosts(""), HasSubstr(" 403 "));
  EXPECT_THAT(with_hosts("Host: localhost\r\nHost: localhost\r\n"), HasSubstr(" 403 "));
  // it listens on the loopback interface and nowhere else
  const std::string sockets = ReadText("/proc/net/tcp");
  char local[32];
  std::snprintf(local, sizeof local, "0100007F:%04X", session.server.port());
  EXPECT_THAT(sockets, HasSubstr(local));
  std::snprintf(local, sizeof local, "00000000:%04X", session.server.port());
  EXPECT_THAT(sockets, Not(HasSubstr(local)));
}

TEST_F(ServerTest, ChangesNeedTheKeyAndTheOwnPage) {
  Session session(folder_ / "looks.h5");
  const int port = session.server.port();
  const std::string change = R"({"marks": {"0": "keep"}})";
  const fs::path file = folder_ / "looks.h5.marks.json";
  const auto get = [&](const std::string& path) { return Ask(port, "GET", path).first; };
  const auto status_of = [&](const std::string& path, Headers headers, const char* type) {
    headers.emplace("Content-Type", type);
    return Ask(port, "POST", path, headers, change).first;
  };
  const std::string key = session.server.key(), own = "http://127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(get("/"), 403);
  EXPECT_EQ(get("/api/dataset"), 403);
  EXPECT_EQ(get("/api/dataset?key=0123"), 403);
  EXPECT_EQ(get("/api/dataset?key=" + key), 200);
  EXPECT_EQ(status_of("/api/marks", {}, kJson), 403);
  // the key in an address is what a form could send too
  EXPECT_EQ(status_of("/api/marks?key=" + key, {}, kJson), 403);
  EXPECT_EQ(status_of("/api/marks", {{"X-Understudy-Key", key}}, "text/plain"), 415);
  EXPECT_EQ(status_of("/api/marks", {{"X-Understudy-Key", key}, {"Origin", "http://evil.example"}},
                      kJson),
            403);
  EXPECT_EQ(status_of("/api/nothing", {{"X-Understudy-Key", key}}, kJson), 404);
  // a request hidden in the body of a refused one is not one
  const std::string hidden =
      "POST /api/marks HTTP/1.1\r\nHost: localhost\r\nX-Understudy-Key: " + key +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(change.size()) +
      "\r\n\r\n" + change;
  std::string refused =
      "POST /api/marks HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9999\r\n\r\n";
  refused.resize(4096, 'x');
  const std::string answer = Speak(port, refused + hidden);
  EXPECT_THAT(answer, HasSubstr(" 403 "));
  EXPECT_THAT(answer, Not(HasSubstr(" 200 ")));
  EXPECT_FALSE(fs::exists(file));
  EXPECT_EQ(status_of("/api/marks", {{"X-Understudy-Key", key}, {"Origin", own}}, kJson), 200);
  EXPECT_TRUE(fs::exists(file));
}

// Idle lines do not keep others from being served, nor the server from ending.
TEST_F(ServerTest, SilentLinesHoldNobodyUp) {
  std::vector<int> lines;
  const auto start = std::chrono::steady_clock::now();
  {
    Session session(folder_ / "looks.h5");
    for (int i = 0; i < 12; ++i) {
      lines.push_back(ConnectTo(session.server.port(), 60));
    }
    EXPECT_EQ(session.Get("/api/dataset").first, 200);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
  for (const int line : lines) close(line);
}

TEST_F(ServerTest, SaysWhenAPortIsTaken) {
  const ViewServer first(folder_ / "looks.h5", {});
  EXPECT_THAT(ErrorOf([&] { ViewServer(folder_ / "looks.h5", {.port = first.port()}); },
                      ErrorKind::kFailed),
              testing::AllOf(HasSubstr("port " + std::to_string(first.port())),
                             HasSubstr("--port 0 takes a free one")));
}

}  // namespace
}  // namespace understudy::view_test
