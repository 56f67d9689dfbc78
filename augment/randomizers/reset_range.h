#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Starts of objects beyond the ranges of the task, or nearer to their middle.
struct ResetRangeRandomizer {
  static constexpr const char* kTag = "reset_range";
  static constexpr const char* kSummary = "objects: how wide their start is drawn";
  std::vector<std::string> objects{"*"};
  double factor = 1;
  template <class V>
  void Visit(V& v) {
    v("objects", objects, "names, * and ? allowed; those that start at one place stay");
    v("factor", factor, "of the task's ranges of x and y", Limits{0, 10});
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  ResetRangeRandomizer Scaled(double severity) const;
};

}  // namespace understudy
