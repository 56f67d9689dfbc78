#include "sim/looks/texture_room.h"

namespace understudy {
namespace {

constexpr int kNoSky = 1;  // px a side of a sky that is not shown

}  // namespace

TextureRoom::TextureRoom(const mjModel& nominal, mjModel* varied)
    : nominal_(nominal),
      varied_(varied),
      ntex_(static_cast<int>(nominal.ntex)),
      sky_(ntex_),
      slots_(static_cast<size_t>(ntex_) + 1) {
  for (int i = ntex_ - 1; i >= 0; --i) {
    if (nominal.tex_type[i] == mjTEXTURE_SKYBOX) sky_ = i;  // the first is drawn
  }
  const auto own = [&](auto& array, auto*& place, auto value) {
    array.assign(place, place + ntex_);
    array.push_back(value);
    place = array.data();
  };
  pixels_.assign(nominal.tex_data, nominal.tex_data + nominal.ntexdata);
  own(address_, varied->tex_adr, static_cast<mjtSize>(pixels_.size()));
  pixels_.resize(pixels_.size() + 6 * 3 * kNoSky * kNoSky);
  own(type_, varied->tex_type, static_cast<int>(mjTEXTURE_SKYBOX));
  own(colorspace_, varied->tex_colorspace, 0);
  own(height_, varied->tex_height, 6 * kNoSky);
  own(width_, varied->tex_width, kNoSky);
  own(nchannel_, varied->tex_nchannel, 3);
  varied->tex_data = pixels_.data();
}

mjtByte* TextureRoom::Take(int texture, int width, int height) {
  const auto at = static_cast<size_t>(texture);
  const mjtSize bytes = mjtSize{3} * width * height;
  Slot& slot = slots_[at];
  if (slot.bytes < bytes) {
    slot = {static_cast<mjtSize>(pixels_.size()), bytes};
    pixels_.resize(pixels_.size() + static_cast<size_t>(bytes));
    varied_->tex_data = pixels_.data();
  }
  width_[at] = width;
  height_[at] = height;
  nchannel_[at] = 3;
  address_[at] = slot.address;
  return pixels_.data() + slot.address;
}

void TextureRoom::Return(int texture) {
  if (texture == ntex_) return;  // has nothing of its own, and is not shown
  const auto at = static_cast<size_t>(texture);
  width_[at] = nominal_.tex_width[at];
  height_[at] = nominal_.tex_height[at];
  nchannel_[at] = nominal_.tex_nchannel[at];
  address_[at] = nominal_.tex_adr[at];
}

}  // namespace understudy
