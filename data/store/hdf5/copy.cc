#include "data/store/hdf5/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "data/store/hdf5/attributes.h"
#include "data/store/hdf5/creation.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/lock.h"
#include "data/store/hdf5/storage.h"

namespace understudy::h5 {
namespace {

constexpr int kMaxDepth = 16;  // of groups in an episode: a link in a circle has no end

// The object behind a link of `from`.
Id OpenMember(const Group& from, const std::string& name) {
  H5L_info_t link;
  const bool hard =
      H5Lget_info(from.id(), name.c_str(), &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD;
  // a link that leads elsewhere is followed as Group says
  if (!hard && !from.Has(name)) return {};
  return Id(H5Oopen(from.id(), name.c_str(), H5P_DEFAULT));
}

uint64_t AttributesOf(const Id& object) {
  H5O_info_t info;
  return H5Oget_info2(object.get(), &info, H5O_INFO_NUM_ATTRS) < 0 ? 0 : info.num_attrs;
}

// What of a group is copied.
struct Wanted {
  const std::set<std::string>* but = nullptr;  // members that are left out
  const RowCut* cut = nullptr;
};

// Whether the cut leaves out rows of an array.
bool IsCut(const Group& group, const Id& object, const std::string& name, const RowCut& cut) {
  if (H5Iget_type(object.get()) != H5I_DATASET) return false;
  const DatasetInfo info = group.InfoOf(object, name);
  const bool has_rows = !info.dims.empty() && info.dims[0] == cut.length;
  return has_rows && (info.cut || cut.end - cut.first < cut.length);
}

// Some rows of an array as a new one that is stored likewise.
void CopyRows(const Id& source, const Group& to, const std::string& name, const std::string& place,
              const RowCut& cut) {
  constexpr uint64_t kBlockBytes = uint64_t{1} << 24;
  const Id type(H5Dget_type(source.get())), space(H5Dget_space(source.get()));
  hsize_t dims[H5S_MAX_RANK] = {}, most[H5S_MAX_RANK] = {};
  const int rank = H5Sget_simple_extent_dims(space.get(), dims, most);
  const uint64_t rows = cut.end - cut.first;
  dims[0] = rows;
  if (most[0] != H5S_UNLIMITED) most[0] = rows;

  // filters and chunks as they are; where the numbers lie is this file's own matter
  Id plist(H5Dget_create_plist(source.get()));
  if (H5Pget_layout(plist.get()) == H5D_CHUNKED) {
    hsize_t chunk[H5S_MAX_RANK] = {};
    H5Pget_chunk(plist.get(), rank, chunk);
    if (most[0] != H5S_UNLIMITED && chunk[0] > rows) chunk[0] = rows;
    H5Pset_chunk(plist.get(), rank, chunk);
  } else {
    plist = Id(H5Pcreate(H5P_DATASET_CREATE));
  }
  const Id extent(H5Screate_simple(rank, dims, most));
  const Id target(H5Dcreate2(to.id(), name.c_str(), type.get(), extent.get(), H5P_DEFAULT,
                             plist.get(), H5P_DEFAULT));
  if (!target.valid()) FailWriting(to.Place(name), "cannot create the dataset");

  uint64_t row_bytes = H5Tget_size(type.get());
  for (int i = 1; i < rank; ++i) {
    if (dims[i] != 0 && row_bytes > kMaxArrayBytes / dims[i]) {
      FailReading(place, "claims rows of more bytes than are allowed");
    }
    row_bytes *= dims[i];
  }
  if (row_bytes == 0) return;
  const uint64_t block = std::max<uint64_t>(1, kBlockBytes / row_bytes);
  const bool vlen = H5Tdetect_class(type.get(), H5T_VLEN) > 0 || H5Tis_variable_str(type.get()) > 0;
  std::vector<uint8_t> bytes;
  hsize_t start[H5S_MAX_RANK] = {}, count[H5S_MAX_RANK] = {};
  std::copy(dims, dims + rank, count);
  for (uint64_t done = 0; done < rows; done += block) {
    count[0] = std::min(block, rows - done);
    bytes.resize(count[0] * row_bytes);
    const Id memory(H5Screate_simple(rank, count, nullptr));
    start[0] = cut.first + done;
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr);
    if (H5Dread(source.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, bytes.data()) <
        0) {
      FailReading(place, fmt::format("cannot be read ({})", ErrorText()));
    }
    start[0] = done;
    H5Sselect_hyperslab(extent.get(), H5S_SELECT_SET, start, nullptr, count, nullptr);
    const bool written = H5Dwrite(target.get(), type.get(), memory.get(), extent.get(), H5P_DEFAULT,
                                  bytes.data()) >= 0;
    const std::string why = written ? "" : ErrorText();
    if (vlen) H5Dvlen_reclaim(type.get(), memory.get(), H5P_DEFAULT, bytes.data());
    if (!written) FailWriting(to.Place(name), fmt::format("cannot copy {} ({})", place, why));
  }
}

void CopyMembers(const Group& from, const Group& to, int depth, const Wanted& wanted) {
  if (depth > kMaxDepth) FailReading(from.Place(), "its groups lie too deep: a link in a circle?");
  CopyAttributes(from.id(), to.id(), from.Place());
  const Id plist(H5Pcreate(H5P_OBJECT_COPY));
  H5Pset_copy_object(plist.get(), H5O_COPY_WITHOUT_ATTR_FLAG);
  for (const std::string& name : from.Names()) {
    if (wanted.but != nullptr && wanted.but->contains(name)) continue;
    const Id source = OpenMember(from, name);
    if (!source.valid()) FailReading(from.Place(name), "is no object, or a link to none");
    if (H5Iget_type(source.get()) == H5I_GROUP) {
      const Group group = from.Open(name);
      CopyMembers(group, CreateFor(group, to, name), depth + 1, {nullptr, wanted.cut});
      continue;
    }
    if (wanted.cut != nullptr && IsCut(from, source, name, *wanted.cut)) {
      CopyRows(from.OpenDataset(name), to, name, from.Place(name), *wanted.cut);
    } else if (H5Iget_type(source.get()) == H5I_DATASET && LiesElsewhere(source)) {
      // the copy holds them itself: it may stand in another folder
      const Id shown = from.OpenDataset(name);
      const DatasetInfo info = InfoOf(shown, from.Place(name));
      if (info.dims.empty()) FailReading(from.Place(name), "lies in another file and has no rows");
      CopyRows(shown, to, name, from.Place(name), {info.dims[0], 0, info.dims[0]});
    } else if (H5Ocopy(source.get(), ".", to.id(), name.c_str(), plist.get(), H5P_DEFAULT) < 0) {
      FailWriting(to.Place(name), fmt::format("cannot copy {}", from.Place(name)));
    }
    if (AttributesOf(source) > 0) {
      CopyAttributes(source.get(), to.OpenDataset(name).get(), from.Place(name));
    }
  }
}

}  // namespace

Group CreateFor(const Group& from, const Group& to, const std::string& name) {
  const Guard guard;
  const Id object(H5Oopen(from.id(), ".", H5P_DEFAULT));
  uint64_t bytes = AttributesOf(object) * kAttributeBytes;
  for (const std::string& member : from.Names()) bytes += LinkBytes(member.size());
  return to.Create(name, bytes);
}

void CopyGroup(const Group& from, const Group& to) {
  const Guard guard;
  CopyMembers(from, to, 0, {});
}

void CopyGroupBut(const Group& from, const Group& to, const std::set<std::string>& but) {
  const Guard guard;
  CopyMembers(from, to, 0, {&but, nullptr});
}

void CopyGroupRows(const Group& from, const Group& to, const RowCut& cut) {
  const Guard guard;
  CopyMembers(from, to, 0, {nullptr, &cut});
}

}  // namespace understudy::h5
