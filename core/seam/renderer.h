#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/episode/observation.h"
#include "core/image/image.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// Pinhole camera at the state last rendered.
struct CameraParameters {
  int width = 0, height = 0;
  double fovy_deg = 45;
  Pose X_WC;  // OpenGL convention: looks along -z, y up
};

// What is known of the pixels of a picture beside their colours, rows from the top.
struct PixelMaps {
  int width = 0, height = 0;
  std::vector<float> depth;    // m, along the optical axis; infinite where nothing is
  std::vector<int32_t> shape;  // place in Renderer::shapes(); -1: nothing
  bool operator==(const PixelMaps&) const = default;
};

// A shape of the scene, which pictures may show.
struct ShownShape {
  std::string geom, body;  // empty: without a name
  std::string instance;    // what it is a part of: an object of the task, an arm, or its body
};

struct RendererInfo {
  std::string api;     // "EGL 1.5 surfaceless"
  std::string device;  // GL_RENDERER
  bool software = true;
};

// Pictures of states. One per thread, and every call on the thread that made it: an OpenGL context
// belongs to its thread.
class Renderer {
 public:
  virtual ~Renderer() = default;

  const RendererInfo& info() const { return DoInfo(); }
  // Of the nominal world.
  const SceneInventory& inventory() const { return DoInventory(); }

  // Shows states of this world (Simulator::SetWorld), from the nominal one on; the look stays.
  void SetWorld(const PhysicsVariation& variation) { DoSetWorld(variation); }

  // Makes the scene look like `variation` (from the nominal look, not from the one before). Throws
  // Error(kBadInput) where an edit names something that the scene lacks.
  void SetVariation(const SceneVariation& variation) { DoSetVariation(variation); }

  // Shows the scene in `state` (of the simulator of the same task) to `cameras`, in that order.
  void Render(const SimState& state, const std::vector<std::string>& cameras, int width, int height,
              std::vector<Image>* images);

  // Depth and segmentation of the same pictures, one pixel one sample. Throws Error(kBadInput)
  // where this renderer draws colours only.
  void RenderMaps(const SimState& state, const std::vector<std::string>& cameras, int width,
                  int height, std::vector<PixelMaps>* maps);
  const std::vector<ShownShape>& shapes() const { return DoShapes(); }

  // Intrinsics and extrinsics of `camera` at the state last rendered.
  CameraParameters Parameters(const std::string& camera) const { return DoParameters(camera); }

 private:
  virtual const RendererInfo& DoInfo() const = 0;
  virtual const SceneInventory& DoInventory() const = 0;
  // By default it shows the nominal world only.
  virtual void DoSetWorld(const PhysicsVariation& variation);
  virtual void DoSetVariation(const SceneVariation& variation) = 0;
  virtual void DoRender(const SimState& state, const std::vector<std::string>& cameras, int width,
                        int height, std::vector<Image>* images) = 0;
  virtual void DoRenderMaps(const SimState& state, const std::vector<std::string>& cameras,
                            int width, int height, std::vector<PixelMaps>* maps);
  virtual const std::vector<ShownShape>& DoShapes() const;
  virtual CameraParameters DoParameters(const std::string& camera) const = 0;
};

// Makes a renderer for the calling thread.
using RendererFactory = std::function<std::unique_ptr<Renderer>()>;

}  // namespace understudy
