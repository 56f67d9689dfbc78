#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "augment/randomizers/found_pictures.h"
#include "core/base/glob.h"
#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// What randomizers share. A randomizer is a struct of options with
//   static constexpr const char* kTag      its type in a plan file
//   static constexpr const char* kSummary  one line for `understudy list`
//   Visit                                  the list of its options
//   Check(…) const                         reports what does not fit the scene
//   Draw(…) const                          appends edits
//   Scaled(double severity) const          the same with its ranges so many times as far from what
//                                          is nominal; 0: nominal
// and a place in the list of randomizers.h. One that takes PlanCheck and PlanDraw is label-safe: it
// can append edits of a SceneVariation only, which change pictures, never states, actions or
// success. One that takes PhysicsCheck and PhysicsDraw is label-unsafe: its edits are of a
// PhysicsVariation, and whatever is recorded has to be generated again under them. A range of width
// zero gives the nominal scene. A pattern that matches nothing is an error.

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name);

// One randomizer of a plan, checked.
struct PartCheck {
  const std::string& name;  // of the randomizer in the plan
  Problems& problems;
  bool faulty = false;

  // Every pattern must match one of `known`.
  void Match(const char* field, const std::vector<std::string>& patterns,
             const std::vector<std::string>& known);
  // The low end must not lie above the high end.
  void Range(const char* field, const std::array<double, 2>& range);
  void Complain(const char* field, const std::string& what);
  // What was found of `images`, and whether it is what `images_hash` says.
  void Pictures(const std::vector<std::string>& images, const std::string& images_hash,
                const FoundPictures& found);
};
struct PlanCheck : PartCheck {
  const SceneInventory& scene;
};
struct PhysicsCheck : PartCheck {
  const PhysicsInventory& world;
};

// Complains of patterns that match only objects of which something is `fixed`: the size, the shape.
void CheckVariable(PhysicsCheck& check, const std::vector<std::string>& objects, const char* what,
                   std::string PhysicsInventory::Object::*fixed);

// Names of a list of the inventory.
template <class T>
std::vector<std::string> NamesOf(const std::vector<T>& things) {
  std::vector<std::string> names;
  for (const T& thing : things) names.push_back(thing.name);
  return names;
}

// One randomizer of a plan, drawn.
struct PartDraw {
  const RngKey& key;        // seed, episode and variant
  const std::string& name;  // of the randomizer in the plan

  // The random stream of one named thing: no draw depends on what else is drawn.
  Rng StreamOf(const std::string& thing) const { return Rng(key.WithTerm(name + "/" + thing)); }
};
struct PlanDraw : PartDraw {
  const SceneInventory& scene;
  std::vector<SceneEdit>& edits;
};
struct PhysicsDraw : PartDraw {
  const PhysicsInventory& world;
  std::vector<PhysicsEdit>& edits;
};

// What a randomizer varies is a fact of its type.
template <class R>
concept LabelSafe = requires(const R& one, PlanCheck& check, PlanDraw& draw) {
  one.Check(check);
  one.Draw(draw);
};
template <class R>
concept LabelUnsafe = requires(const R& one, PhysicsCheck& check, PhysicsDraw& draw) {
  one.Check(check);
  one.Draw(draw);
};

// Uniform in [low, high), in ± half_width, in a box of this half width.
double In(Rng& rng, const std::array<double, 2>& range);
double Around(Rng& rng, double half_width);
Eigen::Vector3d InBox(Rng& rng, double half_width);
// A range of factors about 1, so many times as wide, within [0, most].
std::array<double, 2> Stretched(const std::array<double, 2>& factors, double severity, double most);
// Uniform on the unit sphere.
Eigen::Vector3d RandomAxis(Rng& rng);

// Colours, each channel in [0, 1]; hue in turns (Smith 1978, "Color gamut transform pairs").
Eigen::Vector3d RgbToHsv(const Eigen::Vector3d& rgb);
Eigen::Vector3d HsvToRgb(const Eigen::Vector3d& hsv);
Eigen::Vector3d Clamp01(const Eigen::Vector3d& v);

}  // namespace understudy
