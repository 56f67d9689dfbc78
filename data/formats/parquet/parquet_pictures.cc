#include "data/formats/parquet/parquet_pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/lfs_pointer.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr uintmax_t kMaxPictureBytes = uintmax_t{1} << 30;

bool IsBytes(arrow::Type::type id) {
  return id == arrow::Type::BINARY || id == arrow::Type::LARGE_BINARY;
}
bool IsText(arrow::Type::type id) {
  return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING;
}

// Bytes or a text of a row; nothing where there is none.
std::optional<std::string_view> ViewAt(const arrow::Array* array, int64_t row) {
  if (array == nullptr || array->IsNull(row)) return std::nullopt;
  switch (array->type_id()) {
    case arrow::Type::BINARY:
    case arrow::Type::STRING:
      return static_cast<const arrow::BinaryArray&>(*array).GetView(row);
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::LARGE_STRING:
      return static_cast<const arrow::LargeBinaryArray&>(*array).GetView(row);
    default:
      return std::nullopt;
  }
}

void Check(const arrow::Status& status, const std::string& place) {
  if (!status.ok()) ThrowFailed(fmt::format("{}: {}", place, status.message()));
}

}  // namespace

bool HoldsPictures(const arrow::DataType& type) {
  if (IsBytes(type.id()) || IsText(type.id())) return true;
  if (type.id() != arrow::Type::STRUCT) return false;
  const auto bytes = static_cast<const arrow::StructType&>(type).GetFieldByName("bytes");
  // a column of nothing but paths may have bytes of no type
  return bytes && (IsBytes(bytes->type()->id()) || bytes->type()->id() == arrow::Type::NA);
}

StoredPicture PictureAt(const arrow::Array& array, int64_t row) {
  StoredPicture picture;
  if (array.IsNull(row)) return picture;
  if (IsBytes(array.type_id())) {
    picture.bytes = ViewAt(&array, row);
  } else if (IsText(array.type_id())) {
    picture.path = ViewAt(&array, row).value_or("");
  } else {
    // GetFieldByName keeps the offset of a slice
    const auto& structure = static_cast<const arrow::StructArray&>(array);
    const auto bytes = structure.GetFieldByName("bytes"), path = structure.GetFieldByName("path");
    picture.bytes = ViewAt(bytes.get(), row);
    picture.path = ViewAt(path.get(), row).value_or("");
  }
  return picture;
}

fs::path PictureFile(const fs::path& folder, const std::string& path, const std::string& place) {
  const fs::path named = fs::path(path).lexically_normal();
  const fs::path file = named.is_absolute() ? named : folder / named;
  const fs::path within = file.lexically_relative(folder.lexically_normal());
  const bool inside =
      path.find('\0') == std::string::npos && path.size() < 4000 &&
      (named.is_absolute() ? !within.empty() && *within.begin() != ".." : *named.begin() != "..");
  if (!inside) {
    ThrowBadInput(fmt::format("{}: names the picture '{}', which is not within '{}'", place, path,
                              folder.string()));
  }
  std::error_code none;
  const uintmax_t size = fs::is_regular_file(file, none) ? fs::file_size(file, none) : 0;
  if (size == 0) {
    ThrowBadInput(
        fmt::format("{}: the picture '{}' is missing in '{}'", place, path, folder.string()));
  }
  if (size > kMaxPictureBytes) {
    ThrowBadInput(
        fmt::format("{}: {} bytes; at most {} are allowed", file.string(), size, kMaxPictureBytes));
  }
  return file;
}

std::shared_ptr<arrow::ChunkedArray> WithBytes(const arrow::ChunkedArray& column,
                                               const fs::path& folder, const std::string& place) {
  bool all_there = !IsText(column.type()->id());
  for (int c = 0; c < column.num_chunks() && all_there; ++c) {
    const arrow::Array& chunk = *column.chunk(c);
    for (int64_t i = 0; i < chunk.length() && all_there; ++i) {
      const StoredPicture picture = PictureAt(chunk, i);
      all_there = picture.bytes || picture.path.empty();
    }
  }
  if (all_there) return nullptr;

  // the fields that were there, in their order
  arrow::FieldVector fields{arrow::field("bytes", arrow::binary()),
                            arrow::field("path", arrow::utf8())};
  if (column.type()->id() == arrow::Type::STRUCT && column.type()->num_fields() == 2 &&
      column.type()->field(0)->name() == "path") {
    std::swap(fields[0], fields[1]);
  }
  const bool path_first = fields[0]->name() == "path";
  arrow::BinaryBuilder bytes;
  arrow::StringBuilder paths;
  arrow::TypedBufferBuilder<bool> there;
  int64_t row = 0, gaps = 0;
  for (int c = 0; c < column.num_chunks(); ++c) {
    const arrow::Array& chunk = *column.chunk(c);
    for (int64_t i = 0; i < chunk.length(); ++i, ++row) {
      const StoredPicture picture = PictureAt(chunk, i);
      const bool gap = !picture.bytes && picture.path.empty();
      gaps += gap;
      Check(there.Append(!gap), place);
      // as LeRobot's own tools do: the name alone stays
      const std::string name = fs::path(picture.path).filename().string();
      Check(name.empty() ? paths.AppendNull() : paths.Append(name), place);
      if (picture.bytes) {
        Check(bytes.Append(*picture.bytes), place);
      } else if (gap) {
        Check(bytes.AppendNull(), place);
      } else {
        const fs::path file =
            PictureFile(folder, picture.path, fmt::format("{}, row {}", place, row));
        RefuseLfsPointer(file);
        Check(bytes.Append(ReadText(file)), place);
      }
    }
  }
  arrow::ArrayVector children(2);
  Check(bytes.Finish(&children[path_first ? 1 : 0]), place);
  Check(paths.Finish(&children[path_first ? 0 : 1]), place);
  std::shared_ptr<arrow::Buffer> valid;
  Check(there.Finish(&valid), place);
  const auto made = arrow::StructArray::Make(children, fields, gaps == 0 ? nullptr : valid, gaps);
  Check(made.status(), place);
  return std::make_shared<arrow::ChunkedArray>(made.ValueUnsafe());
}

}  // namespace understudy
