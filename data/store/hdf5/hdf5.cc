#include "data/store/hdf5/hdf5.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "data/store/hdf5/journal_driver.h"
#include "data/store/hdf5/library.h"

namespace understudy::h5 {
namespace {

// Lives as long as the process.
std::recursive_mutex*& Mutex() {
  static auto* mutex = new std::recursive_mutex;
  return mutex;
}

// HDF5 asks before it follows an external link.
herr_t MayFollow(const char* file, const char*, const char* target, const char*, unsigned*, hid_t,
                 void*) {
  return MayLink(file, target, false) ? 0 : -1;
}

// Access to an object that may stand behind an external link. `kind` is H5P_LINK_ACCESS or a class
// derived from it.
hid_t GuardedAccess(hid_t kind) {
  const hid_t plist = H5Pcreate(kind);
  H5Pset_elink_cb(plist, MayFollow, nullptr);
  return plist;
}
hid_t LinkAccess(bool outside_links) {
  static const hid_t guarded = GuardedAccess(H5P_LINK_ACCESS);
  return outside_links ? H5P_DEFAULT : guarded;
}
hid_t GroupAccess(bool outside_links) {
  static const hid_t guarded = GuardedAccess(H5P_GROUP_ACCESS);
  return outside_links ? H5P_DEFAULT : guarded;
}
hid_t DatasetAccess(bool outside_links) {
  static const hid_t guarded = GuardedAccess(H5P_DATASET_ACCESS);
  return outside_links ? H5P_DEFAULT : guarded;
}

herr_t CollectName(hid_t, const char* name, const H5L_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->push_back(name);
  return 0;
}

herr_t CollectError(unsigned, const H5E_error2_t* error, void* out) {
  auto& lines = *static_cast<std::vector<std::string>*>(out);
  if (error->desc && *error->desc) lines.push_back(error->desc);
  return 0;
}

}  // namespace

bool MayLink(const std::filesystem::path& file, const std::filesystem::path& target,
             bool outside_links) {
  if (outside_links) return true;
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  const std::filesystem::path way =
      (folder / target).lexically_normal().lexically_relative(folder.lexically_normal());
  return !way.empty() && *way.begin() != "..";
}

hid_t LinkCreation() {
  static const hid_t plist = [] {
    const hid_t id = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(id, 1);
    return id;
  }();
  return plist;
}

Guard::Guard() : lock_(*Mutex()) {
  // per thread where HDF5 is built for threads
  thread_local bool quiet = false;
  if (!quiet) quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
}

pid_t Fork() {
  Mutex()->lock();
  const pid_t child = fork();
  if (child == 0) {
    // the child is another thread to the lock and cannot open it: it goes on with a new one
    Mutex() = new std::recursive_mutex;
  } else {
    Mutex()->unlock();
  }
  return child;
}

Id& Id::operator=(Id&& other) noexcept {
  if (this != &other) {
    Reset();
    id_ = std::exchange(other.id_, -1);
  }
  return *this;
}

void Id::Reset() {
  if (id_ < 0) return;
  const Guard guard;
  H5Idec_ref(std::exchange(id_, -1));
}

std::string ErrorText() {
  // our own driver knows best: "No space left on device"
  if (std::string text = TakeDriverError(); !text.empty()) return text;
  std::vector<std::string> lines;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, CollectError, &lines);
  if (lines.size() > 2) lines.resize(2);
  return fmt::format("HDF5: {}", fmt::join(lines, "; "));
}

void FailWriting(const std::string& place, const std::string& what) {
  ThrowFailed(fmt::format("{}: {} ({})", place, what, ErrorText()));
}

void FailReading(const std::string& place, const std::string& what) {
  ThrowBadInput(fmt::format("{}: {}", place, what));
}

std::string Group::Place(const std::string& name) const {
  return fmt::format("{}: {}{}{}", file_, path_, path_ == "/" || name.empty() ? "" : "/", name);
}

