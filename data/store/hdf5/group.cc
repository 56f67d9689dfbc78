#include "data/store/hdf5/group.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "data/store/hdf5/attributes.h"
#include "data/store/hdf5/creation.h"
#include "data/store/hdf5/links.h"
#include "data/store/hdf5/storage.h"
#include "data/store/hdf5/texts.h"

namespace understudy::h5 {
namespace {

herr_t AddMemberName(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->push_back(name);
  return 0;
}

}  // namespace

std::string Group::Place(const std::string& name) const {
  return fmt::format("{}: {}{}{}", file_, path_, path_ == "/" || name.empty() ? "" : "/", name);
}

Group Group::Member(Id id, const std::string& name) const {
  Group member(std::move(id), file_, (path_ == "/" ? "/" : path_ + "/") + name, outside_links_);
  member.limit_ = limit_;
  if (limit_) member.within_ = within_ + name + "/";
  return member;
}

Group Group::Limited(RowLimit limit) && {
  limit_ = std::make_shared<const RowLimit>(std::move(limit));
  within_.clear();
  return std::move(*this);
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

bool Group::IsArray(const std::string& name) const {
  const Guard guard;
  H5O_info_t info;
  return H5Oget_info_by_name2(id(), name.c_str(), &info, H5O_INFO_BASIC,
                              LinkAccess(outside_links_)) >= 0 &&
         info.type == H5O_TYPE_DATASET;
}

std::vector<std::string> Group::Names() const {
  const Guard guard;
  std::vector<std::string> names;
  hsize_t at = 0;
  if (H5Literate(id(), H5_INDEX_NAME, H5_ITER_INC, &at, AddMemberName, &names) < 0) {
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
  return Member(std::move(group), name);
}

Group Group::Again() const {
  const Guard guard;
  Group same(Id(H5Gopen2(id(), ".", H5P_DEFAULT)), file_, path_, outside_links_);
  same.limit_ = limit_;
  same.within_ = within_;
  return same;
}

Group Group::Create(const std::string& name, uint64_t header_bytes) const {
  const Guard guard;
  Id group(H5Gcreate2(id(), name.c_str(), LinkCreation(), GroupCreation(header_bytes).get(),
                      H5P_DEFAULT));
  if (!group.valid()) FailWriting(Place(name), "cannot create the group");
  return Member(std::move(group), name);
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

// ---- attributes --------------------------------------------------------------------------------

bool Group::HasAttribute(const std::string& name) const { return AttributeExists(id(), name); }

void Group::RemoveAttribute(const std::string& name) const {
  const Guard guard;
  if (H5Adelete(id(), name.c_str()) < 0) {
    FailWriting(Place(), fmt::format("cannot remove attribute '{}'", name));
  }
}

void Group::SetText(const std::string& name, const std::string& text) const {
  WriteTextAttribute(id(), Place(), name, text);
}

void Group::SetTextInHeader(const std::string& name, const std::string& text) const {
  WriteTextInHeader(id(), Place(), name, text);
}

void Group::SetInt(const std::string& name, int64_t value) const {
  WriteIntAttribute(id(), Place(), name, value);
}

void Group::SetUint(const std::string& name, uint64_t value) const {
  WriteUintAttribute(id(), Place(), name, value);
}

void Group::SetDouble(const std::string& name, double value) const {
  WriteDoubleAttribute(id(), Place(), name, value);
}

void Group::SetBool(const std::string& name, bool value) const {
  WriteBoolAttribute(id(), Place(), name, value);
}

std::string Group::Text(const std::string& name) const {
  return ReadTextAttribute(id(), Place(), name);
}

std::string Group::Text(const std::string& name, const std::string& fallback) const {
  return HasAttribute(name) ? Text(name) : fallback;
}

int64_t Group::Int(const std::string& name) const { return ReadIntAttribute(id(), Place(), name); }

uint64_t Group::Uint(const std::string& name) const {
  return ReadUintAttribute(id(), Place(), name);
}

double Group::Double(const std::string& name) const {
  return ReadDoubleAttribute(id(), Place(), name);
}

bool Group::Bool(const std::string& name, bool fallback) const {
  return HasAttribute(name) ? ReadBoolAttribute(id(), Place(), name) : fallback;
}

// ---- arrays ------------------------------------------------------------------------------------

Id Group::OpenDataset(const std::string& name) const {
  const Guard guard;
  Id dataset(H5Dopen2(id(), name.c_str(), DatasetAccess(outside_links_)));
  if (!dataset.valid()) {
    const std::string why = ErrorText();
    if (!Has(name)) FailReading(Place(name), "no such dataset");
    FailReading(Place(name),
                fmt::format("is no dataset, or it is damaged ({}){}", why, NewerFormatHint(why)));
  }
  if (LiesElsewhere(dataset)) RequireStorage(dataset, Place(name), outside_links_);
  return dataset;
}

DatasetInfo Group::Info(const std::string& name) const { return InfoOf(OpenDataset(name), name); }

DatasetInfo Group::InfoOf(const Id& dataset, const std::string& name) const {
  DatasetInfo info = h5::InfoOf(dataset, Place(name));
  if (!limit_ || info.dims.empty() || info.dims[0] != limit_->stored) return info;
  const std::string path = within_ + name;
  info.cut = std::ranges::any_of(limit_->members, [&](const std::string& member) {
    return path == member || path.starts_with(member + "/");
  });
  if (info.cut) info.dims[0] = limit_->read;
  return info;
}

uint64_t Group::StoredBytes(const std::string& name) const {
  const Guard guard;
  return H5Dget_storage_size(OpenDataset(name).get());
}

void Group::Write(std::span<const Column> columns) const {
  const Guard guard;
  // room for the members of each group, those that lie deeper too
  std::map<std::string, uint64_t> header_bytes;
  for (const Column& column : columns) {
    const size_t slash = column.path.rfind('/');
    if (slash == std::string::npos) continue;
    header_bytes[column.path.substr(0, slash)] += LinkBytes(column.path.size() - slash - 1);
  }
  std::map<std::string, Group> parents;  // each is looked up once
  for (const Column& column : columns) {
    const size_t slash = column.path.rfind('/');
    if (slash == std::string::npos) {
      Write(column);
      continue;
    }
    const std::string parent = column.path.substr(0, slash), name = column.path.substr(slash + 1);
    auto found = parents.find(parent);
    if (found == parents.end()) {
      Group group = Has(parent) ? Open(parent) : Create(parent, header_bytes[parent]);
      found = parents.emplace(parent, std::move(group)).first;
    }
    CreateArray(found->second.id(), name, found->second.Place(name), column);
  }
}

void Group::Write(const Column& column) const {
  CreateArray(id(), column.path, Place(column.path), column);
}

void Group::Grow(const Column& column) const {
  const Guard guard;
  const std::string& name = column.path;
  const Id dataset = Has(name) ? OpenDataset(name) : CreateGrowingArray(id(), Place(name), column);
  AppendRows(dataset, Place(name), column);
}

void Group::WritePacked(const std::string& name, std::string_view bytes) const {
  CreatePacked(id(), name, Place(name), bytes);
}

void Group::SetRows(const std::string& name, hsize_t rows) const {
  SetRowsOf(OpenDataset(name), Place(name), rows);
}

Column Group::Read(const std::string& name, ColumnType type,
                   const std::vector<int64_t>& row_dims) const {
  const Guard guard;
  const Id dataset = OpenDataset(name);
  Column column = ReadArray(dataset, InfoOf(dataset, name), Place(name), type, row_dims);
  column.path = name;
  return column;
}

Column Group::Read(const std::string& name) const {
  return *ReadIf(name, [](const DatasetInfo&) { return true; });
}

std::optional<Column> Group::ReadIf(const std::string& name,
                                    const std::function<bool(const DatasetInfo&)>& wanted) const {
  const Guard guard;
  const Id dataset = OpenDataset(name);
  const DatasetInfo info = InfoOf(dataset, name);
  if (!wanted(info)) return {};
  const std::optional<ColumnType> type = info.type();
  if (!type) FailReading(Place(name), "has another type than any column");
  Column column = ReadArray(dataset, info, Place(name), *type, kAnyShape);
  column.path = name;
  return column;
}

Column Group::ReadRows(const std::string& name, ColumnType type,
                       const std::vector<int64_t>& row_dims, hsize_t first, hsize_t count) const {
  const Guard guard;
  const Id dataset = OpenDataset(name);
  Column column = ReadArray(dataset, InfoOf(dataset, name), Place(name), type, row_dims,
                            RowRange{first, count});
  column.path = name;
  return column;
}

// ---- texts -------------------------------------------------------------------------------------

void Group::WriteTexts(const std::string& name, const std::vector<std::string>& texts) const {
  size_t width = 1;
  for (const std::string& text : texts) width = std::max(width, text.size());
  WriteTexts(name, texts.size(), width, [&](size_t i) { return texts[i]; });
}

void Group::WriteTexts(const std::string& name, size_t count, size_t width,
                       const std::function<std::string(size_t)>& text) const {
  const Guard guard;
  if (Has(name)) Delete(name);
  CreateTexts(id(), name, Place(name), count, width, text);
}

std::vector<std::string> Group::ReadTexts(const std::string& name) const {
  std::vector<std::string> texts;
  VisitTexts(name, [&](const std::string& text) { texts.push_back(text); });
  return texts;
}

void Group::VisitTexts(const std::string& name,
                       const std::function<void(const std::string&)>& each) const {
  const Id dataset = OpenDataset(name);
  const DatasetInfo info = InfoOf(dataset, name);
  hsize_t left = info.cut ? info.dims[0] : HSIZE_UNDEF;
  VisitTextsOf(dataset, Place(name), [&](const std::string& text) {
    if (left == 0) return;
    --left;
    each(text);
  });
}

}  // namespace understudy::h5
