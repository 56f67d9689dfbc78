#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/spec/listed.h"
#include "core/spec/never_holds.h"
#include "core/spec/task_spec.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// What a predicate names in the scene.
struct BodyNames {
  std::vector<std::string> operator()(const OnTopPredicate& p) { return {p.object, p.support}; }
  std::vector<std::string> operator()(const ContactPredicate& p) { return {p.a, p.b}; }
  std::vector<std::string> operator()(const InBoxPredicate& p) {
    if (p.relative_to.empty()) return {p.object};
    return {p.object, p.relative_to};
  }
  template <class T>
  std::vector<std::string> operator()(const T& p) {
    if constexpr (requires { p.object; }) return {p.object};
    return {};
  }
};

// The arm that a predicate asks about.
int ArmOf(const Predicate& predicate) {
  if (const auto* grasped = std::get_if<GraspedPredicate>(&predicate)) return grasped->arm;
  if (const auto* near = std::get_if<NearPredicate>(&predicate)) return near->arm;
  return 0;
}

template <class T>
std::vector<std::string> Keys(const std::map<std::string, T>& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

}  // namespace

std::vector<std::string> TaskSpec::signal_names() const {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return;
    names.push_back(name);
  };
  for (const Subtask& subtask : subtasks) add(subtask.signal);
  for (const Subtask& subtask : subtasks) add(subtask.check);
  return names;
}

std::vector<std::string> TaskSpec::object_names() const { return Keys(objects); }

std::vector<std::string> PredicateOrder(const TaskSpec& task) {
  std::vector<std::string> order;
  std::set<std::string> done, open;
  const std::function<void(const std::string&)> add = [&](const std::string& name) {
    const auto found = task.predicates.find(name);
    if (found == task.predicates.end() || done.contains(name)) return;
    if (!open.insert(name).second) {
      ThrowBadInput(fmt::format("predicates.{}: names itself in a circle", name));
    }
    for (const std::string& operand : OperandsOf(found->second)) add(operand);
    open.erase(name);
    done.insert(name);
    order.push_back(name);
  };
  for (const auto& [name, predicate] : task.predicates) add(name);
  return order;
}

namespace {

// Physics steps that divide a policy step, below and above one of which `ratio` make it: such as
// are written with few digits, where there are some; else the nearest one.
std::vector<std::string> FittingTimesteps(double control_hz, double ratio) {
  std::vector<std::string> steps;
  const auto add = [&](double first, double change) {
    constexpr int kTried = 1000;
    for (int i = 0; i < kTried && first + i * change >= 1; ++i) {
      const double step = 1 / (control_hz * (first + i * change));
      const std::string text = fmt::format("{:.4g}", step);
      if (std::abs(std::stod(text) / step - 1) > 1e-9) continue;
      steps.push_back(text);
      return;
    }
  };
  add(std::ceil(ratio), 1);
  add(std::floor(ratio), -1);
  if (steps.empty()) {
    steps.push_back(fmt::format("{}", 1 / (control_hz * std::max(1.0, std::round(ratio)))));
  }
  return steps;
}

}  // namespace

