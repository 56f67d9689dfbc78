#pragma once

#include <filesystem>

namespace understudy {

// A folder of its own below the system's for temporary files, gone with it.
class ScratchFolder {
 public:
  // Throws Error(kFailed) where none can be made, and says what TMPDIR must be.
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace understudy
