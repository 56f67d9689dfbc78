#include "app/convert_hdf5.h"

#include <algorithm>
#include <optional>

#include "app/twin.h"
#include "core/spec/listed.h"
#include "data/formats/family/translate.h"

namespace understudy {
namespace {

// The task of a dataset and its robot, where they are known here.
struct Known {
  std::optional<TaskSpec> task;
  std::optional<RobotSpec> robot;

  Known(const std::string& given, const EpisodeSource& reader) {
    const std::filesystem::path tasks = HomeFolder() / "sim" / "tasks";
    std::string name = given;
    if (name.empty()) {
      // a dataset of an unlisted task is converted as it is
      name = OurTaskName(reader.header());
      const std::vector<std::string> listed = ListedNames(tasks, "task.yaml");
      if (std::find(listed.begin(), listed.end(), name) == listed.end()) return;
    }
    task = LoadTaskSpec(name, tasks);
    robot = LoadRobotSpec(task->robot, HomeFolder() / "sim" / "robots");
  }
  Translation For(const std::string& family) const {
    return Translation(family, task ? &*task : nullptr, robot ? &*robot : nullptr);
  }
};

Json SayLost(const std::string& out, const std::vector<std::string>& lost,
             CommandContext& context) {
  for (const std::string& line : lost) context.progress->Message("lost: " + line);
  return {{"out", out}, {"lost", lost}};
}

void AddReport(const ForeignReport& report, Json* result) {
  result->update(Json{{"episodes", report.episodes},
                      {"steps", report.steps},
                      {"frames", report.frames},
                      {"frames_copied", report.frames_copied}});
}

}  // namespace

Json WriteAs(const DatasetFormat& format, const EpisodeSource& source, const std::string& out,
             const Hdf5Flags& flags, bool overwrite, CommandContext& context) {
  const Known known(flags.task, source);
  const std::string& family = source.header().family;
  WriteRequest request;
  if (!family.empty()) request.from = known.For(family);
  if (!format.family.empty()) request.into = known.For(format.family);
  request.foreign = {flags.robosuite, flags.isaaclab, flags.compression, overwrite};
  request.import = {flags.control_hz, Json::object(), flags.compression, overwrite};
  if (known.task && request.from.KnowsTask(source.header().simulator.task)) {
    request.import.task = ToJson(*known.task);
  }
  Json result = SayLost(out, format.Lost(source, request), context);
  if (context.plan) return result;
  AddReport(format.Write(source, out, request, *context.progress), &result);
  return result;
}

}  // namespace understudy
