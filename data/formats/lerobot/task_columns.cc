#include "data/formats/lerobot/task_columns.h"

namespace understudy {

bool IsTaskNumber(const LerobotFeature& feature) {
  const bool task = feature.name == "task_index" || feature.name.starts_with("annotation.");
  return task && feature.width() == 1 && feature.dtype.starts_with("int");
}

std::vector<bool> TellsTask(const LerobotFolder& folder,
                            const std::vector<std::vector<double>>& values) {
  const auto texts_of = [&](const LerobotFeature& feature) {
    std::vector<std::string> texts;
    for (const double v : folder.Of(feature, values)) {
      const auto text = folder.tasks.find(static_cast<int64_t>(v));
      // a number without a text is not the same as another one
      texts.push_back(text != folder.tasks.end() ? text->second : std::to_string(v) + '\0');
    }
    return texts;
  };
  const LerobotFeature* task = folder.Find("task_index");
  std::vector<std::string> tasks;
  if (task != nullptr && IsTaskNumber(*task)) tasks = texts_of(*task);
  std::vector<bool> is_task;
  for (const LerobotFeature& feature : folder.features) {
    is_task.push_back(IsTaskNumber(feature) &&
                      (&feature == task || feature.name.ends_with("task_description") ||
                       (!tasks.empty() && texts_of(feature) == tasks)));
  }
  return is_task;
}

}  // namespace understudy
