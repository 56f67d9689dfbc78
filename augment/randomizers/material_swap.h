#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Gives geoms another material of the scene.
struct MaterialSwapRandomizer {
  static constexpr const char* kTag = "material_swap";
  static constexpr const char* kSummary = "geoms: another material of the scene";
  std::vector<std::string> geoms, materials;
  double probability = 1;
  template <class V>
  void Visit(V& v) {
    v("geoms", geoms, "names, * and ? allowed");
    v("materials", materials, "chosen uniformly; * and ? allowed");
    v("probability", probability, "of swapping a geom's material", Limits{0, 1});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  MaterialSwapRandomizer Scaled(double severity) const;
};

}  // namespace understudy
