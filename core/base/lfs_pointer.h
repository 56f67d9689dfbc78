#pragma once

#include <filesystem>

namespace understudy {

// Throws Error(kBadInput) where `file` is what `git clone` leaves of a large file without Git LFS:
// a text of a few lines in its place. A file that cannot be read passes.
void RefuseLfsPointer(const std::filesystem::path& file);

}  // namespace understudy
