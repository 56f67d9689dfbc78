#pragma once

#include <optional>
#include <string>

#include "core/seam/renderer.h"
#include "sim/scene.h"

namespace understudy {

// Rendering on this machine, for `understudy doctor`.
struct RenderProbe {
  std::optional<RendererInfo> renderer;  // empty: rendering is impossible
  std::string problem;                   // why, and what to install; empty if rendering works
};

// Opens an OpenGL context on the calling thread and closes it again. Never throws.
RenderProbe ProbeRenderer(RenderDevice device = RenderDevice::kAuto);

// "4.0.1", of the library that is loaded, not of the headers.
std::string MujocoVersion();

}  // namespace understudy
