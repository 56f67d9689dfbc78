#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "augment/randomizers/randomizers.h"
#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// Named randomizers of the list R (a std::variant; tests use lists of their own). The name keys the
// random stream, so that adding, removing or reordering one leaves the draws of the others as they
// were.
template <class R>
struct PlanOf {
  std::map<std::string, R> randomizers;
  template <class V>
  void Visit(V& v) {
    v("randomizers", randomizers, "by name; the name is part of the random key");
  }
};

// A plan file.
struct AugmentPlan : PlanOf<Randomizer> {};

// Every fault of the plan against this scene: patterns that match nothing, ranges whose ends are
// swapped.
template <class R>
std::vector<std::string> Validate(const PlanOf<R>& plan, const SceneInventory& scene) {
  Problems problems;
  for (const auto& [name, randomizer] : plan.randomizers) {
    PlanCheck check{scene, name, problems};
    std::visit([&](const auto& one) { one.Check(check); }, randomizer);
  }
  return problems;
}

// The variation that (plan, key) means in this scene, resolved to absolute values. `key` carries
// seed, episode (parent) and variant; each randomizer and each part that it changes adds its name.
template <class R>
SceneVariation Draw(const PlanOf<R>& plan, const SceneInventory& scene, const RngKey& key) {
  SceneVariation variation;
  for (const auto& [name, randomizer] : plan.randomizers) {
    PlanDraw draw{scene, key, name, variation.edits};
    std::visit([&](const auto& one) { one.Draw(draw); }, randomizer);
  }
  return variation;
}

}  // namespace understudy
