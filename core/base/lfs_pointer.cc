#include "core/base/lfs_pointer.h"

#include <fstream>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace understudy {

void RefuseLfsPointer(const std::filesystem::path& file) {
  constexpr std::string_view kBeginning = "version https://git-lfs.github.com/spec/";
  std::string text(kBeginning.size(), '\0');
  std::ifstream in(file, std::ios::binary);
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size())) || text != kBeginning)
    return;
  ThrowBadInput(file.string() +
                ": is a pointer of Git LFS, not the file itself: the dataset was cloned without "
                "it; `git lfs pull` in its folder fetches the files");
}

}  // namespace understudy
