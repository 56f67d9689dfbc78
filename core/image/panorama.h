#pragma once

#include <vector>

#include "core/image/image.h"

namespace understudy {

// Pictures of the whole surroundings: equirectangular, twice as wide as high.

// Light of any brightness, linear RGB by rows from the top, as a picture: what is bright on average
// (its logarithm) becomes a middle grey, what is much brighter is bent towards white (Reinhard et
// al. 2002, "Photographic tone reproduction for digital images", eq. 4), by the transfer function
// of sRGB.
Image ToneMap(int width, int height, const std::vector<float>& rgb);

// A picture twice as wide as high is one already. Any other photograph fills half of the way round,
// its mirror image the other half; above and below stands the mean colour of its upper and its
// lower edge.
Image Surroundings(const Image& photograph);

}  // namespace understudy
