#pragma once

#include <filesystem>

namespace understudy {

// "x.h5" -> "x.h5.part": its name while it grows.
std::filesystem::path PartOf(const std::filesystem::path& path);

// Renames and makes the folder's entry survive a power cut. Throws Error(kFailed).
void RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace understudy