std::vector<std::string> Validate(const TaskSpec& task) {
  Problems problems;
  const std::vector<std::string> objects = task.object_names();
  const std::vector<std::string> predicates = Keys(task.predicates);
  const auto refer = [&](const std::string& path, const char* kind, const std::string& name,
                         const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    problems.push_back(fmt::format("{}: {}", path, UnknownName(kind, name, known)));
  };

  if (task.name.empty()) problems.push_back("name: must be given");
  if (task.instruction.empty()) problems.push_back("instruction: must be given");
  const double ratio = 1 / (task.control_hz * task.physics_timestep);
  if (std::abs(ratio - std::round(ratio)) > 1e-6) {
    problems.push_back(fmt::format(
        "physics_timestep = {}: a policy step of {:.6g} s (control_hz = {}) must be a whole number "
        "of physics steps, for example of {} s",
        task.physics_timestep, 1 / task.control_hz, task.control_hz,
        fmt::join(FittingTimesteps(task.control_hz, ratio), " or ")));
  }

  const auto has_arm = [&](int arm) { return arm < static_cast<int>(task.arms.size()); };
  const std::string arms = fmt::format("the task's arms are counted 0 to {}", task.arms.size() - 1);

  // predicates: operands and arms exist, and nothing names itself; sim knows the scene's bodies
  for (const auto& [name, predicate] : task.predicates) {
    const std::string path = "predicates." + name;
    for (const std::string& operand : OperandsOf(predicate)) {
      refer(path, "predicate", operand, predicates);
    }
    if (const int arm = ArmOf(predicate); !has_arm(arm)) {
      problems.push_back(fmt::format("{}: arm = {}: {}", path, arm, arms));
    }
  }
  bool cyclic = false;
  try {
    PredicateOrder(task);
  } catch (const Error& error) {
    cyclic = true;
    problems.push_back(error.what());
  }
  refer("success", "predicate", task.success, predicates);

  // variants: what one of them places, all of them place; ranges are ranges
  if (task.variants.empty()) problems.push_back("variants: at least one");
  for (const auto& [name, variant] : task.variants) {
    const std::string path = "variants." + name + ".objects";
    for (const auto& [object, range] : variant.objects) {
      // sim knows the scene's joints
      if (!range.joint) refer(path, "object", object, objects);
      PlacementRange joint_alone;
      joint_alone.joint = range.joint;
      if (range.joint && ToJson(range) != ToJson(joint_alone)) {
        problems.push_back(fmt::format(
            "{}.{}: a joint starts in `joint`, an object in x, y, z and yaw: one or the other",
            path, object));
      }
      for (const auto& [axis, ends] : {std::pair{"x", range.x},
                                       {"y", range.y},
                                       {"yaw", range.yaw},
                                       {"joint", range.joint.value_or(std::array{0.0, 0.0})}}) {
        if (ends[0] > ends[1]) {
          problems.push_back(
              fmt::format("{}.{}.{}: [{}, {}] is no range", path, object, axis, ends[0], ends[1]));
        }
      }
    }
    for (const std::string& object : objects) {
      const bool placed = std::any_of(
          task.variants.begin(), task.variants.end(),
          [&](const auto& other) { return PlacementOf(other.second, object) != nullptr; });
      if (placed && PlacementOf(variant, object) == nullptr) {
        problems.push_back(fmt::format("{}: object '{}' is not placed", path, object));
      }
    }
  }

  // other programs' names: of what there is
  for (const auto& foreign : task.foreign) {
    const auto known = [&](const char* field, const std::vector<std::string>& names) {
      for (const std::string& object : names) {
        refer(fmt::format("foreign.{}.{}", foreign.first, field), "object", object, objects);
      }
    };
    known("objects", Keys(foreign.second.objects));
    known("frames", Keys(foreign.second.frames));
    known("observed", Keys(foreign.second.observed));
  }

  // subtasks: every one but the last has a signal, no signal twice
  if (task.subtasks.empty()) problems.push_back("subtasks: at least one");
  std::set<std::string> signals;
  for (size_t i = 0; i < task.subtasks.size(); ++i) {
    const Subtask& subtask = task.subtasks[i];
    const std::string path = fmt::format("subtasks[{}]", i);
    const bool last = i + 1 == task.subtasks.size();
    if (!subtask.object.empty()) refer(path + ".object", "object", subtask.object, objects);
    if (!subtask.check.empty()) refer(path + ".check", "predicate", subtask.check, predicates);
    if (!has_arm(subtask.arm)) {
      problems.push_back(fmt::format("{}.arm: {}: {}", path, subtask.arm, arms));
    }
    if (subtask.parallel && subtask.arm == kAllArms) {
      problems.push_back(path + ".parallel: needs an arm of its own (arm)");
    }
    if (subtask.end_offset[0] > subtask.end_offset[1]) {
      problems.push_back(fmt::format("{}.end_offset: [{}, {}] is no range", path,
                                     subtask.end_offset[0], subtask.end_offset[1]));
    }
    if (last) {
      if (!subtask.signal.empty()) problems.push_back(path + ".signal: the last subtask has none");
      if (subtask.end_offset != std::array{0, 0}) {
        problems.push_back(path + ".end_offset: the last subtask ends with the episode: [0, 0]");
      }
    } else if (subtask.signal.empty()) {
      problems.push_back(path + ".signal: missing: every subtask but the last ends with a signal");
    } else {
      refer(path + ".signal", "predicate", subtask.signal, predicates);
      if (!signals.insert(subtask.signal).second) {
        problems.push_back(fmt::format("{}.signal: '{}' twice", path, subtask.signal));
      }
    }
  }

  // a cycle among the predicates has been reported already; what follows would walk it
  if (cyclic) return problems;
  const auto grasps = [&](size_t i) {
    const Subtask& subtask = task.subtasks[i];
    return GraspOf(task, subtask.check.empty() ? subtask.signal : subtask.check) != nullptr;
  };
  for (size_t i = 0; i < task.subtasks.size(); ++i) {
    if (!task.subtasks[i].turn_hand || !grasps(i)) continue;
    // until something else is grasped it may still be in the hand
    for (size_t j = i + 1; j < task.subtasks.size(); ++j) {
      if (!ShareArm(task.subtasks[i], task.subtasks[j])) continue;
      if (grasps(j)) break;
      if (task.subtasks[j].replay == Replayed::kHeld) continue;
      problems.push_back(
          fmt::format("subtasks[{}].turn_hand: what is grasped with a turned hand is carried "
                      "wrongly unless subtasks[{}].replay is held",
                      i, j));
    }
  }
  // and so have references that lead nowhere
  if (problems.empty()) problems = NeverHold(task);
  return problems;
}

