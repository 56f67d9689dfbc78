#pragma once

#include <string>

namespace understudy {

// A QR code of `text` for a terminal, two rows of it in one line of characters, dark on light.
// Empty: it is too long for one.
std::string QrText(const std::string& text);

}  // namespace understudy
