#pragma once

#include <Eigen/Geometry>
#include <array>
#include <optional>
#include <vector>

#include "core/base/options.h"

namespace understudy {

// How a rotation is written as numbers.
enum class RotationForm { kWxyz, kXyzw, k6dColumns, k6dRows, kAxisAngle, kEulerXyz };
template <>
struct EnumNames<RotationForm> {
  static constexpr std::array kNames{"quaternion_wxyz",  "quaternion_xyzw", "rotation_6d_columns",
                                     "rotation_6d_rows", "axis_angle",      "euler_xyz"};
};

// How many numbers that takes.
int NumbersOf(RotationForm form);
std::vector<double> WriteRotation(const Eigen::Quaterniond& q, RotationForm form);
// Of NumbersOf(form) numbers from `n` on; nothing where they are no rotation. Two columns or rows
// that are not orthonormal mean the nearest rotation (Gram-Schmidt; Zhou et al., CVPR 2019).
std::optional<Eigen::Quaterniond> ReadRotation(const double* n, RotationForm form);

}  // namespace understudy
