#include "serve/robots/feetech_bus.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace understudy {
namespace {

constexpr int kRead = 0x02, kWrite = 0x03, kSyncRead = 0x82, kSyncWrite = 0x83;
constexpr int kEverybody = 0xFE;
constexpr int64_t kAnswerNs = 20'000'000;  // after which an answer is late
constexpr size_t kHead = 5;                // FF FF id length error

speed_t SpeedOf(int baud) {
  switch (baud) {
    case 1'000'000:
      return B1000000;
    case 500'000:
      return B500000;
    case 115'200:
      return B115200;
    case 57'600:
      return B57600;
    case 38'400:
      return B38400;
    default:
      ThrowUsage(
          fmt::format("baud = {}: known are 1000000, 500000, 115200, 57600 and 38400", baud));
  }
}

// What the bits of the error byte mean.
std::string FaultsOf(int error) {
  constexpr std::array kFaults{"voltage", "position sensor", "temperature", "current",
                               "",        "overload"};
  std::string text;
  for (size_t bit = 0; bit < kFaults.size(); ++bit) {
    if (((error >> bit) & 1) == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(kFaults[bit]);
  }
  return text;
}

uint8_t Byte(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

void PutNumber(int value, int bytes, std::string* text) {
  for (int i = 0; i < bytes; ++i) text->push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

int NumberIn(std::string_view text) {
  int value = 0;
  for (size_t i = 0; i < text.size(); ++i) value |= Byte(text, i) << (8 * i);
  return value;
}

// Of all from the id on.
uint8_t Checksum(std::string_view text) {
  int sum = 0;
  for (size_t i = 0; i < text.size(); ++i) sum += Byte(text, i);
  return static_cast<uint8_t>(~sum);
}

}  // namespace

FeetechBus::FeetechBus(std::string port, int baud) : port_(std::move(port)) {
  const speed_t speed = SpeedOf(baud);
  fd_ = open(port_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) {
    ThrowUsage(
        fmt::format("port: {}: cannot be opened ({}); your user may have to be in the group "
                    "`dialout`",
                    port_, std::strerror(errno)));
  }
  termios line{};
  if (tcgetattr(fd_, &line) != 0) {
    const int why = errno;
    close(fd_);
    ThrowUsage(fmt::format("port: {}: is no serial line ({})", port_, std::strerror(why)));
  }
  cfmakeraw(&line);
  line.c_cflag |= CLOCAL | CREAD;
  line.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | CRTSCTS);
  cfsetspeed(&line, speed);
  tcsetattr(fd_, TCSANOW, &line);
}

FeetechBus::~FeetechBus() { close(fd_); }

void FeetechBus::Fail(int id, const std::string& what) const {
  ThrowFailed(fmt::format("{}: servo {}: {}", port_, id, what));
}

void FeetechBus::Request(int id, int instruction, std::string_view parameters) {
  tcflush(fd_, TCIFLUSH);  // answers that came too late
  buffer_.clear();
  packet_.assign("\xFF\xFF");
  packet_.push_back(static_cast<char>(id));
  packet_.push_back(static_cast<char>(parameters.size() + 2));
  packet_.push_back(static_cast<char>(instruction));
  packet_.append(parameters);
  packet_.push_back(static_cast<char>(Checksum(std::string_view(packet_).substr(2))));
  size_t sent = 0;
  const int64_t until_ns = MonotonicNs() + kAnswerNs;
  while (sent < packet_.size()) {
    const ssize_t count = write(fd_, packet_.data() + sent, packet_.size() - sent);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (errno != EAGAIN && errno != EINTR) {
      Fail(id, fmt::format("cannot be written to ({})", std::strerror(errno)));
    } else if (MonotonicNs() > until_ns) {
      Fail(id, "the line takes no more bytes");
    }
  }
}

void FeetechBus::Await(size_t count, int id, int64_t until_ns) {
  std::array<char, 256> bytes;
  while (buffer_.size() < count) {
    const int64_t left_ns = until_ns - MonotonicNs();
    if (left_ns <= 0) Fail(id, "does not answer");
    pollfd waiting{fd_, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(1 + left_ns / 1'000'000));
    if (ready <= 0) continue;
    const ssize_t got = read(fd_, bytes.data(), bytes.size());
    if (got > 0) {
      buffer_.append(bytes.data(), static_cast<size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      Fail(id, "the line is gone");
    }
  }
}

std::string_view FeetechBus::Answer(int id, size_t bytes) {
  const int64_t until_ns = MonotonicNs() + kAnswerNs;
  while (true) {
    Await(kHead + bytes + 1, id, until_ns);
    // what does not begin a packet is noise
    const size_t begin = buffer_.find("\xFF\xFF");
    if (begin != 0) {
      // the last byte may be the first of a beginning
      buffer_.erase(0, begin == std::string::npos ? buffer_.size() - 1 : begin);
      continue;
    }
    if (Byte(buffer_, 2) == 0xFF) {  // FF FF FF: one of them is noise
      buffer_.erase(0, 1);
      continue;
    }
    const std::string_view packet = std::string_view(buffer_).substr(2, bytes + 4);
    const bool sound = Byte(packet, 0) == id && Byte(packet, 1) == bytes + 2 &&
                       Checksum(packet.substr(0, bytes + 3)) == Byte(packet, bytes + 3);
    if (!sound) {
      buffer_.erase(0, 2);
      continue;
    }
    if (const int error = Byte(packet, 2)) {
      const std::string faults = FaultsOf(error);
      Fail(id, "reports an error: " + (faults.empty() ? std::to_string(error) : faults));
    }
    // the answer is kept where the next one is searched behind
    packet_.assign(packet.substr(3, bytes));
    buffer_.erase(0, bytes + 6);
    return packet_;
  }
}

int FeetechBus::Read(int id, int address, int bytes) {
  const std::string asked{static_cast<char>(address), static_cast<char>(bytes)};
  Request(id, kRead, asked);
  return NumberIn(Answer(id, static_cast<size_t>(bytes)));
}

void FeetechBus::Write(int id, int address, int bytes, int value) {
  std::string written{static_cast<char>(address)};
  PutNumber(value, bytes, &written);
  Request(id, kWrite, written);
  Answer(id, 0);
}

void FeetechBus::ReadAll(std::span<const int> ids, int address, int bytes,
                         std::vector<int>* values) {
  std::string asked{static_cast<char>(address), static_cast<char>(bytes)};
  for (const int id : ids) asked.push_back(static_cast<char>(id));
  Request(kEverybody, kSyncRead, asked);
  values->clear();
  for (const int id : ids) values->push_back(NumberIn(Answer(id, static_cast<size_t>(bytes))));
}

void FeetechBus::WriteAll(std::span<const int> ids, int address, int bytes,
                          std::span<const int> values) {
  std::string written{static_cast<char>(address), static_cast<char>(bytes)};
  for (size_t i = 0; i < ids.size(); ++i) {
    written.push_back(static_cast<char>(ids[i]));
    PutNumber(values[i], bytes, &written);
  }
  Request(kEverybody, kSyncWrite, written);  // nobody answers
}

int FromSignMagnitude(int value, int sign_bit) {
  const int magnitude = value & ((1 << sign_bit) - 1);
  return ((value >> sign_bit) & 1) != 0 ? -magnitude : magnitude;
}

int ToSignMagnitude(int value, int sign_bit) {
  return std::abs(value) | (value < 0 ? 1 << sign_bit : 0);
}

}  // namespace understudy
