#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// Servos of Feetech's STS and SMS series on one serial line (SO-100, SO-101 and others): packets FF
// FF, id, length, instruction or error, parameters, checksum ~(id + length + ...); numbers are
// little-endian (Feetech, "Communication protocol manual" and the memory table of STS3215). One
// thread. Throws Error(kFailed) naming the servo where an answer is late, damaged or reports an
// error; what comes late is not taken for the answer to the next request.
class FeetechBus {
 public:
  // Opens a line of 8 data bits without parity. Throws Error(kUsage) where that cannot be.
  FeetechBus(std::string port, int baud);
  ~FeetechBus();
  FeetechBus(const FeetechBus&) = delete;
  FeetechBus& operator=(const FeetechBus&) = delete;

  // One register of one or two bytes.
  int Read(int id, int address, int bytes);
  void Write(int id, int address, int bytes, int value);
  // The same register of several servos in one packet; answers are in the order of `ids`.
  void ReadAll(std::span<const int> ids, int address, int bytes, std::vector<int>* values);
  void WriteAll(std::span<const int> ids, int address, int bytes, std::span<const int> values);

 private:
  void Request(int id, int instruction, std::string_view parameters);
  // The parameters of the answer of `id`.
  std::string_view Answer(int id, size_t bytes);
  // Makes `buffer_` hold `count` bytes from `begin` on.
  void Await(size_t count, int id, int64_t until_ns);
  [[noreturn]] void Fail(int id, const std::string& what) const;

  std::string port_;
  int fd_ = -1;
  std::string packet_, buffer_;
};

// Numbers whose highest bit is a sign.
int FromSignMagnitude(int value, int sign_bit);
int ToSignMagnitude(int value, int sign_bit);

}  // namespace understudy
