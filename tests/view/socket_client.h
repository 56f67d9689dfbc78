#pragma once

// A WebSocket's other side (RFC 6455), in so far as tests need it, on a bare socket.

#include <map>
#include <string>
#include <utility>

#include "tests/view/line.h"

namespace understudy::view_test {

class SocketClient {
 public:
  SocketClient(int port, const std::string& target, std::map<std::string, std::string> headers = {})
      : line_(ConnectTo(port, 20)) {
    headers.emplace("Host", "127.0.0.1:" + std::to_string(port));
    headers.emplace("Connection", "Upgrade");
    headers.emplace("Upgrade", "websocket");
    headers.emplace("Sec-WebSocket-Version", "13");
    headers.emplace("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    std::string text = "GET " + target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    SendRaw(text + "\r\n");
    std::string head;
    char byte = 0;
    while (!head.ends_with("\r\n\r\n") && recv(line_, &byte, 1, 0) == 1) head += byte;
    if (head.size() > 12) status_ = std::stoi(head.substr(9, 3));
  }
  ~SocketClient() {
    if (line_ >= 0) close(line_);
  }
  SocketClient(SocketClient&& other) noexcept
      : line_(std::exchange(other.line_, -1)), status_(other.status_) {}

  int status() const { return status_; }  // 101: open

  void SendText(const std::string& text) { Send(0x81, text); }
  void SendBinary(const std::string& bytes) { Send(0x82, bytes); }
  void SendRaw(const std::string& bytes) { SendAll(line_, bytes); }

  // The next text or binary message, whole; empty: the socket has ended.
  std::string Receive() {
    std::string message;
    for (;;) {
      const std::string head = Take(2);
      if (head.size() < 2) return "";
      uint64_t size = static_cast<uint8_t>(head[1]) & 0x7f;
      if (size >= 126) {
        const std::string more = Take(size == 126 ? 2 : 8);
        size = 0;
        for (const char byte : more) size = size << 8 | static_cast<uint8_t>(byte);
      }
      const std::string data = Take(size);
      const int kind = head[0] & 0x0f;
      if (kind == 8) return "";
      if (kind > 2) continue;  // a ping
      message += data;
      if (head[0] & 0x80) return message;
    }
  }
  // Waits until the other side ends the socket.
  bool Ended() {
    while (!Receive().empty()) continue;
    return errno != EAGAIN;
  }

 private:
  void Send(int kind, const std::string& data) {
    std::string frame(1, static_cast<char>(kind));
    if (data.size() < 126) {
      frame += static_cast<char>(0x80 | data.size());
    } else {
      // in the shortest of the forms that it fits in
      const bool short_form = data.size() < 65536;
      frame += static_cast<char>(0x80 | (short_form ? 126 : 127));
      for (int shift = short_form ? 8 : 56; shift >= 0; shift -= 8) {
        frame += static_cast<char>(data.size() >> shift & 0xff);
      }
    }
    // a mask of zeros leaves the bytes as they are
    SendRaw(frame + std::string(4, '\0') + data);
  }
  std::string Take(uint64_t count) {
    std::string data(count, '\0');
    size_t have = 0;
    errno = 0;
    while (have < count) {
      const ssize_t n = recv(line_, data.data() + have, count - have, 0);
      if (n <= 0) return "";
      have += static_cast<size_t>(n);
    }
    return data;
  }

  int line_ = -1, status_ = -1;
};

}  // namespace understudy::view_test
