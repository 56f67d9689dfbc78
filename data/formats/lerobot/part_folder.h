#pragma once

#include <filesystem>
#include <utility>

#include "data/store/files.h"

namespace understudy {

// A folder that is removed unless it was kept.
class PartFolder {
 public:
  explicit PartFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_ / "meta");
  }
  ~PartFolder() {
    std::error_code none;
    if (!kept_) std::filesystem::remove_all(path_, none);
  }
  PartFolder(const PartFolder&) = delete;
  PartFolder& operator=(const PartFolder&) = delete;
  void KeepAs(const std::filesystem::path& name) {
    RenameDurably(path_, name);
    kept_ = true;
  }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace understudy
