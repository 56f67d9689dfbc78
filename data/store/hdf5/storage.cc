#include "data/store/hdf5/storage.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/base/error.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/links.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMostName = 4096;

constexpr int kMostDeep = 8;  // arrays that show numbers of arrays

// Counts them, under the lock of HDF5: they may lead back to where they began.
class Deeper {
 public:
  Deeper() {
    if (depth_ == kMostDeep) {
      ThrowBadInput(fmt::format("leads on through more than {} arrays", kMostDeep));
    }
    ++depth_;
  }
  ~Deeper() { --depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  static inline int depth_ = 0;
};

// The file that holds the array, which a link may have led to.
fs::path FileOf(const Id& dataset) {
  char name[kMostName] = "";
  H5Fget_name(dataset.get(), name, sizeof(name));
  return name;
}

void RequireAllowed(const fs::path& file, const std::string& target, const std::string& place,
                    bool outside_links) {
  if (MayLink(file, target, outside_links)) return;
  FailReading(place, fmt::format("its numbers lie in '{}', outside the dataset's folder; if you "
                                 "trust the file, say --outside-links",
                                 target));
}

void RequireFile(const fs::path& file, const std::string& target, const std::string& place,
                 bool outside_links) {
  RequireAllowed(file, target, place, outside_links);
  std::error_code none;
  if (fs::exists(file.parent_path() / target, none)) return;
  FailReading(place, fmt::format("its numbers lie in '{}', which is not there; put that file back "
                                 "beside this one",
                                 target));
}

void RequireSources(const Id& plist, const fs::path& file, const std::string& place,
                    bool outside_links) {
  size_t count = 0;
  H5Pget_virtual_count(plist.get(), &count);
  std::string seen;
  for (size_t i = 0; i < count; ++i) {
    char name[kMostName] = "", array[kMostName] = "";
    H5Pget_virtual_filename(plist.get(), i, name, sizeof(name));
    H5Pget_virtual_dsetname(plist.get(), i, array, sizeof(array));
    const std::string target = name, source = fmt::format("{}:{}", name, array);
    // a pattern stands for files or arrays that may still be added
    if (source == seen || source.find('%') != std::string::npos) continue;
    seen = source;
    const bool own = target == ".";
    if (!own) RequireFile(file, target, place, outside_links);
    const Group root = OpenForReading(own ? file : file.parent_path() / target, outside_links);
    const std::string of = own ? file.string() : target;
    if (!root.IsArray(array)) {
      FailReading(place, fmt::format("its numbers lie in '{}' of '{}', which has no such array",
                                     array, of));
    }
    // whose numbers may lie elsewhere in turn
    try {
      const Deeper deeper;
      root.OpenDataset(array);
    } catch (const Error& error) {
      FailReading(place,
                  fmt::format("its numbers lie in '{}' of '{}': {}", array, of, error.what()));
    }
  }
}

// HDF5 itself says where one of them is missing.
void RequireRawFiles(const Id& plist, const fs::path& file, const std::string& place,
                     bool outside_links) {
  const int count = H5Pget_external_count(plist.get());
  for (int i = 0; i < count; ++i) {
    char name[kMostName] = "";
    off_t offset = 0;
    hsize_t size = 0;
    H5Pget_external(plist.get(), static_cast<unsigned>(i), sizeof(name), name, &offset, &size);
    RequireAllowed(file, name, place, outside_links);
  }
}

}  // namespace

bool LiesElsewhere(const Id& dataset) {
  const Guard guard;
  // most have a place in their file, which costs less to ask
  if (H5Dget_offset(dataset.get()) != HADDR_UNDEF) return false;
  const Id plist(H5Dget_create_plist(dataset.get()));
  return H5Pget_layout(plist.get()) == H5D_VIRTUAL || H5Pget_external_count(plist.get()) > 0;
}

void RequireStorage(const Id& dataset, const std::string& place, bool outside_links) {
  const Guard guard;
  const Id plist(H5Dget_create_plist(dataset.get()));
  if (H5Pget_layout(plist.get()) == H5D_VIRTUAL) {
    RequireSources(plist, FileOf(dataset), place, outside_links);
  }
  RequireRawFiles(plist, FileOf(dataset), place, outside_links);
}

}  // namespace understudy::h5
