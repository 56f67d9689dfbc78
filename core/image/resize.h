#pragma once

#include <cstdint>

namespace understudy {

// The picture in another size: each pixel of `out` is the mean of the area of `in` that it covers,
// pixels cut by its border by their share. Where `out` is larger, pixels are repeated. HWC with 3
// channels.
void ResizeImage(const uint8_t* in, int height, int width, uint8_t* out, int out_height,
                 int out_width);

}  // namespace understudy
