#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// The light that every camera carries.
struct HeadlightRandomizer {
  static constexpr const char* kTag = "headlight";
  static constexpr const char* kSummary = "the light that every camera carries: brightness";
  std::array<double, 2> ambient{1, 1}, diffuse{1, 1};
  template <class V>
  void Visit(V& v) {
    v("ambient", ambient, "factor [low, high]", Limits{0, 10});
    v("diffuse", diffuse, "factor [low, high]", Limits{0, 10});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  HeadlightRandomizer Scaled(double severity) const;
};

}  // namespace understudy
