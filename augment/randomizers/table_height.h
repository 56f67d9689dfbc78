#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// How high what stands in the world is, with everything that the task places.
struct TableHeightRandomizer {
  static constexpr const char* kTag = "table_height";
  static constexpr const char* kSummary = "table: height, with what is placed on it";
  std::string body = "table";
  std::array<double, 2> shift{0, 0};
  template <class V>
  void Visit(V& v) {
    v("body", body, "that stands in the world");
    v("shift", shift, "m, [low, high], uniform, up", Limits{-1, 1});
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  TableHeightRandomizer Scaled(double severity) const;
};

}  // namespace understudy
