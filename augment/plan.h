#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "augment/randomizers/randomizers.h"
#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/spec/physics_variation.h"
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

namespace plan_internal {

// By what is varied: how its edits are checked and drawn.
template <class Inventory>
struct Kind;
template <>
struct Kind<SceneInventory> {
  using Check = PlanCheck;
  using Draw = PlanDraw;
  using Variation = SceneVariation;
};
template <>
struct Kind<PhysicsInventory> {
  using Check = PhysicsCheck;
  using Draw = PhysicsDraw;
  using Variation = PhysicsVariation;
};
template <class One, class Inventory>
constexpr bool kVaries =
    std::is_same_v<Inventory, SceneInventory> ? LabelSafe<One> : LabelUnsafe<One>;

template <class One, class Inventory>
auto DrawOne(const One& one, const std::string& name, const Inventory& inventory,
             const RngKey& key) {
  typename Kind<Inventory>::Variation variation;
  typename Kind<Inventory>::Draw draw{{key, name}, inventory, variation.edits};
  one.Draw(draw);
  return variation;
}

// Whether some of a few draws differ from the nominal scene.
template <class One, class Inventory>
bool ChangesSomething(const One& one, const std::string& name, const Inventory& inventory) {
  const One nominal = one.Scaled(0);
  for (uint64_t i = 0; i < 16; ++i) {
    const RngKey key = RngKey{i}.WithStage("plan check");
    if (ToJson(DrawOne(one, name, inventory, key)) !=
        ToJson(DrawOne(nominal, name, inventory, key))) {
      return true;
    }
  }
  return false;
}

// What two randomizers change both: it would be up to their order what comes of it.
template <class One>
void CheckParts(const One& one, const std::string& name, const PhysicsInventory& world,
                std::map<std::string, std::string>* owners, Problems* problems) {
  for (const PhysicsEdit& edit : DrawOne(one, name, world, RngKey{}).edits) {
    const std::string part = PartOf(edit);
    const auto [owner, added] = owners->emplace(part, name);
    if (added) continue;
    problems->push_back(fmt::format("randomizers.{}: {} is changed by randomizers.{} too", name,
                                    part, owner->second));
  }
}

}  // namespace plan_internal

// Every fault of the label-safe randomizers against a scene, or of the label-unsafe ones against a
// world: patterns that match nothing, ranges whose ends are swapped, randomizers that change
// nothing, parts of a world that two of them change.
template <class R, class Inventory>
Problems Validate(const PlanOf<R>& plan, const Inventory& inventory) {
  Problems problems;
  std::map<std::string, std::string> owners;
  for (const auto& [name, randomizer] : plan.randomizers) {
    std::visit(
        [&, &name = name]<class One>(const One& one) {
          if constexpr (plan_internal::kVaries<One, Inventory>) {
            typename plan_internal::Kind<Inventory>::Check check{{name, problems}, inventory};
            one.Check(check);
            if (check.faulty) return;
            if (!plan_internal::ChangesSomething(one, name, inventory)) {
              problems.push_back(fmt::format(
                  "randomizers.{}: {} changes nothing here: widen its ranges, or leave it out",
                  name, One::kTag));
            }
            if constexpr (std::is_same_v<Inventory, PhysicsInventory>) {
              plan_internal::CheckParts(one, name, inventory, &owners, &problems);
            }
          }
        },
        randomizer);
  }
  return problems;
}

// The variation that (plan, key) means in this scene (its label-safe randomizers), or in this world
// (the label-unsafe ones), resolved against nominal values. `key` carries seed, episode (parent)
// and variant; each randomizer and each part that it changes adds its name.
template <class R, class Inventory>
auto Draw(const PlanOf<R>& plan, const Inventory& inventory, const RngKey& key) {
  typename plan_internal::Kind<Inventory>::Variation variation;
  for (const auto& [name, randomizer] : plan.randomizers) {
    std::visit(
        [&, &name = name]<class One>(const One& one) {
          if constexpr (plan_internal::kVaries<One, Inventory>) {
            typename plan_internal::Kind<Inventory>::Draw draw{
                {key, name}, inventory, variation.edits};
            one.Draw(draw);
          }
        },
        randomizer);
  }
  return variation;
}

// Its type in a plan file, and whether it is label-safe.
template <class R>
RandomizerLine LineOf(const R& randomizer) {
  return std::visit(
      []<class One>(const One&) {
        return RandomizerLine{One::kTag, One::kSummary, LabelSafe<One>};
      },
      randomizer);
}

// The part of a plan that is label-safe, or that is not.
template <class Plan>
Plan Part(const Plan& plan, bool label_safe) {
  Plan part;
  for (const auto& [name, randomizer] : plan.randomizers) {
    if (LineOf(randomizer).label_safe == label_safe) part.randomizers.emplace(name, randomizer);
  }
  return part;
}

// These randomizers of a plan, with ranges so many times as far from nominal. Requires that they
// are there.
template <class Plan>
Plan Chosen(const Plan& plan, const std::vector<std::string>& names, double severity) {
  Plan chosen;
  for (const std::string& name : names) {
    auto randomizer = plan.randomizers.at(name);
    if (severity != 1) {
      std::visit([&](auto& one) { one = one.Scaled(severity); }, randomizer);
    }
    chosen.randomizers.emplace(name, std::move(randomizer));
  }
  return chosen;
}

// "slippery (friction), heavy (mass)": what is not label-safe; empty: all is.
template <class R>
std::string UnsafeParts(const PlanOf<R>& plan) {
  std::vector<std::string> parts;
  for (const auto& [name, randomizer] : plan.randomizers) {
    const RandomizerLine line = LineOf(randomizer);
    if (!line.label_safe) parts.push_back(fmt::format("{} ({})", name, line.name));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace understudy
