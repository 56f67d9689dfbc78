#pragma once

// Arrays whose numbers lie elsewhere: virtual datasets, which show numbers of other arrays, and
// arrays in raw files. HDF5 asks nobody before it opens them, and shows zeros where other arrays
// are missing.

#include <string>

#include "data/store/hdf5/id.h"

namespace understudy::h5 {

// Whether the numbers of an array lie outside it.
bool LiesElsewhere(const Id& dataset);

// Of such an array: throws Error(kBadInput) where a file that they lie in is missing, or is one
// that a link of the array's file may not lead to (MayLink), or where an array that they lie in is
// missing; and so on for arrays whose numbers lie elsewhere in turn.
void RequireStorage(const Id& dataset, const std::string& place, bool outside_links);

}  // namespace understudy::h5
