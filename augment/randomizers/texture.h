#pragma once

#include "augment/randomizers/draw.h"
#include "augment/randomizers/found_pictures.h"

namespace understudy {

// Repaints textures with a pattern in two colours, or with pictures.
struct TextureRandomizer {
  static constexpr const char* kTag = "texture";
  static constexpr const char* kSummary = "textures: a pattern in two colours, or pictures";
  static constexpr PictureUse kUse = PictureUse::kTexture;
  static constexpr std::array kUnwritten{"images", "images_hash", "image_repeat"};
  std::vector<std::string> textures{"*"};
  std::vector<TexturePattern> patterns{TexturePattern::kFlat, TexturePattern::kChecker,
                                       TexturePattern::kGradient, TexturePattern::kNoise,
                                       TexturePattern::kWood};
  std::array<double, 2> value{0.2, 0.95};
  std::array<double, 2> saturation{0, 0.6};
  double contrast = 0.35;
  std::array<double, 2> cells{2, 16};
  double probability = 1;
  std::vector<std::string> images;
  std::string images_hash;
  std::array<double, 2> image_repeat{1, 1};
  FoundPictures found;  // not an option: what `images` means here
  template <class V>
  void Visit(V& v) {
    v("textures", textures, "names, * and ? allowed");
    v("patterns", patterns, "chosen uniformly; empty: no change");
    v("value", value, "brightness of both colours [low, high]", Limits{0, 1});
    v("saturation", saturation, "[low, high]", Limits{0, 1});
    v("contrast", contrast, "largest difference of brightness of the two colours", Limits{0, 1});
    v("cells", cells, "repeats [low, high]", Limits{1, 64});
    v("probability", probability, "of repainting a texture; otherwise it stays nominal",
      Limits{0, 1});
    v("images", images,
      "instead of patterns, chosen uniformly: names of assets, picture files or folders; * and ? "
      "allowed");
    v("images_hash", images_hash, "of all that images means; filled in, and compared where given");
    v("image_repeat", image_repeat, "times as often across what it lies on [low, high]",
      Limits{0.1, 20});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  TextureRandomizer Scaled(double severity) const;
};

}  // namespace understudy
