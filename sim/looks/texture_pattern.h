#pragma once

#include <cstdint>

#include "core/spec/scene_variation.h"

namespace understudy {

// Paints `edit` into `pixels`, rows from the first, `channels` (1, 3 or 4; alpha is opaque) bytes
// per pixel. Every pattern tiles without a seam. The same edit gives the same bytes in one build:
// noise is value noise (lattice of Philox draws keyed by edit.seed, smoothstep between them,
// octaves halving in height), wood is a sine of a coordinate warped by it.
void PaintTexture(const TextureEdit& edit, int width, int height, int channels, uint8_t* pixels);

}  // namespace understudy
