#include <time.h>

#include <algorithm>
#include <cmath>

#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {

namespace {

// The headset shows nothing yet: it reports two eyes and accepts frames, as a headless session
// may ask for them; whatever needs a picture is refused.
constexpr int64_t kFramePeriodNs = 11'111'111;  // 90 Hz
constexpr double kEyeDistance = 0.064;
constexpr XrViewConfigurationType kStereo = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO;

XrResult CheckView(const Instance& instance, XrSystemId id, XrViewConfigurationType type) {
  UNDERSTUDY_VH_CHECK(instance.system_given && id == kSystemId, XR_ERROR_SYSTEM_INVALID);
  UNDERSTUDY_VH_CHECK(type == kStereo, XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED);
  return XR_SUCCESS;
}

XrResult XRAPI_CALL EnumerateViewConfigurations(XrInstance handle, XrSystemId id, uint32_t capacity,
                                                uint32_t* count, XrViewConfigurationType* types) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    const XrResult checked = CheckView(*instance, id, kStereo);
    UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
    return Enumerate(std::vector<XrViewConfigurationType>{kStereo}, capacity, count, types);
  });
}

XrResult XRAPI_CALL GetViewConfigurationProperties(XrInstance handle, XrSystemId id,
                                                   XrViewConfigurationType type,
                                                   XrViewConfigurationProperties* properties) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(properties, XR_TYPE_VIEW_CONFIGURATION_PROPERTIES),
                        XR_ERROR_VALIDATION_FAILURE);
    const XrResult checked = CheckView(*instance, id, type);
    UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
    properties->viewConfigurationType = type;
    properties->fovMutable = XR_FALSE;
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL EnumerateViewConfigurationViews(XrInstance handle, XrSystemId id,
                                                    XrViewConfigurationType type, uint32_t capacity,
                                                    uint32_t* count,
                                                    XrViewConfigurationView* views) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    const XrResult checked = CheckView(*instance, id, type);
    UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
    const XrViewConfigurationView view{
        XR_TYPE_VIEW_CONFIGURATION_VIEW, nullptr, 1024, 2048, 1024, 2048, 1, 1};
    return Enumerate(std::vector<XrViewConfigurationView>(2, view), capacity, count, views);
  });
}

XrResult XRAPI_CALL EnumerateEnvironmentBlendModes(XrInstance handle, XrSystemId id,
                                                   XrViewConfigurationType type, uint32_t capacity,
                                                   uint32_t* count, XrEnvironmentBlendMode* modes) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    const XrResult checked = CheckView(*instance, id, type);
    UNDERSTUDY_VH_CHECK(checked == XR_SUCCESS, checked);
    return Enumerate(std::vector<XrEnvironmentBlendMode>{XR_ENVIRONMENT_BLEND_MODE_OPAQUE},
                     capacity, count, modes);
  });
}

XrResult XRAPI_CALL WaitFrame(XrSession handle, const XrFrameWaitInfo* info, XrFrameState* state) {
  int64_t wait_ns = 0;
  const XrResult result = Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK((info == nullptr || info->type == XR_TYPE_FRAME_WAIT_INFO) &&
                            IsStruct(state, XR_TYPE_FRAME_STATE),
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(session->running, XR_ERROR_SESSION_NOT_RUNNING);
    // display times lie on a grid; the virtual clock is never waited for
    const XrTime now = runtime.device.XrNow();
    const XrTime next = (now / kFramePeriodNs + 1) * kFramePeriodNs;
    session->displayed = std::max(next, session->displayed + kFramePeriodNs);
    session->frame = 1;
    if (!runtime.device.virtual_clock()) wait_ns = session->displayed - kFramePeriodNs - now;
    state->predictedDisplayTime = session->displayed;
    state->predictedDisplayPeriod = kFramePeriodNs;
    state->shouldRender = XR_FALSE;
    return session->Ok();
  });
  if (XR_SUCCEEDED(result) && wait_ns > 0) {
    const timespec pause{0, std::min<int64_t>(wait_ns, 2 * kFramePeriodNs)};
    nanosleep(&pause, nullptr);
  }
  return result;
}

XrResult XRAPI_CALL BeginFrame(XrSession handle, const XrFrameBeginInfo* info) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(info == nullptr || info->type == XR_TYPE_FRAME_BEGIN_INFO,
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(session->running, XR_ERROR_SESSION_NOT_RUNNING);
    UNDERSTUDY_VH_CHECK(session->frame == 1, XR_ERROR_CALL_ORDER_INVALID);
    session->frame = 2;
    return session->Ok();
  });
}

XrResult XRAPI_CALL EndFrame(XrSession handle, const XrFrameEndInfo* info) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_FRAME_END_INFO), XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(session->running, XR_ERROR_SESSION_NOT_RUNNING);
    UNDERSTUDY_VH_CHECK(session->frame == 2, XR_ERROR_CALL_ORDER_INVALID);
    UNDERSTUDY_VH_CHECK(Device::IsTime(info->displayTime), XR_ERROR_TIME_INVALID);
    UNDERSTUDY_VH_CHECK(info->environmentBlendMode == XR_ENVIRONMENT_BLEND_MODE_OPAQUE,
                        XR_ERROR_ENVIRONMENT_BLEND_MODE_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(info->layerCount == 0, XR_ERROR_LAYER_INVALID);
    session->frame = 0;
    return session->Ok();
  });
}

