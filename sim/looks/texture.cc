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
  if (edit.image.shown() && nominal.tex_type[id] != mjTEXTURE_2D) {
    ThrowBadInput(fmt::format(
        "scene variation: texture '{}' is a cube, on which no picture can be shown", edit.texture));
  }
}

void Look<TextureEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  for (const auto& [texture, shown] : shown_) {
    room_->Return(texture);
    std::memcpy(varied->tex_data + varied->tex_adr[texture],
                nominal.tex_data + nominal.tex_adr[texture], TextureBytes(nominal, texture));
  }
  shown_.clear();
  CopyNumbers(varied->mat_texrepeat, nominal.mat_texrepeat, nominal.nmat * 2);
}

void Look<TextureEdit>::Apply(const TextureEdit& edit, mjModel* varied) {
  const int id = FindPart(*varied, mjOBJ_TEXTURE, "texture", edit.texture);
  room_->Return(id);  // whatever an earlier edit has made of it
  if (edit.image.shown()) {
    const std::shared_ptr<const Image> image = edit.image.Pixels();
    mjtByte* pixels = room_->Take(id, image->width, image->height);
    std::string& held = held_[id];
    if (held != edit.image.hash) std::copy(image->rgb.begin(), image->rgb.end(), pixels);
    shown_[id] = held = edit.image.hash;
    for (int i = 0; i < varied->nmat; ++i) {
      if (varied->mat_texid[i * mjNTEXROLE + mjTEXROLE_RGB] != id) continue;
      for (int axis = 0; axis < 2; ++axis) {
        varied->mat_texrepeat[2 * i + axis] *= static_cast<float>(edit.image_repeat);
      }
    }
    return;
  }
  const int width = varied->tex_width[id], height = FaceHeight(*varied, id);
  const int channels = varied->tex_nchannel[id];
  const size_t face = static_cast<size_t>(width) * height * channels;
  mjtByte* pixels = varied->tex_data + varied->tex_adr[id];
  PaintTexture(edit, width, height, channels, pixels);
  // the faces of a cube look alike
  for (size_t at = face; at + face <= TextureBytes(*varied, id); at += face) {
    std::memcpy(pixels + at, pixels, face);
  }
  shown_[id] = fmt::format("pattern {}", ++patterns_);
}

std::vector<int> Look<TextureEdit>::TakeChanged() {
  std::vector<int> changed;
  const auto look_at = [](const Shown& all, int texture) {
    const auto found = all.find(texture);
    return found == all.end() ? std::string() : found->second;
  };
  Shown either = taken_;
  either.insert(shown_.begin(), shown_.end());
  for (const auto& [texture, shown] : either) {
    if (look_at(taken_, texture) != look_at(shown_, texture)) changed.push_back(texture);
  }
  taken_ = shown_;
  return changed;
}

}  // namespace understudy
