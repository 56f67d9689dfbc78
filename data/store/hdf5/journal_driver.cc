#include "data/store/hdf5/journal_driver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/error.h"
#include "core/base/json.h"
#include "data/store/hdf5/journal.h"

namespace understudy::h5 {
namespace {

constexpr haddr_t kMaxAddress = (haddr_t{1} << 62) - 1;
constexpr size_t kTailBytes = 128 << 10;

thread_local std::string driver_error;

bool Complain(const std::string& name) {
  if (driver_error.empty()) driver_error = fmt::format("{}: {}", name, std::strerror(errno));
  return false;
}

// All of `bytes` at `address`; false with the error noted.
bool WriteAt(int fd, const std::string& name, const void* data, size_t bytes, haddr_t address) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n =
        pwrite(fd, from, std::min<size_t>(bytes, 1 << 30), static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Complain(name);
    from += n;
    bytes -= static_cast<size_t>(n);
    address += static_cast<haddr_t>(n);
  }
  return true;
}

struct Range {
  haddr_t begin = 0, end = 0;
  bool Holds(haddr_t address, size_t size) const {
    return address >= begin && address + size <= end;
  }
};

// HDF5's part comes first: it hands us back pointers to it.
struct Driver {
  H5FD_t shared{};
  int fd = -1;
  std::string name;            // final name
  bool fresh = false;          // still called <name>.new
  bool failed = false;         // swallow everything from here on
  std::string failure;         // why
  haddr_t end = 0;             // end of allocated space
  bool has_blocks = false;     // HDF5 leaves it to us where things lie
  Range block;                 // for metadata, within it: not allocated yet
  haddr_t committed = 0;       // size of the file at the last commit
  Range spare;                 // within it: what of the block was not allocated then
  std::vector<Patch> pending;  // what overwrites what was committed, in order
  Patch tail;                  // fresh bytes that wait to be written together
  std::string journal() const { return name + ".journal"; }
};

Driver& Of(H5FD_t* file) { return *reinterpret_cast<Driver*>(file); }
const Driver& Of(const H5FD_t* file) { return *reinterpret_cast<const Driver*>(file); }

// Applies `file`'s journal through `fd`; false with the error noted.
bool Recover(int fd, const std::string& name) {
  const std::string journal = name + ".journal";
  std::error_code none;
  if (!std::filesystem::exists(journal, none)) return true;
  std::string text;
  try {
    text = ReadText(journal);
  } catch (const std::exception& error) {
    driver_error = error.what();  // nothing may be thrown through HDF5
    return false;
  }
  for (const Patch& patch : ParseJournal(text)) {
    if (!WriteAt(fd, name, patch.bytes.data(), patch.bytes.size(), patch.address)) return false;
  }
  if (fdatasync(fd) != 0) return Complain(name);
  return unlink(journal.c_str()) == 0 || Complain(journal);
}

bool WriteTail(Driver& driver) {
  const Patch& tail = driver.tail;
  const bool written =
      WriteAt(driver.fd, driver.name, tail.bytes.data(), tail.bytes.size(), tail.address);
  driver.tail.bytes.clear();
  return written;
}

// Whether nothing that was committed refers to these bytes.
bool IsFresh(const Driver& driver, haddr_t address, size_t size) {
  return address >= driver.committed || driver.spare.Holds(address, size);
}

// Neighbours are written together.
bool WriteFresh(Driver& driver, const char* data, size_t size, haddr_t address) {
  Patch& tail = driver.tail;
  const bool joins = address >= tail.address && address <= tail.address + tail.bytes.size() &&
                     address + size <= tail.address + kTailBytes;
  if (!joins) {
    if (!WriteTail(driver)) return false;
    if (size >= kTailBytes) return WriteAt(driver.fd, driver.name, data, size, address);
    tail.address = address;
  }
  const size_t at = address - tail.address;
  tail.bytes.replace(at, std::min(size, tail.bytes.size() - at), data, size);
  return true;
}

bool Commit(Driver& driver) {
  if (!WriteTail(driver)) return false;
  // HDF5 takes a file shorter than its allocated space for truncated
  struct stat status {};
  if (fstat(driver.fd, &status) != 0) return Complain(driver.name);
  if (static_cast<haddr_t>(status.st_size) < driver.end &&
      ftruncate(driver.fd, static_cast<off_t>(driver.end)) != 0) {
    return Complain(driver.name);
  }
  if (!driver.pending.empty()) {
    const std::string text = JournalText(driver.pending);
    const int journal =
        open(driver.journal().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (journal < 0) return Complain(driver.journal());
    const bool written = WriteAt(journal, driver.journal(), text.data(), text.size(), 0);
    close(journal);
    if (!written) {
      unlink(driver.journal().c_str());
      return false;
    }
    // from here on the journal holds the truth until the last patch is in place
    for (const Patch& patch : driver.pending) {
      if (!WriteAt(driver.fd, driver.name, patch.bytes.data(), patch.bytes.size(), patch.address)) {
        return false;
      }
    }
    if (unlink(driver.journal().c_str()) != 0) return Complain(driver.journal());
  }
  if (driver.fresh) {
    if (rename((driver.name + ".new").c_str(), driver.name.c_str()) != 0) {
      return Complain(driver.name);
    }
    driver.fresh = false;
  }
  driver.committed = std::max<haddr_t>(driver.end, static_cast<haddr_t>(status.st_size));
  driver.spare = driver.block;
  driver.pending.clear();
  return true;
}

// ---- HDF5's callbacks --------------------------------------------------------------------------

H5FD_t* DriverOpen(const char* name, unsigned flags, hid_t, haddr_t) {
  auto driver = std::make_unique<Driver>();
  driver->name = name;
  driver->fresh = driver->has_blocks = (flags & H5F_ACC_CREAT) != 0;
  const std::string file = driver->fresh ? driver->name + ".new" : driver->name;
  driver->fd =
      open(file.c_str(), driver->fresh ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0666);
  const auto fail = [&]() -> H5FD_t* {
    if (driver->fd >= 0) close(driver->fd);
    return nullptr;
  };
  if (driver->fd < 0) {
    Complain(file);
    return nullptr;
  }
  if (flock(driver->fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      driver_error = fmt::format("{}: another process is writing it", file);
      return fail();
    }
    // file systems without locks are used without
  }
  // somebody may be at work on the file that we would replace
  if (driver->fresh) {
    const int other = open(name, O_RDONLY | O_CLOEXEC);
    const bool busy = other >= 0 && flock(other, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (other >= 0) close(other);
    if (busy) {
      driver_error = fmt::format("{}: another process is writing it", name);
      return fail();
    }
  }
  if (driver->fresh && ftruncate(driver->fd, 0) != 0) {
    Complain(file);
    return fail();
  }
  if (driver->fresh) {
    unlink(driver->journal().c_str());
  } else if (!Recover(driver->fd, driver->name)) {
    return fail();
  }
  struct stat status {};
  if (fstat(driver->fd, &status) != 0) {
    Complain(file);
    return fail();
  }
  driver->committed = static_cast<haddr_t>(status.st_size);
  return &driver.release()->shared;
}

herr_t DriverClose(H5FD_t* file) {
  const std::unique_ptr<Driver> driver(&Of(file));
  if (driver->fresh) unlink((driver->name + ".new").c_str());
  return close(driver->fd) == 0 ? 0 : -1;
}

herr_t DriverQuery(const H5FD_t*, unsigned long* flags) {
  // no sieve: a buffer of 64 KiB, cleared for every dataset; the tail does as much
  *flags = H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

// Metadata is written at a flush, data before: apart, each has its neighbours beside it.
haddr_t DriverAlloc(H5FD_t* file, H5FD_mem_t type, hid_t, hsize_t size) {
  Driver& driver = Of(file);
  if (size > kMaxAddress - driver.end) return HADDR_UNDEF;
  const haddr_t block_size = std::clamp<haddr_t>(driver.end / 64, 2 << 10, 64 << 10);
  if (!driver.has_blocks || type == H5FD_MEM_DRAW || size > block_size / 2) {
    return std::exchange(driver.end, driver.end + size);
  }
  if (!driver.block.Holds(driver.block.begin, size)) {
    driver.block = {driver.end, driver.end + block_size};
    driver.end += block_size;
  }
  return std::exchange(driver.block.begin, driver.block.begin + size);
}

// Space is never given back: an old tree may still be what the file on disk refers to.
herr_t DriverFree(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, hsize_t) { return 0; }

haddr_t DriverGetEnd(const H5FD_t* file, H5FD_mem_t) { return Of(file).end; }

herr_t DriverSetEnd(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  Of(file).end = end;
  return 0;
}

haddr_t DriverGetSize(const H5FD_t* file, H5FD_mem_t) {
  struct stat status {};
  fstat(Of(file).fd, &status);
  const Patch& tail = Of(file).tail;
  return std::max<haddr_t>(static_cast<haddr_t>(status.st_size), tail.address + tail.bytes.size());
}

herr_t DriverRead(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* out) {
  Driver& driver = Of(file);
  size_t done = 0;
  while (done < size) {
    const ssize_t n = pread(driver.fd, static_cast<char*>(out) + done, size - done,
                            static_cast<off_t>(address + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Complain(driver.name);
      return -1;
    }
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  // allocated but never written reads as zero
  if (done < size) std::memset(static_cast<char*>(out) + done, 0, size - done);
  const auto lay_over = [&](const Patch& patch) {
    const haddr_t low = std::max<haddr_t>(address, patch.address);
    const haddr_t high = std::min<haddr_t>(address + size, patch.address + patch.bytes.size());
    if (low < high) {
      std::memcpy(static_cast<char*>(out) + (low - address),
                  patch.bytes.data() + (low - patch.address), high - low);
    }
  };
  lay_over(driver.tail);
  for (const Patch& patch : driver.pending) lay_over(patch);
  return 0;
}

herr_t DriverWrite(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size,
                   const void* data) {
  Driver& driver = Of(file);
  if (driver.failed) return 0;
  const auto* bytes = static_cast<const char*>(data);
  // An error in the middle of closing a dataset would leave HDF5 with half of one, which it falls
  // over at its end; nor may anything be thrown through it. Told at the next flush, before anything
  // counts as written.
  try {
    if (!IsFresh(driver, address, size)) {
      driver.pending.push_back({address, std::string(bytes, size)});
    } else if (!WriteFresh(driver, bytes, size, address)) {
      driver.failed = true;
      driver.failure = driver_error;
    }
  } catch (const std::bad_alloc&) {
    driver.failed = true;
    driver.failure = fmt::format("{}: no memory for what waits to be written", driver.name);
  }
  return 0;
}

herr_t DriverFlush(H5FD_t* file, hid_t, hbool_t closing) {
  Driver& driver = Of(file);
  try {
    if (!driver.failed && Commit(driver)) return 0;
  } catch (const std::bad_alloc&) {
    driver_error = fmt::format("{}: no memory for its journal", driver.name);
  }
  if (!driver.failed) driver.failure = driver_error;
  driver.failed = true;
  // what could not be written since the last flush comes up here
  driver_error = driver.failure;
  // a close must go through: the file stays as it was at its last flush
  return closing ? 0 : -1;
}

herr_t DriverHandle(H5FD_t* file, hid_t, void** handle) {
  *handle = &Of(file);
  return 0;
}

Driver& DriverOf(const Id& file) {
  void* handle = nullptr;
  Require(H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &handle) >= 0, "a growing file is ours");
  return *static_cast<Driver*>(handle);
}

hid_t DriverId() {
  static const H5FD_class_t driver = [] {
    H5FD_class_t c{};
#ifdef H5FD_CLASS_VERSION
    c.version = H5FD_CLASS_VERSION;
    c.value = static_cast<H5FD_class_value_t>(600);  // below 512 is HDF5's own
#endif
    c.name = "understudy_journal";
    c.maxaddr = kMaxAddress;
    c.fc_degree = H5F_CLOSE_STRONG;
    c.open = DriverOpen;
    c.close = DriverClose;
    c.query = DriverQuery;
    c.alloc = DriverAlloc;
    c.free = DriverFree;
    c.get_eoa = DriverGetEnd;
    c.set_eoa = DriverSetEnd;
    c.get_eof = DriverGetSize;
    c.read = DriverRead;
    c.write = DriverWrite;
    c.flush = DriverFlush;
    c.get_handle = DriverHandle;
    const H5FD_mem_t map[] = H5FD_FLMAP_SINGLE;
    std::copy(std::begin(map), std::end(map), c.fl_map);
    return c;
  }();
  static const hid_t id = H5FDregister(&driver);
  return id;
}

// HDF5 gives memory back where more than a megabyte of a kind lies idle, and asks for it anew with
// the next episode: 8 % of the time to write one. There are three kinds, for the whole process.
void KeepFreeMemory() {
  constexpr int kIdle = 64 << 20;
  H5set_free_list_limits(kIdle, kIdle, kIdle, kIdle, kIdle, kIdle);
}

// Properties of a growing file: our driver, and no metadata written between flushes.
Id Access() {
  KeepFreeMemory();
  Id plist(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_driver(plist.get(), DriverId(), nullptr);
  H5Pset_fclose_degree(plist.get(), H5F_CLOSE_STRONG);
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

std::string TakeDriverError() { return std::exchange(driver_error, ""); }

GrowingFile GrowingFile::Create(const std::filesystem::path& file) {
  const Guard guard;
  GrowingFile growing(file);
  const Id creation(H5Pcreate(H5P_FILE_CREATE));
  // no free-space lists: space given back is never used again while the file grows
  H5Pset_file_space_strategy(creation.get(), H5F_FSPACE_STRATEGY_NONE, false, 1);
  const Id access = Access();
  TakeDriverError();
  growing.file_ = Id(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
  if (!growing.file_.valid()) FailWriting(file.string(), "cannot be created");
  growing.root_ = Group(Id(H5Gopen2(growing.file_.get(), "/", H5P_DEFAULT)), file.string(), "/");
  return growing;
}

void GrowingFile::OpenAgain() {
  const Guard guard;
  const Id access = Access();
  TakeDriverError();
  file_ = Id(H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()));
  if (!file_.valid()) FailWriting(path_.string(), "cannot be opened for writing");
  root_ = Group(Id(H5Gopen2(file_.get(), "/", H5P_DEFAULT)), path_.string(), "/");
  // files of other programs may have places for everything (pages)
  const Id creation(H5Fget_create_plist(file_.get()));
  H5F_fspace_strategy_t strategy{};
  hbool_t persist = false;
  hsize_t threshold = 0;
  H5Pget_file_space_strategy(creation.get(), &strategy, &persist, &threshold);
  DriverOf(file_).has_blocks = strategy == H5F_FSPACE_STRATEGY_NONE;
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
  DriverOf(file_).failed = true;
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
  root_ = Group();
  file_.Reset();
  OpenAgain();
}

void GrowingFile::Read(const std::function<void(const Group& root)>& work) {
  const Guard guard;
  Flush();
  root_ = Group();
  file_.Reset();
  {
    const Group root = OpenForReading(path_);
    KeepCacheSmall(root);
    work(root);
  }
  OpenAgain();
}

void GrowingFile::Close() {
  const Guard guard;
  Flush();
  root_ = Group();
  file_.Reset();
  const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (!synced) Complain(path_.string());
  if (fd >= 0) ::close(fd);
  if (!synced) FailWriting(path_.string(), "cannot be made durable");
}

}  // namespace understudy::h5
