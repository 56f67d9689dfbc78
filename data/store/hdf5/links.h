#pragma once

// How links are made, and which ones that lead to other files are followed.

#include <hdf5.h>

#include <filesystem>

namespace understudy::h5 {

// Whether a link of `file` to `target` (relative to the folder of `file`) is followed: it stays in
// that folder or below, or `outside_links` are allowed. Compares names only: symbolic links of the
// file system are the user's own.
bool MayLink(const std::filesystem::path& file, const std::filesystem::path& target,
             bool outside_links);

// Property lists for access to a link, group or dataset that may lie in another file: external
// links are followed as MayLink says. They live as long as the process.
hid_t LinkAccess(bool outside_links);
hid_t GroupAccess(bool outside_links);
hid_t DatasetAccess(bool outside_links);
// To create a link with: makes the groups on the way.
hid_t LinkCreation();

}  // namespace understudy::h5
