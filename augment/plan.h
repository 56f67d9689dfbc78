#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "core/base/options.h"
#include "core/base/rng.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// ---- randomizers: what is drawn, around the nominal look of the scene
// ----------------------------- All of them are label-safe: they change pictures, never states,
// actions or success. A width of zero is the nominal scene. Names are glob patterns with * and ?; a
// pattern that matches nothing is an error, not a silent no-op.

// Lights: where they stand, where they point, how bright and which tint.
struct LightRandomizer {
  static constexpr const char* kTag = "light";
  std::vector<std::string> lights{"*"};
  double position = 0;                    // m, half width of a box around the nominal place
  double direction = 0;                   // rad, largest tilt
  std::array<double, 2> intensity{1, 1};  // factor on diffuse and specular, uniform
  std::array<double, 2> ambient{1, 1};    // factor on ambient
  double tint = 0;                        // each channel times 1 ± tint
  template <class V>
  void Visit(V& v) {
    v("lights", lights, "names, * and ? allowed");
    v("position", position, "m, half width of a box", Limits{0, 10});
    v("direction", direction, "rad, largest tilt", Limits{0, 3.2});
    v("intensity", intensity, "factor [low, high] on diffuse and specular", Limits{0, 10});
    v("ambient", ambient, "factor [low, high] on ambient", Limits{0, 10});
    v("tint", tint, "each channel times 1 ± tint", Limits{0, 1});
  }
};

// The light that every camera carries.
struct HeadlightRandomizer {
  static constexpr const char* kTag = "headlight";
  std::array<double, 2> ambient{1, 1}, diffuse{1, 1};
  template <class V>
  void Visit(V& v) {
    v("ambient", ambient, "factor [low, high]", Limits{0, 10});
    v("diffuse", diffuse, "factor [low, high]", Limits{0, 10});
  }
};

// Colours and shine of materials.
struct MaterialRandomizer {
  static constexpr const char* kTag = "material";
  std::vector<std::string> materials{"*"};
  double hue = 0;                    // turns, ± of the colour circle
  double saturation = 0, value = 0;  // ± of the channel
  double shine = 0;                  // ± of specular and shininess
  template <class V>
  void Visit(V& v) {
    v("materials", materials, "names, * and ? allowed");
    v("hue", hue, "turns of the colour circle, ±", Limits{0, 0.5});
    v("saturation", saturation, "±", Limits{0, 1});
    v("value", value, "±", Limits{0, 1});
    v("shine", shine, "± of specular and shininess", Limits{0, 1});
  }
};

// Paints textures anew, with one of the patterns in two colours.
struct TextureRandomizer {
  static constexpr const char* kTag = "texture";
  std::vector<std::string> textures{"*"};
  std::vector<TexturePattern> patterns{TexturePattern::kFlat, TexturePattern::kChecker,
                                       TexturePattern::kGradient, TexturePattern::kNoise,
                                       TexturePattern::kWood};
  std::array<double, 2> value{0.2, 0.95};  // brightness of both colours
  std::array<double, 2> saturation{0, 0.6};
  double contrast = 0.35;  // largest difference of brightness of the two colours
  std::array<double, 2> cells{2, 16};
  double probability = 1;  // of painting at all; else nominal
  template <class V>
  void Visit(V& v) {
    v("textures", textures, "names, * and ? allowed");
    v("patterns", patterns, "chosen uniformly; none: nominal");
    v("value", value, "brightness [low, high]", Limits{0, 1});
    v("saturation", saturation, "[low, high]", Limits{0, 1});
    v("contrast", contrast, "largest difference of brightness", Limits{0, 1});
    v("cells", cells, "repeats [low, high]", Limits{1, 64});
    v("probability", probability, "of painting at all", Limits{0, 1});
  }
};

// Gives geoms another material of the scene.
struct MaterialSwapRandomizer {
  static constexpr const char* kTag = "material_swap";
  std::vector<std::string> geoms, materials;
  double probability = 1;
  template <class V>
  void Visit(V& v) {
    v("geoms", geoms, "names, * and ? allowed");
    v("materials", materials, "chosen uniformly; * and ? allowed");
    v("probability", probability, "of swapping at all", Limits{0, 1});
  }
};

// Where cameras stand, how they are turned, and their field of view.
struct CameraRandomizer {
  static constexpr const char* kTag = "camera";
  std::vector<std::string> cameras{"*"};
  double position = 0;  // m, half width of a box
  double rotation = 0;  // rad, largest turn about a random axis
  double fovy_deg = 0;  // ± degrees
  template <class V>
  void Visit(V& v) {
    v("cameras", cameras, "names, * and ? allowed");
    v("position", position, "m, half width of a box", Limits{0, 2});
    v("rotation", rotation, "rad, largest turn", Limits{0, 3.2});
    v("fovy_deg", fovy_deg, "± degrees", Limits{0, 60});
  }
};

using Randomizer = std::variant<LightRandomizer, HeadlightRandomizer, MaterialRandomizer,
                                TextureRandomizer, MaterialSwapRandomizer, CameraRandomizer>;

// The explicit list that `understudy list` and the contract tests walk.
std::vector<std::string> RandomizerNames();

// A plan file: named randomizers. The name keys the random stream, so that adding, removing or
// reordering one leaves the draws of the others as they were.
struct AugmentPlan {
  std::map<std::string, Randomizer> randomizers;
  template <class V>
  void Visit(V& v) {
    v("randomizers", randomizers, "by name; the name is part of the random key");
  }
};

// Every fault of the plan against this scene: patterns that match nothing, ranges turned round.
std::vector<std::string> Validate(const AugmentPlan& plan, const SceneInventory& scene);

// The variation that (plan, key) means in this scene, resolved to absolute values. `key` carries
// seed, episode (parent) and variant; each randomizer and each thing that it touches adds its name.
SceneVariation Draw(const AugmentPlan& plan, const SceneInventory& scene, const RngKey& key);

// "table_*" against "table_wood". * any run, ? any one character.
bool GlobMatch(std::string_view pattern, std::string_view name);

}  // namespace understudy
