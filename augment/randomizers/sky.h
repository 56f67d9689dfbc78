#pragma once

#include <numbers>

#include "augment/randomizers/draw.h"
#include "augment/randomizers/found_pictures.h"

namespace understudy {

// Surroundings: pictures around the scene in the place of its walls.
struct SkyRandomizer {
  static constexpr const char* kTag = "sky";
  static constexpr const char* kSummary = "surroundings: pictures around the scene";
  static constexpr PictureUse kUse = PictureUse::kSky;
  std::vector<std::string> images, hides;
  std::string images_hash;
  double yaw = std::numbers::pi;
  std::array<double, 2> exposure{0, 0};
  double probability = 1;  // of surroundings; otherwise all stays nominal
  FoundPictures found;     // not an option: what `images` means here
  template <class V>
  void Visit(V& v) {
    v("images", images,
      "chosen uniformly: names of assets, picture files (also .exr) or folders; * and ? allowed; "
      "empty: no change");
    v("images_hash", images_hash, "of all that images means; filled in, and compared where given");
    v("hides", hides, "geoms that are not drawn then, as walls; * and ? allowed");
    v("yaw", yaw, "rad, largest turn to either side", Limits{0, std::numbers::pi});
    v("exposure", exposure, "stops [low, high]", Limits{-10, 10});
    v("probability", probability, "of surroundings", Limits{0, 1});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  SkyRandomizer Scaled(double severity) const;
};

}  // namespace understudy
