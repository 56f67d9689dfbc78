#include "data/formats/lerobot/dataset_card.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/version.h"

namespace understudy {

std::string DatasetCard(const Json& info, const std::string& instruction) {
  std::string text =
      "---\n"
      "task_categories:\n- robotics\n"
      "tags:\n- LeRobot\n"
      "configs:\n- config_name: default\n  data_files: data/*/*.parquet\n"
      "---\n\n";
  text += fmt::format("A LeRobot dataset ({}), written by Understudy {}.\n\n",
                      info.value("codebase_version", ""), ProgramVersion());
  text += fmt::format(
      "| | |\n|---|---|\n| episodes | {} |\n| frames | {} |\n| frames per second | {} |\n",
      info.at("total_episodes").dump(), info.at("total_frames").dump(), info.at("fps").dump());
  if (const std::string robot = info.value("robot_type", ""); !robot.empty()) {
    text += fmt::format("| robot | {} |\n", robot);
  }
  text += fmt::format("| tasks | {} |\n", info.at("total_tasks").dump());
  if (!instruction.empty()) {
    std::string cell = instruction;
    std::replace(cell.begin(), cell.end(), '\n', ' ');
    std::replace(cell.begin(), cell.end(), '|', '/');
    text += fmt::format("| first task | {} |\n", cell);
  }
  text += "\n| feature | type | shape | names |\n|---|---|---|---|\n";
  for (const auto& [name, feature] : info.at("features").items()) {
    const Json names = feature.value("names", Json());
    std::string list;
    for (const Json& part : names.is_array() ? names : Json::array()) {
      if (part.is_string()) list += (list.empty() ? "" : ", ") + part.get<std::string>();
    }
    text += fmt::format("| `{}` | {} | {} | {} |\n", name, feature.value("dtype", ""),
                        feature.value("shape", Json::array()).dump(), list);
  }
  return text;
}

}  // namespace understudy
