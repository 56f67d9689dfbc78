#pragma once

#include <filesystem>
#include <vector>

namespace understudy {

// "x.h5" -> "x.h5.part": its name while it grows.
std::filesystem::path PartOf(const std::filesystem::path& path);

// Throws Error(kUsage) where `output` exists and may not be replaced, or is one of the inputs.
void CheckOutput(const std::filesystem::path& output, bool overwrite,
                 const std::vector<std::filesystem::path>& inputs = {});

// Renames and makes the folder's entry survive a power cut. Throws Error(kFailed).
void RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace understudy
