#include "core/base/rng.h"

#include <cmath>
#include <numbers>

#include "core/base/error.h"

namespace understudy {
namespace {

// SplitMix64 (Steele et al. 2014): spreads every bit of the input over the output.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t HashOf(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001B3ull;
  return hash;
}

RngKey RngKey::WithStage(std::string_view name) const {
  RngKey key = *this;
  key.stage = HashOf(name);
  return key;
}
RngKey RngKey::WithParent(uint64_t value) const {
  RngKey key = *this;
  key.parent = value;
  return key;
}
RngKey RngKey::WithVariant(uint64_t value) const {
  RngKey key = *this;
  key.variant = value;
  return key;
}
RngKey RngKey::WithTerm(uint64_t value) const {
  RngKey key = *this;
  key.term = value;
  return key;
}
RngKey RngKey::WithTerm(std::string_view name) const { return WithTerm(HashOf(name)); }

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

Rng::Rng(const RngKey& key) {
  // chain the fields so that swapping two of them gives another stream
  uint64_t mixed = Mix(key.seed);
  for (const uint64_t field : {key.stage, key.parent, key.variant}) mixed = Mix(mixed ^ field);
  const uint64_t stream = Mix(mixed ^ Mix(key.term));
  key_ = {static_cast<uint32_t>(mixed), static_cast<uint32_t>(mixed >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
}

uint32_t Rng::NextU32() {
  if (used_ == 4) {
    block_ = Philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t Rng::NextU64() {
  const uint64_t low = NextU32();
  return (uint64_t{NextU32()} << 32) | low;
}

double Rng::Uniform() { return static_cast<double>(NextU64() >> 11) * 0x1.0p-53; }

double Rng::Uniform(double low, double high) { return low + (high - low) * Uniform(); }

uint64_t Rng::UniformInt(uint64_t count) {
  Require(count > 0, "UniformInt needs at least one value to choose from");
  // reject the incomplete last multiple of count
  const uint64_t threshold = (0 - count) % count;
  while (true) {
    const uint64_t value = NextU64();
    if (value >= threshold) return value % count;
  }
}

int64_t Rng::UniformInt(int64_t low, int64_t high) {
  Require(low <= high, "UniformInt needs low <= high");
  return low + static_cast<int64_t>(UniformInt(static_cast<uint64_t>(high - low) + 1));
}

double Rng::Normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  // 1 - u lies in (0, 1], so that the logarithm is finite
  const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
  const double angle = 2 * std::numbers::pi * Uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

double Rng::Gamma(double shape) {
  Require(shape > 0, "Gamma needs a positive shape");
  // shapes below one are boosted: Gamma(a) = Gamma(a + 1) U^(1/a)
  if (shape < 1) return Gamma(shape + 1) * std::pow(1 - Uniform(), 1 / shape);
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = Normal();
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    const double u = 1 - Uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Rng::Beta(double a, double b) {
  const double x = Gamma(a);
  const double y = Gamma(b);
  return x / (x + y);
}

}  // namespace understudy
