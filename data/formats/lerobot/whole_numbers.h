#pragma once

// Whole numbers of LeRobot folders that a double does not hold.

#include <map>
#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

inline constexpr int64_t kMostExact = int64_t{1} << 53;  // whole numbers up to here are doubles

struct BeyondDouble {
  std::string first;        // "<file>: episode 0, row 3: stamp = 1700000000123456789"
  bool int64_holds = true;  // all of the feature's numbers
};
// The features that have such numbers, by name. Files that cannot be read are left to those who
// read them.
std::map<std::string, BeyondDouble> FindBeyondDouble(const LerobotFolder& folder);

}  // namespace understudy
