#include <algorithm>
#include <cmath>
#include <limits>

#include "teleop/virtual_headset/runtime/runtime.h"

namespace understudy::vh {

namespace {

std::vector<XrReferenceSpaceType> SpaceTypes(const Instance& instance) {
  std::vector<XrReferenceSpaceType> types{
      XR_REFERENCE_SPACE_TYPE_VIEW, XR_REFERENCE_SPACE_TYPE_LOCAL, XR_REFERENCE_SPACE_TYPE_STAGE};
  if (instance.extensions.count("XR_EXT_local_floor") != 0) types.push_back(kLocalFloor);
  return types;
}

// A space in the room, with its motion.
struct Located {
  Transform X_RS;
  Vec3 v_RS, w_RS;
  uint32_t flags = 0, velocity_flags = 0, spoiled = 0;
};

Located FromTracked(const UnderstudyVhTracked& tracked, const UnderstudyVhFault& fault) {
  return {FromC(tracked.pose),
          FromC(tracked.linear_velocity),
          FromC(tracked.angular_velocity),
          tracked.location_flags & ~fault.cleared_flags,
          tracked.velocity_flags,
          fault.spoiled};
}

Located LocateAction(const Space& space, const WearerState& wearer) {
  // without a subaction path the first hand that feeds the action is taken
  const int wanted = HandOfPath(space.subaction_path);
  for (int hand = 0; hand < 2; ++hand) {
    if (wanted >= 0 && hand != wanted) continue;
    if (!IsLive(*space.session, *space.action, hand)) continue;
    const auto inputs = BoundInputs(*space.session, *space.action, hand);
    const UnderstudyVhHand& state = wearer.hands[hand];
    Located located = FromTracked(state.grip, TheRuntime().device.faults[hand]);
    if (inputs.front()->source == Source::kAim) {
      const Transform X_RA = FromC(state.aim);
      located.v_RS = located.v_RS + Cross(located.w_RS, X_RA.p - located.X_RS.p);
      located.X_RS = X_RA;
    }
    return located;
  }
  return {};
}

Located Locate(const Space& space, int64_t clock_ns) {
  const Device& device = TheRuntime().device;
  const WearerState& wearer = device.At(clock_ns);
  Located located;
  if (space.action != nullptr) {
    located = LocateAction(space, wearer);
  } else if (space.type == XR_REFERENCE_SPACE_TYPE_VIEW) {
    located = FromTracked(wearer.head, device.faults[UNDERSTUDY_VH_HEAD]);
  } else {
    located = {device.Origin(space.type, clock_ns), {}, {}, 15, 3, 0};
  }
  // the offset turns with its body
  const Vec3 arm = Rotate(located.X_RS.q, space.X_offset.p);
  located.v_RS = located.v_RS + Cross(located.w_RS, arm);
  located.X_RS = located.X_RS * space.X_offset;
  return located;
}

// Numbers that the specification leaves undefined are made unusable, so that an application that
// looks at them without looking at the flags is found out.
void Poison(uint32_t flags, uint32_t spoiled, XrPosef& pose) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  if (!(flags & XR_SPACE_LOCATION_POSITION_VALID_BIT) || (spoiled & UNDERSTUDY_VH_NAN_POSITION)) {
    pose.position = {nan, nan, nan};
  }
  if (!(flags & XR_SPACE_LOCATION_ORIENTATION_VALID_BIT) ||
      (spoiled & UNDERSTUDY_VH_NAN_ORIENTATION)) {
    pose.orientation = {nan, nan, nan, nan};
  }
  if (spoiled & UNDERSTUDY_VH_ZERO_ORIENTATION) pose.orientation = {0, 0, 0, 0};
  if (spoiled & UNDERSTUDY_VH_NON_UNIT_ORIENTATION) {
    for (float* part :
         {&pose.orientation.x, &pose.orientation.y, &pose.orientation.z, &pose.orientation.w}) {
      *part *= 1.7f;
    }
  }
}

XrResult XRAPI_CALL EnumerateReferenceSpaces(XrSession handle, uint32_t capacity, uint32_t* count,
                                             XrReferenceSpaceType* types) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    return Enumerate(SpaceTypes(*session->instance), capacity, count, types);
  });
}

XrResult XRAPI_CALL CreateReferenceSpace(XrSession handle, const XrReferenceSpaceCreateInfo* info,
                                         XrSpace* created) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_REFERENCE_SPACE_CREATE_INFO) && created != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    const auto types = SpaceTypes(*session->instance);
    UNDERSTUDY_VH_CHECK(
        std::find(types.begin(), types.end(), info->referenceSpaceType) != types.end(),
        XR_ERROR_REFERENCE_SPACE_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(IsValidPose(info->poseInReferenceSpace), XR_ERROR_POSE_INVALID);
    auto space = std::make_shared<Space>();
    space->session = session;
    space->type = info->referenceSpaceType;
    space->X_offset = FromXr(info->poseInReferenceSpace);
    *created = HandleOf(runtime.Add(space));
    return session->Ok();
  });
}

