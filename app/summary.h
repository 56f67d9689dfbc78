#pragma once

#include <string>
#include <vector>

#include "app/pipeline.h"

namespace understudy {

// The table of a run's evaluations:
//   rows     one for each evaluation that has ended
//   means    one for each policy and condition: mean and spread over its evaluations, such as those
//            of trainings with several seeds
//   paired   for each condition, every other policy against the first one on the same starts: the
//            mean over starts of the difference of their success rates, with a 95 % interval
//            (normal, over starts), and what kept two from being compared
Json Summarise(const Pipeline& pipeline, const std::vector<std::string>& order,
               const std::filesystem::path& out);

// The summary as a table for people.
std::string DescribeSummary(const Json& summary);

}  // namespace understudy
