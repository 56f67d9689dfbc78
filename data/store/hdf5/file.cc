#include "data/store/hdf5/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/lfs_pointer.h"
#include "data/store/hdf5/filters.h"
#include "data/store/hdf5/library.h"

namespace understudy::h5 {

namespace {

// Suites stand as a folder of files, each a dataset.
void RefuseFolder(const std::filesystem::path& folder) {
  std::vector<std::string> files, folders;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (IsHdf5(entry.path())) files.push_back(entry.path().filename().string());
    if (std::filesystem::exists(entry.path() / "meta/info.json", none)) {
      folders.push_back(entry.path().filename().string());
    }
  }
  if (files.empty() && !folders.empty()) {
    std::ranges::sort(folders);
    ThrowBadInput(fmt::format("{}: is a folder of {} LeRobot datasets: name one, such as {}",
                              folder.string(), folders.size(), (folder / folders[0]).string()));
  }
  if (files.empty()) return;
  std::ranges::sort(files);
  ThrowBadInput(fmt::format(
      "{}: is a folder of {} HDF5 files, each a dataset of its own: name one, such as {}, or "
      "several where a command takes them (`understudy data merge`, `understudy train`)",
      folder.string(), files.size(), files[0]));
}

}  // namespace

Group OpenForReading(const std::filesystem::path& file, bool outside_links) {
  RegisterFilters();
  const Guard guard;
  const std::string name = file.string();
  std::error_code ignored;
  const auto status = std::filesystem::status(file, ignored);
  if (!std::filesystem::exists(status)) {
    std::filesystem::path part = file;
    part += ".part";
    if (std::filesystem::exists(part, ignored)) {
      ThrowBadInput(
          fmt::format("{}: not there, but '{}' is: its writer is still running or was "
                      "killed; run the same command again to resume it, or `understudy "
                      "data repair` to keep what is whole",
                      name, part.string()));
    }
    ThrowBadInput(fmt::format("{}: no such file", name));
  }
  if (!std::filesystem::is_regular_file(status)) {
    RefuseFolder(file);
    ThrowBadInput(fmt::format(
        "{}: is not a file, and no folder of a dataset (LeRobot's have meta/info.json, ALOHA's "
        "episode_<i>.hdf5)",
        name));
  }
  if (!std::ifstream(file).good()) ThrowBadInput(fmt::format("{}: cannot be opened", name));
  if (!IsHdf5(file)) {
    RefuseLfsPointer(file);
    if (std::filesystem::file_size(file, ignored) == 0) {
      ThrowBadInput(fmt::format(
          "{}: is no HDF5 file but empty: its download or copy did not begin; fetch it again",
          name));
    }
    ThrowBadInput(fmt::format("{}: is no HDF5 file, or its start is lost", name));
  }
  const Id plist(H5Pcreate(H5P_FILE_ACCESS));
#if H5_VERSION_GE(1, 10, 7)
  // file systems without locks (NFS, some clusters) must not keep anybody from reading
  H5Pset_file_locking(plist.get(), true, true);
#endif
  Id opened(H5Fopen(name.c_str(), H5F_ACC_RDONLY, plist.get()));
  if (!opened.valid()) {
    const std::string why = ErrorText();
    if (why.find("unable to lock") != std::string::npos) {
      ThrowBadInput(fmt::format("{}: another process is writing it; wait until it is done", name));
    }
    if (why.find("truncated") != std::string::npos) {
      ThrowBadInput(
          fmt::format("{}: is truncated: the end of the file is missing; copy it again, "
                      "or make it again ({})",
                      name, why));
    }
    ThrowBadInput(fmt::format("{}: cannot be opened as HDF5 ({})", name, why));
  }
  Id root(H5Gopen2(opened.get(), "/", H5P_DEFAULT));
  if (!root.valid()) ThrowBadInput(fmt::format("{}: its root group is damaged", name));
  return Group(std::move(root), name, "/", outside_links);
}

void KeepCacheSmall(const Group& group) {
  const Guard guard;
  const Id file(H5Iget_file_id(group.id()));
  H5AC_cache_config_t cache{};
  cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  if (H5Fget_mdc_config(file.get(), &cache) < 0) return;
  cache.set_initial_size = true;
  cache.initial_size = cache.min_size = 128 << 10;
  cache.max_size = 256 << 10;
  H5Fset_mdc_config(file.get(), &cache);
}

}  // namespace understudy::h5
