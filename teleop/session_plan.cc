#include "teleop/session_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "core/base/error.h"
#include "core/base/json.h"
#include "data/store/reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

bool IsFileName(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c >= 0x80;
         });
}

}  // namespace

std::string FolderName(const PlannedTask& task) {
  if (!task.name.empty()) return task.name;
  const fs::path path(task.task);
  // a task given by path is called as its folder
  const std::string name =
      path.has_extension() ? path.parent_path().filename().string() : path.filename().string();
  return fmt::format("{}_{}", name, task.variant);
}

SessionPlan LoadSessionPlan(const fs::path& file) {
  const SessionPlan plan = FromJson<SessionPlan>(LoadYaml(file), file.string());
  std::vector<std::string> problems;
  if (plan.tasks.empty()) problems.push_back("tasks: none is named");
  std::set<std::string> names;
  for (size_t i = 0; i < plan.tasks.size(); ++i) {
    const std::string name = FolderName(plan.tasks[i]);
    if (!IsFileName(name)) {
      problems.push_back(fmt::format(
          "tasks[{}].name = '{}': letters, digits, '_', '-' and '.' make a folder's name", i,
          name));
    }
    if (!names.insert(name).second) {
      problems.push_back(
          fmt::format("tasks[{}]: '{}' is there twice: give one of them another name", i, name));
    }
  }
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));
  }
  return plan;
}

TeleopOptions OptionsOf(const SessionPlan& plan, const PlannedTask& task,
                        const TeleopOptions& base) {
  if (base.operator_name.empty() && base.station.empty()) {
    ThrowUsage(
        "teleop: a session of a plan is somebody's: say --operator NAME, and --station NAME where "
        "several machines record");
  }
  TeleopOptions options = base;
  options.variant = task.variant;
  options.seed = plan.seed;
  options.demos = task.demos;
  options.cover = plan.cover;
  std::vector<std::string> who;
  for (const auto& [what, name] :
       {std::pair("station", base.station), std::pair("operator", base.operator_name)}) {
    if (name.empty()) continue;
    if (!IsFileName(name)) {
      ThrowUsage(fmt::format(
          "teleop: {} = '{}': letters, digits, '_', '-' and '.' make a file's name", what, name));
    }
    who.push_back(name);
  }
  const fs::path out =
      fs::path(base.out) / FolderName(task) / fmt::format("{}.h5", fmt::join(who, "_"));
  options.out = out.string();
  return options;
}

std::vector<std::string> RecordedByOthers(const TeleopOptions& options) {
  std::vector<std::string> others;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(fs::path(options.out).parent_path(), none)) {
    if (entry.path().extension() != ".h5" || entry.path() == options.out) continue;
    try {
      DatasetReader reader(entry.path());
      others.push_back(entry.path().string());
    } catch (const Error&) {
      // somebody's own, or being copied: nobody's session ends for it
    }
  }
  std::sort(others.begin(), others.end());
  return others;
}

}  // namespace understudy
