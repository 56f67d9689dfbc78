#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace understudy {

// A feature that says how an episode goes on or ends: next.done, next.success, next.truncated,
// next.reward.
bool TellsEnding(const std::string& feature);

// Rows [first, end) of an episode end as all of it did: the last one is done, has the last row's
// success and truncation, and the largest reward of the rows that were cut off behind it. `all` are
// the numbers of such a feature in every row, `kept` those of the rows that stay.
void EndAsBefore(const std::string& feature, const std::vector<double>& all, size_t end,
                 std::vector<double>& kept);

}  // namespace understudy
