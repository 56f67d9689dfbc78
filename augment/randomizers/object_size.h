#pragma once

#include "augment/randomizers/amount.h"

namespace understudy {

// Geometry of objects, with mass and inertia at the density they have.
struct ObjectSizeRandomizer {
  static constexpr const char* kTag = "object_size";
  static constexpr const char* kSummary = "objects: size, with mass and inertia";
  std::vector<std::string> objects{"*"};
  bool together = false;
  Amount amount;  // of the factor of every length, nominally 1
  template <class V>
  void Visit(V& v) {
    v("objects", objects, "names, * and ? allowed; those made of meshes or parts stay as they are");
    v("together", together, "one draw for all that match");
    amount.Visit(v);
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  ObjectSizeRandomizer Scaled(double severity) const;
};

}  // namespace understudy
