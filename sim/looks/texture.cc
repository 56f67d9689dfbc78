#include "sim/looks/texture.h"

#include <fmt/format.h>

#include <cstring>

#include "core/base/error.h"
#include "sim/looks/texture_pattern.h"

namespace understudy {
namespace {

// One face of a cube texture is a square; a 2D texture is one face.
int FaceHeight(const mjModel& model, int texture) {
  return model.tex_type[texture] == mjTEXTURE_2D ? model.tex_height[texture]
                                                 : model.tex_width[texture];
}

size_t TextureBytes(const mjModel& model, int texture) {
  return static_cast<size_t>(model.tex_height[texture]) * model.tex_width[texture] *
         model.tex_nchannel[texture];
}

bool Paintable(const mjModel& model, int texture) {
  return model.tex_nchannel[texture] == 1 || model.tex_nchannel[texture] == 3 ||
         model.tex_nchannel[texture] == 4;
}

}  // namespace

void Look<TextureEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  for (int i = 0; i < static_cast<int>(model.ntex); ++i) {
    const std::string name = NameOf(model, mjOBJ_TEXTURE, i);
    const bool flat = model.tex_type[i] == mjTEXTURE_2D;
    if (!name.empty() && flat && Paintable(model, i)) inventory->textures.push_back(name);
  }
}

void Look<TextureEdit>::Check(const mjModel& nominal, const TextureEdit& edit) {
  const int id = FindPart(nominal, mjOBJ_TEXTURE, "texture", edit.texture);
  if (!Paintable(nominal, id)) {
    ThrowBadInput(
        fmt::format("scene variation: texture '{}' has {} channels; 1, 3 or 4 can be "
                    "painted",
                    edit.texture, nominal.tex_nchannel[id]));
  }
}

void Look<TextureEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  for (const int texture : painted_) {
    std::memcpy(varied->tex_data + varied->tex_adr[texture],
                nominal.tex_data + nominal.tex_adr[texture], TextureBytes(nominal, texture));
    changed_.insert(texture);
  }
  painted_.clear();
}

void Look<TextureEdit>::Apply(const TextureEdit& edit, mjModel* varied) {
  const int id = FindPart(*varied, mjOBJ_TEXTURE, "texture", edit.texture);
  const int width = varied->tex_width[id], height = FaceHeight(*varied, id);
  const int channels = varied->tex_nchannel[id];
  const size_t face = static_cast<size_t>(width) * height * channels;
  mjtByte* pixels = varied->tex_data + varied->tex_adr[id];
  PaintTexture(edit, width, height, channels, pixels);
  // the faces of a cube look alike
  for (size_t at = face; at + face <= TextureBytes(*varied, id); at += face) {
    std::memcpy(pixels + at, pixels, face);
  }
  painted_.insert(id);
  changed_.insert(id);
}

std::vector<int> Look<TextureEdit>::TakeChanged() {
  const std::vector<int> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

}  // namespace understudy
