#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/image/image.h"

namespace understudy {

// A picture that a look shows. Its pixels are what is shown, made from a file once: neither the
// file nor a decoder is needed where they are stored (docs/format.md).
struct ShownPicture {
  std::string name;  // where it came from: "wood/oak", or the path of a file
  std::string hash;  // PixelHash; empty: no picture
  // The pixels; empty: not at hand. Any thread. Throws Error(kBadInput) where they cannot be had,
  // or are not those of `hash`.
  std::function<std::shared_ptr<const Image>()> read;

  bool shown() const { return !hash.empty(); }
  // Throws Error(kBadInput) that says what to do where they are not at hand.
  std::shared_ptr<const Image> Pixels() const;
  bool operator==(const ShownPicture& other) const {
    return name == other.name && hash == other.hash;
  }
};

// One that is in memory.
ShownPicture MakeShownPicture(const std::string& name, Image image);

// The binary form of Netpbm's PPM, which many programs open.
std::string ToPpm(const Image& image);
// Only what ToPpm writes. Throws Error(kBadInput) under `place`.
Image FromPpm(const std::string& bytes, const std::string& place);
// ContentHash of ToPpm.
std::string PixelHash(const Image& image);

// Every pixel the mean of those that it covers; at least one pixel a side, nothing larger than it
// is.
Image Shrink(const Image& image, int width, int height);

}  // namespace understudy
