#pragma once

#include <Eigen/Geometry>
#include <optional>

#include "data/formats/base/column_map.h"

namespace understudy {

bool IsRotation(PartKind kind);
// Numbers that a part of this kind has; 0: any.
int SizeOf(PartKind kind);
// The rotation that `v` is; unset: none.
std::optional<Eigen::Quaterniond> RotationOf(PartKind kind, const double* v);

}  // namespace understudy
