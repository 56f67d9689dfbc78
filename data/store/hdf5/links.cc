#include "data/store/hdf5/links.h"

namespace understudy::h5 {
namespace {

// HDF5 asks before it follows an external link.
herr_t MayFollow(const char* file, const char*, const char* target, const char*, unsigned*, hid_t,
                 void*) {
  return MayLink(file, target, false) ? 0 : -1;
}

// `kind` is H5P_LINK_ACCESS or a class derived from it.
hid_t GuardedAccess(hid_t kind) {
  const hid_t plist = H5Pcreate(kind);
  H5Pset_elink_cb(plist, MayFollow, nullptr);
  return plist;
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

hid_t LinkCreation() {
  static const hid_t plist = [] {
    const hid_t id = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(id, 1);
    return id;
  }();
  return plist;
}

}  // namespace understudy::h5
