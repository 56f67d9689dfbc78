#pragma once

// A server of a dataset with a client that has its key, and a line to it without manners.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/view/view_support.h"
#include "view/http.h"
#include "view/server.h"

namespace understudy::view_test {

inline constexpr const char* kJson = "application/json";

// A server of one dataset and a client that has its key.
class Session {
 public:
  explicit Session(const std::filesystem::path& dataset, const ViewOptions& options = {})
      : server(dataset, options), client("127.0.0.1", server.port()) {
    client.set_default_headers({{"X-Understudy-Key", server.key()}});
    client.set_read_timeout(20);
  }
  std::pair<int, std::string> Get(const std::string& path) {
    const httplib::Result result = client.Get(path);
    return result ? std::pair(result->status, result->body) : std::pair(-1, std::string());
  }
  Json GetJson(const std::string& path) {
    const auto [status, body] = Get(path);
    EXPECT_EQ(status, 200) << path << " " << body;
    return Json::parse(body);
  }
  std::pair<int, std::string> Post(const std::string& path, const std::string& body,
                                   const char* type = kJson) {
    const httplib::Result result = client.Post(path, body, type);
    return result ? std::pair(result->status, result->body) : std::pair(-1, std::string());
  }
  // The list once it has been read.
  Json Rows() {
    for (;;) {
      const Json rows = GetJson("/api/rows");
      if (!rows["outliers"].is_null()) return rows;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  ViewServer server;
  httplib::Client client;
};

// Speaks to the port without a client's manners; returns all that comes until the line is cut.
inline std::string Speak(int port, const std::string& text) {
  const int line = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(line, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(send(line, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(line, buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(line);
  return answer;
}

// Three looks of one episode of 70 steps.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override { WriteLooks(folder_ / "looks.h5", 1, 70); }
  Folder folder_;
};

}  // namespace understudy::view_test
