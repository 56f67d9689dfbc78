#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "core/image/image.h"

namespace understudy {

// What a real camera does to a picture that a renderer makes perfect. Each works in place and is a
// function of its arguments alone.

// Light times 2^stops and times `gains` (red, green, blue), in linear light by the transfer
// function of sRGB (IEC 61966-2-1); what is brighter than white is white.
void Expose(double stops, const Eigen::Vector3d& gains, Image* image);

// The mean, in linear light, of what is seen while the picture moves by `way` (right, down; px).
void BlurAlong(const Eigen::Vector2d& way, Image* image);

// Normal noise on every number, of a standard deviation of `share` of white.
void AddNoise(double share, uint64_t seed, Image* image);

// What JPEG of a quality from 1 to 100 leaves (ITU-T T.81: blocks of 8x8, the tables of annex K,
// scaled as libjpeg does, colours at full resolution).
void CompressAsJpeg(int quality, Image* image);

}  // namespace understudy
