#pragma once

#include <string>
#include <vector>

#include "app/registry.h"

namespace understudy {

// The whole program: parses, runs, prints, and returns the exit code (0 done, 1 ran and failed,
// 2 usage, 3 bad input). Nothing else in the program prints to stdout.
int RunCommandLine(int argc, char** argv);

// Where each value of a command's options came from.
struct ResolvedOptions {
  Json options;
  std::map<std::string, std::string>
      origin;  // path → "default", "preset", "file x.yaml", "command line"
};

// Lays a file and `path=value` pairs over the command's defaults, in that order, and its preset
// over what they leave open.
ResolvedOptions ResolveOptions(const Command& command, const std::string& config_file,
                               const std::vector<std::pair<std::string, Json>>& values);

}  // namespace understudy
