#pragma once

#include <array>

#include "core/base/json.h"
#include "core/base/names.h"
#include "core/seam/episode_source.h"

namespace understudy {

// What `data info --by` may tell apart.
enum class GroupBy { kNothing, kOperator, kStation, kTask, kVariant, kInstruction };
template <>
struct EnumNames<GroupBy> {
  static constexpr std::array kNames{"nothing", "operator", "station",
                                     "task",    "variant",  "instruction"};
};

// Episodes and, where they are known, attempts of each group, by its name ("" where none is said):
// episodes, successes, recorded_s, and of recordings the shares of time without tracking and at the
// arm's limits; of attempts, which say operator and station alone, started, succeeded, not_saved
// (cause: count), demonstrations per_hour and idle_share between them. Reads every episode's meta.
Json DescribeBy(const EpisodeSource& reader, GroupBy by);

}  // namespace understudy
