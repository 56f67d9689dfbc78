#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// A report of `understudy evaluate`, of whatever kind, as lines for people.
std::string DescribeEvaluation(const Json& result);

}  // namespace understudy
