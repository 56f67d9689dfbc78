#pragma once

#include <string>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/run/ranks.h"
#include "train/tensors/tensor_blob.h"

namespace understudy {

// Appends what differs, each as "path was old, is new".
void Differences(const Json& before, const Json& now, const std::string& path, Problems& found);

// Throws Error(kBadInput) on all ranks, naming values, where one was given something else than rank
// 0. All ranks call it.
void RequireSame(Ranks& ranks, const Json& here);

// Of names and contents: equal for equal tensors.
std::string HashOfTensors(const TensorMap& tensors);

}  // namespace understudy
