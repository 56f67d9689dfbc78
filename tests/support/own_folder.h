#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace understudy {

// A folder that nobody else has, not even the same test in another process; removed at the end.
class OwnFolder {
 public:
  OwnFolder() {
    std::string name = testing::TempDir() + "understudy_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~OwnFolder() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace understudy
