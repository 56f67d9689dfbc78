#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy {

// Where a stream of random numbers belongs: every draw of the program is a function of one of
// these, so that it depends neither on threads nor on order. `parent` is an attempt number or a
// number made from an episode's uuid (HashOf), never a place in a file.
struct RngKey {
  uint64_t seed = 0;
  uint64_t stage = 0;  // HashOf("mimic"), …: no two stages share a stream
  uint64_t parent = 0;
  uint64_t variant = 0;
  uint64_t term = 0;  // which randomizer, which episode step, …

  RngKey WithStage(std::string_view name) const;
  RngKey WithParent(uint64_t value) const;
  RngKey WithVariant(uint64_t value) const;
  RngKey WithTerm(uint64_t value) const;
  RngKey WithTerm(std::string_view name) const;
  bool operator==(const RngKey&) const = default;
};

// 64-bit FNV-1a of the text; stable for ever, part of the file format.
uint64_t HashOf(std::string_view text);

// Counter-based generator Philox 4x32-10 (Salmon et al., SC 2011, "Parallel random numbers: as easy
// as 1, 2, 3"). The key's fields are mixed into Philox' key and the upper half of its counter;
// equal RngKeys give equal streams. A value type: copy it to replay it. Not thread-safe.
class Rng {
 public:
  explicit Rng(const RngKey& key);

  uint32_t NextU32();
  uint64_t NextU64();
  double Uniform();                               // [0, 1), 53 bits
  double Uniform(double low, double high);        // [low, high)
  uint64_t UniformInt(uint64_t count);            // 0 … count-1 without bias; requires count > 0
  int64_t UniformInt(int64_t low, int64_t high);  // inclusive
  double Normal();                                // N(0, 1), Box-Muller
  // Beta(a, b) as a ratio of two gammas; flow matching draws its time from one.
  double Beta(double a, double b);
  double Gamma(double shape);  // Gamma(shape, 1), Marsaglia & Tsang 2000

 private:
  std::array<uint32_t, 2> key_{};
  std::array<uint32_t, 4> counter_{};
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_ = false;
  double spare_ = 0;
};

// One Philox 4x32-10 block, exposed for the known-answer test.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace understudy
