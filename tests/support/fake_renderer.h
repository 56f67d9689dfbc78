#pragma once

#include <memory>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/seam/renderer.h"

namespace understudy {

// A renderer whose pixels are a hash of state, camera and variation: what is asked for is what
// shows, without OpenGL. Its inventory has one light, two materials, one texture and two cameras.
class FakeRenderer : public Renderer {
 public:
  FakeRenderer() {
    inventory_.lights = {
        {"top", {0, 0, 2}, {0, 0, -1}, {0, 0, 0}, {0.6, 0.6, 0.6}, {0.1, 0.1, 0.1}}};
    inventory_.headlight_ambient = inventory_.headlight_diffuse = {0.3, 0.3, 0.3};
    inventory_.headlight_specular = {0, 0, 0};
    inventory_.materials = {{"table", {0.5, 0.4, 0.3, 1}, 0.2, 0.3, 0, 0, "wood"},
                            {"cube_red", {0.9, 0.1, 0.1, 1}, 0.2, 0.3, 0, 0, ""}};
    inventory_.geoms = {{"table_top", "table", "table"}};
    inventory_.textures = {"wood"};
    inventory_.cameras = {{"agentview", PoseFromYaw(0.3, {1, 0, 1}), 45, false},
                          {"wrist", Pose(), 75, true}};
  }

 private:
  const RendererInfo& DoInfo() const override { return info_; }
  const SceneInventory& DoInventory() const override { return inventory_; }
  void DoSetVariation(const SceneVariation& variation) override {
    look_ = variation.edits.empty() ? 0 : HashOf(ToJson(variation).dump());
  }
  void DoRender(const SimState& state, const std::vector<std::string>& cameras, int width,
                int height, std::vector<Image>* images) override {
    images->clear();
    uint64_t seen = look_;
    for (const double x : state) seen = seen * 31 + HashOf(std::to_string(x));
    for (const std::string& camera : cameras) {
      Image image(width, height);
      Rng rng(RngKey{.seed = seen, .term = HashOf(camera)});
      for (uint8_t& byte : image.rgb) byte = static_cast<uint8_t>(rng.NextU32());
      images->push_back(std::move(image));
    }
  }
  CameraParameters DoParameters(const std::string&) const override { return {}; }

  RendererInfo info_{"none", "fake", true};
  SceneInventory inventory_;
  uint64_t look_ = 0;
};

}  // namespace understudy
