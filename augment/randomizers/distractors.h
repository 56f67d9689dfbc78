#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// A relation that a thing keeps.
struct ThingRelation : Relation {
  std::string thing;
  template <class V>
  void Visit(V& v) {
    v("thing", thing, "names, * and ? allowed: kind and number, as mug_0");
    Relation::Visit(v);
  }
};

// Things that lie about and that the task does not ask for. Their names are kind and number:
// first `things`, then as many more as are drawn.
struct DistractorsRandomizer {
  static constexpr const char* kTag = "distractors";
  static constexpr const char* kSummary = "scene: things that lie about, off the path";
  std::vector<ThingKind> things;
  std::array<int, 2> count{0, 0};
  std::vector<ThingKind> kinds{ThingKind::kBlock, ThingKind::kCan, ThingKind::kMug,
                               ThingKind::kCarton};
  std::string on = "table";
  std::array<double, 2> scale{0.8, 1.2};
  double clearance = 0.04;
  std::vector<ThingRelation> relations;
  template <class V>
  void Visit(V& v) {
    v("things", things, "kinds that are always there, in the order in which they are placed");
    v("count", count, "of further ones, [least, most]", Limits{0, 50});
    v("kinds", kinds, "of further ones: block, can, mug, carton, bottle, bowl, plate, book");
    v("on", on, "body that stands in the world");
    v("scale", scale, "of their usual size", Limits{0.1, 5});
    v("clearance", clearance, "m from the task's objects and the ways between them", Limits{0, 1});
    v("relations", relations, "that hold at the start, by rejection");
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  DistractorsRandomizer Scaled(double severity) const;
};

}  // namespace understudy
