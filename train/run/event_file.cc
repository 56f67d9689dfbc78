#include "train/run/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <fstream>

#include "core/base/error.h"

namespace understudy {
namespace {

template <class T>
std::string LittleEndian(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

// Fields of a protocol buffer's message.
std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Tag(int field, int type) { return Varint(static_cast<uint64_t>(field << 3 | type)); }
std::string Number(int field, int64_t value) {
  return Tag(field, 0) + Varint(static_cast<uint64_t>(value));
}
std::string Double(int field, double value) {
  return Tag(field, 1) + LittleEndian(std::bit_cast<uint64_t>(value));
}
std::string Float(int field, double value) {
  return Tag(field, 5) + LittleEndian(std::bit_cast<uint32_t>(static_cast<float>(value)));
}
std::string Bytes(int field, const std::string& value) {
  return Tag(field, 2) + Varint(value.size()) + value;
}

std::string Event(int64_t step, const std::string& what) {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return Double(1, now) + Number(2, step) + what;
}

uint32_t Masked(const std::string& bytes) {
  const uint32_t crc = Crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

}  // namespace

uint32_t Crc32c(const std::string& bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t rest = i;
      for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0x82F63B78u : 0);
      made[i] = rest;
    }
    return made;
  }();
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = table[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ crc >> 8;
  return ~crc;
}

void EventFile::Write(const std::string& record) {
  const std::string length = LittleEndian(static_cast<uint64_t>(record.size()));
  std::ofstream file(file_, std::ios::binary | std::ios::app);
  file << length << LittleEndian(Masked(length)) << record << LittleEndian(Masked(record))
       << std::flush;
  if (!file) ThrowFailed(fmt::format("{}: could not be written", file_.string()));
}

void EventFile::Append(int64_t step, const std::vector<std::pair<std::string, double>>& scalars,
                       const std::vector<EncodedPicture>& pictures) {
  if (file_.empty()) {
    std::error_code cannot;
    std::filesystem::create_directories(folder_, cannot);
    if (cannot) ThrowFailed(fmt::format("{}: {}", folder_.string(), cannot.message()));
    char host[256] = "localhost";
    ::gethostname(host, sizeof(host) - 1);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    // TensorBoard reads files in the order of their names
    file_ = folder_ / fmt::format("events.out.tfevents.{:010}.{}.{}",
                                  std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                                  host, ::getpid());
    Write(Event(0, Bytes(3, "brain.Event:2")));
    constexpr int kStart = 1;
    Write(Event(step_ + 1, Bytes(7, Number(1, kStart))));
  }
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    summary += Bytes(1, Bytes(1, tag) + Float(2, value));
  }
  for (const EncodedPicture& picture : pictures) {
    constexpr int kRgb = 3;
    const std::string image = Number(1, picture.height) + Number(2, picture.width) +
                              Number(3, kRgb) + Bytes(4, picture.bytes);
    summary += Bytes(1, Bytes(1, picture.tag) + Bytes(4, image));
  }
  Write(Event(step, Bytes(5, summary)));
}

}  // namespace understudy
