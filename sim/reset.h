#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/geometry/pose.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Draws where the objects of `task` start in reset distribution `variant`: uniform in its ranges,
// horizontal radii kept apart by rejection (whole draws, so that the result is the uniform
// distribution over what does not overlap). Order: TaskSpec::object_names(); unset: a part, which
// is not placed. Depends on `key` only. Throws Error(kUsage) for an unknown variant, Error(kFailed)
// if 10 000 draws found no free place.
std::vector<std::optional<Pose>> DrawPlacement(const TaskSpec& task, const std::string& variant,
                                               const RngKey& key);

// Draws where joints of the scene start, by their names in the variant: uniform, each on its own.
std::map<std::string, double> DrawJoints(const TaskSpec& task, const std::string& variant,
                                         const RngKey& key);

}  // namespace understudy
