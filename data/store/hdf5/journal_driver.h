#pragma once

// An HDF5 file driver for files that grow: whatever moment the process is killed in, or the disk
// fills up in, the file opens as it was at its last flush. HDF5 itself rewrites its group lists and
// trees in place, one write after another, so that a kill inside a flush can lose groups that were
// flushed long ago.
//
// What nothing referred to at the last flush is fresh space (nothing is ever freed for reuse): it
// is written as it comes, neighbours together. What overwrites older bytes is held back until the
// flush; then it goes into `<file>.journal` with its hash, then in place, then the journal is
// removed. Opening the file for writing replays a whole journal and drops a half one. After a
// failed write everything later is swallowed and the old metadata stays.
//
// The first flush of a new file goes to `<file>.new`, renamed when whole. The file is locked
// (flock) against a second writer. What is on disk is plain HDF5.

#include <hdf5.h>

#include "data/store/hdf5/id.h"
#include "data/store/hdf5/journalled_file.h"

namespace understudy::h5 {

// Our driver as HDF5 knows it, for H5Pset_driver.
hid_t JournalDriver();

// `file` must be open with our driver, here and below. Nothing more reaches it.
void SwallowWrites(const Id& file);
// Whether metadata and data each go into blocks of their own; only where HDF5 leaves it to the
// driver where things lie. `spare` is what was left of the last block of metadata when the same
// file was closed: it is used up first, nothing refers to it.
void UseBlocks(const Id& file, bool use, const FileRange& spare);
// The same of an open file that has just been flushed.
FileRange SpareOf(const Id& file);

}  // namespace understudy::h5
