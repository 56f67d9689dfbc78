#include "teleop/operator/operator_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"

namespace understudy {
namespace {

// What is wrong with one hand's phases, which stand at `path`.
std::vector<std::string> CheckPhases(const std::vector<OperatorPhase>& phases,
                                     const std::string& path, const TaskSpec& task) {
  std::vector<std::string> problems;
  const std::vector<std::string> objects = task.object_names();
  const std::vector<std::string> signals = task.signal_names();
  std::vector<std::string> names;
  for (const OperatorPhase& phase : phases) names.push_back(phase.name);
  const auto check = [&](const std::string& place, const char* kind, const std::string& name,
                         const std::vector<std::string>& known) {
    if (!name.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
      problems.push_back(fmt::format("{}: {}", place, UnknownName(kind, name, known)));
      if (known == signals) {
        problems.back() += " A signal is what a subtask names as `signal` or `check`";
      }
    }
  };
  if (phases.empty()) problems.push_back(path + ": at least one is needed");
  for (size_t i = 0; i < phases.size(); ++i) {
    const OperatorPhase& phase = phases[i];
    const std::string place = fmt::format("{}[{}]", path, i);
    check(place + ".await", "signal", phase.await, signals);
    check(place + ".object", "object", phase.object, objects);
    check(place + ".carried", "object", phase.carried, objects);
    check(place + ".expect", "signal", phase.expect, signals);
    check(place + ".otherwise", "phase", phase.otherwise, names);
    if (!phase.carried.empty() && phase.object.empty()) {
      problems.push_back(place + ".carried: needs an object in whose frame the goal stands");
    }
    if (!phase.otherwise.empty() && phase.expect.empty()) {
      problems.push_back(place + ".otherwise: needs a signal to expect");
    }
    if (std::count(names.begin(), names.end(), phase.name) > 1) {
      problems.push_back(fmt::format("{}.name = {}: is used twice", place, phase.name));
    }
  }
  return problems;
}

}  // namespace

std::vector<OperatorSpec> HandsOf(const OperatorSpec& spec) {
  std::vector<OperatorSpec> hands{{spec.arm, spec.body, spec.phases, {}}};
  for (const OtherHand& other : spec.other_hands) {
    hands.push_back({other.arm, spec.body, other.phases, {}});
    hands.back().body.X_TH_comfort = other.X_TH_comfort;
  }
  return hands;
}

std::vector<std::string> Validate(const OperatorSpec& spec, const TaskSpec& task) {
  std::vector<std::string> problems = CheckPhases(spec.phases, "phases", task);
  std::set<int> arms{spec.arm};
  const int most = static_cast<int>(task.arms.size()) - 1;
  const auto check_arm = [&](const std::string& path, int arm) {
    if (arm <= most) return;
    problems.push_back(
        fmt::format("{}arm = {}: the task's arms are counted 0 to {}", path, arm, most));
  };
  check_arm("", spec.arm);
  for (size_t i = 0; i < spec.other_hands.size(); ++i) {
    const std::string path = fmt::format("other_hands[{}]", i);
    const OtherHand& other = spec.other_hands[i];
    for (std::string& problem : CheckPhases(other.phases, path + ".phases", task)) {
      problems.push_back(std::move(problem));
    }
    if (!arms.insert(other.arm).second) {
      problems.push_back(fmt::format("{}.arm = {}: is led already", path, other.arm));
    }
    check_arm(path + ".", other.arm);
  }
  if (spec.other_hands.size() > 1) problems.push_back("other_hands: a person has two hands");
  // ranges that are empty
  const OperatorBody& body = spec.body;
  for (const auto& [name, range] : {std::pair{"tremor_hz", body.tremor_hz},
                                    {"reaction", body.reaction},
                                    {"start_delay", body.start_delay},
                                    {"late_trigger", body.late_trigger}}) {
    if (range[0] > range[1]) {
      problems.push_back(
          fmt::format("body.{} = [{}, {}]: low above high", name, range[0], range[1]));
    }
  }
  if (!(body.reach_box.minCoeff() > 0.01)) {
    problems.push_back("body.reach_box: must be more than 0.01 m in each direction");
  }
  return problems;
}

OperatorSpec LoadOperatorSpec(const TaskSpec& task) {
  const std::filesystem::path file = task.folder / "operator.yaml";
  if (!std::filesystem::exists(file)) {
    ThrowBadInput(
        fmt::format("{}: no such file: task '{}' has no scripted operator; write one "
                    "(docs/add_a_task.md) or record with a headset",
                    file.string(), task.name));
  }
  const OperatorSpec spec = FromJson<OperatorSpec>(LoadYaml(file), file.string());
  const std::vector<std::string> problems = Validate(spec, task);
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));
  }
  return spec;
}

}  // namespace understudy
