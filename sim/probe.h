#pragma once

#include <optional>
#include <string>

#include "core/seam/renderer.h"
#include "sim/scene.h"

namespace understudy {

// What `understudy doctor` says about simulation and pictures on this machine.
struct RenderProbe {
  std::optional<RendererInfo> renderer;  // empty: no pictures can be drawn
  std::string problem;                   // why, with what to install; empty where there is one
};

// Opens an OpenGL context on the calling thread and closes it again. Never throws.
RenderProbe ProbeRenderer(RenderDevice device = RenderDevice::kAuto);

// "4.0.1", of the library that is loaded, not of the headers.
std::string MujocoVersion();

}  // namespace understudy
