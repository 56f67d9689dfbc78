#include "teleop/operator/operator_spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/base/error.h"

namespace understudy {

std::vector<std::string> Validate(const OperatorSpec& spec, const TaskSpec& task) {
  std::vector<std::string> problems;
  const std::vector<std::string> objects = task.object_names();
  std::vector<std::string> signals = task.signal_names();
  std::vector<std::string> names;
  for (const OperatorPhase& phase : spec.phases) names.push_back(phase.name);
  const auto check = [&](const std::string& place, const char* kind, const std::string& name,
                         const std::vector<std::string>& known) {
    if (!name.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
      problems.push_back(fmt::format("{}: {}", place, UnknownName(kind, name, known)));
    }
  };
  if (spec.phases.empty()) problems.push_back("phases: at least one is needed");
  for (size_t i = 0; i < spec.phases.size(); ++i) {
    const OperatorPhase& phase = spec.phases[i];
    const std::string place = fmt::format("phases[{}]", i);
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
