#pragma once

#include <string>

namespace understudy {

bool IsUtf8(const std::string& text);

// The text itself where it is UTF-8; else its bytes are taken for Latin-1, which other programs
// write.
std::string AsUtf8(std::string text);

}  // namespace understudy
