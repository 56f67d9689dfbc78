#include "core/image/shown_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace understudy {

std::shared_ptr<const Image> ShownPicture::Pixels() const {
  if (!read) {
    ThrowBadInput(fmt::format(
        "picture '{}': the pixels of hash {} are not at hand; pictures that come with `make "
        "assets` are found by their name, those of a dataset in it",
        name, hash));
  }
  return read();
}

ShownPicture MakeShownPicture(const std::string& name, Image image) {
  const auto held = std::make_shared<const Image>(std::move(image));
  return {name, PixelHash(*held), [held] { return held; }};
}

std::string ToPpm(const Image& image) {
  Require(image.width > 0 && image.height > 0, "a picture has pixels");
  std::string bytes = fmt::format("P6\n{} {}\n255\n", image.width, image.height);
  bytes.append(reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size());
  return bytes;
}

Image FromPpm(const std::string& bytes, const std::string& place) {
  const auto fail = [&] { ThrowBadInput(place + ": holds no picture as this program stores it"); };
  // "P6\n512 512\n255\n"
  const char *at = bytes.data(), *end = at + bytes.size();
  const auto text = [&](std::string_view wanted) {
    if (!std::string_view(at, static_cast<size_t>(end - at)).starts_with(wanted)) fail();
    at += wanted.size();
  };
  const auto side = [&] {
    int value = 0;
    const auto [after, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 1 || value > kMaxImageSide) fail();
    at = after;
    return value;
  };
  text("P6\n");
  const int width = side();
  text(" ");
  const int height = side();
  text("\n255\n");
  Image image(width, height);
  if (static_cast<size_t>(end - at) != image.rgb.size()) fail();
  std::copy(at, end, image.rgb.begin());
  return image;
}

std::string PixelHash(const Image& image) { return ContentHash(ToPpm(image)); }

Image Shrink(const Image& image, int width, int height) {
  width = std::clamp(width, 1, image.width);
  height = std::clamp(height, 1, image.height);
  if (width == image.width && height == image.height) return image;
  // shares of pixels in 1/256, so that every machine gives the same bytes
  struct Part {
    int at;
    int64_t share;
  };
  const auto parts_of = [](int from, int to) {
    std::vector<std::vector<Part>> parts(static_cast<size_t>(to));
    for (int i = 0; i < to; ++i) {
      const int64_t low = int64_t{256} * from * i / to, high = int64_t{256} * from * (i + 1) / to;
      for (int64_t x = low / 256; x * 256 < high; ++x) {
        const int64_t share = std::min(high, (x + 1) * 256) - std::max(low, x * 256);
        parts[static_cast<size_t>(i)].push_back({static_cast<int>(x), share});
      }
    }
    return parts;
  };
  const auto columns = parts_of(image.width, width), rows = parts_of(image.height, height);
  Image small(width, height);
  uint8_t* out = small.rgb.data();
  for (const auto& row : rows) {
    for (const auto& column : columns) {
      int64_t sum[3] = {0, 0, 0}, weight = 0;
      for (const Part& y : row) {
        const uint8_t* line = image.rgb.data() + static_cast<size_t>(y.at) * image.width * 3;
        for (const Part& x : column) {
          const uint8_t* pixel = line + 3 * x.at;
          const int64_t share = x.share * y.share;
          for (int c = 0; c < 3; ++c) sum[c] += share * pixel[c];
          weight += share;
        }
      }
      for (const int64_t channel : sum) {
        *out++ = static_cast<uint8_t>((channel + weight / 2) / weight);
      }
    }
  }
  return small;
}

}  // namespace understudy
