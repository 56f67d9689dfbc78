#include "data/formats/lerobot/named_arms.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/episode/action.h"

namespace understudy {
namespace {

using Names = std::vector<std::string>;

// The names behind `arm` from place `at` on; moves `at` behind them where all of `parts` follow.
bool Follow(const Names& names, const std::string& arm, std::initializer_list<const char*> parts,
            size_t& at) {
  size_t next = at;
  for (const char* part : parts) {
    if (next >= names.size() || names[next] != arm + "_" + part) return false;
    ++next;
  }
  at = next;
  return true;
}

// The number of joints that `action` commands from place `a` on, before the gripper of `arm`, if
// they are named as those of `state` from place `s` on; 0: they are not.
size_t CommandedJoints(const Names& state, size_t s, const Names& action, size_t a,
                       const std::string& arm) {
  size_t joints = 0;
  while (a + joints < action.size() && action[a + joints] != arm + "_gripper") {
    const bool same = s + joints < state.size() && state[s + joints] == action[a + joints];
    if (!same || !action[a + joints].starts_with(arm + "_")) return 0;
    ++joints;
  }
  return a + joints < action.size() && joints <= kMostJoints ? joints : 0;
}

}  // namespace

std::vector<NamedArm> NamedArms(const LerobotFolder& folder) {
  const LerobotFeature* state = folder.Find("observation.state");
  const LerobotFeature* action = folder.Find("action");
  if (state == nullptr || action == nullptr) return {};
  std::vector<NamedArm> arms;
  size_t s = 0, a = 0;
  while (s < state->names.size()) {
    const std::string& first = state->names[s];
    if (!first.ends_with("_x")) return {};
    const std::string arm = first.substr(0, first.size() - 2);
    NamedArm named{.state = s, .action = a};
    if (!Follow(state->names, arm, {"x", "y", "z", "qx", "qy", "qz", "qw"}, s)) return {};
    named.by_joints =
        !Follow(action->names, arm, {"dx", "dy", "dz", "drx", "dry", "drz", "gripper"}, a);
    if (named.by_joints) {
      named.joints = CommandedJoints(state->names, s, action->names, a, arm);
      if (named.joints == 0) return {};
      s += named.joints;
      a += named.joints + 1;
    }
    const auto count = [&](const char* word) {
      size_t n = 0;
      while (s < state->names.size() &&
             state->names[s] == fmt::format("{}_{}{}", arm, word, n + 1)) {
        ++s;
        ++n;
      }
      return n;
    };
    if (!named.by_joints) named.joints = count("joint");
    named.fingers = count("finger");
    arms.push_back(named);
  }
  return a == action->names.size() ? arms : std::vector<NamedArm>{};
}

bool TargetIsNamed(const LerobotFolder& folder, size_t arms) {
  const LerobotFeature* target = folder.Find("action.target");
  if (target == nullptr || arms == 0 || target->names.size() != 8 * arms) return false;
  size_t at = 0;
  for (size_t a = 0; a < arms; ++a) {
    const std::string& first = target->names[at];
    const std::string arm = first.substr(0, first.size() - std::min<size_t>(2, first.size()));
    if (!Follow(target->names, arm, {"x", "y", "z", "qx", "qy", "qz", "qw", "gripper"}, at)) {
      return false;
    }
  }
  return true;
}

}  // namespace understudy