bool WaitsFor(const TaskSpec& task, size_t later, size_t earlier) {
  const Subtask& other = task.subtasks.at(later);
  return !other.parallel || ShareArm(task.subtasks.at(earlier), other);
}

bool HasParallel(const TaskSpec& task) {
  return std::any_of(task.subtasks.begin(), task.subtasks.end(),
                     [](const Subtask& subtask) { return subtask.parallel; });
}

const GraspedPredicate* GraspOf(const TaskSpec& task, const std::string& name) {
  // each predicate once, however many conjunctions name it
  std::set<std::string> seen;
  std::vector<std::string> open{name};
  while (!open.empty()) {
    const std::string next = open.back();
    open.pop_back();
    const auto found = task.predicates.find(next);
    if (found == task.predicates.end() || !seen.insert(next).second) continue;
    if (const auto* grasped = std::get_if<GraspedPredicate>(&found->second)) return grasped;
    if (const auto* held = std::get_if<HeldPredicate>(&found->second)) open.push_back(held->of);
    if (const auto* all = std::get_if<AllPredicate>(&found->second)) {
      open.insert(open.end(), all->of.rbegin(), all->of.rend());
    }
  }
  return nullptr;
}

TaskSpec ParseTaskSpec(const Json& json, const std::string& name) {
  TaskSpec task = FromJson<TaskSpec>(json, name);
  const Problems problems = Validate(task);
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
  return task;
}

void ReadSubtasks(const fs::path& file, TaskSpec* task) {
  const Json json = LoadYaml(file);
  Problems problems;
  // mimic reads which sources they are used without (ReadLeaveOut)
  const bool leaves_out = json.is_object() && json.contains("leave_out");
  if (!json.is_object() || json.size() != (leaves_out ? 2 : 1) || !json.contains("subtasks") ||
      !json["subtasks"].is_array()) {
    ThrowBadInput(file.string() +
                  ": must hold `subtasks`, a list, and nothing else but `leave_out`");
  }
  const Json& list = json["subtasks"];
  if (list.size() != task->subtasks.size()) {
    ThrowBadInput(fmt::format("{}: subtasks: {} of them, task '{}' has {}", file.string(),
                              list.size(), task->name, task->subtasks.size()));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    ReadJson(list[i], task->subtasks[i], fmt::format("subtasks[{}]", i), {}, problems);
  }
  if (problems.empty()) problems = Validate(*task);
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));
  }
}

std::vector<std::string> BodiesOf(const Predicate& predicate) {
  return std::visit(BodyNames{}, predicate);
}

const PlacementRange* PlacementOf(const ResetVariant& variant, const std::string& object) {
  const auto found = variant.objects.find(object);
  return found == variant.objects.end() || found->second.joint ? nullptr : &found->second;
}

const ResetVariant& VariantOf(const TaskSpec& task, const std::string& variant) {
  const auto found = task.variants.find(variant);
  if (found != task.variants.end()) return found->second;
  ThrowUsage(fmt::format("task '{}': {}", task.name,
                         UnknownName("variant", variant, Keys(task.variants))));
}

std::string ListedTaskCalled(const std::string& family, const std::string& name,
                             const fs::path& root) {
  for (const std::string& listed : ListedNames(root, "task.yaml")) {
    try {
      const TaskSpec task = LoadTaskSpec(listed, root);
      const auto found = task.foreign.find(family);
      if (found == task.foreign.end()) continue;
      const std::vector<std::string>& names = found->second.names;
      if (std::find(names.begin(), names.end(), name) != names.end()) return listed;
    } catch (const Error&) {
      // whoever asks for that task hears of it
    }
  }
  return "";
}

TaskSpec LoadTaskSpec(const std::string& place, const fs::path& root) {
  const fs::path file = FindListed("task", place, root, "task.yaml");
  TaskSpec task = ParseTaskSpec(LoadYaml(file), file.string());
  task.folder = file.parent_path();
  task.listed = IsBelow(file, root);
  return task;
}

}  // namespace understudy
