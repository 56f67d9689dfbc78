#include "data/formats/aloha/aloha_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/image/image.h"
#include "data/formats/family/foreign_parts.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/library.h"
#include "data/store/hdf5/texts.h"
#include "data/store/numbered_name.h"
#include "data/video/module.h"

namespace understudy::aloha {
namespace fs = std::filesystem;
namespace {

constexpr const char* kUsualPrefix = "episode_";
constexpr const char* kObserved = "observations";

bool IsHdf5Name(const fs::path& file) {
  return file.extension() == ".hdf5" || file.extension() == ".h5";
}

std::string PathOf(const std::string& camera) { return fmt::format("{}/{}", kImages, camera); }

bool IsOfBytes(const h5::DatasetInfo& info) {
  return info.type_class == H5T_INTEGER && info.type_size == 1;
}

// Files of pictures: bytes padded to one length, lists of bytes, or strings of bytes.
bool IsFileRows(const h5::DatasetInfo& info) {
  const bool lists = info.type_class == H5T_VLEN || info.type_class == H5T_STRING;
  return (IsOfBytes(info) && info.dims.size() == 2) || (lists && info.dims.size() == 1);
}

// Arrays of other shapes and types beside pictures (depth) are columns of numbers.
bool IsPicture(const h5::DatasetInfo& info) { return IsFileRows(info) || info.dims.size() == 4; }

h5::DatasetInfo PictureInfo(const h5::Group& root, const std::string& camera) {
  const h5::DatasetInfo info = root.Info(PathOf(camera));
  const bool pixels = IsOfBytes(info) && info.dims.size() == 4 && info.dims[3] == 3 &&
                      info.dims[1] > 0 && info.dims[2] > 0 && info.dims[1] <= kMaxImageSide &&
                      info.dims[2] <= kMaxImageSide;
  if (!pixels && !IsFileRows(info)) {
    h5::FailReading(root.Place(PathOf(camera)),
                    fmt::format("must be uint8 of shape (T, H, W, 3), or the bytes of a JPEG or "
                                "PNG file per row, has shape ({})",
                                fmt::join(info.dims, ", ")));
  }
  return info;
}

// One file of a picture, without the zeros that pad it. (Neither JPEG nor PNG ends with one.)
std::string ReadFile(const h5::Group& root, const std::string& camera, size_t row) {
  const std::string path = PathOf(camera);
  std::string bytes = h5::ReadRowOfBytes(root.OpenDataset(path), root.Place(path), row);
  bytes.resize(bytes.find_last_not_of('\0') + 1);
  return bytes;
}

// Of a JPEG file as its frame header says; others are decoded.
PictureSize SizeOfFile(const std::string& file, const std::string& place) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(file[i]); };
  if (!file.starts_with("\xff\xd8")) {
    const Image image = Module<VideoModule>().decode_picture(file, place);
    return {image.width, image.height};
  }
  for (size_t i = 2; i + 9 <= file.size();) {
    if (byte(i) != 0xff) break;
    const uint8_t marker = byte(i + 1);
    if (marker == 0xff) {  // padding
      ++i;
      continue;
    }
    // C0 to CF are frames but for tables of codes
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) return {byte(i + 7) * 256 + byte(i + 8), byte(i + 5) * 256 + byte(i + 6)};
    i += 2 + static_cast<size_t>(byte(i + 2) * 256 + byte(i + 3));
  }
  h5::FailReading(place, "is no whole JPEG file");
}

// numpy's name of a type of numbers.
std::string DtypeOf(const h5::DatasetInfo& info) {
  const size_t bits = 8 * info.type_size;
  if (info.type_class == H5T_FLOAT) return fmt::format("float{}", bits);
  return fmt::format("{}int{}", info.is_signed ? "" : "u", bits);
}

void AddColumns(const h5::Group& group, const std::string& prefix, size_t rows, int depth,
                std::vector<ColumnSpec>& columns) {
  constexpr int kMaxDepth = 4;
  for (const std::string& name : group.Names()) {
    const std::string path = prefix + name;
    if (path == kLengths) continue;
    h5::DatasetInfo info;
    try {
      info = group.Info(name);
    } catch (const Error&) {  // a group
      if (depth < kMaxDepth && group.Has(name)) {
        AddColumns(group.Open(name), path + "/", rows, depth + 1, columns);
      }
      continue;
    }
    if (!info.is_number() || info.dims.empty() || info.dims[0] != rows) continue;
    if (prefix == std::string(kImages) + "/" && IsPicture(info)) continue;
    ColumnSpec& column = columns.emplace_back();
    column.name = path;
    column.dtype = DtypeOf(info);
    column.shape.assign(info.dims.begin() + 1, info.dims.end());
    if (path == kAction) column.role = ColumnRole::kAction;
    if (path == kState) column.role = ColumnRole::kState;
  }
}

}  // namespace

bool IsEpisodeFile(const fs::path& path, bool outside_links) {
  try {
    if (path.extension() == ".part" || !IsHdf5(path)) return false;
    const h5::Guard guard;
    const h5::Group root = h5::OpenForReading(path, outside_links);
    return !root.Has("data") && root.Has(kAction) && (root.Has(kState) || root.Has(kImages));
  } catch (const Error&) {
    return false;
  }
}

h5::Group OpenEpisode(const fs::path& file, bool outside_links, bool mend) {
  const h5::Guard guard;
  h5::Group root = h5::OpenForReading(file, outside_links);
  uint64_t rows = 0;
  try {
    rows = RowsOf(root);
  } catch (const Error&) {
    return root;  // whoever reads the episode says what is wrong
  }
  return foreign::WithoutExtraRow(std::move(root), rows, kObserved, mend);
}

