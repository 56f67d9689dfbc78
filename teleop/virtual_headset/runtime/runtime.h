#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "teleop/virtual_headset/runtime/device.h"
#include "teleop/virtual_headset/runtime/profiles.h"
#include "teleop/virtual_headset/runtime/xr.h"

namespace understudy::vh {

// What stands behind the handles that an application holds. A handle is a number that is never
// used twice, so that a stale one is recognised.
struct Object {
  uint64_t id = 0;
  virtual ~Object() = default;
};

struct Action;
struct ActionSet;
struct Session;

using Event = std::vector<uint8_t>;  // the bytes of one XrEventData… struct

struct Instance : Object {
  using Handle = XrInstance;
  std::set<std::string> extensions;  // enabled
  std::vector<std::string> paths;    // XrPath p is paths[p - 1]
  std::unordered_map<std::string, XrPath> path_of;
  bool system_given = false;  // xrGetSystem succeeded
  bool lost = false;
  std::deque<std::pair<uint64_t, Event>> events;  // with the id of their session, or 0
  bool events_dropped = false;
  std::vector<std::shared_ptr<ActionSet>> action_sets;
  // suggested bindings by profile; kept for every session of the instance
  std::map<std::string, std::vector<std::pair<std::weak_ptr<Action>, std::string>>> suggested;

  // Empty for a number that is no path.
  const std::string* PathText(XrPath path) const {
    return path == 0 || path > paths.size() ? nullptr : &paths[path - 1];
  }
  XrPath Intern(const std::string& text);
};

struct ActionSet : Object {
  using Handle = XrActionSet;
  std::shared_ptr<Instance> instance;
  std::string name, localized;
  bool attached = false;  // to any session, now or before
  std::vector<std::shared_ptr<Action>> actions;
};

struct Action : Object {
  using Handle = XrAction;
  std::weak_ptr<ActionSet> set;
  std::string name, localized;
  XrActionType type{};
  std::vector<std::string> subaction_paths;
};

// One latched input, of an action and one of its subaction paths.
struct Latched {
  bool active = false;
  float x = 0, y = 0;  // booleans are 0 or 1
  bool changed = false;
  XrTime change_time = 0;
};

struct Session : Object {
  using Handle = XrSession;
  std::shared_ptr<Instance> instance;
  XrSessionState state = XR_SESSION_STATE_UNKNOWN;
  bool running = false, exit_requested = false, loss_pending = false, lost = false;
  bool focus_wanted = true;  // the wearer looks at the application
  std::vector<std::shared_ptr<ActionSet>> attached;
  bool attach_called = false;
  std::string profile;  // in use since the last sync; empty: none yet
  // action sets of the last sync, each with the hands that it was synced for (bit per hand)
  std::map<uint64_t, uint32_t> synced;
  std::map<std::pair<uint64_t, int>, Latched> latched;  // by action and hand
  int frame = 0;                                        // 0 idle, 1 waited, 2 begun
  XrTime displayed = 0;                                 // predicted display time handed out last

  XrResult Ok() const { return loss_pending ? XR_SESSION_LOSS_PENDING : XR_SUCCESS; }
  bool focused() const { return state == XR_SESSION_STATE_FOCUSED; }
};

struct Space : Object {
  using Handle = XrSpace;
  std::shared_ptr<Session> session;
  XrReferenceSpaceType type{};  // where `action` is null
  std::shared_ptr<Action> action;
  std::string subaction_path;  // empty: any
  Transform X_offset;          // of the space in its origin
};

struct Runtime {
  std::mutex mutex;
  Device device;
  std::unordered_map<uint64_t, std::shared_ptr<Object>> objects;
  uint64_t next_id = 1;
  std::shared_ptr<Instance> instance;  // the loader allows one
  std::shared_ptr<Session> session;
  int event_copies = 1;
  std::string profile = kTouchProfile;  // what the wearer holds

