#pragma once

// A bare connection to a server of this machine.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace understudy::view_test {

// Connects to `port` of the loopback interface; reading gives up after `patience_s`.
inline int ConnectTo(int port, int patience_s) {
  const int line = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = patience_s, .tv_usec = 0};
  setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  EXPECT_EQ(connect(line, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return line;
}

// Sends all of `bytes`; returns how many before the other side cut the connection.
inline size_t SendAll(int line, const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(line, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  return sent;
}

}  // namespace understudy::view_test
