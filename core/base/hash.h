#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/rng.h"

namespace understudy {

// 128-bit content identity (XXH3-128), as 32 lower-case hex digits. Finds changes and names
// things; it is no protection against somebody who wants a collision.
std::string ContentHash(std::string_view bytes);
std::string FileHash(const std::filesystem::path& file);

// Feeds a hash piece by piece.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void Add(const void* data, size_t bytes);
  void Add(std::string_view text);  // with its length, so that "ab","c" differs from "a","bc"
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A stable uuid (8-4-4-4-12) made from parents and the key of the draw: same parents and key, same
// uuid, on every machine.
std::string MakeUuid(std::string_view parents, const RngKey& key);

}  // namespace understudy
