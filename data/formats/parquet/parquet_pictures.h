#pragma once

// Columns of pictures as the `datasets` package stores them; internal to this folder. A row holds
// the bytes of a PNG or JPEG file, or the path of one that lies beside the table.

#include <arrow/api.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace understudy {

// Whether it is a type that PictureAt understands.
bool HoldsPictures(const arrow::DataType& type);

struct StoredPicture {
  std::optional<std::string_view> bytes = {};
  std::string path = {};  // empty: none
};
// Neither bytes nor a path where the row has no picture. Requires an array that holds pictures.
StoredPicture PictureAt(const arrow::Array& array, int64_t row);

// The file that a row names. Throws Error(kBadInput) under `place` where it lies outside `folder`
// or is not there.
std::filesystem::path PictureFile(const std::filesystem::path& folder, const std::string& path,
                                  const std::string& place);

// The column with the bytes of every picture in it; null where all are there already. A row without
// a picture stays as it is. Throws Error(kBadInput) as PictureFile does, `place` before the number
// of the row.
std::shared_ptr<arrow::ChunkedArray> WithBytes(const arrow::ChunkedArray& column,
                                               const std::filesystem::path& folder,
                                               const std::string& place);

}  // namespace understudy
