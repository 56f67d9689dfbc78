#pragma once

#include <cstdint>

namespace understudy {

// Pad-and-crop of Kostrikov et al. 2020 ("Image augmentation is all you need") with the edge
// repeated: out(x, y) = in(clamp(x + dx), clamp(y + dy)). HWC with 3 channels; `in` and `out`
// differ.
void ShiftImage(const uint8_t* in, int height, int width, int dx, int dy, uint8_t* out);

// In place: value -> contrast (value - 127.5) + 127.5 + 255 brightness, rounded and clipped.
void AdjustImage(uint8_t* rgb, int height, int width, double brightness, double contrast);

}  // namespace understudy
