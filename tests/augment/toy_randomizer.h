#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Switches lights off, each with the same probability: what docs/add_a_randomizer.md adds.
struct BlackoutRandomizer {
  static constexpr const char* kTag = "blackout";
  static constexpr const char* kSummary = "lights: on or off";
  std::vector<std::string> lights{"*"};
  double probability = 0;  // of a light being off
  template <class V>
  void Visit(V& v) {
    v("lights", lights, "names, * and ? allowed");
    v("probability", probability, "of a light being off", Limits{0, 1});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  BlackoutRandomizer Scaled(double severity) const;
};

}  // namespace understudy
