#pragma once

#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// What no other format has a place for, in words: names of numbers, texts that are not there,
// numbers of tasks beside task_index, other files of meta/; and of pictures in the Parquet files
// their transparency. Throws Error(kBadInput) naming episode and row where PNG pictures have
// several sizes. Files that cannot be read are left to those who read them.
std::vector<std::string> NotCarried(const LerobotFolder& folder);

}  // namespace understudy
