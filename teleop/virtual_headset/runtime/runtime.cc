#include "teleop/virtual_headset/runtime/runtime.h"

#include <algorithm>

namespace understudy::vh {

Runtime& TheRuntime() {
  static Runtime* runtime = new Runtime;
  return *runtime;
}

XrPath Instance::Intern(const std::string& text) {
  const auto [it, added] = path_of.try_emplace(text, paths.size() + 1);
  if (added) paths.push_back(text);
  return it->second;
}

XrResult Find(XrInstance handle, std::shared_ptr<Instance>& found) {
  found = FindAny<Instance>(handle);
  if (found == nullptr) return XR_ERROR_HANDLE_INVALID;
  return found->lost ? XR_ERROR_INSTANCE_LOST : XR_SUCCESS;
}

XrResult Find(XrSession handle, std::shared_ptr<Session>& found) {
  found = FindAny<Session>(handle);
  if (found == nullptr) return XR_ERROR_HANDLE_INVALID;
  // Monado gives SESSION_LOST for calls on a session after its service died
  if (found->lost) return XR_ERROR_SESSION_LOST;
  return found->instance->lost ? XR_ERROR_INSTANCE_LOST : XR_SUCCESS;
}

XrResult Find(XrSpace handle, std::shared_ptr<Space>& found) {
  found = FindAny<Space>(handle);
  if (found == nullptr) return XR_ERROR_HANDLE_INVALID;
  if (found->session->lost) return XR_ERROR_SESSION_LOST;
  return found->session->instance->lost ? XR_ERROR_INSTANCE_LOST : XR_SUCCESS;
}

XrResult Find(XrActionSet handle, std::shared_ptr<ActionSet>& found) {
  found = FindAny<ActionSet>(handle);
  if (found == nullptr) return XR_ERROR_HANDLE_INVALID;
  return found->instance->lost ? XR_ERROR_INSTANCE_LOST : XR_SUCCESS;
}

XrResult Find(XrAction handle, std::shared_ptr<Action>& found) {
  found = FindAny<Action>(handle);
  if (found == nullptr) return XR_ERROR_HANDLE_INVALID;
  const std::shared_ptr<ActionSet> set = found->set.lock();
  return set != nullptr && set->instance->lost ? XR_ERROR_INSTANCE_LOST : XR_SUCCESS;
}

XrResult EnumerateText(const std::string& text, uint32_t capacity, uint32_t* count, char* out) {
  std::vector<char> characters(text.begin(), text.end());
  characters.push_back('\0');
  return Enumerate(characters, capacity, count, out);
}

void EnterState(Session& session, XrSessionState state) {
  session.state = state;
  const XrEventDataSessionStateChanged event{XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED, nullptr,
                                             reinterpret_cast<XrSession>(session.id), state,
                                             TheRuntime().device.XrNow()};
  Queue(*session.instance, session.id, event);
}

int HandOfPath(const std::string& path) {
  for (int hand = 0; hand < 2; ++hand) {
    const std::string user = hand == 0 ? "/user/hand/left" : "/user/hand/right";
    if (path == user || path.rfind(user + "/", 0) == 0) return hand;
  }
  return -1;
}

std::vector<const Input*> BoundInputs(const Session& session, const Action& action, int hand) {
  std::vector<const Input*> inputs;
  const auto suggested = session.instance->suggested.find(session.profile);
  if (suggested == session.instance->suggested.end()) return inputs;
  const std::string user = hand == 0 ? "/user/hand/left" : "/user/hand/right";
  // an action with subaction paths listens to those alone
  const auto& allowed = action.subaction_paths;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), user) == allowed.end()) {
    return inputs;
  }
  for (const auto& [bound, path] : suggested->second) {
    if (bound.lock().get() != &action || HandOfPath(path) != hand) continue;
    const Input* input = FindInput(session.profile, hand, path.substr(user.size()), &action.type);
    if (input != nullptr) inputs.push_back(input);
  }
  return inputs;
}

bool IsLive(const Session& session, const Action& action, int hand) {
  const std::shared_ptr<ActionSet> set = action.set.lock();
  if (!session.focused() || set == nullptr) return false;
  const auto synced = session.synced.find(set->id);
  if (synced == session.synced.end() || (synced->second >> hand & 1) == 0) return false;
  const Device& device = TheRuntime().device;
  if (device.faults[hand].off || !device.At(device.NowNs()).hands[hand].active) return false;
  return !BoundInputs(session, action, hand).empty();
}

void Destroy(const std::shared_ptr<Session>& session) {
  Runtime& runtime = TheRuntime();
  std::erase_if(runtime.objects, [&](const auto& entry) {
    const auto space = std::dynamic_pointer_cast<Space>(entry.second);
    return space != nullptr && space->session == session;
  });
  std::erase_if(session->instance->events,
                [&](const auto& event) { return event.first == session->id; });
  runtime.objects.erase(session->id);
  if (runtime.session == session) runtime.session = nullptr;
}

}  // namespace understudy::vh
