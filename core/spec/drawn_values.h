#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// One field of an edit: what stands in the lists of a page and in conditions ("dr.key.diffuse.0").
struct DrawnValue {
  std::string kind;  // of what is edited: "light", "body"
  std::string part;  // its name; empty: there is one only
  std::string field;
  Json value;
};

// Of the edits of an episode, in their order; fields that an edit leaves alone are left out.
std::vector<DrawnValue> DrawnValues(const SceneVariation& look, const PhysicsVariation& physics);

}  // namespace understudy
