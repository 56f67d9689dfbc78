#pragma once

// Commands that have the options of all listed formats beside their own.

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/registry.h"
#include "data/formats/base/format.h"

namespace understudy {

// Options of the listed formats, each once: those by which they import, and those by which they
// write.
std::vector<FormatOptions> ImportOptionsOfFormats();
std::vector<FormatOptions> WriteOptionsOfFormats();

// What of `json` is for formats moves from it into the result, checked and filled up. Appends every
// violation.
Json TakeFormatOptions(const std::vector<FormatOptions>& formats, Json& json, Problems& problems);
// By name, for a call of a format.
OptionValues FormatValues(const Json& format_options);

template <class Options>
Command MakeFormatCommand(
    const std::string& name, std::string summary, std::vector<FormatOptions> formats,
    std::function<Json(const Options&, const OptionValues&, CommandContext&)> run,
    std::function<std::string(const Json&)> describe = {}) {
  Command command = MakeCommand<Options>(
      name, std::move(summary), [](const Options&, CommandContext&) { return Json(); },
      std::move(describe));
  for (const FormatOptions& format : formats) {
    command.fields.insert(command.fields.end(), format.fields.begin(), format.fields.end());
    command.defaults[format.name] = format.defaults;
  }
  const auto read = [name, formats = std::move(formats)](Json json, Json* format_options) {
    Problems problems;
    *format_options = TakeFormatOptions(formats, json, problems);
    Options options;
    ReadJson(json, options, "", {}, problems);
    if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
    return options;
  };
  command.resolve = [read](const Json& json) {
    Json format_options;
    Json resolved = ToJson(read(json, &format_options));
    resolved.update(format_options);
    return resolved;
  };
  command.run = [read, run = std::move(run)](const Json& json, CommandContext& context) {
    Json format_options;
    const Options options = read(json, &format_options);
    return run(options, FormatValues(format_options), context);
  };
  return command;
}

}  // namespace understudy
