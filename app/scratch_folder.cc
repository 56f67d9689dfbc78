#include "app/scratch_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/error.h"

namespace understudy {
namespace fs = std::filesystem;

ScratchFolder::ScratchFolder() {
  std::error_code none;
  const fs::path folder = fs::temp_directory_path(none);
  if (none) {
    ThrowFailed(
        fmt::format("no folder for temporary files ({}): TMPDIR must name one", none.message()));
  }
  std::string name = (folder / "understudy_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    ThrowFailed(
        fmt::format("{}: cannot be made ({}): TMPDIR must name a folder that can be written to",
                    name, std::strerror(errno)));
  }
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code none;
  fs::remove_all(path_, none);
}

}  // namespace understudy
