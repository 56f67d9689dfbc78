// The runtime through the unmodified Khronos loader: return codes that the OpenXR 1.0 specification
// names, and the order of things.

#define XR_USE_TIMESPEC
#include <openxr/openxr.h>
#include <openxr/openxr_platform.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/openxr/fixture.h"

namespace understudy {
namespace {

constexpr XrPosef kIdentity{{0, 0, 0, 1}, {0, 0, 0}};
constexpr const char* kTouch = "/interaction_profiles/oculus/touch_controller";

// An application without our client: raw calls, every handle at hand.
class ConformanceTest : public HeadsetTest {
 protected:
  void SetUp() override {
    HeadsetTest::SetUp();
    ASSERT_EQ(Create({XR_MND_HEADLESS_EXTENSION_NAME, XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME}),
              XR_SUCCESS);
  }
  void TearDown() override {
    if (instance_ != XR_NULL_HANDLE) {
      EXPECT_EQ(xrDestroyInstance(instance_), XR_SUCCESS);
    }
  }

  XrResult Create(std::vector<const char*> extensions) {
    XrInstanceCreateInfo info{XR_TYPE_INSTANCE_CREATE_INFO};
    std::strcpy(info.applicationInfo.applicationName, "conformance");
    info.applicationInfo.apiVersion = XR_CURRENT_API_VERSION;
    info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    info.enabledExtensionNames = extensions.data();
    return xrCreateInstance(&info, &instance_);
  }
  void MakeSession() {
    XrSystemGetInfo get{XR_TYPE_SYSTEM_GET_INFO, nullptr, XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
    ASSERT_EQ(xrGetSystem(instance_, &get, &system_), XR_SUCCESS);
    XrSessionCreateInfo info{XR_TYPE_SESSION_CREATE_INFO, nullptr, 0, system_};
    ASSERT_EQ(xrCreateSession(instance_, &info, &session_), XR_SUCCESS);
  }
  XrResult Begin() {
    XrSessionBeginInfo info{XR_TYPE_SESSION_BEGIN_INFO};
    return xrBeginSession(session_, &info);
  }
  XrPath Path(const std::string& text) {
    XrPath path = XR_NULL_PATH;
    EXPECT_EQ(xrStringToPath(instance_, text.c_str(), &path), XR_SUCCESS) << text;
    return path;
  }
  // States announced since the last call, other events dropped.
  std::vector<int> States() {
    std::vector<int> states;
    XrEventDataBuffer event{XR_TYPE_EVENT_DATA_BUFFER};
    while (xrPollEvent(instance_, &event) == XR_SUCCESS) {
      if (event.type != XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED) continue;
      states.push_back(reinterpret_cast<XrEventDataSessionStateChanged&>(event).state);
    }
    return states;
  }
  XrResult MakeSet(const char* name, const char* localized, XrActionSet* set) {
    XrActionSetCreateInfo info{XR_TYPE_ACTION_SET_CREATE_INFO};
    std::strcpy(info.actionSetName, name);
    std::strcpy(info.localizedActionSetName, localized);
    return xrCreateActionSet(instance_, &info, set);
  }
  XrResult MakeAction(XrActionSet set, const char* name, XrActionType type,
                      const std::vector<XrPath>& paths, XrAction* action) {
    XrActionCreateInfo info{XR_TYPE_ACTION_CREATE_INFO};
    std::strcpy(info.actionName, name);
    std::strcpy(info.localizedActionName, name);
    info.actionType = type;
    info.countSubactionPaths = static_cast<uint32_t>(paths.size());
    info.subactionPaths = paths.data();
    return xrCreateAction(set, &info, action);
  }
  XrResult Suggest(const std::string& profile, XrAction action, const std::string& path) {
    const XrActionSuggestedBinding binding{action, Path(path)};
    XrInteractionProfileSuggestedBinding info{XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING};
    info.interactionProfile = Path(profile);
    info.countSuggestedBindings = 1;
    info.suggestedBindings = &binding;
    return xrSuggestInteractionProfileBindings(instance_, &info);
  }
  XrResult Attach(XrActionSet set) {
    XrSessionActionSetsAttachInfo info{XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO, nullptr, 1, &set};
    return xrAttachSessionActionSets(session_, &info);
  }
  XrResult Sync(XrActionSet set, XrPath path = XR_NULL_PATH) {
    const XrActiveActionSet active{set, path};
    XrActionsSyncInfo info{XR_TYPE_ACTIONS_SYNC_INFO, nullptr, 1, &active};
    return xrSyncActions(session_, &info);
  }
  XrSpace MakeReference(XrReferenceSpaceType type, const XrPosef& pose = kIdentity) {
    XrReferenceSpaceCreateInfo info{XR_TYPE_REFERENCE_SPACE_CREATE_INFO, nullptr, type, pose};
    XrSpace space = XR_NULL_HANDLE;
    EXPECT_EQ(xrCreateReferenceSpace(session_, &info, &space), XR_SUCCESS);
    return space;
  }
  XrTime XrNow() { return headset_->NowNs() - 123'456'789'012; }

  XrInstance instance_ = XR_NULL_HANDLE;
  XrSystemId system_ = XR_NULL_SYSTEM_ID;
  XrSession session_ = XR_NULL_HANDLE;
};

TEST_F(ConformanceTest, SessionStatesFollowTheSpecification) {
  MakeSession();
  EXPECT_EQ(Begin(), XR_SUCCESS);
  EXPECT_EQ(Begin(), XR_ERROR_SESSION_RUNNING);
  // IDLE READY SYNCHRONIZED VISIBLE FOCUSED
  EXPECT_EQ(States(), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(xrEndSession(session_), XR_ERROR_SESSION_NOT_STOPPING);
  EXPECT_EQ(xrRequestExitSession(session_), XR_SUCCESS);
  EXPECT_EQ(States(), (std::vector<int>{4, 3, 6}));
  EXPECT_EQ(xrEndSession(session_), XR_SUCCESS);
  EXPECT_EQ(States(), (std::vector<int>{1, 8}));
  EXPECT_EQ(Begin(), XR_ERROR_SESSION_NOT_READY);
  EXPECT_EQ(xrEndSession(session_), XR_ERROR_SESSION_NOT_RUNNING);
  EXPECT_EQ(xrRequestExitSession(session_), XR_ERROR_SESSION_NOT_RUNNING);
  EXPECT_EQ(xrDestroySession(session_), XR_SUCCESS);
  EXPECT_EQ(xrDestroySession(session_), XR_ERROR_HANDLE_INVALID);
  EXPECT_EQ(Begin(), XR_ERROR_HANDLE_INVALID);
}

TEST_F(ConformanceTest, SystemAndSessionCreation) {
  XrSessionCreateInfo info{XR_TYPE_SESSION_CREATE_INFO, nullptr, 0, 1};
  EXPECT_EQ(xrCreateSession(instance_, &info, &session_), XR_ERROR_SYSTEM_INVALID);
  XrSystemGetInfo get{XR_TYPE_SYSTEM_GET_INFO, nullptr, XR_FORM_FACTOR_HANDHELD_DISPLAY};
  EXPECT_EQ(xrGetSystem(instance_, &get, &system_), XR_ERROR_FORM_FACTOR_UNSUPPORTED);
  get.formFactor = static_cast<XrFormFactor>(77);
  EXPECT_EQ(xrGetSystem(instance_, &get, &system_), XR_ERROR_VALIDATION_FAILURE);
  get.formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY;
  headset_->SetHeadsetConnected(false);
  EXPECT_EQ(xrGetSystem(instance_, &get, &system_), XR_ERROR_FORM_FACTOR_UNAVAILABLE);
  headset_->SetHeadsetConnected(true);
  MakeSession();
  XrSession second = XR_NULL_HANDLE;
  info.systemId = system_;
  EXPECT_EQ(xrCreateSession(instance_, &info, &second), XR_ERROR_LIMIT_REACHED);
  xrDestroySession(session_);
  info.systemId = 99;
  EXPECT_EQ(xrCreateSession(instance_, &info, &second), XR_ERROR_SYSTEM_INVALID);
  // a graphics binding, of whatever kind
  XrBaseInStructure binding{XR_TYPE_GRAPHICS_BINDING_VULKAN_KHR, nullptr};
  info.systemId = system_;
  info.next = &binding;
  EXPECT_EQ(xrCreateSession(instance_, &info, &second), XR_ERROR_GRAPHICS_DEVICE_INVALID);
  // no binding, but headless was not enabled
  xrDestroyInstance(instance_);
  ASSERT_EQ(Create({}), XR_SUCCESS);
  ASSERT_EQ(xrGetSystem(instance_, &get, &system_), XR_SUCCESS);
  info.next = nullptr;
  EXPECT_EQ(xrCreateSession(instance_, &info, &second), XR_ERROR_GRAPHICS_DEVICE_INVALID);
}

TEST_F(ConformanceTest, InstanceExtensionsAndFunctions) {
  PFN_xrVoidFunction function = nullptr;
  EXPECT_EQ(xrGetInstanceProcAddr(instance_, "xrConvertTimespecTimeToTimeKHR", &function),
            XR_SUCCESS);
  EXPECT_NE(function, nullptr);
  EXPECT_EQ(xrGetInstanceProcAddr(instance_, "xrNoSuchThing", &function),
            XR_ERROR_FUNCTION_UNSUPPORTED);
  EXPECT_EQ(function, nullptr);
  char text[XR_MAX_RESULT_STRING_SIZE];
  EXPECT_EQ(xrResultToString(instance_, XR_ERROR_TIME_INVALID, text), XR_SUCCESS);
  EXPECT_STREQ(text, "XR_ERROR_TIME_INVALID");
  EXPECT_EQ(xrResultToString(instance_, static_cast<XrResult>(-123456), text), XR_SUCCESS);
  EXPECT_STREQ(text, "XR_UNKNOWN_FAILURE_-123456");
  char type_text[XR_MAX_STRUCTURE_NAME_SIZE];
  EXPECT_EQ(xrStructureTypeToString(instance_, XR_TYPE_SPACE_VELOCITY, type_text), XR_SUCCESS);
  EXPECT_STREQ(type_text, "XR_TYPE_SPACE_VELOCITY");
  xrDestroyInstance(instance_);
  instance_ = XR_NULL_HANDLE;

  // an extension that is not enabled has no functions
  ASSERT_EQ(Create({XR_MND_HEADLESS_EXTENSION_NAME}), XR_SUCCESS);
  EXPECT_EQ(xrGetInstanceProcAddr(instance_, "xrConvertTimespecTimeToTimeKHR", &function),
            XR_ERROR_FUNCTION_UNSUPPORTED);
  xrDestroyInstance(instance_);
  instance_ = XR_NULL_HANDLE;
  EXPECT_EQ(Create({"XR_NOBODY_nothing"}), XR_ERROR_EXTENSION_NOT_PRESENT);
  headset_->SetServiceRunning(false);
  EXPECT_EQ(Create({}), XR_ERROR_RUNTIME_FAILURE);
}

TEST_F(ConformanceTest, PathsAreCheckedAndKept) {
  for (const char* bad : {"", "/", "no", "/a//b", "/a/", "/A", "/a b", "/..", "/a/./b", "/ä"}) {
    XrPath path = 0;
    EXPECT_EQ(xrStringToPath(instance_, bad, &path), XR_ERROR_PATH_FORMAT_INVALID) << bad;
  }
  const std::string longest = "/" + std::string(XR_MAX_PATH_LENGTH - 2, 'a');
  const XrPath path = Path(longest);
  EXPECT_EQ(path, Path(longest));
  EXPECT_NE(path, Path("/user/hand/left"));
  XrPath other = 0;
  EXPECT_EQ(xrStringToPath(instance_, (longest + "a").c_str(), &other),
            XR_ERROR_PATH_FORMAT_INVALID);
  uint32_t count = 0;
  char text[XR_MAX_PATH_LENGTH];
  EXPECT_EQ(xrPathToString(instance_, path, 0, &count, nullptr), XR_SUCCESS);
  EXPECT_EQ(count, longest.size() + 1);
  EXPECT_EQ(xrPathToString(instance_, path, count - 1, &count, text), XR_ERROR_SIZE_INSUFFICIENT);
  EXPECT_EQ(xrPathToString(instance_, path, count, &count, text), XR_SUCCESS);
  EXPECT_EQ(text, longest);
  EXPECT_EQ(xrPathToString(instance_, XR_NULL_PATH, 0, &count, nullptr), XR_ERROR_PATH_INVALID);
  EXPECT_EQ(xrPathToString(instance_, 4711, 0, &count, nullptr), XR_ERROR_PATH_INVALID);
}

TEST_F(ConformanceTest, ActionsAreChecked) {
  XrActionSet set = XR_NULL_HANDLE, other = XR_NULL_HANDLE;
  EXPECT_EQ(MakeSet("", "Set", &set), XR_ERROR_NAME_INVALID);
  EXPECT_EQ(MakeSet("set", "", &set), XR_ERROR_LOCALIZED_NAME_INVALID);
  EXPECT_EQ(MakeSet("A Set", "Set", &set), XR_ERROR_PATH_FORMAT_INVALID);
  EXPECT_EQ(MakeSet("set", "Set", &set), XR_SUCCESS);
  EXPECT_EQ(MakeSet("set", "Other", &other), XR_ERROR_NAME_DUPLICATED);
  EXPECT_EQ(MakeSet("other", "Set", &other), XR_ERROR_LOCALIZED_NAME_DUPLICATED);

  const XrPath left = Path("/user/hand/left"), right = Path("/user/hand/right");
  XrAction pose = XR_NULL_HANDLE, grip = XR_NULL_HANDLE, bad = XR_NULL_HANDLE;
  EXPECT_EQ(MakeAction(set, "pose", XR_ACTION_TYPE_POSE_INPUT, {left, right}, &pose), XR_SUCCESS);
  EXPECT_EQ(MakeAction(set, "pose", XR_ACTION_TYPE_POSE_INPUT, {}, &bad), XR_ERROR_NAME_DUPLICATED);
  EXPECT_EQ(MakeAction(set, "a", XR_ACTION_TYPE_POSE_INPUT, {left, left}, &bad),
            XR_ERROR_PATH_UNSUPPORTED);
  EXPECT_EQ(MakeAction(set, "a", XR_ACTION_TYPE_POSE_INPUT, {Path("/user/foot")}, &bad),
            XR_ERROR_PATH_UNSUPPORTED);
  EXPECT_EQ(MakeAction(set, "a", XR_ACTION_TYPE_POSE_INPUT, {XrPath{4711}}, &bad),
            XR_ERROR_PATH_INVALID);
  EXPECT_EQ(MakeAction(set, "a", static_cast<XrActionType>(55), {}, &bad),
            XR_ERROR_VALIDATION_FAILURE);
  EXPECT_EQ(MakeAction(XR_NULL_HANDLE, "a", XR_ACTION_TYPE_POSE_INPUT, {}, &bad),
            XR_ERROR_HANDLE_INVALID);
  EXPECT_EQ(MakeAction(set, "squeeze", XR_ACTION_TYPE_FLOAT_INPUT, {left}, &grip), XR_SUCCESS);

  // bindings: the profile and the path must exist, on that hand
  EXPECT_EQ(Suggest(kTouch, grip, "/user/hand/left/input/squeeze/value"), XR_SUCCESS);
  EXPECT_EQ(Suggest(kTouch, grip, "/user/hand/left/input/squeeze"), XR_SUCCESS);
  EXPECT_EQ(Suggest(kTouch, grip, "/user/hand/left/input/a/click"), XR_ERROR_PATH_UNSUPPORTED);
  EXPECT_EQ(Suggest(kTouch, grip, "/user/hand/right/input/x/click"), XR_ERROR_PATH_UNSUPPORTED);
  EXPECT_EQ(Suggest(kTouch, grip, "/user/head/input/mute_mic/click"), XR_ERROR_PATH_UNSUPPORTED);
  EXPECT_EQ(Suggest("/interaction_profiles/nobody/stick", grip, "/user/hand/left/input/a/click"),
            XR_ERROR_PATH_UNSUPPORTED);
  XrInteractionProfileSuggestedBinding none{XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING};
  none.interactionProfile = Path(kTouch);
  EXPECT_EQ(xrSuggestInteractionProfileBindings(instance_, &none), XR_ERROR_VALIDATION_FAILURE);

  // attaching is for once, and freezes
  MakeSession();
  XrInteractionProfileState profile{XR_TYPE_INTERACTION_PROFILE_STATE};
  EXPECT_EQ(xrGetCurrentInteractionProfile(session_, left, &profile),
            XR_ERROR_ACTIONSET_NOT_ATTACHED);
  EXPECT_EQ(Sync(set), XR_ERROR_ACTIONSET_NOT_ATTACHED);
  EXPECT_EQ(Attach(set), XR_SUCCESS);
  EXPECT_EQ(Attach(set), XR_ERROR_ACTIONSETS_ALREADY_ATTACHED);
  EXPECT_EQ(MakeAction(set, "late", XR_ACTION_TYPE_FLOAT_INPUT, {}, &bad),
            XR_ERROR_ACTIONSETS_ALREADY_ATTACHED);
  EXPECT_EQ(Suggest(kTouch, grip, "/user/hand/left/input/squeeze/value"),
            XR_ERROR_ACTIONSETS_ALREADY_ATTACHED);

  // states: not focused, then live; type and subaction path are checked
  EXPECT_EQ(Sync(set), XR_SESSION_NOT_FOCUSED);
  XrActionStateGetInfo get{XR_TYPE_ACTION_STATE_GET_INFO, nullptr, grip, left};
  XrActionStateFloat value{XR_TYPE_ACTION_STATE_FLOAT};
  EXPECT_EQ(xrGetActionStateFloat(session_, &get, &value), XR_SUCCESS);
  EXPECT_FALSE(value.isActive);
  ASSERT_EQ(Begin(), XR_SUCCESS);
  VirtualHand hand;
  hand.squeeze = 0.25f;
  headset_->SetHand(0, hand);
  EXPECT_EQ(Sync(set), XR_SUCCESS);
  EXPECT_EQ(xrGetActionStateFloat(session_, &get, &value), XR_SUCCESS);
  EXPECT_TRUE(value.isActive);
  EXPECT_EQ(value.currentState, 0.25f);
  hand.squeeze = 0.5f;
  headset_->SetHand(0, hand);
  EXPECT_EQ(xrGetActionStateFloat(session_, &get, &value), XR_SUCCESS);
  EXPECT_EQ(value.currentState, 0.25f) << "inputs are latched by xrSyncActions";
  headset_->AdvanceNs(1000);
  EXPECT_EQ(Sync(set), XR_SUCCESS);
  EXPECT_EQ(xrGetActionStateFloat(session_, &get, &value), XR_SUCCESS);
  EXPECT_EQ(value.currentState, 0.5f);
  EXPECT_TRUE(value.changedSinceLastSync);
  EXPECT_EQ(value.lastChangeTime, XrNow());
  XrActionStateBoolean boolean{XR_TYPE_ACTION_STATE_BOOLEAN};
  EXPECT_EQ(xrGetActionStateBoolean(session_, &get, &boolean), XR_ERROR_ACTION_TYPE_MISMATCH);
  get.subactionPath = right;
  EXPECT_EQ(xrGetActionStateFloat(session_, &get, &value), XR_ERROR_PATH_UNSUPPORTED);
  get.subactionPath = 4711;
  EXPECT_EQ(xrGetActionStateFloat(session_, &get, &value), XR_ERROR_PATH_INVALID);
  EXPECT_EQ(xrGetCurrentInteractionProfile(session_, left, &profile), XR_SUCCESS);
  EXPECT_EQ(profile.interactionProfile, Path(kTouch));
  EXPECT_EQ(xrGetCurrentInteractionProfile(session_, Path("/user/foot"), &profile),
            XR_ERROR_PATH_UNSUPPORTED);

  // bound sources and their names
  XrBoundSourcesForActionEnumerateInfo bound{XR_TYPE_BOUND_SOURCES_FOR_ACTION_ENUMERATE_INFO};
  bound.action = grip;
  XrPath source = 0;
  uint32_t count = 0;
  EXPECT_EQ(xrEnumerateBoundSourcesForAction(session_, &bound, 1, &count, &source), XR_SUCCESS);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(source, Path("/user/hand/left/input/squeeze/value"));
  XrInputSourceLocalizedNameGetInfo name{XR_TYPE_INPUT_SOURCE_LOCALIZED_NAME_GET_INFO};
  name.sourcePath = source;
  EXPECT_EQ(xrGetInputSourceLocalizedName(session_, &name, 0, &count, nullptr),
            XR_ERROR_VALIDATION_FAILURE);
  name.whichComponents = XR_INPUT_SOURCE_LOCALIZED_NAME_USER_PATH_BIT;
  char text[64];
  EXPECT_EQ(xrGetInputSourceLocalizedName(session_, &name, 64, &count, text), XR_SUCCESS);
  EXPECT_STREQ(text, "Left Hand");
}

TEST_F(ConformanceTest, SpacesAreCheckedAndCompose) {
  MakeSession();
  Begin();
  XrReferenceSpaceCreateInfo info{XR_TYPE_REFERENCE_SPACE_CREATE_INFO};
  XrSpace bad = XR_NULL_HANDLE;
  info.referenceSpaceType = static_cast<XrReferenceSpaceType>(1000426000);
  info.poseInReferenceSpace = kIdentity;
  EXPECT_EQ(xrCreateReferenceSpace(session_, &info, &bad), XR_ERROR_REFERENCE_SPACE_UNSUPPORTED);
  info.referenceSpaceType = XR_REFERENCE_SPACE_TYPE_STAGE;
  info.poseInReferenceSpace.orientation = {0, 0, 0, 0};
  EXPECT_EQ(xrCreateReferenceSpace(session_, &info, &bad), XR_ERROR_POSE_INVALID);
  info.poseInReferenceSpace = kIdentity;
  info.poseInReferenceSpace.position.x = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(xrCreateReferenceSpace(session_, &info, &bad), XR_ERROR_POSE_INVALID);

  const float half = std::sqrt(0.5f);
  const XrSpace stage = MakeReference(XR_REFERENCE_SPACE_TYPE_STAGE);
  const XrSpace local = MakeReference(XR_REFERENCE_SPACE_TYPE_LOCAL);
  const XrSpace turned =
      MakeReference(XR_REFERENCE_SPACE_TYPE_STAGE, {{0, half, 0, half}, {1, 0, 0}});
  XrSpaceLocation location{XR_TYPE_SPACE_LOCATION};
  for (const XrTime time : {XrTime{0}, XrTime{-1}, std::numeric_limits<XrTime>::max()}) {
    EXPECT_EQ(xrLocateSpace(local, stage, time, &location), XR_ERROR_TIME_INVALID);
  }
  EXPECT_EQ(xrLocateSpace(XR_NULL_HANDLE, stage, XrNow(), &location), XR_ERROR_HANDLE_INVALID);
  XrSpaceLocation untyped{};
  EXPECT_EQ(xrLocateSpace(local, stage, XrNow(), &untyped), XR_ERROR_VALIDATION_FAILURE);
  ASSERT_EQ(xrLocateSpace(local, stage, XrNow(), &location), XR_SUCCESS);
  EXPECT_EQ(location.locationFlags, 15u);
  EXPECT_FLOAT_EQ(location.pose.position.y, 1.6f);
  // turned by 90 degrees about y at x = 1: the stage's origin lies 1 m along the turned -z
  ASSERT_EQ(xrLocateSpace(stage, turned, XrNow(), &location), XR_SUCCESS);
  EXPECT_NEAR(location.pose.position.x, 0, 1e-6);
  EXPECT_NEAR(location.pose.position.z, -1, 1e-6);

  // a head that turns about y carries what is seen from it the other way
  VirtualHead head;
  head.X_RHead = Pose();
  head.w_RHead = {0, 2, 0};
  headset_->SetHead(head);
  const XrSpace view = MakeReference(XR_REFERENCE_SPACE_TYPE_VIEW);
  XrSpaceVelocity velocity{XR_TYPE_SPACE_VELOCITY};
  location.next = &velocity;
  ASSERT_EQ(xrLocateSpace(turned, view, XrNow(), &location), XR_SUCCESS);
  EXPECT_EQ(velocity.velocityFlags, 3u);
  EXPECT_NEAR(velocity.linearVelocity.z, 2, 1e-6);
  EXPECT_NEAR(velocity.angularVelocity.y, -2, 1e-6);

  // the past of a quarter of a second is known
  const XrTime then = XrNow();
  headset_->AdvanceNs(100'000'000);
  head.X_RHead = Pose::FromTranslation({0, 0, 3});
  headset_->SetHead(head);
  ASSERT_EQ(xrLocateSpace(view, stage, then, &location), XR_SUCCESS);
  EXPECT_EQ(location.pose.position.z, 0);
  ASSERT_EQ(xrLocateSpace(view, stage, XrNow(), &location), XR_SUCCESS);
  EXPECT_EQ(location.pose.position.z, 3);

  EXPECT_EQ(xrDestroySpace(turned), XR_SUCCESS);
  EXPECT_EQ(xrDestroySpace(turned), XR_ERROR_HANDLE_INVALID);
  EXPECT_EQ(xrLocateSpace(turned, stage, XrNow(), &location), XR_ERROR_HANDLE_INVALID);
}

TEST_F(ConformanceTest, TimesConvertThereAndBack) {
  PFN_xrConvertTimespecTimeToTimeKHR to_xr = nullptr;
  PFN_xrConvertTimeToTimespecTimeKHR from_xr = nullptr;
  xrGetInstanceProcAddr(instance_, "xrConvertTimespecTimeToTimeKHR",
                        reinterpret_cast<PFN_xrVoidFunction*>(&to_xr));
  xrGetInstanceProcAddr(instance_, "xrConvertTimeToTimespecTimeKHR",
                        reinterpret_cast<PFN_xrVoidFunction*>(&from_xr));
  const timespec now{1000, 999'999'999};
  XrTime time = 0;
  ASSERT_EQ(to_xr(instance_, &now, &time), XR_SUCCESS);
  EXPECT_EQ(time, 1'000'999'999'999 - 123'456'789'012);
  timespec back{};
  ASSERT_EQ(from_xr(instance_, time, &back), XR_SUCCESS);
  EXPECT_EQ(back.tv_sec, now.tv_sec);
  EXPECT_EQ(back.tv_nsec, now.tv_nsec);
  for (const timespec bad :
       {timespec{-1, 0}, timespec{1000, 1'000'000'000}, timespec{1000, -1}, timespec{1, 0}}) {
    EXPECT_EQ(to_xr(instance_, &bad, &time), XR_ERROR_TIME_INVALID);
  }
  EXPECT_EQ(from_xr(instance_, 0, &back), XR_ERROR_TIME_INVALID);
  EXPECT_EQ(from_xr(instance_, std::numeric_limits<XrTime>::max(), &back), XR_ERROR_TIME_INVALID);
  EXPECT_EQ(to_xr(instance_, nullptr, &time), XR_ERROR_VALIDATION_FAILURE);
}

TEST_F(ConformanceTest, FramesPassWithoutPictures) {
  MakeSession();
  XrFrameState state{XR_TYPE_FRAME_STATE};
  EXPECT_EQ(xrWaitFrame(session_, nullptr, &state), XR_ERROR_SESSION_NOT_RUNNING);
  Begin();
  EXPECT_EQ(xrBeginFrame(session_, nullptr), XR_ERROR_CALL_ORDER_INVALID);
  ASSERT_EQ(xrWaitFrame(session_, nullptr, &state), XR_SUCCESS);
  EXPECT_FALSE(state.shouldRender);
  EXPECT_GT(state.predictedDisplayTime, XrNow());
  EXPECT_EQ(xrBeginFrame(session_, nullptr), XR_SUCCESS);
  XrFrameEndInfo end{XR_TYPE_FRAME_END_INFO,           nullptr, 0,
                     XR_ENVIRONMENT_BLEND_MODE_OPAQUE, 0,       nullptr};
  EXPECT_EQ(xrEndFrame(session_, &end), XR_ERROR_TIME_INVALID);
  end.displayTime = state.predictedDisplayTime;
  EXPECT_EQ(xrEndFrame(session_, &end), XR_SUCCESS);
  EXPECT_EQ(xrEndFrame(session_, &end), XR_ERROR_CALL_ORDER_INVALID);
  uint32_t count = 7;
  EXPECT_EQ(xrEnumerateSwapchainFormats(session_, 0, &count, nullptr), XR_SUCCESS);
  EXPECT_EQ(count, 0u);
  XrSwapchainCreateInfo chain{XR_TYPE_SWAPCHAIN_CREATE_INFO};
  XrSwapchain made = XR_NULL_HANDLE;
  EXPECT_EQ(xrCreateSwapchain(session_, &chain, &made), XR_ERROR_SWAPCHAIN_FORMAT_UNSUPPORTED);
  XrView views[2] = {{XR_TYPE_VIEW}, {XR_TYPE_VIEW}};
  XrViewState view_state{XR_TYPE_VIEW_STATE};
  XrViewLocateInfo locate{XR_TYPE_VIEW_LOCATE_INFO, nullptr,
                          XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO, XrNow(),
                          MakeReference(XR_REFERENCE_SPACE_TYPE_STAGE)};
  EXPECT_EQ(xrLocateViews(session_, &locate, &view_state, 1, &count, views),
            XR_ERROR_SIZE_INSUFFICIENT);
  ASSERT_EQ(xrLocateViews(session_, &locate, &view_state, 2, &count, views), XR_SUCCESS);
  EXPECT_NEAR(views[1].pose.position.x - views[0].pose.position.x, 0.064, 1e-6);
}

TEST_F(ConformanceTest, LossShowsInEveryCall) {
  MakeSession();
  Begin();
  const XrSpace stage = MakeReference(XR_REFERENCE_SPACE_TYPE_STAGE);
  const XrSpace local = MakeReference(XR_REFERENCE_SPACE_TYPE_LOCAL);
  XrSpaceLocation location{XR_TYPE_SPACE_LOCATION};
  headset_->LoseSession(true);
  EXPECT_EQ(xrLocateSpace(stage, local, XrNow(), &location), XR_SESSION_LOSS_PENDING);
  headset_->LoseSession(false);
  EXPECT_EQ(xrLocateSpace(stage, local, XrNow(), &location), XR_ERROR_SESSION_LOST);
  XrEventDataBuffer event{XR_TYPE_EVENT_DATA_BUFFER};
  EXPECT_EQ(xrPollEvent(instance_, &event), XR_SUCCESS);
  headset_->LoseInstance(false);
  EXPECT_EQ(xrPollEvent(instance_, &event), XR_ERROR_INSTANCE_LOST);
  EXPECT_EQ(xrDestroySession(session_), XR_SUCCESS);
}

TEST_F(ConformanceTest, AnApplicationThatNeverPollsIsToldThatEventsWereLost) {
  MakeSession();
  Begin();
  for (int i = 0; i < 1000; ++i) headset_->SetFocus(i % 2 == 1);
  XrEventDataBuffer event{XR_TYPE_EVENT_DATA_BUFFER};
  int lost = 0, states = 0;
  while (xrPollEvent(instance_, &event) == XR_SUCCESS) {
    lost += event.type == XR_TYPE_EVENT_DATA_EVENTS_LOST;
    states += event.type == XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED;
  }
  EXPECT_EQ(lost, 1);
  EXPECT_LE(states, 256);
}

}  // namespace
}  // namespace understudy
