#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/samples/batch_source.h"

namespace understudy {

// Names the frames of the sets for a FrameStore: datasets, episodes in their order, cameras, size.
std::string KeyOfFrames(const std::vector<LearntSet>& sets, std::span<const std::string> cameras,
                        int height, int width);

}  // namespace understudy
