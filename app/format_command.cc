#include "app/format_command.h"

#include <algorithm>

#include "data/formats/formats.h"

namespace understudy {
namespace {

std::vector<FormatOptions> EachOnce(std::vector<FormatOptions> DatasetFormat::*options) {
  std::vector<FormatOptions> all;
  for (const DatasetFormat& format : DatasetFormats()) {
    for (const FormatOptions& one : format.*options) {
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&](const FormatOptions& o) { return o.name == one.name; });
      if (!known) all.push_back(one);
    }
  }
  return all;
}

}  // namespace

std::vector<FormatOptions> ImportOptionsOfFormats() {
  return EachOnce(&DatasetFormat::import_options);
}

std::vector<FormatOptions> WriteOptionsOfFormats() {
  return EachOnce(&DatasetFormat::write_options);
}

Json TakeFormatOptions(const std::vector<FormatOptions>& formats, Json& json, Problems& problems) {
  Json taken = Json::object();
  for (const FormatOptions& format : formats) {
    const Json given = json.is_object() ? json.value(format.name, Json()) : Json();
    taken[format.name] = format.read(given, problems);
    if (json.is_object()) json.erase(format.name);
  }
  return taken;
}

OptionValues FormatValues(const Json& format_options) {
  OptionValues values;
  for (const auto& [name, options] : format_options.items()) values.Set(name, options);
  return values;
}

}  // namespace understudy
