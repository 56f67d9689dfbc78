#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// "x.h5" -> "x.h5.part": its name while it grows.
std::filesystem::path PartOf(const std::filesystem::path& path);

// A file that is being written as PartOf(output), and removed unless it is finished. Call Begin
// when the file is made and locked: before, it may be another writer's.
class UnfinishedFile {
 public:
  explicit UnfinishedFile(const std::filesystem::path& output) : output_(output) {}
  ~UnfinishedFile();
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;
  std::filesystem::path part() const { return PartOf(output_); }
  void Begin() { begun_ = true; }
  void Rename();                   // part() becomes the output; throws Error(kFailed)
  void Keep() { begun_ = false; }  // somebody else has renamed it

 private:
  std::filesystem::path output_;
  bool begun_ = false;
};

// Throws Error(kUsage) where `output` exists and may not be replaced, or is one of the inputs.
void CheckOutput(const std::filesystem::path& output, bool overwrite,
                 const std::vector<std::filesystem::path>& inputs = {});

// For generated files that may be replaced. Throws Error(kUsage) if `output` exists
// and does not begin as this program begins such a file: it is somebody's own. `what` it is:
// "page".
void CheckRemade(const std::filesystem::path& output, std::string_view beginning, const char* what);

// For reports in JSON, likewise: the one at `output`, which a new one may replace; null if nothing
// is there, or `output` is empty. Throws Error(kUsage) naming `field` if it is no file that `read`
// accepts (it throws Error where it does not). `what` it is: "report of this program".
Json OlderReport(const std::filesystem::path& output, const char* field, const char* what,
                 const std::function<void(const Json&)>& read);

// Checks before long work that its text can be written to `file` by WriteTextAtomically, and makes
// its folder. Throws Error(kUsage) naming `field` if it cannot, or if it would replace a dataset,
// finished or not.
void TryToWrite(const std::filesystem::path& file, const char* field);

// Bytes of a file, or of all files in a folder; links count as what they lead to. 0 where nothing
// can be read.
uint64_t BytesOnDisk(const std::filesystem::path& path);

// Renames and makes the folder's entry survive a power cut. Throws Error(kFailed).
void RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace understudy
