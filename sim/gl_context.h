#pragma once

#include <memory>
#include <thread>

#include "core/seam/renderer.h"
#include "sim/scene.h"

namespace understudy {

// An OpenGL compatibility context without window or surface, made through EGL. It belongs to the
// thread that makes it. All contexts of one kind of device share one EGL display, which lives until
// the process ends.
class GlContext {
 public:
  // Looks for a GPU through EGL_EXT_platform_device, then for EGL_MESA_platform_surfaceless (GPU or
  // llvmpipe), then for EGL's default display; `device` narrows the search. The first software
  // context sets LP_NUM_THREADS=0 unless the user has set it: one renderer per core is faster than
  // one renderer with helpers. Throws Error(kFailed) naming what was tried and what to install.
  explicit GlContext(RenderDevice device);
  ~GlContext();
  GlContext(const GlContext&) = delete;
  GlContext& operator=(const GlContext&) = delete;

  // Makes this context the current one of the calling thread, which must be its own.
  void MakeCurrent() const;

  const RendererInfo& info() const { return info_; }

 private:
  void* display_ = nullptr;
  void* context_ = nullptr;
  std::thread::id owner_;
  RendererInfo info_;
};

}  // namespace understudy