  template <class T>
  std::shared_ptr<T> Add(std::shared_ptr<T> object) {
    object->id = next_id++;
    objects[object->id] = object;
    return object;
  }
};

// Lives as long as the process: the loader may unload the library at any time.
Runtime& TheRuntime();

template <class T>
typename T::Handle HandleOf(const std::shared_ptr<T>& object) {
  return reinterpret_cast<typename T::Handle>(object->id);
}

template <class Handle>
uint64_t IdOf(Handle handle) {
  return reinterpret_cast<uint64_t>(handle);
}

// The object behind a handle, lost or not; null where the handle is none of this type.
template <class T>
std::shared_ptr<T> FindAny(typename T::Handle handle) {
  const auto& objects = TheRuntime().objects;
  const auto found = objects.find(IdOf(handle));
  return found == objects.end() ? nullptr : std::dynamic_pointer_cast<T>(found->second);
}

// The object behind a handle in working order, or why not.
XrResult Find(XrInstance handle, std::shared_ptr<Instance>& found);
XrResult Find(XrSession handle, std::shared_ptr<Session>& found);
XrResult Find(XrSpace handle, std::shared_ptr<Space>& found);
XrResult Find(XrActionSet handle, std::shared_ptr<ActionSet>& found);
XrResult Find(XrAction handle, std::shared_ptr<Action>& found);

// Runs the work of an entry point under the runtime's lock; no exception crosses the C border.
template <class Work>
XrResult Enter(Work&& work) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(TheRuntime().mutex);
    return work(TheRuntime());
  } catch (const std::bad_alloc&) {
    return XR_ERROR_OUT_OF_MEMORY;
  } catch (...) {
    return XR_ERROR_RUNTIME_FAILURE;
  }
}

// Finds the object behind `handle` or leaves the function with the reason.
#define UNDERSTUDY_VH_FIND(Type, name, handle) \
  std::shared_ptr<Type> name;                  \
  if (const XrResult found = Find(handle, name); XR_FAILED(found)) return found
// Leaves the function with `result` unless `condition` holds.
#define UNDERSTUDY_VH_CHECK(condition, result) \
  if (!(condition)) return result

// Whether a struct that the application handed in is there and of the right type.
template <class T>
bool IsStruct(const T* value, XrStructureType type) {
  return value != nullptr && value->type == type;
}

// OpenXR's two-call idiom: capacity 0 asks for the count.
template <class T, class U>
XrResult Enumerate(const std::vector<T>& items, uint32_t capacity, uint32_t* count, U* out) {
  if (count == nullptr) return XR_ERROR_VALIDATION_FAILURE;
  *count = static_cast<uint32_t>(items.size());
  if (capacity == 0) return XR_SUCCESS;
  if (capacity < items.size()) return XR_ERROR_SIZE_INSUFFICIENT;
  if (out == nullptr) return XR_ERROR_VALIDATION_FAILURE;
  for (size_t i = 0; i < items.size(); ++i) out[i] = items[i];
  return XR_SUCCESS;
}
XrResult EnumerateText(const std::string& text, uint32_t capacity, uint32_t* count, char* out);

// Queues the bytes of `event` as often as faults ask; `session` 0 for events of the instance.
template <class T>
void Queue(Instance& instance, uint64_t session, const T& event) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(XrEventDataBuffer));
  Event bytes(sizeof(T));
  std::memcpy(bytes.data(), &event, sizeof(T));
  for (int copy = 0; copy < TheRuntime().event_copies; ++copy) {
    // an application that never polls must not eat the memory
    if (instance.events.size() >= 256) {
      instance.events_dropped = true;
      return;
    }
    instance.events.emplace_back(session, bytes);
  }
}
void EnterState(Session& session, XrSessionState state);

// Hand of "/user/hand/left…" (0) and "/user/hand/right…" (1); -1 for other paths.
int HandOfPath(const std::string& path);
// The bindings of an action on one hand under the session's profile.
std::vector<const Input*> BoundInputs(const Session& session, const Action& action, int hand);
// Whether the action takes input from `hand`, for pose and haptics: focused, synced, bound, on.
bool IsLive(const Session& session, const Action& action, int hand);
// Ends a session: its spaces and its handle go with it.
void Destroy(const std::shared_ptr<Session>& session);

// Every entry point with its name, as xrGetInstanceProcAddr hands them out.
struct EntryPoint {
  const char* name;
  PFN_xrVoidFunction function;
  const char* extension;  // null: core
};
#define UNDERSTUDY_VH_ENTRY(name) \
  EntryPoint { "xr" #name, reinterpret_cast<PFN_xrVoidFunction>(&name), nullptr }
std::vector<EntryPoint> InstanceEntryPoints();
std::vector<EntryPoint> SessionEntryPoints();
std::vector<EntryPoint> SpaceEntryPoints();
std::vector<EntryPoint> ActionEntryPoints();
std::vector<EntryPoint> InputEntryPoints();
std::vector<EntryPoint> ViewEntryPoints();

// Extensions that the headset offers now, as set by its configuration.
std::vector<std::pair<std::string, uint32_t>> OfferedExtensions();
constexpr XrSystemId kSystemId = 1;

}  // namespace understudy::vh
