#include "data/store/usual_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace understudy {
namespace {

bool DiffersByScene(const std::string& name) { return name == "states" || name == "obs/object"; }

}  // namespace

std::vector<ColumnSpec> UsualColumns(const std::vector<std::vector<ColumnSpec>>& episodes) {
  struct Seen {
    std::string name;
    std::vector<std::pair<ColumnSpec, size_t>> shapes;  // and how many episodes have each
  };
  std::vector<Seen> all;
  std::map<std::string, size_t> places;
  for (const std::vector<ColumnSpec>& columns : episodes) {
    for (const ColumnSpec& column : columns) {
      if (DiffersByScene(column.name)) continue;
      const auto [place, fresh] = places.emplace(column.name, all.size());
      if (fresh) all.push_back({column.name, {}});
      auto& shapes = all[place->second].shapes;
      const auto same = std::ranges::find_if(
          shapes, [&](const auto& shape) { return shape.first.shape == column.shape; });
      if (same == shapes.end()) {
        shapes.emplace_back(column, 1);
      } else {
        ++same->second;
      }
    }
  }
  std::vector<ColumnSpec> usual;
  for (const auto& [name, shapes] : all) {
    size_t count = 0;
    const std::pair<ColumnSpec, size_t>* most = &shapes[0];
    for (const auto& shape : shapes) {
      count += shape.second;
      if (shape.second > most->second) most = &shape;
    }
    const bool enough = most->first.role == ColumnRole::kOther ? 2 * count > episodes.size()
                                                               : 2 * count >= episodes.size();
    if (enough) usual.push_back(most->first);
  }
  return usual;
}

std::string OddColumn(const std::vector<ColumnSpec>& usual,
                      const std::vector<ColumnSpec>& columns) {
  for (const ColumnSpec& wanted : usual) {
    const auto found = std::ranges::find(columns, wanted.name, &ColumnSpec::name);
    if (found == columns.end()) {
      return fmt::format("{}: is not there with a row per step, as in other episodes", wanted.name);
    }
    if (found->shape == wanted.shape) continue;
    return fmt::format("{}: has {} numbers per row, where other episodes have {}", wanted.name,
                       found->size(), wanted.size());
  }
  return "";
}

}  // namespace understudy
