#include "augment/randomizers/texture.h"

#include <algorithm>
#include <cmath>

namespace understudy {

void TextureRandomizer::Check(PlanCheck& check) const {
  check.Match("textures", textures, check.scene.textures);
  check.Range("value", value);
  check.Range("saturation", saturation);
  check.Range("cells", cells);
  check.Range("image_repeat", image_repeat);
  check.Pictures(images, images_hash, found);
  if (!images.empty() && patterns != TextureRandomizer{}.patterns) {
    check.Complain("patterns", "pictures are drawn instead, of images: leave out one of them");
  }
}

void TextureRandomizer::Draw(PlanDraw& draw) const {
  for (const std::string& texture : draw.scene.textures) {
    if (!MatchesAny(textures, texture) || patterns.empty()) continue;
    Rng rng = draw.StreamOf(texture);
    if (rng.Uniform() >= probability) continue;
    TextureEdit edit{.texture = texture};
    edit.pattern = patterns[rng.UniformInt(patterns.size())];
    const double hue = rng.Uniform(), bright = In(rng, value);
    edit.rgb1 = HsvToRgb({hue, In(rng, saturation), bright});
    edit.rgb2 = HsvToRgb({hue + Around(rng, 0.1), In(rng, saturation),
                          std::clamp(bright + Around(rng, contrast), 0.0, 1.0)});
    edit.cells = std::round(In(rng, cells));
    edit.seed = rng.NextU64() >> 11;  // exact as a JSON number
    if (!images.empty()) {
      if (found.choices.empty()) continue;
      const TextureEdit shown{.texture = texture,
                              .image = found.choices[rng.UniformInt(found.choices.size())].load(),
                              .image_repeat = In(rng, image_repeat)};
      draw.edits.push_back(shown);
      continue;
    }
    draw.edits.push_back(edit);
  }
}

TextureRandomizer TextureRandomizer::Scaled(double severity) const {
  TextureRandomizer scaled = *this;
  scaled.probability = std::min(severity * probability, 1.0);
  return scaled;
}

}  // namespace understudy
