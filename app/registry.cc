#include "app/registry.h"

#include <cstdlib>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace understudy {

namespace fs = std::filesystem;

const Command& FindCommand(const std::vector<Command>& commands, const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (command.name == name) return command;
    names.push_back(command.name);
  }
  ThrowUsage(UnknownName("command", name, names));
}

fs::path HomeFolder() {
  const auto holds_tasks = [](const fs::path& folder) {
    return fs::is_directory(folder / "sim" / "tasks");
  };
  if (const char* home = std::getenv("UNDERSTUDY_HOME")) {
    if (holds_tasks(home)) return home;
    ThrowUsage(std::string("UNDERSTUDY_HOME=") + home + ": holds no sim/tasks");
  }
  if (holds_tasks(UNDERSTUDY_SOURCE_DIR)) return UNDERSTUDY_SOURCE_DIR;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share" / "understudy";
  if (holds_tasks(installed)) return installed;
  ThrowUsage(
      "the program's tasks and robots were not found: set UNDERSTUDY_HOME to the folder that "
      "holds sim/tasks");
}

std::string ProgramHash() {
  static const std::string hash = FileHash("/proc/self/exe");
  return hash;
}

}  // namespace understudy
