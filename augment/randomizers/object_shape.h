#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Other instances of the task's objects: shapes that fill the same box.
struct ObjectShapeRandomizer {
  static constexpr const char* kTag = "object_shape";
  static constexpr const char* kSummary = "objects: instance, one of several shapes";
  std::vector<std::string> objects{"*"};
  std::vector<BlockShape> shapes;
  double share = 1;
  template <class V>
  void Visit(V& v) {
    v("objects", objects, "names, * and ? allowed; those that are no box or cylinder stay");
    v("shapes", shapes, "box, cylinder, cross, frame: one of them, each as likely");
    v("share", share, "of the draws that change a shape", Limits{0, 1});
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  ObjectShapeRandomizer Scaled(double severity) const;
};

}  // namespace understudy
