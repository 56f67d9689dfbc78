#pragma once

// A server of a dataset with a client that has its key, and a line to it without manners.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

#include "tests/view/line.h"
#include "tests/view/view_support.h"
#include "view/dataset/view_server.h"

namespace understudy::view_test {

inline constexpr const char* kJson = "application/json";

// Speaks to the port without a client's manners; returns all that comes until the line is cut.
inline std::string Speak(int port, const std::string& text) {
  const int line = ConnectTo(port, 60);
  EXPECT_EQ(SendAll(line, text), text.size()) << "the connection was cut";
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(line, buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(line);
  return answer;
}

// Status and body of an answer; -1 where it is not whole.
using Answered = std::pair<int, std::string>;
using Headers = std::map<std::string, std::string>;

// One request of a client with manners.
inline Answered Ask(int port, const std::string& method, const std::string& path,
                    Headers headers = {}, const std::string& body = "") {
  headers.emplace("Host", "127.0.0.1:" + std::to_string(port));
  if (method == "POST") headers.emplace("Content-Length", std::to_string(body.size()));
  std::string text = method + " " + path + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  const std::string answer = Speak(port, text + "\r\n" + body);
  const size_t head_end = answer.find("\r\n\r\n");
  const size_t length = answer.find("Content-Length: ");
  if (head_end == std::string::npos || length > head_end) return {-1, ""};
  const std::string content = answer.substr(head_end + 4);
  if (content.size() != std::stoul(answer.substr(length + 16))) return {-1, ""};
  return {std::stoi(answer.substr(9)), content};
}

// A server of one dataset and a client that has its key.
class Session {
 public:
  explicit Session(const std::filesystem::path& dataset, const ViewOptions& options = {})
      : server(dataset, options) {}
  Answered Get(const std::string& path, Headers headers = {}) {
    headers.emplace("X-Understudy-Key", server.key());
    return Ask(server.port(), "GET", path, std::move(headers));
  }
  Json GetJson(const std::string& path) {
    const auto [status, body] = Get(path);
    EXPECT_EQ(status, 200) << path << " " << body;
    return Json::parse(body);
  }
  Answered Post(const std::string& path, const std::string& body, const char* type = kJson) {
    return Ask(server.port(), "POST", path,
               {{"X-Understudy-Key", server.key()}, {"Content-Type", type}}, body);
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
};

// Three looks of one episode of 70 steps.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override { WriteLooks(folder_ / "looks.h5", 1, 70); }
  Folder folder_;
};

}  // namespace understudy::view_test
