#pragma once

#include <filesystem>
#include <fstream>
#include <utility>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {

// A text file of one JSON value per line; the folder around it gets its name when all is whole.
// Throws Error(kFailed) where it cannot be written.
class JsonLines {
 public:
  explicit JsonLines(std::filesystem::path file)
      : file_(std::move(file)), out_(file_, std::ios::binary) {}
  void Add(const Json& line) {
    out_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    Check();
  }
  void Finish() {
    out_.close();
    Check();
  }

 private:
  void Check() const {
    if (!out_) ThrowFailed(file_.string() + ": cannot be written; is the disk full?");
  }
  std::filesystem::path file_;
  std::ofstream out_;
};

}  // namespace understudy
