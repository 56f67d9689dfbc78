#include "data/store/hdf5/copy.h"

#include <fmt/format.h>

#include "data/store/hdf5/attributes.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace {

constexpr int kMaxDepth = 16;  // of groups in an episode: a link in a circle has no end

bool IsGroup(const Group& parent, const std::string& name) {
  H5O_info_t info;
  return H5Oget_info_by_name(parent.id(), name.c_str(), &info, H5P_DEFAULT) >= 0 &&
         info.type == H5O_TYPE_GROUP;
}

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

void CopyGroup(const Group& from, const Group& to) {
  const Guard guard;
  CopyMembers(from, to, 0);
}

}  // namespace understudy::h5
