#pragma once

#include <string>

#include "augment/plan.h"
#include "core/base/json.h"
#include "core/spec/drawn_ranges.h"
#include "train/evaluate/factors.h"

namespace understudy {

// The randomizers of a plan as factors of an evaluation. Keeps a copy of the plan.
Factors FactorsOf(const AugmentPlan& plan);

// What a plan varies in every episode; empty functions where it varies nothing of the kind.
Variations VariationsOf(const AugmentPlan& plan);

// Throws Error(kBadInput) under `name` that lists every fault of the plan against this scene and
// this world.
void CheckPlan(const AugmentPlan& plan, const std::string& name, const SceneInventory& scene,
               const PhysicsInventory& world);

// By factor and severity, which share of draws lies within what training data hold (`draws` of a
// policy's training_run.json): above 0 the row is no held-out one.
Json SeenInTraining(const AugmentPlan& plan, const std::vector<double>& severities,
                    const SceneInventory& scene, const PhysicsInventory& world,
                    const DrawnRanges& draws);

// A FactorReport as lines for people, and as a page with a heat map of factor by severity.
std::string DescribeFactors(const Json& report);
std::string FactorPage(const Json& report);

}  // namespace understudy
