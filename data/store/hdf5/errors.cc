#include "data/store/hdf5/errors.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <vector>

#include "core/base/error.h"
#include "data/store/hdf5/journalled_file.h"

namespace understudy::h5 {
namespace {

herr_t CollectError(unsigned, const H5E_error2_t* error, void* out) {
  auto& lines = *static_cast<std::vector<std::string>*>(out);
  if (error->desc && *error->desc) lines.push_back(error->desc);
  return 0;
}

}  // namespace

std::string ErrorText() {
  // our own driver knows best: "No space left on device"
  if (std::string text = TakeSystemError(); !text.empty()) return text;
  std::vector<std::string> lines;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, CollectError, &lines);
  if (lines.size() > 2) lines.resize(2);
  return fmt::format("HDF5: {}", fmt::join(lines, "; "));
}

std::string NewerFormatHint(const std::string& error_text) {
  if (error_text.find("bad version number") == std::string::npos) return "";
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format(
      "; it may be written by a newer HDF5 (h5py's libver='latest') than the {}.{} here: "
      "docs/data.md, "
      "\"Files of a newer HDF5\", has the lines that copy it",
      major, minor);
}

void FailWriting(const std::string& place, const std::string& what) {
  ThrowFailed(fmt::format("{}: {} ({})", place, what, ErrorText()));
}

void FailReading(const std::string& place, const std::string& what) {
  ThrowBadInput(fmt::format("{}: {}", place, what));
}

}  // namespace understudy::h5
