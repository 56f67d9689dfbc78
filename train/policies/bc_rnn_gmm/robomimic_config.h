#pragma once

#include <filesystem>

#include "train/run/checkpoint.h"

namespace understudy {

// A recurrent GMM policy of robomimic 0.3, as tools/robomimic_to_safetensors.py writes it: one that
// sees columns of robomimic's datasets ("obs/object") as they are and answers with "actions".
// Throws Error(kBadInput) that lists what this program has not.
PolicyArtefact ReadRobomimicPolicy(const std::filesystem::path& file);

}  // namespace understudy
