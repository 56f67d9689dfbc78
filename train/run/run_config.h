#pragma once

#include <string>
#include <vector>

#include "train/run/policy_config.h"
#include "train/run/train_loop.h"

namespace understudy {

// config.json of what is trained on the sets: meanings, statistics, words. `options` by Resolve.
PolicyConfig MakeConfig(const TrainingSets& sets, const TrainOptions& options,
                        const PolicyList& policies);

// One line for each of several embodiments; none for one.
std::vector<std::string> DescribeEmbodiments(const TrainingSets& sets);

}  // namespace understudy
