#include "data/store/hdf5/journal.h"

#include <cstdint>
#include <cstring>

#include "core/base/hash.h"

namespace understudy::h5 {
namespace {

constexpr char kMagic[8] = {'U', 'S', 'T', 'U', 'D', 'Y', 'J', '1'};
constexpr size_t kHashBytes = 32;

void Put(std::string& out, uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

std::string JournalText(const std::vector<Patch>& patches) {
  std::string text(kMagic, sizeof(kMagic));
  Put(text, patches.size());
  for (const Patch& patch : patches) {
    Put(text, patch.address);
    Put(text, patch.bytes.size());
    text += patch.bytes;
  }
  return text + ContentHash(text);
}

std::vector<Patch> ParseJournal(const std::string& text) {
  if (text.size() < sizeof(kMagic) + 8 + kHashBytes) return {};
  const std::string body = text.substr(0, text.size() - kHashBytes);
  const bool whole = std::memcmp(body.data(), kMagic, sizeof(kMagic)) == 0 &&
                     ContentHash(body) == text.substr(body.size());
  if (!whole) return {};
  const auto get = [&](size_t at) {
    uint64_t value = 0;
    std::memcpy(&value, body.data() + at, sizeof(value));
    return value;
  };
  std::vector<Patch> patches;
  size_t at = sizeof(kMagic);
  const uint64_t count = get(at);
  at += 8;
  for (uint64_t i = 0; i < count && at + 16 <= body.size(); ++i) {
    const uint64_t address = get(at), size = get(at + 8);
    at += 16;
    if (size > body.size() - at) return {};
    patches.push_back({address, body.substr(at, size)});
    at += size;
  }
  return patches;
}

}  // namespace understudy::h5
