#pragma once

#include <cstdint>
#include <vector>

#include "data/image/image.h"

namespace understudy {

// `image` as a PNG file in memory, 8-bit RGB, lossless. Throws Error(kFailed) where libav lacks the
// encoder.
std::vector<uint8_t> EncodePng(const Image& image);

}  // namespace understudy
