#pragma once

#include <pty.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/rng.h"

namespace understudy {

// Servos of the STS series behind a pseudo-terminal, by their protocol: PING, READ, WRITE, SYNC
// READ and SYNC WRITE on a table of bytes each. A motor that is switched on turns towards its goal
// each time that somebody asks where it is. Faults are made on request.
class FakeServos {
 public:
  struct Faults {
    double lost = 0, damaged = 0, noise = 0;  // share of the answers
  };

  explicit FakeServos(int count) {
    for (int id = 1; id <= count; ++id) tables_[id] = {};
    openpty(&outside_, &inside_, nullptr, nullptr, nullptr);
    std::array<char, 256> name{};
    ptsname_r(outside_, name.data(), name.size());
    port_ = name.data();
    thread_ = std::thread([this] { Work(); });
  }
  ~FakeServos() { Unplug(); }

  const std::string& port() const { return port_; }
  void Unplug() {
    if (!thread_.joinable()) return;
    stop_ = true;
    thread_.join();
    close(outside_);
    close(inside_);
  }
  // Registers of one or two bytes.
  int Get(int id, int address, int bytes) {
    const std::lock_guard lock(mutex_);
    int value = 0;
    for (int i = 0; i < bytes; ++i) value |= tables_[id][static_cast<size_t>(address + i)] << 8 * i;
    return value;
  }
  void Set(int id, int address, int bytes, int value) {
    const std::lock_guard lock(mutex_);
    Put(id, address, bytes, value);
  }
  void SetError(int id, int error) {
    const std::lock_guard lock(mutex_);
    errors_[id] = error;
  }
  void SetFaults(const Faults& faults) {
    const std::lock_guard lock(mutex_);
    faults_ = faults;
  }
  int speed = 60;  // ticks for each reading of a position
  std::atomic<int> requests = 0;

 private:
  static constexpr int kGoal = 42, kPosition = 56, kTorque = 40;

  void Put(int id, int address, int bytes, int value) {
    for (int i = 0; i < bytes; ++i) {
      tables_[id][static_cast<size_t>(address + i)] = static_cast<uint8_t>(value >> 8 * i);
    }
  }
  int At(int id, int address) {
    return tables_[id][static_cast<size_t>(address)] | tables_[id][static_cast<size_t>(address) + 1]
                                                           << 8;
  }

  void Work() {
    std::string got;
    while (!stop_) {
      timeval wait{0, 5000};
      fd_set set;
      FD_ZERO(&set);
      FD_SET(outside_, &set);
      if (select(outside_ + 1, &set, nullptr, nullptr, &wait) <= 0) continue;
      std::array<char, 256> bytes;
      const ssize_t count = read(outside_, bytes.data(), bytes.size());
      if (count <= 0) continue;
      got.append(bytes.data(), static_cast<size_t>(count));
      while (got.size() >= 4 && got.size() >= 4u + static_cast<uint8_t>(got[3])) {
        const size_t length = 4u + static_cast<uint8_t>(got[3]);
        Do(got.substr(0, length));
        got.erase(0, length);
      }
    }
  }

  void Do(const std::string& packet) {
    ++requests;
    const std::lock_guard lock(mutex_);
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(packet[at]); };
    uint8_t sum = 0;
    for (size_t i = 2; i + 1 < packet.size(); ++i) sum = static_cast<uint8_t>(sum + byte(i));
    if (static_cast<uint8_t>(~sum) != byte(packet.size() - 1)) return;  // a servo keeps quiet
    const int id = byte(2), instruction = byte(4);
    if (instruction == 0x82) {
      for (size_t i = 7; i + 1 < packet.size(); ++i) Tell(byte(i), byte(5), byte(6));
    } else if (instruction == 0x83) {
      const size_t size = byte(6);
      for (size_t i = 7; i + size < packet.size(); i += size + 1) {
        for (size_t k = 0; k < size; ++k) tables_[byte(i)][byte(5) + k] = byte(i + 1 + k);
      }
    } else if (tables_.contains(id) && instruction == 0x02) {
      Tell(id, byte(5), byte(6));
    } else if (tables_.contains(id) && instruction == 0x03) {
      for (size_t i = 6; i + 1 < packet.size(); ++i) tables_[id][byte(5) + i - 6] = byte(i);
      Send(id, "");
    }
  }

  void Tell(int id, int address, int bytes) {
    if (!tables_.contains(id)) return;
    if (address == kPosition && tables_[id][kTorque] == 1) {
      const int there = At(id, kPosition), goal = At(id, kGoal);
      Put(id, kPosition, 2, there + std::clamp(goal - there, -speed, speed));
    }
    std::string content;
    for (int i = 0; i < bytes; ++i) {
      content.push_back(static_cast<char>(tables_[id][static_cast<size_t>(address + i)]));
    }
    Send(id, content);
  }

  void Send(int id, const std::string& content) {
    std::string packet = "\xFF\xFF";
    packet.push_back(static_cast<char>(id));
    packet.push_back(static_cast<char>(content.size() + 2));
    packet.push_back(static_cast<char>(errors_.contains(id) ? errors_[id] : 0));
    packet += content;
    uint8_t sum = 0;
    for (size_t i = 2; i < packet.size(); ++i) {
      sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(packet[i]));
    }
    packet.push_back(static_cast<char>(~sum));
    if (rng_.Uniform() < faults_.lost) return;
    if (rng_.Uniform() < faults_.damaged) {
      packet[static_cast<size_t>(rng_.UniformInt(0, static_cast<int>(packet.size()) - 1))] ^= 0x10;
    }
    if (rng_.Uniform() < faults_.noise) packet = std::string("\x00\xFF\x37\xFF", 4) + packet;
    [[maybe_unused]] const ssize_t sent = write(outside_, packet.data(), packet.size());
  }

  int outside_ = -1, inside_ = -1;
  std::string port_;
  std::mutex mutex_;
  std::map<int, std::array<uint8_t, 256>> tables_;
  std::map<int, int> errors_;
  Faults faults_;
  Rng rng_{RngKey{4}};
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace understudy
