#include "data/store/hdf5/creation.h"

#include <algorithm>

namespace understudy::h5 {
namespace {

constexpr unsigned kMostInHeader = 64;  // links or attributes; more lie in a tree
constexpr uint64_t kMostHeaderBytes = 16384;
constexpr uint64_t kSmallArrayBytes = 512;

}  // namespace

void UseSmallHeaders(const Id& file_access) {
  H5Pset_libver_bounds(file_access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);
}

void UseSmallArrayHeaders(const Id& file) { H5Fset_dset_no_attrs_hint(file.get(), true); }

uint64_t LinkBytes(uint64_t name_length) { return name_length + 15; }

Id GroupCreation(uint64_t header_bytes) {
  Id plist(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_link_phase_change(plist.get(), kMostInHeader, kMostInHeader / 2);
  H5Pset_attr_phase_change(plist.get(), kMostInHeader, kMostInHeader / 2);
  if (header_bytes == 0) return plist;
  // room is asked for as links of one length of name
  constexpr uint64_t kName = 17;
  const uint64_t links = std::min(header_bytes, kMostHeaderBytes) / LinkBytes(kName) + 1;
  const uint64_t count = std::min<uint64_t>(links, kMostInHeader);
  H5Pset_est_link_info(plist.get(), static_cast<unsigned>(count),
                       static_cast<unsigned>(kName + (links - count) * LinkBytes(kName) / count));
  return plist;
}

hid_t ArrayCreation(uint64_t bytes) {
  const auto make = [](bool small) {
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    if (small) H5Pset_layout(plist, H5D_COMPACT);
    return plist;
  };
  static const hid_t small = make(true), large = make(false);
  return bytes <= kSmallArrayBytes ? small : large;
}

}  // namespace understudy::h5
