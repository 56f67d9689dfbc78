#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "data/store/hdf5/group.h"

namespace understudy::h5 {

// A new group of `to` with room in its header for what is in `from`, to copy it into.
Group CreateFor(const Group& from, const Group& to, const std::string& name);

// Copies attributes and members of `from` into the empty group `to`, of this or another file;
// chunks are copied as they are compressed. Not by one H5Ocopy: that of 1.10.8 crashes on the
// attributes of large files (in H5A__dense_post_copy_file_all; met after five hundred episodes).
void CopyGroup(const Group& from, const Group& to);
// The same without the members `but`.
void CopyGroupBut(const Group& from, const Group& to, const std::set<std::string>& but);

// Rows [first, end) of arrays that have `length`.
struct RowCut {
  uint64_t length = 0, first = 0, end = 0;
};
// As CopyGroup, but of every array with `cut.length` rows, at any depth, only the rows of the cut;
// they keep type, filters and attributes. An array with more rows than `from` reads of it
// (RowLimit) has those that are read.
void CopyGroupRows(const Group& from, const Group& to, const RowCut& cut);

}  // namespace understudy::h5