XrResult XRAPI_CALL GetReferenceSpaceBoundsRect(XrSession handle, XrReferenceSpaceType type,
                                                XrExtent2Df* bounds) {
  return Enter([&](Runtime&) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(bounds != nullptr, XR_ERROR_VALIDATION_FAILURE);
    *bounds = {0, 0};
    const auto types = SpaceTypes(*session->instance);
    UNDERSTUDY_VH_CHECK(std::find(types.begin(), types.end(), type) != types.end(),
                        XR_ERROR_REFERENCE_SPACE_UNSUPPORTED);
    UNDERSTUDY_VH_CHECK(type == XR_REFERENCE_SPACE_TYPE_STAGE, XR_SPACE_BOUNDS_UNAVAILABLE);
    *bounds = {3, 3};
    return session->Ok();
  });
}

XrResult XRAPI_CALL CreateActionSpace(XrSession handle, const XrActionSpaceCreateInfo* info,
                                      XrSpace* created) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Session, session, handle);
    UNDERSTUDY_VH_CHECK(IsStruct(info, XR_TYPE_ACTION_SPACE_CREATE_INFO) && created != nullptr,
                        XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_FIND(Action, action, info->action);
    UNDERSTUDY_VH_CHECK(action->type == XR_ACTION_TYPE_POSE_INPUT, XR_ERROR_ACTION_TYPE_MISMATCH);
    UNDERSTUDY_VH_CHECK(IsValidPose(info->poseInActionSpace), XR_ERROR_POSE_INVALID);
    auto space = std::make_shared<Space>();
    if (info->subactionPath != XR_NULL_PATH) {
      const std::string* path = session->instance->PathText(info->subactionPath);
      UNDERSTUDY_VH_CHECK(path != nullptr, XR_ERROR_PATH_INVALID);
      const auto& paths = action->subaction_paths;
      UNDERSTUDY_VH_CHECK(std::find(paths.begin(), paths.end(), *path) != paths.end(),
                          XR_ERROR_PATH_UNSUPPORTED);
      space->subaction_path = *path;
    }
    space->session = session;
    space->action = action;
    space->X_offset = FromXr(info->poseInActionSpace);
    *created = HandleOf(runtime.Add(space));
    return session->Ok();
  });
}

XrResult XRAPI_CALL LocateSpace(XrSpace handle, XrSpace base_handle, XrTime time,
                                XrSpaceLocation* location) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_FIND(Space, space, handle);
    UNDERSTUDY_VH_FIND(Space, base, base_handle);
    UNDERSTUDY_VH_CHECK(IsStruct(location, XR_TYPE_SPACE_LOCATION), XR_ERROR_VALIDATION_FAILURE);
    UNDERSTUDY_VH_CHECK(Device::IsTime(time), XR_ERROR_TIME_INVALID);

    const int64_t clock_ns = runtime.device.ToClock(time);
    const Located s = Locate(*space, clock_ns), b = Locate(*base, clock_ns);
    const uint32_t flags = s.flags & b.flags;
    const Transform X_BR = Inverse(b.X_RS);
    location->locationFlags = flags;
    location->pose = ToXr(X_BR * s.X_RS);
    Poison(flags, s.spoiled | b.spoiled, location->pose);

    for (auto* next = static_cast<XrBaseOutStructure*>(location->next); next != nullptr;
         next = next->next) {
      if (next->type != XR_TYPE_SPACE_VELOCITY) continue;
      // motion of S as seen from B, which may move itself
      auto* velocity = reinterpret_cast<XrSpaceVelocity*>(next);
      const bool both = (flags & 3) == 3;
      const Vec3 carried = b.v_RS + Cross(b.w_RS, s.X_RS.p - b.X_RS.p);
      velocity->velocityFlags = both ? s.velocity_flags & b.velocity_flags : 0;
      velocity->linearVelocity = ToXr(Rotate(X_BR.q, s.v_RS - carried));
      velocity->angularVelocity = ToXr(Rotate(X_BR.q, s.w_RS - b.w_RS));
      const float nan = std::numeric_limits<float>::quiet_NaN();
      const bool spoiled = ((s.spoiled | b.spoiled) & UNDERSTUDY_VH_NAN_VELOCITY) != 0;
      if (spoiled || !(velocity->velocityFlags & XR_SPACE_VELOCITY_LINEAR_VALID_BIT)) {
        velocity->linearVelocity = {nan, nan, nan};
      }
      if (spoiled || !(velocity->velocityFlags & XR_SPACE_VELOCITY_ANGULAR_VALID_BIT)) {
        velocity->angularVelocity = {nan, nan, nan};
      }
    }
    return space->session->Ok();
  });
}

XrResult XRAPI_CALL DestroySpace(XrSpace handle) {
  return Enter([&](Runtime& runtime) {
    UNDERSTUDY_VH_CHECK(FindAny<Space>(handle) != nullptr, XR_ERROR_HANDLE_INVALID);
    runtime.objects.erase(IdOf(handle));
    return XR_SUCCESS;
  });
}

}  // namespace

std::vector<EntryPoint> SpaceEntryPoints() {
  return {
      UNDERSTUDY_VH_ENTRY(EnumerateReferenceSpaces),
      UNDERSTUDY_VH_ENTRY(CreateReferenceSpace),
      UNDERSTUDY_VH_ENTRY(GetReferenceSpaceBoundsRect),
      UNDERSTUDY_VH_ENTRY(CreateActionSpace),
      UNDERSTUDY_VH_ENTRY(LocateSpace),
      UNDERSTUDY_VH_ENTRY(DestroySpace),
  };
}

}  // namespace understudy::vh
