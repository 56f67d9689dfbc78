#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// The parts of a dataset (train, val): ranges of the numbers of episodes in info.json.
struct LerobotSplits {
  Json json;                      // `splits` of info.json
  std::vector<std::string> lost;  // in words
};

// Those of a copy: every episode stays in the parts that it was in. `copied`: folder and number of
// the episode that becomes number 0, 1, … Left out and reported are parts without an episode, and
// those whose episodes do not follow one another any more: they have no range. A folder that names
// no parts is all "train", as LeRobot writes it.
LerobotSplits SplitsOfCopy(const std::vector<const LerobotFolder*>& folders,
                           const std::vector<std::pair<size_t, int64_t>>& copied);

}  // namespace understudy
