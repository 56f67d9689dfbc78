#include "core/base/utf8.h"

#include <cstdint>

namespace understudy {

bool IsUtf8(const std::string& text) {
  const auto* byte = reinterpret_cast<const uint8_t*>(text.data());
  const auto* const end = byte + text.size();
  while (byte != end) {
    if (*byte < 0x80) {
      ++byte;
      continue;
    }
    const int more = *byte >= 0xF0 ? 3 : *byte >= 0xE0 ? 2 : 1;
    if (*byte < 0xC2 || *byte > 0xF4 || end - byte <= more) return false;
    // neither longer than needed, a half of UTF-16, nor beyond U+10FFFF
    const uint8_t next = byte[1];
    if (*byte == 0xE0 && next < 0xA0) return false;
    if (*byte == 0xED && next > 0x9F) return false;
    if (*byte == 0xF0 && next < 0x90) return false;
    if (*byte == 0xF4 && next > 0x8F) return false;
    for (int i = 1; i <= more; ++i) {
      if ((byte[i] & 0xC0) != 0x80) return false;
    }
    byte += more + 1;
  }
  return true;
}

std::string AsUtf8(std::string text) {
  if (IsUtf8(text)) return text;
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      utf8 += c;
      continue;
    }
    utf8 += static_cast<char>(0xC0 | (byte >> 6));
    utf8 += static_cast<char>(0x80 | (byte & 0x3F));
  }
  return utf8;
}

}  // namespace understudy
