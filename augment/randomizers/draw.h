#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/glob.h"
#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// What randomizers share. A randomizer is a struct of options with
//   static constexpr const char* kTag      its type in a plan file
//   static constexpr const char* kSummary  one line for `understudy list`
//   Visit                                  the list of its options
//   void Check(PlanCheck& check) const     reports what does not fit the scene
//   void Draw(PlanDraw& draw) const        appends edits in absolute values
// and a place in the list of randomizers.h. All are label-safe: they change pictures, never states,
// actions or success. A range of width zero gives the nominal scene. A pattern that matches nothing
// is an error.

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name);

// One randomizer of a plan, checked against a scene.
struct PlanCheck {
  const SceneInventory& scene;
  const std::string& name;  // of the randomizer in the plan
  Problems& problems;

  // Every pattern must match one of `known`.
  void Match(const char* field, const std::vector<std::string>& patterns,
             const std::vector<std::string>& known);
  // The low end must not lie above the high end.
  void Range(const char* field, const std::array<double, 2>& range);
};

// Names of a list of the inventory.
template <class T>
std::vector<std::string> NamesOf(const std::vector<T>& things) {
  std::vector<std::string> names;
  for (const T& thing : things) names.push_back(thing.name);
  return names;
}

// One randomizer of a plan, drawn for a scene.
struct PlanDraw {
  const SceneInventory& scene;
  const RngKey& key;        // seed, episode and variant
  const std::string& name;  // of the randomizer in the plan
  std::vector<SceneEdit>& edits;

  // The random stream of one named thing: no draw depends on what else is drawn.
  Rng StreamOf(const std::string& thing) const { return Rng(key.WithTerm(name + "/" + thing)); }
};

// Uniform in [low, high), in ± half_width, in a box of this half width.
double In(Rng& rng, const std::array<double, 2>& range);
double Around(Rng& rng, double half_width);
Eigen::Vector3d InBox(Rng& rng, double half_width);
// Uniform on the unit sphere.
Eigen::Vector3d RandomAxis(Rng& rng);

// Colours, each channel in [0, 1]; hue in turns (Smith 1978, "Color gamut transform pairs").
Eigen::Vector3d RgbToHsv(const Eigen::Vector3d& rgb);
Eigen::Vector3d HsvToRgb(const Eigen::Vector3d& hsv);
Eigen::Vector3d Clamp01(const Eigen::Vector3d& v);

}  // namespace understudy
