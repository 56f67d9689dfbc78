#pragma once

#include "core/base/options.h"

namespace understudy {

// Where pictures are drawn. The same state gives the same pixels on one driver, not across drivers.
enum class RenderDevice { kAuto, kGpu, kSoftware };
template <>
struct EnumNames<RenderDevice> {
  static constexpr std::array kNames{"auto", "gpu", "software"};
};

// How pictures are drawn: all of it changes pixels.
struct RenderOptions {
  bool shadows = false;
  int samples = 0;
  RenderDevice device = RenderDevice::kAuto;
  template <class V>
  void Visit(V& v) {
    v("shadows", shadows, "draw shadows; 7 times the cost on software rendering");
    v("samples", samples,
      "per pixel (multisampling), 0: one; 3 times the cost on software rendering", Limits{0, 16});
    v("device", device, "that draws; auto: a GPU if there is one");
  }
  bool operator==(const RenderOptions&) const = default;
};

}  // namespace understudy
