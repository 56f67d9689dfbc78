#include "data/store/hdf5/journal_driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>

#include "core/base/error.h"
#include "data/store/hdf5/journalled_file.h"

namespace understudy::h5 {
namespace {

// HDF5's part comes first: it hands us back pointers to it.
struct Driver {
  H5FD_t shared{};
  JournalledFile file;
  bool failed = false;  // swallow everything from here on
  std::string failure;  // why
};

Driver& Of(H5FD_t* file) { return *reinterpret_cast<Driver*>(file); }
const Driver& Of(const H5FD_t* file) { return *reinterpret_cast<const Driver*>(file); }

Driver& DriverOf(const Id& file) {
  void* handle = nullptr;
  Require(H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &handle) >= 0, "a growing file is ours");
  return *static_cast<Driver*>(handle);
}

H5FD_t* DriverOpen(const char* name, unsigned flags, hid_t, haddr_t) {
  auto driver = std::make_unique<Driver>();
  if (!driver->file.Open(name, (flags & H5F_ACC_CREAT) != 0)) return nullptr;
  return &driver.release()->shared;
}

herr_t DriverClose(H5FD_t* file) {
  const std::unique_ptr<Driver> driver(&Of(file));
  return driver->file.Close() ? 0 : -1;
}

herr_t DriverQuery(const H5FD_t*, unsigned long* flags) {
  // no sieve: a buffer of 64 KiB, cleared for every dataset; the tail does as much
  *flags = H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t DriverAlloc(H5FD_t* file, H5FD_mem_t type, hid_t, hsize_t size) {
  return Of(file).file.Allocate(size, type == H5FD_MEM_DRAW);
}

// Space is never given back: an old tree may still be what the file on disk refers to.
herr_t DriverFree(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, hsize_t) { return 0; }

haddr_t DriverGetEnd(const H5FD_t* file, H5FD_mem_t) { return Of(file).file.end(); }

herr_t DriverSetEnd(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  Of(file).file.SetEnd(end);
  return 0;
}

haddr_t DriverGetSize(const H5FD_t* file, H5FD_mem_t) { return Of(file).file.Size(); }

herr_t DriverRead(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* out) {
  return Of(file).file.Read(address, size, static_cast<char*>(out)) ? 0 : -1;
}

// An error in the middle of closing a dataset would leave HDF5 with half of one, which crashes it
// at its end; nor may anything be thrown through it. It is reported at the next flush, before
// anything counts as written.
herr_t DriverWrite(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size,
                   const void* data) {
  Driver& driver = Of(file);
  if (driver.failed) return 0;
  try {
    if (driver.file.Write(address, size, static_cast<const char*>(data))) return 0;
    driver.failure = TakeSystemError();
  } catch (const std::bad_alloc&) {
    driver.failure = fmt::format("{}: no memory for what waits to be written", driver.file.name());
  }
  driver.failed = true;
  return 0;
}

herr_t DriverFlush(H5FD_t* file, hid_t, hbool_t closing) {
  Driver& driver = Of(file);
  if (!driver.failed) {
    try {
      if (driver.file.Commit()) return 0;
      driver.failure = TakeSystemError();
    } catch (const std::bad_alloc&) {
      driver.failure = fmt::format("{}: no memory for its journal", driver.file.name());
    }
    driver.failed = true;
  }
  // what could not be written since the last flush comes up here
  SetSystemError(driver.failure);
  // a close must go through: the file stays as it was at its last flush
  return closing ? 0 : -1;
}

herr_t DriverHandle(H5FD_t* file, hid_t, void** handle) {
  *handle = &Of(file);
  return 0;
}

}  // namespace

hid_t JournalDriver() {
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

void SwallowWrites(const Id& file) { DriverOf(file).failed = true; }

void UseBlocks(const Id& file, bool use, const FileRange& spare) {
  DriverOf(file).file.UseBlocks(use, spare);
}

FileRange SpareOf(const Id& file) { return DriverOf(file).file.spare(); }

}  // namespace understudy::h5
