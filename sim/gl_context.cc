#include "sim/gl_context.h"

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace understudy {
namespace {

// glGetString's arguments, so that no GL header is needed.
constexpr unsigned kGlRenderer = 0x1F01;
constexpr unsigned kGlVersion = 0x1F02;

struct Display {
  EGLDisplay handle = EGL_NO_DISPLAY;
  EGLConfig config = nullptr;
  std::string api;
};

bool HasExtension(const char* list, std::string_view name) {
  if (list == nullptr) return false;
  const std::string padded = " " + std::string(list) + " ";
  return padded.find(" " + std::string(name) + " ") != std::string::npos;
}

std::string EglProblem() {
  const EGLint code = eglGetError();
  return fmt::format("EGL error 0x{:04x}", static_cast<unsigned>(code));
}

// Initialises `handle` and checks that it can draw into our own buffers. Appends the reason to
// `tried` if it cannot.
bool Open(EGLDisplay handle, const std::string& label, Display* display,
          std::vector<std::string>* tried) {
  EGLint major = 0, minor = 0;
  if (handle == EGL_NO_DISPLAY || !eglInitialize(handle, &major, &minor)) {
    tried->push_back(label + ": " + EglProblem());
    return false;
  }
  const char* extensions = eglQueryString(handle, EGL_EXTENSIONS);
  if (!HasExtension(extensions, "EGL_KHR_surfaceless_context")) {
    tried->push_back(label + ": no EGL_KHR_surfaceless_context");
    return false;
  }
  if (!eglBindAPI(EGL_OPENGL_API)) {
    tried->push_back(label + ": no desktop OpenGL");
    return false;
  }
  const EGLint wanted[] = {EGL_SURFACE_TYPE,
                           EGL_PBUFFER_BIT,
                           EGL_RENDERABLE_TYPE,
                           EGL_OPENGL_BIT,
                           EGL_RED_SIZE,
                           8,
                           EGL_GREEN_SIZE,
                           8,
                           EGL_BLUE_SIZE,
                           8,
                           EGL_NONE};
  EGLint count = 0;
  EGLConfig config = nullptr;
  if (!eglChooseConfig(handle, wanted, &config, 1, &count) || count == 0) {
    if (!HasExtension(extensions, "EGL_KHR_no_config_context")) {
      tried->push_back(label + ": no OpenGL configuration");
      return false;
    }
    config = nullptr;
  }
  *display = {handle, config, fmt::format("EGL {}.{} {}", major, minor, label)};
  return true;
}

// The first GPU among EGL's devices; devices without EGL_MESA_device_software are taken for one.
bool OpenGpu(Display* display, std::vector<std::string>* tried) {
  const auto query_devices =
      reinterpret_cast<PFNEGLQUERYDEVICESEXTPROC>(eglGetProcAddress("eglQueryDevicesEXT"));
  const auto query_string = reinterpret_cast<PFNEGLQUERYDEVICESTRINGEXTPROC>(
      eglGetProcAddress("eglQueryDeviceStringEXT"));
  const auto get_display = reinterpret_cast<PFNEGLGETPLATFORMDISPLAYEXTPROC>(
      eglGetProcAddress("eglGetPlatformDisplayEXT"));
  const char* client = eglQueryString(EGL_NO_DISPLAY, EGL_EXTENSIONS);
  if (!HasExtension(client, "EGL_EXT_platform_device") || query_devices == nullptr ||
      query_string == nullptr || get_display == nullptr) {
    tried->push_back("device: no EGL_EXT_platform_device");
    return false;
  }
  EGLDeviceEXT devices[32];
  EGLint count = 0;
  if (!query_devices(32, devices, &count)) count = 0;
  for (EGLint i = 0; i < count; ++i) {
    if (HasExtension(query_string(devices[i], EGL_EXTENSIONS), "EGL_MESA_device_software")) {
      continue;
    }
    const std::string label = fmt::format("device {}", i);
    if (Open(get_display(EGL_PLATFORM_DEVICE_EXT, devices[i], nullptr), label, display, tried)) {
      return true;
    }
  }
  if (tried->empty()) tried->push_back("device: no GPU among EGL's devices");
  return false;
}

bool OpenSurfaceless(Display* display, std::vector<std::string>* tried) {
  const auto get_display = reinterpret_cast<PFNEGLGETPLATFORMDISPLAYEXTPROC>(
      eglGetProcAddress("eglGetPlatformDisplayEXT"));
  const char* client = eglQueryString(EGL_NO_DISPLAY, EGL_EXTENSIONS);
  if (get_display == nullptr || !HasExtension(client, "EGL_MESA_platform_surfaceless")) {
    tried->push_back("surfaceless: no EGL_MESA_platform_surfaceless");
    return false;
  }
  void* native = reinterpret_cast<void*>(EGL_DEFAULT_DISPLAY);
  return Open(get_display(EGL_PLATFORM_SURFACELESS_MESA, native, nullptr), "surfaceless", display,
              tried);
}

// One display per kind of device, opened by the first context that asks for it. Initialising is not
// thread-safe in every driver: callers hold DisplayMutex().
std::mutex& DisplayMutex() {
  static std::mutex mutex;
  return mutex;
}
Display& DisplayFor(RenderDevice device) {
  static Display displays[3];
  Display& display = displays[static_cast<size_t>(device)];
  if (display.handle != EGL_NO_DISPLAY) return display;

  // llvmpipe reads its thread count once, when the display is opened
  setenv("LP_NUM_THREADS", "0", 0);
  std::vector<std::string> tried;
  const bool software = device == RenderDevice::kSoftware;
  if (!software && OpenGpu(&display, &tried)) return display;
  if (OpenSurfaceless(&display, &tried)) return display;
  if (Open(eglGetDisplay(EGL_DEFAULT_DISPLAY), "default", &display, &tried)) return display;
  ThrowFailed(fmt::format(
      "no EGL display to draw on ({}); install Mesa's software renderer (Debian: apt-get install "
      "libegl1 libegl-mesa0 libgl1-mesa-dri) or a GPU driver with EGL",
      fmt::join(tried, "; ")));
}

bool IsSoftware(const std::string& device) {
  for (const char* name : {"llvmpipe", "softpipe", "swrast", "Software Rasterizer", "SWR"}) {
    if (device.find(name) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

GlContext::GlContext(RenderDevice device) : owner_(std::this_thread::get_id()) {
  const std::lock_guard lock(DisplayMutex());
  const Display& display = DisplayFor(device);

  // no version asked for: drivers answer with their newest compatibility profile
  eglBindAPI(EGL_OPENGL_API);
  EGLContext context = eglCreateContext(display.handle, display.config, EGL_NO_CONTEXT, nullptr);
  if (context == EGL_NO_CONTEXT) {
    ThrowFailed(
        fmt::format("{}: no OpenGL context ({}); update the graphics driver or render in "
                    "software",
                    display.api, EglProblem()));
  }
  display_ = display.handle;
  context_ = context;
  if (!eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, context_)) {
    const std::string problem = EglProblem();
    eglDestroyContext(display_, context_);
    ThrowFailed(fmt::format("{}: the OpenGL context cannot be used ({}); are too many open?",
                            display.api, problem));
  }

  // name of the renderer
  using GetString = const unsigned char* (*)(unsigned);
  const auto get_string = reinterpret_cast<GetString>(eglGetProcAddress("glGetString"));
  const auto text = [&](unsigned name) {
    const unsigned char* value = get_string == nullptr ? nullptr : get_string(name);
    return std::string(value == nullptr ? "unknown" : reinterpret_cast<const char*>(value));
  };
  info_.api = fmt::format("{}, OpenGL {}", display.api, text(kGlVersion));
  info_.device = text(kGlRenderer);
  info_.software = IsSoftware(info_.device);
  const bool wrong_kind = (device == RenderDevice::kGpu && info_.software) ||
                          (device == RenderDevice::kSoftware && !info_.software);
  if (wrong_kind) {
    eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext(display_, context_);
    ThrowFailed(device == RenderDevice::kGpu
                    ? fmt::format("no GPU to draw on: EGL offers only '{}'; install the GPU's "
                                  "driver with EGL or render on device auto",
                                  info_.device)
                    : fmt::format("no software renderer: EGL offers '{}'; set "
                                  "LIBGL_ALWAYS_SOFTWARE=1 or render on device auto",
                                  info_.device));
  }
}

GlContext::~GlContext() {
  if (eglGetCurrentContext() == context_) {
    eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
  }
  eglDestroyContext(display_, context_);
}

void GlContext::MakeCurrent() const {
  Require(std::this_thread::get_id() == owner_, "a renderer is used on the thread that made it");
  if (eglGetCurrentContext() == context_) return;
  eglBindAPI(EGL_OPENGL_API);
  if (!eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, context_)) {
    ThrowFailed(fmt::format("{}: the OpenGL context was lost ({})", info_.api, EglProblem()));
  }
}

}  // namespace understudy
