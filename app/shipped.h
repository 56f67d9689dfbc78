#pragma once

#include <string>
#include <vector>

namespace understudy {

// Files that come with the program, in the folder `demo` of HomeFolder().
enum class ShippedKind {
  kPlan,      // randomizers: `--plan-file randomised`
  kPipeline,  // steps: `understudy run stack`
};

struct ShippedFile {
  std::string name, path;
  std::string description;  // the comment at its beginning
};

// By name.
std::vector<ShippedFile> ListShipped(ShippedKind kind);

// The file that `place` means, from any working folder: a file that exists, the path of a shipped
// file ("demo/randomised.yaml") or its name. Empty stays empty; another path is returned as it is,
// for its reader to reject. Throws Error(kUsage) for an unknown name.
std::string FindShipped(ShippedKind kind, const std::string& place);

}  // namespace understudy
