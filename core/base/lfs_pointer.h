#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/error.h"

namespace understudy {

// Throws Error(kBadInput) where `file` is what `git clone` leaves of a large file without Git LFS:
// a text of a few lines in its place. A file that cannot be read passes.
inline void RefuseLfsPointer(const std::filesystem::path& file) {
  constexpr std::string_view kBeginning = "version https://git-lfs.github.com/spec/";
  std::string text(kBeginning.size(), '\0');
  std::ifstream in(file, std::ios::binary);
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size())) || text != kBeginning)
    return;
  ThrowBadInput(fmt::format(
      "{}: is a pointer of Git LFS, not the file itself: the dataset was cloned without it; "
      "`git lfs pull` in its folder fetches the files",
      file.string()));
}

}  // namespace understudy
