#include "data/store/hdf5/growing_file.h"

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "data/store/hdf5/creation.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/journal_driver.h"
#include "data/store/hdf5/journalled_file.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace {

// By default HDF5 frees memory when more than a megabyte of a kind is idle, and allocates it again
// for the next episode: 8 % of the time to write one. The limits hold for the whole process.
void KeepFreeMemory() {
  constexpr int kIdle = 64 << 20;
  H5set_free_list_limits(kIdle, kIdle, kIdle, kIdle, kIdle, kIdle);
}

// Properties of a growing file: our driver, and no metadata written between flushes.
Id GrowingAccess() {
  KeepFreeMemory();
  Id plist(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_driver(plist.get(), JournalDriver(), nullptr);
  H5Pset_fclose_degree(plist.get(), H5F_CLOSE_STRONG);
  UseSmallHeaders(plist);
  H5AC_cache_config_t cache{};
  cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  H5Pget_mdc_config(plist.get(), &cache);
  cache.evictions_enabled = false;
  cache.incr_mode = H5C_incr__off;
  cache.flash_incr_mode = H5C_flash_incr__off;
  cache.decr_mode = H5C_decr__off;
  H5Pset_mdc_config(plist.get(), &cache);
  return plist;
}

}  // namespace

GrowingFile GrowingFile::Create(const std::filesystem::path& file) {
  const Guard guard;
  GrowingFile growing(file);
  const Id creation(H5Pcreate(H5P_FILE_CREATE));
  // no free-space lists: space given back is never used again while the file grows
  H5Pset_file_space_strategy(creation.get(), H5F_FSPACE_STRATEGY_NONE, false, 1);
  const Id access = GrowingAccess();
  TakeSystemError();
  growing.file_ = Id(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
  if (!growing.file_.valid()) FailWriting(file.string(), "cannot be created");
  UseSmallArrayHeaders(growing.file_);
  growing.root_ = Group(Id(H5Gopen2(growing.file_.get(), "/", H5P_DEFAULT)), file.string(), "/");
  return growing;
}

FileRange GrowingFile::CloseForNow() {
  const FileRange spare = SpareOf(file_);
  root_ = Group();
  file_.Reset();
  return spare;
}

void GrowingFile::OpenAgain(const FileRange& spare) {
  const Guard guard;
  const Id access = GrowingAccess();
  TakeSystemError();
  file_ = Id(H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()));
  if (!file_.valid()) FailWriting(path_.string(), "cannot be opened for writing");
  UseSmallArrayHeaders(file_);
  root_ = Group(Id(H5Gopen2(file_.get(), "/", H5P_DEFAULT)), path_.string(), "/");
  // files of other programs may have places for everything (pages)
  const Id creation(H5Fget_create_plist(file_.get()));
  H5F_fspace_strategy_t strategy{};
  hbool_t persist = false;
  hsize_t threshold = 0;
  H5Pget_file_space_strategy(creation.get(), &strategy, &persist, &threshold);
  UseBlocks(file_, strategy == H5F_FSPACE_STRATEGY_NONE, spare);
  untrimmable_ = 0;
}

GrowingFile GrowingFile::Open(const std::filesystem::path& file) {
  GrowingFile growing(file);
  growing.OpenAgain();
  return growing;
}

GrowingFile& GrowingFile::operator=(GrowingFile&& other) noexcept {
  if (this != &other) {
    root_ = Group();
    file_.Reset();
    path_ = std::move(other.path_);
    file_ = std::move(other.file_);
    root_ = std::move(other.root_);
    untrimmable_ = other.untrimmable_;
  }
  return *this;
}

GrowingFile::~GrowingFile() {
  root_ = Group();
  file_.Reset();
}

void GrowingFile::Abandon() {
  if (!file_.valid()) return;
  const Guard guard;
  SwallowWrites(file_);
  root_ = Group();
  file_.Reset();
}

void GrowingFile::Flush() {
  const Guard guard;
  if (H5Fflush(file_.get(), H5F_SCOPE_LOCAL) < 0) {
    FailWriting(path_.string(), "cannot be flushed; what was flushed before is whole");
  }
}

void GrowingFile::Trim(size_t bound) {
  const Guard guard;
  size_t now = 0;
  if (H5Fget_mdc_size(file_.get(), nullptr, nullptr, &now, nullptr) < 0) return;
  // the names of a large group are in the cache right after opening
  if (untrimmable_ == 0) untrimmable_ = now;
  if (bound > 0 && now < untrimmable_ + bound) return;
  Flush();
  OpenAgain(CloseForNow());
}

void GrowingFile::Read(const std::function<void(const Group& root)>& work) {
  const Guard guard;
  Flush();
  const FileRange spare = CloseForNow();
  {
    const Group root = OpenForReading(path_);
    KeepCacheSmall(root);
    work(root);
  }
  OpenAgain(spare);
}

void GrowingFile::Close() {
  const Guard guard;
  Flush();
  root_ = Group();
  file_.Reset();
  const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (!synced) NoteSystemError(path_.string());
  if (fd >= 0) ::close(fd);
  if (!synced) FailWriting(path_.string(), "cannot be made durable");
}

}  // namespace understudy::h5
