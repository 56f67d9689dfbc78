#include "sim/probe.h"

#include <mujoco/mujoco.h>

#include <exception>

#include "sim/gl_context.h"

namespace understudy {

RenderProbe ProbeRenderer(RenderDevice device) {
  RenderProbe probe;
  try {
    const GlContext context(device);
    probe.renderer = context.info();
  } catch (const std::exception& error) {
    probe.problem = error.what();
  }
  return probe;
}

std::string MujocoVersion() { return mj_versionString(); }

}  // namespace understudy