std::vector<fs::path> EpisodeFiles(const fs::path& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return {path};
  std::vector<std::pair<NumberedName, fs::path>> usual, others;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, none)) {
    if (!IsHdf5Name(entry.path())) continue;
    NumberedName name = SplitName(NameOf(entry.path()));
    const bool is_usual = name.prefix == kUsualPrefix && name.number >= 0;
    (is_usual ? usual : others).emplace_back(std::move(name), entry.path());
  }
  auto& found = usual.empty() ? others : usual;
  std::ranges::sort(found);
  std::vector<fs::path> files;
  for (auto& [name, file] : found) files.push_back(std::move(file));
  return files;
}

std::string NameOf(const fs::path& file) { return file.stem().string(); }

size_t RowsOf(const h5::Group& root) {
  const h5::DatasetInfo info = root.Info(kAction);
  const size_t rank = info.dims.size();
  const bool rows = (rank == 1 || rank == 2) && info.dims[0] > 0 && info.dims.back() > 0;
  if (!info.is_number() || !rows) {
    h5::FailReading(root.Place(kAction), fmt::format("must hold rows of numbers, has shape ({})",
                                                     fmt::join(info.dims, ", ")));
  }
  return info.dims[0];
}

std::vector<ColumnSpec> AlohaColumns(const h5::Group& root, size_t rows) {
  std::vector<ColumnSpec> columns;
  AddColumns(root, "", rows, 0, columns);
  return columns;
}

std::vector<double> ReadNumbers(const h5::Group& root, const ColumnSpec& column, size_t rows) {
  const std::vector<int64_t> dims(column.shape.begin(), column.shape.end());
  const Column numbers = root.Read(column.name, ColumnType::kF64, dims);
  if (numbers.rows != rows) {
    h5::FailReading(root.Place(column.name),
                    fmt::format("has {} rows, must have {}", numbers.rows, rows));
  }
  std::vector<double> values(numbers.rows * numbers.row_size());
  std::memcpy(values.data(), numbers.bytes.data(), numbers.bytes.size());
  return values;
}

std::string InstructionName(const h5::Group& root) {
  // names that collections of such files use
  for (const char* name : {"language_instruction", "language_raw", "instruction"}) {
    if (root.HasAttribute(name)) return name;
    if (!root.IsArray(name)) continue;
    const h5::DatasetInfo info = root.Info(name);
    const bool one = info.dims.empty() || info.dims == std::vector<hsize_t>{1};
    if (info.type_class == H5T_STRING && one) return name;
  }
  return "";
}

std::string InstructionOf(const h5::Group& root) {
  const std::string name = InstructionName(root);
  if (name.empty()) return "";
  if (root.HasAttribute(name)) return root.Text(name);
  std::string text = h5::ReadRowOfBytes(root.OpenDataset(name), root.Place(name), 0);
  text.resize(text.find_last_not_of('\0') + 1);  // of fixed length
  return AsUtf8(std::move(text));
}

void SetInstruction(const h5::Group& root, const std::string& instruction) {
  const std::string name = InstructionName(root);
  if (name.empty() || root.HasAttribute(name)) {
    return root.SetText(name.empty() ? "language_instruction" : name, instruction);
  }
  root.Delete(name);
  root.WriteTexts(name, {instruction});
}

std::vector<std::string> CamerasOf(const h5::Group& root) {
  if (!root.Has(kImages)) return {};
  const h5::Group images = root.Open(kImages);
  std::vector<std::string> cameras = images.Names();
  std::erase_if(cameras, [&](const std::string& name) {
    try {
      return !IsPicture(images.Info(name));
    } catch (const Error&) {
      return false;  // whoever reads its pictures says what is damaged
    }
  });
  return cameras;
}

PictureSize SizeOf(const h5::Group& root, const std::string& camera) {
  const h5::DatasetInfo info = PictureInfo(root, camera);
  if (!IsFileRows(info)) return {static_cast<int>(info.dims[2]), static_cast<int>(info.dims[1])};
  const std::string place = fmt::format("{}[0]", root.Place(PathOf(camera)));
  const PictureSize size = SizeOfFile(ReadFile(root, camera, 0), place);
  if (size.width < 1 || size.height < 1 || size.width > kMaxImageSide ||
      size.height > kMaxImageSide) {
    h5::FailReading(place, fmt::format("is a picture of {} x {} pixels; at most {} are allowed",
                                       size.width, size.height, kMaxImageSide));
  }
  return size;
}

void ReadPicture(const h5::Group& root, const std::string& camera, size_t row, size_t rows,
                 const PictureSize& size, uint8_t* out) {
  const std::string path = PathOf(camera);
  std::string file;
  {
    const h5::Guard guard;
    const h5::DatasetInfo info = PictureInfo(root, camera);
    if (info.dims[0] != rows) {
      h5::FailReading(root.Place(path),
                      fmt::format("has {} pictures, must have {}{}", info.dims[0], rows,
                                  foreign::ExtraRowHint(path, info.dims[0], rows)));
    }
    if (!IsFileRows(info)) {
      const Column pixels =
          root.ReadRows(path, ColumnType::kU8, {size.height, size.width, 3}, row, 1);
      std::copy(pixels.bytes.begin(), pixels.bytes.end(), out);
      return;
    }
    file = ReadFile(root, camera, row);
  }
  const std::string place = fmt::format("{}[{}]", root.Place(path), row);
  const Image image = Module<VideoModule>().decode_picture(file, place);
  if (image.width != size.width || image.height != size.height) {
    h5::FailReading(place, fmt::format("is {}x{}, the dataset's first picture is {}x{}",
                                       image.width, image.height, size.width, size.height));
  }
  std::copy(image.rgb.begin(), image.rgb.end(), out);
}

}  // namespace understudy::aloha
