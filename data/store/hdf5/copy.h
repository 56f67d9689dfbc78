#pragma once

#include "data/store/hdf5/group.h"

namespace understudy::h5 {

// Copies attributes and members of `from` into the empty group `to`, of this or another file;
// chunks are copied as they are compressed. Not by one H5Ocopy: that of 1.10.8 crashes on the
// attributes of large files (in H5A__dense_post_copy_file_all; met after five hundred episodes).
void CopyGroup(const Group& from, const Group& to);

}  // namespace understudy::h5
