#include "sim/pieces.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {
namespace {

using Eigen::Vector3d;

constexpr double kDark = 0.7, kDarker = 0.5;  // shades of parts that stand out

// From corner to corner.
Piece Block(const Vector3d& low, const Vector3d& high, double shade = 1) {
  return {Piece::Shape::kBox, (low + high) / 2, (high - low) / 2, shade};
}

// Upright, from one height to the other.
Piece Cylinder(double radius, double low, double high, double shade = 1, double x = 0) {
  return {
      Piece::Shape::kCylinder, {x, 0, (low + high) / 2}, {radius, radius, (high - low) / 2}, shade};
}

std::vector<Piece> Shelf(const Vector3d& size) {
  const double x = size.x() / 2, y = size.y() / 2, thick = std::min(0.02, y / 4);
  std::vector<Piece> pieces{Block({-x, -y, 0}, {x, -y + thick, size.z()}),
                            Block({-x, y - thick, 0}, {x, y, size.z()}),
                            Block({-x, -y + thick, 0}, {-x + thick, y - thick, size.z()}, kDark)};
  constexpr double kBetweenBoards = 0.32;  // m
  const int boards = std::max(2, static_cast<int>(std::lround(size.z() / kBetweenBoards)) + 1);
  for (int i = 0; i < boards; ++i) {
    const double z = (size.z() - thick) * i / (boards - 1);
    pieces.push_back(Block({-x + thick, -y + thick, z}, {x, y - thick, z + thick}));
  }
  return pieces;
}

std::vector<Piece> Cabinet(const Vector3d& size) {
  const double front = std::min(0.02, size.x() / 4), x = size.x() / 2, y = size.y() / 2;
  const double gap = std::min(0.004, y / 20), z = size.z();
  std::vector<Piece> pieces{Block({-x, -y, 0}, {x - front, y, z}, kDark)};
  const int doors = std::max(1, static_cast<int>(std::lround(size.y() / 0.45)));
  const double width = size.y() / doors;
  for (int i = 0; i < doors; ++i) {
    const double left = -y + i * width + gap, right = -y + (i + 1) * width - gap;
    pieces.push_back(Block({x - front, left, 0.04 * z + gap}, {x - front / 3, right, z - gap}));
    const double handle = i % 2 == 0 ? right - 0.12 * width : left + 0.12 * width;
    pieces.push_back(Block({x - front / 3, handle - 0.008, 0.55 * z},
                           {x, handle + 0.008, std::min(0.55 * z + 0.14, z)}, kDarker));
  }
  return pieces;
}

}  // namespace

double Piece::volume() const {
  return shape == Shape::kBox ? 8 * half.prod()
                              : 2 * std::numbers::pi * half.x() * half.x() * half.z();
}

std::vector<Piece> PiecesOf(FixtureKind kind, const Vector3d& size) {
  const double x = size.x() / 2, y = size.y() / 2, z = size.z();
  switch (kind) {
    case FixtureKind::kBox:
    case FixtureKind::kWall:
      return {Block({-x, -y, 0}, {x, y, z})};
    case FixtureKind::kCounter: {
      const double top = std::min(0.04, z / 4), inset = std::min(0.03, x / 4);
      return {Block({-x, -y, 0.1 * z}, {x - inset, y, z - top}, kDark),
              Block({-x, -y, 0}, {x - 2 * inset, y, 0.1 * z}, kDarker),
              Block({-x, -y, z - top}, {x, y, z})};
    }
    case FixtureKind::kShelf:
      return Shelf(size);
    case FixtureKind::kCabinet:
      return Cabinet(size);
  }
  return {};
}

std::vector<Piece> PiecesOf(ThingKind kind, const Vector3d& size) {
  const Vector3d h = size / 2;
  const double r = std::min(h.x(), h.y());
  const auto at = [&](double share) { return h.z() * (2 * share - 1); };  // share of the height
  switch (kind) {
    case ThingKind::kBlock:
      return {Block(-h, h)};
    case ThingKind::kCan:
      return {Cylinder(r, at(0.04), at(0.96)), Cylinder(0.92 * r, at(0), at(1), kDark)};
    case ThingKind::kMug: {
      // the handle stands out to the right of the cup
      const double cup = std::min(r, 0.75 * h.x()), left = cup - h.x();
      const double out = h.x(), arm = std::min(0.25 * cup, 0.012);
      const double edge = left + 0.9 * cup;
      return {Cylinder(cup, at(0), at(1), 1, left),
              Cylinder(0.8 * cup, at(0.9), at(1) + 1e-4, kDarker, left),
              Block({edge, -arm / 2, at(0.2)}, {out, arm / 2, at(0.2) + arm}),
              Block({edge, -arm / 2, at(0.8) - arm}, {out, arm / 2, at(0.8)}),
              Block({out - arm, -arm / 2, at(0.2)}, {out, arm / 2, at(0.8)})};
    }
    case ThingKind::kCarton: {
      const double ridge = std::min(0.1 * h.y(), 0.006);
      return {Block(-h, {h.x(), h.y(), at(0.78)}),
              Block({-h.x(), -0.6 * h.y(), at(0.78)}, {h.x(), 0.6 * h.y(), at(0.9)}, kDark),
              Block({-h.x(), -ridge, at(0.9)}, {h.x(), ridge, h.z()}, kDark)};
    }
    case ThingKind::kBottle:
      return {Cylinder(r, at(0), at(0.6)), Cylinder(0.7 * r, at(0.6), at(0.7)),
              Cylinder(0.4 * r, at(0.7), at(0.92)), Cylinder(0.45 * r, at(0.92), at(1), kDarker)};
    case ThingKind::kBowl:
      return {Cylinder(0.5 * r, at(0), at(0.2)), Cylinder(0.75 * r, at(0.2), at(0.55)),
              Cylinder(r, at(0.55), at(1)), Cylinder(0.85 * r, at(0.6), at(1) + 1e-4, kDarker)};
    case ThingKind::kPlate:
      return {Cylinder(0.65 * r, at(0), at(0.6)), Cylinder(r, at(0.4), at(1)),
              Cylinder(0.65 * r, at(0.6), at(1) + 1e-4, kDark)};
    case ThingKind::kBook:
      return {Block(-h, {h.x(), h.y(), at(0.15)}),
              Block({-h.x(), -0.96 * h.y(), at(0.15)}, {0.96 * h.x(), 0.96 * h.y(), at(0.85)}, 1.4),
              Block({-h.x(), -h.y(), at(0.85)}, h)};
  }
  return {};
}

std::vector<Piece> PiecesOf(BlockShape shape, const Vector3d& size) {
  const Vector3d h = size / 2;
  switch (shape) {
    case BlockShape::kBox:
      return {Block(-h, h)};
    case BlockShape::kCylinder:
      return {Cylinder(std::min(h.x(), h.y()), -h.z(), h.z())};
    case BlockShape::kCross:
      return {Block({-h.x(), -0.5 * h.y(), -h.z()}, {h.x(), 0.5 * h.y(), h.z()}),
              Block({-0.5 * h.x(), -h.y(), -h.z()}, {0.5 * h.x(), h.y(), h.z()})};
    case BlockShape::kFrame: {
      const double x = 0.45 * h.x(), y = 0.45 * h.y();  // half of the hole
      return {Block(-h, {h.x(), -y, h.z()}), Block({-h.x(), y, -h.z()}, h),
              Block({-h.x(), -y, -h.z()}, {-x, y, h.z()}),
              Block({x, -y, -h.z()}, {h.x(), y, h.z()})};
    }
  }
  return {};
}

}  // namespace understudy
