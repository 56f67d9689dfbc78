#pragma once

#include <string>
#include <vector>

namespace understudy {

// What OpenXR offers on this machine, for `understudy doctor`.
struct OpenXrProbe {
  std::string loader_version;  // of the Khronos loader, "1.0.20"
  std::string manifest;        // that decides which runtime is used; empty: none found
  bool runtime_found = false;
  std::string runtime_name, runtime_version;
  std::vector<std::string> extensions;  // of the runtime, sorted
  bool headset_found = false;
  std::string system_name;         // of the headset
  bool can_record = false;         // everything that OpenXrDevice needs is there
  std::string problem, next_step;  // empty when can_record
};

// Asks the loader and the runtime; never throws. Not while an OpenXrDevice is open in this process.
OpenXrProbe ProbeOpenXr();

}  // namespace understudy