XrResult XRAPI_CALL LocateViews(XrSession handle, const XrViewLocateInfo* info, XrViewState* state,
                                uint32_t capacity, uint32_t* count, XrView* views) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_VIEW_LOCATE_INFO) &&
                            IsStruct(state, XR_TYPE_VIEW_STATE) && count != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_FIND(Space, space, info->space);
    UNDERSTUDY_VH_CHECK(info->viewConfigurationType == kStereo,
                        XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(Device::IsTime(info->displayTime), XR_ERROR_TIME_INVALID);
    *count = 2;
    UNDERSTUDY_VH_CHECK(capacity != 0, XR_SUCCESS);
    UNDERSTUDY_VH_CHECK(capacity >= 2, XR_ERROR_SIZE_INSUFFICIENT);
    UNDERSTUDY_VH_CHECK(views != nullptr, XR_ERROR_VALIDATION_FAILURE);
    // eyes are known in spaces that stand still
    if (space->action != nullptr || space->type == XR_REFERENCE_SPACE_TYPE_VIEW) {
      return XR_ERROR_REFERENCE_SPACE_UNSUPPORTED;
    }
    const int64_t clock_ns = runtime.device.ToClock(info->displayTime);
    const UnderstudyVhTracked& head = runtime.device.At(clock_ns).head;
    const Transform X_SR = Inverse(runtime.device.Origin(space->type, clock_ns) * space->X_offset);
    state->viewStateFlags =
        head.location_flags & ~runtime.device.faults[UNDERSTUDY_VH_HEAD].cleared_flags;
    for (int eye = 0; eye < 2; ++eye) {
      const Transform X_HeadEye{{(eye == 0 ? -0.5 : 0.5) * kEyeDistance, 0, 0}, {}};
      views[eye].pose = ToXr(X_SR * FromC(head.pose) * X_HeadEye);
      views[eye].fov = {-0.8f, 0.8f, 0.8f, -0.8f};
    }
    return session->Ok();
  });
}

XrResult XRAPI_CALL EnumerateSwapchainFormats(XrSession handle, uint32_t capacity, uint32_t* count,
                                              int64_t* formats) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    return Enumerate(std::vector<int64_t>{}, capacity, count, formats);
  });
}

XrResult XRAPI_CALL CreateSwapchain(XrSession handle, const XrSwapchainCreateInfo* info,
                                    XrSwapchain* created) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_SWAPCHAIN_CREATE_INFO) && created != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    return XR_ERROR_SWAPCHAIN_FORMAT_UNSUPPORTED;
  });
}

// No swapchain can exist, so no handle to one is valid.
XrResult XRAPI_CALL DestroySwapchain(XrSwapchain) { return XR_ERROR_HANDLE_INVALID; }
XrResult XRAPI_CALL EnumerateSwapchainImages(XrSwapchain, uint32_t, uint32_t*,
                                             XrSwapchainImageBaseHeader*) {
  return XR_ERROR_HANDLE_INVALID;
}
XrResult XRAPI_CALL AcquireSwapchainImage(XrSwapchain, const XrSwapchainImageAcquireInfo*,
                                          uint32_t*) {
  return XR_ERROR_HANDLE_INVALID;
}
XrResult XRAPI_CALL WaitSwapchainImage(XrSwapchain, const XrSwapchainImageWaitInfo*) {
  return XR_ERROR_HANDLE_INVALID;
}
XrResult XRAPI_CALL ReleaseSwapchainImage(XrSwapchain, const XrSwapchainImageReleaseInfo*) {
  return XR_ERROR_HANDLE_INVALID;
}

}  // namespace

std::vector<EntryPoint> ViewEntryPoints() {
  return {
      UNDERSTUDY_VH_ENTRY(EnumerateViewConfigurations),
      UNDERSTUDY_VH_ENTRY(GetViewConfigurationProperties),
      UNDERSTUDY_VH_ENTRY(EnumerateViewConfigurationViews),
      UNDERSTUDY_VH_ENTRY(EnumerateEnvironmentBlendModes),
      UNDERSTUDY_VH_ENTRY(WaitFrame),
      UNDERSTUDY_VH_ENTRY(BeginFrame),
      UNDERSTUDY_VH_ENTRY(EndFrame),
      UNDERSTUDY_VH_ENTRY(LocateViews),
      UNDERSTUDY_VH_ENTRY(EnumerateSwapchainFormats),
      UNDERSTUDY_VH_ENTRY(CreateSwapchain),
      UNDERSTUDY_VH_ENTRY(DestroySwapchain),
      UNDERSTUDY_VH_ENTRY(EnumerateSwapchainImages),
      UNDERSTUDY_VH_ENTRY(AcquireSwapchainImage),
      UNDERSTUDY_VH_ENTRY(WaitSwapchainImage),
      UNDERSTUDY_VH_ENTRY(ReleaseSwapchainImage),
  };
}

}  // namespace understudy::vh
