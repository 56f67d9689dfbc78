#include <fmt/format.h>

#include "data/store/hdf5/hdf5.h"

namespace understudy::h5 {
namespace {

constexpr int kMaxDepth = 16;  // of groups in an episode: a link in a circle has no end

herr_t CollectName(hid_t, const char* name, const H5A_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->push_back(name);
  return 0;
}

void CopyAttributes(hid_t from, hid_t to, const std::string& place) {
  std::vector<std::string> names;
  hsize_t at = 0;
  if (H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &at, CollectName, &names) < 0) {
    FailReading(place, fmt::format("its attributes cannot be read ({})", ErrorText()));
  }
  for (const std::string& name : names) {
    const Id attribute(H5Aopen(from, name.c_str(), H5P_DEFAULT));
    const Id type(H5Aget_type(attribute.get())), space(H5Aget_space(attribute.get()));
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    const size_t size = H5Tget_size(type.get());
    if (count < 0 || size == 0 || static_cast<uint64_t>(count) > kMaxTextBytes / size) {
      FailReading(place, fmt::format("attribute '{}' cannot be read ({})", name, ErrorText()));
    }
    // texts come as pointers, which HDF5 takes back
    std::vector<char> bytes(static_cast<size_t>(count) * size + 1);
    if (H5Aread(attribute.get(), type.get(), bytes.data()) < 0) {
      FailReading(place, fmt::format("attribute '{}' cannot be read ({})", name, ErrorText()));
    }
    const Id made(H5Acreate2(to, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    const bool written = made.valid() && H5Awrite(made.get(), type.get(), bytes.data()) >= 0;
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, bytes.data());
    if (!written) FailWriting(place, fmt::format("cannot copy its attribute '{}'", name));
  }
}

bool IsGroup(const Group& parent, const std::string& name) {
  H5O_info_t info;
  return H5Oget_info_by_name(parent.id(), name.c_str(), &info, H5P_DEFAULT) >= 0 &&
         info.type == H5O_TYPE_GROUP;
}

// Attributes and members of `from`, into the empty group `to`.
void CopyMembers(const Group& from, const Group& to, int depth) {
  if (depth > kMaxDepth) FailReading(from.Place(), "its groups lie too deep: a link in a circle?");
  CopyAttributes(from.id(), to.id(), from.Place());
  const Id plist(H5Pcreate(H5P_OBJECT_COPY));
  H5Pset_copy_object(plist.get(), H5O_COPY_WITHOUT_ATTR_FLAG);
  for (const std::string& name : from.Names()) {
    if (!from.Has(name)) FailReading(from.Place(name), "is no object, or a link to none");
    if (IsGroup(from, name)) {
      CopyMembers(from.Open(name), to.Create(name), depth + 1);
      continue;
    }
    const Id source = from.OpenDataset(name);
    if (H5Ocopy(source.get(), ".", to.id(), name.c_str(), plist.get(), H5P_DEFAULT) < 0) {
      FailWriting(to.Place(name), fmt::format("cannot copy {}", from.Place(name)));
    }
    CopyAttributes(source.get(), to.OpenDataset(name).get(), from.Place(name));
  }
}

}  // namespace

void Group::CopyTo(const std::string& name, const Group& into, const std::string& as) const {
  const Guard guard;
  CopyMembers(Open(name), into.Create(as), 0);
}

}  // namespace understudy::h5
