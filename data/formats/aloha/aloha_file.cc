#include "data/formats/aloha/aloha_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/base/error.h"
#include "core/image/image.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/library.h"
#include "data/video/module.h"

namespace understudy::aloha {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPrefix = "episode_";

// The number of "episode_<i>.hdf5"; -1 for other names.
int64_t NumberOf(const fs::path& file) {
  if (file.extension() != ".hdf5" && file.extension() != ".h5") return -1;
  const std::string stem = file.stem().string();
  if (!stem.starts_with(kPrefix)) return -1;
  const char* begin = stem.data() + std::strlen(kPrefix);
  const char* end = stem.data() + stem.size();
  int64_t number = -1;
  const auto [stop, error] = std::from_chars(begin, end, number);
  return error == std::errc() && stop == end && number >= 0 ? number : -1;
}

std::string PathOf(const std::string& camera) { return fmt::format("{}/{}", kImages, camera); }

bool IsJpegRows(const h5::DatasetInfo& info) { return info.dims.size() == 2; }

h5::DatasetInfo PictureInfo(const h5::Group& root, const std::string& camera) {
  const h5::DatasetInfo info = root.Info(PathOf(camera));
  const bool bytes = info.type_class == H5T_INTEGER && info.type_size == 1;
  const bool pixels = info.dims.size() == 4 && info.dims[3] == 3 && info.dims[1] > 0 &&
                      info.dims[2] > 0 && info.dims[1] <= kMaxImageSide &&
                      info.dims[2] <= kMaxImageSide;
  if (!bytes || !(pixels || IsJpegRows(info))) {
    h5::FailReading(root.Place(PathOf(camera)),
                    fmt::format("must be uint8 of shape (T, H, W, 3), or the bytes of JPEG "
                                "pictures of shape (T, length), has shape ({})",
                                fmt::join(info.dims, ", ")));
  }
  return info;
}

// One JPEG file without the zeros behind it. (It ends with the bytes FF D9.)
std::string ReadJpeg(const h5::Group& root, const std::string& camera, size_t row) {
  const Column bytes = root.ReadRows(PathOf(camera), ColumnType::kU8, {-1}, row, 1);
  size_t size = bytes.bytes.size();
  while (size > 0 && bytes.bytes[size - 1] == 0) --size;
  return std::string(reinterpret_cast<const char*>(bytes.bytes.data()), size);
}

// What the frame header of a JPEG file says; nothing is decoded.
PictureSize SizeOfJpeg(const std::string& file, const std::string& place) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(file[i]); };
  for (size_t i = 2; file.starts_with("\xff\xd8") && i + 9 <= file.size();) {
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
  h5::FailReading(place, "is no JPEG picture");
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
    if (path == kImages || path == kLengths) continue;
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
    // depth pictures and the like are no columns of numbers
    if (info.dims.size() > 2) continue;
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

std::vector<fs::path> EpisodeFiles(const fs::path& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, none)) {
    if (NumberOf(entry.path()) >= 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return std::pair(NumberOf(a), a) < std::pair(NumberOf(b), b);
  });
  return files;
}

std::string NameOf(const fs::path& file) { return file.stem().string(); }

size_t RowsOf(const h5::Group& root) {
  const h5::DatasetInfo info = root.Info(kAction);
  if (!info.is_number() || info.dims.size() != 2 || info.dims[0] == 0 || info.dims[1] == 0) {
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

std::vector<std::string> CamerasOf(const h5::Group& root) {
  return root.Has(kImages) ? root.Open(kImages).Names() : std::vector<std::string>{};
}

PictureSize SizeOf(const h5::Group& root, const std::string& camera) {
  const h5::DatasetInfo info = PictureInfo(root, camera);
  if (!IsJpegRows(info)) return {static_cast<int>(info.dims[2]), static_cast<int>(info.dims[1])};
  const std::string place = fmt::format("{}[0]", root.Place(PathOf(camera)));
  const PictureSize size = SizeOfJpeg(ReadJpeg(root, camera, 0), place);
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
  std::string jpeg;
  {
    const h5::Guard guard;
    const h5::DatasetInfo info = PictureInfo(root, camera);
    if (info.dims[0] != rows) {
      h5::FailReading(root.Place(path),
                      fmt::format("has {} pictures, must have {}", info.dims[0], rows));
    }
    if (!IsJpegRows(info)) {
      const Column pixels =
          root.ReadRows(path, ColumnType::kU8, {size.height, size.width, 3}, row, 1);
      std::copy(pixels.bytes.begin(), pixels.bytes.end(), out);
      return;
    }
    jpeg = ReadJpeg(root, camera, row);
  }
  const std::string place = fmt::format("{}[{}]", root.Place(path), row);
  const Image image = Module<VideoModule>().decode_picture(jpeg, place);
  if (image.width != size.width || image.height != size.height) {
    h5::FailReading(place, fmt::format("is {}x{}, the dataset's first picture is {}x{}",
                                       image.width, image.height, size.width, size.height));
  }
  std::copy(image.rgb.begin(), image.rgb.end(), out);
}

}  // namespace understudy::aloha
