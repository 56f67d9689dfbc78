#include "app/registry.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/locks.h"
#include "core/base/module.h"

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

std::vector<std::string> LayPreset(const Command& command, const Json& given, Json* options) {
  std::vector<std::string> laid;
  if (!command.preset) return laid;
  const std::function<void(const Json&, const Json&, const std::string&)> lay =
      [&](const Json& values, const Json& said, const std::string& prefix) {
        for (const auto& [key, value] : values.items()) {
          const std::string path = prefix + key;
          const bool open = !said.contains(key);
          if (value.is_object() && (open || said[key].is_object())) {
            lay(value, open ? Json::object() : said[key], path + ".");
          } else if (open) {
            SetByPath(*options, path, value);
            laid.push_back(path);
          }
        }
      };
  lay(command.preset(given), given, "");
  return laid;
}

std::vector<std::string> OutputsOf(const std::vector<FieldInfo>& fields, const Json& options) {
  std::vector<std::string> outputs;
  for (const FieldInfo& field : fields) {
    if (!field.output) continue;
    std::string pointer = "/" + field.path;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    const std::string path = options.value(Json::json_pointer(pointer), std::string());
    if (!path.empty()) outputs.push_back(path);
  }
  return outputs;
}

Json RunCommand(const Command& command, const Json& options, CommandContext& context) {
  std::vector<std::unique_ptr<OutputLock>> locks;
  std::vector<std::string> unlocked;
  if (!context.plan) {
    for (const std::string& output : command.writes(options)) {
      try {
        locks.push_back(std::make_unique<OutputLock>(output));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kFailed) throw;
        // where no lock file can be made, no output can either: the command says so in its own way
        unlocked.push_back(error.what());
      }
    }
  }
  Json result = command.run(options, context);
  for (const std::string& why : unlocked) {
    context.progress->Message("written without a lock: " + why);
  }
  return result;
}

fs::path HomeFolder() {
  const auto holds_tasks = [](const fs::path& folder) {
    return fs::is_directory(folder / "sim" / "tasks");
  };
  if (const char* home = std::getenv("UNDERSTUDY_HOME")) {
    if (holds_tasks(home)) return home;
    ThrowUsage(std::string("UNDERSTUDY_HOME=") + home + ": holds no sim/tasks");
  }
  // an installed program uses what was installed with it
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share" / "understudy";
  if (holds_tasks(installed)) return installed;
  if (holds_tasks(UNDERSTUDY_SOURCE_DIR)) return UNDERSTUDY_SOURCE_DIR;
  ThrowUsage(
      "the program's tasks and robots were not found: set UNDERSTUDY_HOME to the folder that "
      "holds sim/tasks");
}

std::string ProgramHash() {
  static const std::string hash = [] {
    Hasher all;
    all.Add(FileHash("/proc/self/exe"));
    // the shared library lies above its modules
    std::vector<fs::path> files{ModuleFolder().parent_path() / "libunderstudy.so"};
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(ModuleFolder(), none)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin() + 1, files.end());
    for (const fs::path& file : files) {
      if (fs::exists(file, none)) all.Add(FileHash(file));
    }
    return all.Hex();
  }();
  return hash;
}

}  // namespace understudy
