#pragma once

#include <array>
#include <string>

#include "core/base/options.h"

namespace understudy {

// Kinds of the parts that are composed into a scene; all are made of primitives (sim/pieces.h).

// What stands still beside the task.
enum class FixtureKind { kBox, kWall, kCounter, kShelf, kCabinet };
template <>
struct EnumNames<FixtureKind> {
  static constexpr std::array kNames{"box", "wall", "counter", "shelf", "cabinet"};
};

// What lies about, and the task does not ask for.
enum class ThingKind { kBlock, kCan, kMug, kCarton, kBottle, kBowl, kPlate, kBook };
template <>
struct EnumNames<ThingKind> {
  static constexpr std::array kNames{"block",  "can",  "mug",   "carton",
                                     "bottle", "bowl", "plate", "book"};
};

// Shapes that fill the same box, each with flat or round sides that a gripper takes hold of.
enum class BlockShape { kBox, kCylinder, kCross, kFrame };
template <>
struct EnumNames<BlockShape> {
  static constexpr std::array kNames{"box", "cylinder", "cross", "frame"};
};

// Where a thing stands. Sides are those that arm 0 sees from its base: its x axis leads away from
// it, its y axis to the left. `left_of` and its like are sectors of 45 degrees to either side.
enum class RelationKind {
  kLeftOf,
  kRightOf,
  kInFrontOf,
  kBehind,
  kNear,
  kAwayFrom,
  kWithinReach,
  kSeenBy
};
template <>
struct EnumNames<RelationKind> {
  static constexpr std::array kNames{"left_of", "right_of",  "in_front_of",  "behind",
                                     "near",    "away_from", "within_reach", "seen_by"};
};
struct Relation {
  RelationKind relation = RelationKind::kNear;
  std::string to;
  double distance = 0.1;
  template <class V>
  void Visit(V& v) {
    v("relation", relation,
      "left_of, right_of, in_front_of, behind, near, away_from: of another "
      "thing or object; within_reach of an arm; seen_by a camera");
    v("to", to, "thing or object; seen_by: camera; within_reach: not used");
    v("distance", distance, "m between middles: at most (near), at least (away_from)",
      Limits{0, 10});
  }
};

}  // namespace understudy
