#pragma once

// Columns that most episodes of a dataset have: one that lacks some of them is an odd episode.

#include <string>
#include <vector>

#include "core/episode/column_spec.h"

namespace understudy {

// The columns that more than half of the episodes have, those of state and action that half have,
// each in the shape that most give it. `episodes`: the columns of each. Without those that differ
// from scene to scene: the simulator's states and lists of objects.
std::vector<ColumnSpec> UsualColumns(const std::vector<std::vector<ColumnSpec>>& episodes);

// The first of them that `columns`, those of an episode, do not have or have in another shape, in
// words that begin with its name; empty: there is none.
std::string OddColumn(const std::vector<ColumnSpec>& usual, const std::vector<ColumnSpec>& columns);

}  // namespace understudy