bool Group::Has(const std::string& name) const {
  const Guard guard;
  // each step must exist before the next may be asked for
  for (size_t end = name.find('/');; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    if (H5Lexists(id(), part.c_str(), LinkAccess(outside_links_)) <= 0) return false;
    if (H5Oexists_by_name(id(), part.c_str(), LinkAccess(outside_links_)) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

std::vector<std::string> Group::Names() const {
  const Guard guard;
  std::vector<std::string> names;
  hsize_t at = 0;
  if (H5Literate(id(), H5_INDEX_NAME, H5_ITER_INC, &at, CollectName, &names) < 0) {
    FailReading(Place(), fmt::format("its list of members cannot be read ({})", ErrorText()));
  }
  return names;
}

int64_t Group::Size() const {
  const Guard guard;
  H5G_info_t info;
  if (H5Gget_info(id(), &info) < 0) {
    FailReading(Place(), fmt::format("its members cannot be counted ({})", ErrorText()));
  }
  return static_cast<int64_t>(info.nlinks);
}

Group Group::Open(const std::string& name) const {
  const Guard guard;
  Id group(H5Gopen2(id(), name.c_str(), GroupAccess(outside_links_)));
  if (!group.valid()) {
    const std::string why = ErrorText();
    if (const std::string target = ExternalTarget(name); !target.empty()) {
      if (!MayLink(file_, target, outside_links_)) {
        FailReading(Place(name),
                    fmt::format("the link to '{}' leaves the dataset's folder; if you trust the "
                                "file, say --outside-links",
                                target));
      }
      FailReading(Place(name), fmt::format("the link to '{}' cannot be followed; put that file "
                                           "back beside this one, or merge again",
                                           target));
    }
    FailReading(Place(name), fmt::format("no such group, or it is damaged ({})", why));
  }
  return Group(std::move(group), file_, (path_ == "/" ? "/" : path_ + "/") + name, outside_links_);
}

Group Group::Create(const std::string& name) const {
  const Guard guard;
  Id group(H5Gcreate2(id(), name.c_str(), LinkCreation(), H5P_DEFAULT, H5P_DEFAULT));
  if (!group.valid()) FailWriting(Place(name), "cannot create the group");
  return Group(std::move(group), file_, (path_ == "/" ? "/" : path_ + "/") + name, outside_links_);
}

Group Group::OpenOrCreate(const std::string& name) const {
  return Has(name) ? Open(name) : Create(name);
}

void Group::Delete(const std::string& name) const {
  const Guard guard;
  if (H5Ldelete(id(), name.c_str(), H5P_DEFAULT) < 0) FailWriting(Place(name), "cannot delete");
}

void Group::Move(const std::string& from, const std::string& to) const {
  const Guard guard;
  if (H5Lmove(id(), from.c_str(), id(), to.c_str(), LinkCreation(), H5P_DEFAULT) < 0) {
    FailWriting(Place(from), fmt::format("cannot become '{}'", to));
  }
}

void Group::LinkExternal(const std::string& name, const std::string& file,
                         const std::string& path) const {
  const Guard guard;
  if (H5Lcreate_external(file.c_str(), path.c_str(), id(), name.c_str(), LinkCreation(),
                         H5P_DEFAULT) < 0) {
    FailWriting(Place(name), "cannot create the external link");
  }
}

std::string Group::ExternalTarget(const std::string& name) const {
  const Guard guard;
  H5L_info_t info;
  if (H5Lget_info(id(), name.c_str(), &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_EXTERNAL ||
      info.u.val_size > 65536) {
    return "";
  }
  std::vector<char> value(info.u.val_size);
  const char *file = nullptr, *object = nullptr;
  if (H5Lget_val(id(), name.c_str(), value.data(), value.size(), H5P_DEFAULT) < 0 ||
      H5Lunpack_elink_val(value.data(), value.size(), nullptr, &file, &object) < 0) {
    return "";
  }
  return file;
}

Id Group::OpenDataset(const std::string& name) const {
  const Guard guard;
  Id dataset(H5Dopen2(id(), name.c_str(), DatasetAccess(outside_links_)));
  if (!dataset.valid()) {
    const std::string why = ErrorText();
    if (!Has(name)) FailReading(Place(name), "no such dataset");
    FailReading(Place(name), fmt::format("is no dataset, or it is damaged ({})", why));
  }
  return dataset;
}

Group OpenForReading(const std::filesystem::path& file, bool outside_links) {
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
    ThrowBadInput(fmt::format("{}: is not a file", name));
  }
  if (!std::ifstream(file).good()) ThrowBadInput(fmt::format("{}: cannot be opened", name));
  if (!IsHdf5(file)) {
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

namespace understudy {

bool IsHdf5(const std::filesystem::path& file) {
  const h5::Guard guard;
  return H5Fis_hdf5(file.c_str()) > 0;
}

}  // namespace understudy
