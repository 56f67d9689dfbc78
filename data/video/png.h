#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/image/image.h"

namespace understudy {

// `image` as a PNG file in memory, 8-bit RGB, lossless. Throws Error(kFailed) where libav lacks the
// encoder.
std::vector<uint8_t> EncodePng(const Image& image);

// A PNG or JPEG file in memory as a picture; of pictures with 16 bits per colour the upper ones.
// Throws Error(kBadInput) under `place` for other formats, damage, more than kMaxImageSide pixels.
Image DecodePicture(const std::string& file, const std::string& place);

// An OpenEXR file in memory, light of any brightness, as ToneMap (core/image/panorama.h) shows it.
// Throws Error(kBadInput) likewise.
Image DecodeLight(const std::string& file, const std::string& place);

}  // namespace understudy
