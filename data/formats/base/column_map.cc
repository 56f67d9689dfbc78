#include "data/formats/base/column_map.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {
namespace {

// One column as a comment: "# obs/joint_pos: float32 (6), a b c".
std::string Comment(const ColumnSpec& column) {
  return fmt::format("# {}: {} ({}){}{}\n", column.name, column.dtype,
                     fmt::join(column.shape, ", "), column.parts.empty() ? "" : ", ",
                     fmt::join(column.parts, " "));
}

// A text as YAML takes it.
std::string Quoted(const std::string& text) { return Json(text).dump(); }

}  // namespace

void RefuseMap(const std::string& map) {
  if (map.empty()) return;
  ThrowUsage(fmt::format(
      "--map {}: this command takes datasets as they are stored; `understudy data convert DATASET "
      "--map {} --to lerobot --out FOLDER` makes one of the mapped columns",
      map, map));
}

ColumnMap LoadColumnMap(const std::filesystem::path& file) {
  const ColumnMap map = FromJson<ColumnMap>(LoadYaml(file), file.string());
  for (const auto& [camera, by] : map.pictures) {
    const auto is_deviation = [](double value) { return value > 0; };
    if (by.mean.size() == 3 && by.std.size() == 3 && std::ranges::all_of(by.std, is_deviation)) {
      continue;
    }
    ThrowBadInput(fmt::format(
        "{}: pictures.{}: mean and std are three numbers each, red, green and blue, std above 0",
        file.string(), camera));
  }
  if (map.state.empty() && map.action.empty() && map.cameras.empty() && map.pictures.empty() &&
      map.instruction.empty() && map.robot.empty() && map.task.empty() && map.control_hz == 0) {
    ThrowBadInput(file.string() +
                  ": says nothing: `understudy data info DATASET --map-template "
                  "FILE` writes one to correct");
  }
  return map;
}

std::map<std::string, PictureScale> ScalesOf(const ColumnMap& map) {
  std::map<std::string, PictureScale> scales;
  for (const auto& [camera, by] : map.pictures) {
    PictureScale& scale = scales[camera];
    std::copy_n(by.mean.begin(), 3, scale.mean.begin());
    std::copy_n(by.std.begin(), 3, scale.deviation.begin());
  }
  return scales;
}

std::string ColumnMapTemplate(const EpisodeSource& source) {
  const DatasetHeader& header = source.header();
  const std::vector<ColumnSpec> columns = source.ListColumns();
  std::string text = fmt::format(
      "# What the columns of {} mean, for --map. A column may be cut into parts:\n"
      "#   parts: [{{name: hand_position, from: 0, size: 3, is: position, arm: left}}, …]\n"
      "# is: {}\n"
      "# A gripper says what its command is when open and closed, lengths and angles their scale\n"
      "# to metres and radians. With position and rotation an arm has poses; those of actions are\n"
      "# its targets, in the same frame. A part with `object` in place of `arm` is of that "
      "object.\n"
      "#\n# Columns:\n",
      source.path().filename().string(), fmt::join(EnumNames<PartKind>::kNames, ", "));
  for (const ColumnSpec& column : columns) text += Comment(column);
  for (const auto& [key, role] :
       {std::pair{"state", ColumnRole::kState}, std::pair{"action", ColumnRole::kAction}}) {
    text += fmt::format("{}:", key);
    bool any = false;
    for (const ColumnSpec& column : columns) {
      if (column.role != role) continue;
      text += fmt::format("\n  - column: {}\n    parts: []", Quoted(column.name));
      any = true;
    }
    text += any ? "\n" : " []\n";
  }
  text += "cameras:";
  for (const std::string& camera : header.cameras) {
    text += fmt::format("\n  {}: {}", Quoted(camera), Quoted(camera));
  }
  text += header.cameras.empty() ? " {}\n" : "\n";
  text += fmt::format("instruction: {}\n", Quoted(header.simulator.instruction));
  text += fmt::format("robot: {}\n", Quoted(header.simulator.robot));
  text += fmt::format("task: {}\n", Quoted(header.simulator.task));
  text += fmt::format("control_hz: {}\n", header.simulator.control_hz);
  return text;
}

}  // namespace understudy
