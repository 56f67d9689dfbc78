#include "data/store/edit/mask_copy.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/store/files.h"
#include "data/store/hdf5/growing_file.h"

namespace understudy {
namespace fs = std::filesystem;

void CopyWithMasks(const fs::path& input, const fs::path& output,
                   const std::map<std::string, std::vector<std::string>>& masks, bool overwrite) {
  std::error_code error;
  CheckOutput(output, overwrite, {input});
  if (!output.parent_path().empty()) fs::create_directories(output.parent_path(), error);
  const fs::path part = PartOf(output);
  const auto give_up = [&](const std::string& why) {
    fs::remove(part, error);
    ThrowFailed(fmt::format("{}: copying '{}' failed: {}", part.string(), input.string(), why));
  };
  if (!fs::copy_file(input, part, fs::copy_options::overwrite_existing, error)) {
    give_up(error.message());
  }
  // a copy of a read-only file is one
  fs::permissions(part, fs::perms::owner_write, fs::perm_options::add, error);
  try {
    h5::GrowingFile file = h5::GrowingFile::Open(part);
    for (const auto& [key, names] : masks) file.root().WriteTexts("mask/" + key, names);
    file.Close();
  } catch (const Error& failure) {
    give_up(failure.what());
  }
  RenameDurably(part, output);
}

}  // namespace understudy
