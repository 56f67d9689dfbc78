#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {

namespace {

XrResult XRAPI_CALL CreateSession(XrInstance handle, const XrSessionCreateInfo* info,
                                  XrSession* created) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Instance, instance, handle);
    UNDERSTUDY_VH_CHECK(
        IsStruct(info, XR_TYPE_SESSION_CREATE_INFO) && created != nullptr && info->createFlags == 0,
        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(instance->system_given && info->systemId == kSystemId,
                        XR_ERROR_SYSTEM_INVALID);
    // no graphics extension is offered: any binding is one for a device that we cannot drive
    const bool headless = instance->extensions.count(XR_MND_HEADLESS_EXTENSION_NAME) != 0;
    UNDERSTUDY_VH_CHECK(headless && info->next == nullptr, XR_ERROR_GRAPHICS_DEVICE_INVALID);
    UNDERSTUDY_VH_CHECK(runtime.device.connected, XR_ERROR_RUNTIME_FAILURE);
    UNDERSTUDY_VH_CHECK(runtime.session == nullptr, XR_ERROR_LIMIT_REACHED);

    auto session = std::make_shared<Session>();
    session->instance = instance;
    runtime.session = runtime.Add(session);
    *created = HandleOf(session);
    EnterState(*session, XR_SESSION_STATE_IDLE);
    EnterState(*session, XR_SESSION_STATE_READY);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL DestroySession(XrSession handle) {
  return Enter([&](Runtime&) {
    const std::shared_ptr<Session> session = FindAny<Session>(handle);
    UNDERSTUDY_VH_CHECK(session != nullptr, XR_ERROR_HANDLE_INVALID);
    Destroy(session);
    return XR_SUCCESS;
  });
}

XrResult XRAPI_CALL BeginSession(XrSession handle, const XrSessionBeginInfo* info) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_SESSION_BEGIN_INFO), XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(!session->running, XR_ERROR_SESSION_RUNNING);
    UNDERSTUDY_VH_CHECK(session->state == XR_SESSION_STATE_READY, XR_ERROR_SESSION_NOT_READY);
    session->running = true;
    // headless: no frame is waited for, all states follow at once
    EnterState(*session, XR_SESSION_STATE_SYNCHRONIZED);
    EnterState(*session, XR_SESSION_STATE_VISIBLE);
    if (session->focus_wanted) EnterState(*session, XR_SESSION_STATE_FOCUSED);
    return session->Ok();
  });
}

XrResult XRAPI_CALL EndSession(XrSession handle) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(session->running, XR_ERROR_SESSION_NOT_RUNNING);
    UNDERSTUDY_VH_CHECK(session->state == XR_SESSION_STATE_STOPPING, XR_ERROR_SESSION_NOT_STOPPING);
    session->running = false;
    session->synced.clear();
    EnterState(*session, XR_SESSION_STATE_IDLE);
    EnterState(*session,
               session->exit_requested ? XR_SESSION_STATE_EXITING : XR_SESSION_STATE_READY);
    return session->Ok();
  });
}

XrResult XRAPI_CALL RequestExitSession(XrSession handle) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(session->running, XR_ERROR_SESSION_NOT_RUNNING);
    if (session->exit_requested) return session->Ok();
    session->exit_requested = true;
    if (session->focused()) EnterState(*session, XR_SESSION_STATE_VISIBLE);
    EnterState(*session, XR_SESSION_STATE_SYNCHRONIZED);
    EnterState(*session, XR_SESSION_STATE_STOPPING);
    return session->Ok();
  });
}

}  // namespace

std::vector<EntryPoint> SessionEntryPoints() {
  return {
      UNDERSTUDY_VH_ENTRY(CreateSession),      UNDERSTUDY_VH_ENTRY(DestroySession),
      UNDERSTUDY_VH_ENTRY(BeginSession),       UNDERSTUDY_VH_ENTRY(EndSession),
      UNDERSTUDY_VH_ENTRY(RequestExitSession),
  };
}

}  // namespace understudy::vh
