#pragma once

#include <string>

#include "core/base/progress.h"
#include "core/seam/simulator.h"
#include "data/store/read_options.h"
#include "train/run/policy_config.h"
#include "train/samples/training_set.h"

namespace understudy {

// What the policy sees, as options of training.
InputOptions InputsOf(const PolicyConfig& config);

// How rows of a dataset differ from what the policy was trained on; none: they do not.
std::vector<std::string> Differences(const Embodiment& policy, const Embodiment& data);

// The policy for one of its embodiments: the one of that name, or else the one that fits the
// simulator, or the first of the datasets. `policy` names it in messages. A policy of one
// embodiment is left as it is. Throws Error(kBadInput) where no embodiment has the name or fits,
// naming both sides, or where several fit.
PolicyConfig ChooseEmbodiment(const PolicyConfig& config, const std::string& policy,
                              const std::string& name, const SimulatorInfo& simulator);
PolicyConfig ChooseEmbodiment(const PolicyConfig& config, const std::string& policy,
                              const std::string& name, const std::string& dataset,
                              const SelectionOptions& selection, const ReadOptions& read);

}  // namespace understudy
