#pragma once

#include <Eigen/Core>
#include <vector>

#include "core/spec/composed_parts.h"

namespace understudy {

// A primitive of a composed part, its axes those of the part.
struct Piece {
  enum class Shape { kBox, kCylinder };
  Shape shape = Shape::kBox;
  Eigen::Vector3d p = Eigen::Vector3d::Zero();     // m, its middle
  Eigen::Vector3d half = Eigen::Vector3d::Zero();  // m; a cylinder's x is its radius, about z
  double shade = 1;                                // of the part's colour
  double volume() const;
};

// Pieces that fill `size` (m). Of fixtures the origin is the middle of the foot, x leads to the
// front.
std::vector<Piece> PiecesOf(FixtureKind kind, const Eigen::Vector3d& size);
// Of the others it is the middle of the box. They touch the middle of its bottom.
std::vector<Piece> PiecesOf(ThingKind kind, const Eigen::Vector3d& size);
std::vector<Piece> PiecesOf(BlockShape shape, const Eigen::Vector3d& size);

}  // namespace understudy
