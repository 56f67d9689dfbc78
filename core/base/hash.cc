#include "core/base/hash.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/error.h"

namespace understudy {
namespace {

std::string ToHex(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", uint64_t{hash.high64}, uint64_t{hash.low64});
}

}  // namespace

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
void Hasher::Add(const void* data, size_t bytes) { XXH3_128bits_update(&state_->xxh, data, bytes); }
void Hasher::Add(std::string_view text) {
  const uint64_t size = text.size();
  Add(&size, sizeof(size));
  Add(text.data(), text.size());
}
std::string Hasher::Hex() const { return ToHex(XXH3_128bits_digest(&state_->xxh)); }

std::string ContentHash(std::string_view bytes) {
  return ToHex(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string FileHash(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) ThrowBadInput(file.string() + ": cannot be read");
  Hasher hasher;
  std::array<char, 1 << 16> buffer;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    hasher.Add(buffer.data(), static_cast<size_t>(in.gcount()));
  }
  return hasher.Hex();
}

std::string MakeUuid(std::string_view parents, const RngKey& key) {
  Hasher hasher;
  hasher.Add(parents);
  for (const uint64_t field : {key.seed, key.stage, key.parent, key.variant, key.term}) {
    hasher.Add(&field, sizeof(field));
  }
  std::string hex = hasher.Hex();
  // version 8 (custom) and the RFC 9562 variant, so that other tools accept it
  hex[12] = '8';
  hex[16] = "89ab"[(hex[16] >= 'a' ? hex[16] - 'a' + 10 : hex[16] - '0') & 3];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

}  // namespace understudy
