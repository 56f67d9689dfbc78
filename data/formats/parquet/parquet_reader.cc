#include "data/formats/parquet/parquet_reader.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/lfs_pointer.h"
#include "data/formats/parquet/parquet_pictures.h"
#include "data/formats/parquet/parquet_values.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 31;  // that one column of a row group may take
constexpr int kMaxColumns = 10'000;

using ArrayPtr = std::shared_ptr<arrow::Array>;

// Lives as long as the program: Arrow's own threads may hold a buffer beyond its reader.
arrow::MemoryPool* Pool() {
  static auto* pool = new arrow::CappedMemoryPool(arrow::default_memory_pool(), kMaxBytes);
  return pool;
}

}  // namespace

struct ParquetReader::Impl {
  fs::path file;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<parquet::FileMetaData> metadata;
  std::vector<std::string> columns;
  std::vector<int64_t> first_rows;  // of the row groups, and the end
  struct Cached {
    int group = -1;
    ArrayPtr array;
  };
  std::map<std::string, Cached> cache;

  [[noreturn]] void Fail(const std::string& what) const {
    ThrowBadInput(fmt::format("{}: {}", file.string(), what));
  }
  [[noreturn]] void Fail(const std::string& column, const std::string& what) const {
    Fail(fmt::format("column '{}' {}", column, what));
  }
  // Runs one piece of reading: Parquet throws what Arrow returns.
  template <class F>
  auto Guarded(const char* doing, F work) const {
    try {
      return work();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      Fail(fmt::format("{}: {}", doing, error.what()));
    }
  }
  template <class T>
  T Get(arrow::Result<T> result) const {
    if (!result.ok()) Fail(result.status().message());
    return std::move(result).ValueUnsafe();
  }

  void Open();
  int Index(const std::string& column) const;
  ArrayPtr Group(const std::string& column, int group);
  std::vector<ArrayPtr> Slices(const std::string& column, int64_t first, int64_t count);
  // Throws where one of these rows, from `first` on, lacks a value.
  void RequireValues(const std::string& column, const std::vector<ArrayPtr>& slices,
                     int64_t first) const;
  // `first`: its place in the file.
  ArrayPtr Flat(const std::string& column, ArrayPtr array, int64_t first, size_t width) const;
  template <class Number>
  std::vector<Number> Read(const std::string& column, int64_t first, int64_t count, size_t width);
  std::vector<int> LeavesOf(int field) const;
  template <class UseBytes, class UseFile>
  void EachPicture(const std::string& column, int64_t first, int64_t count, const fs::path& folder,
                   UseBytes use_bytes, UseFile use_file);
};

void ParquetReader::Impl::Open() {
  std::error_code none;
  if (!fs::is_regular_file(file, none)) Fail("no such file");
  parquet::ReaderProperties properties(Pool());
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  const arrow::Status opened =
      builder.Open(Get(arrow::io::ReadableFile::Open(file.string(), Pool())), properties);
  if (!opened.ok()) {
    RefuseLfsPointer(file);
    Fail(fmt::format("is no Parquet file, or a truncated one: {}", opened.message()));
  }
  parquet::ArrowReaderProperties arrow_properties(false);
  arrow_properties.set_pre_buffer(false);
  const arrow::Status built =
      builder.memory_pool(Pool())->properties(arrow_properties)->Build(&reader);
  if (!built.ok()) Fail(built.message());
  metadata = reader->parquet_reader()->metadata();
  const arrow::Status schema_read = reader->GetSchema(&schema);
  if (!schema_read.ok()) Fail(schema_read.message());
  if (schema->num_fields() > kMaxColumns) {
    Fail(fmt::format("{} columns; at most {} are allowed", schema->num_fields(), kMaxColumns));
  }
  for (const auto& field : schema->fields()) columns.push_back(field->name());
  int64_t row = 0;
  for (int i = 0; i < metadata->num_row_groups(); ++i) {
    first_rows.push_back(row);
    const int64_t rows = metadata->RowGroup(i)->num_rows();
    if (rows < 0 || rows > (int64_t{1} << 40)) Fail("a row group has no sensible number of rows");
    row += rows;
  }
  first_rows.push_back(row);
  if (row != metadata->num_rows()) {
    Fail(fmt::format("claims {} rows, its row groups have {}", metadata->num_rows(), row));
  }
}

int ParquetReader::Impl::Index(const std::string& column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found == columns.end()) {
    Fail(fmt::format(
        "has no column '{}'; it has {}", column,
        fmt::join(columns.begin(),
                  columns.begin() +
                      std::min<std::ptrdiff_t>(20, std::distance(columns.begin(), columns.end())),
                  ", ")));
  }
  return static_cast<int>(found - columns.begin());
}

// The leaves that belong to a column.
std::vector<int> ParquetReader::Impl::LeavesOf(int field) const {
  std::vector<int> leaves;
  const parquet::SchemaDescriptor& leaf_schema = *metadata->schema();
  for (int i = 0; i < leaf_schema.num_columns(); ++i) {
    if (leaf_schema.group_node()->FieldIndex(*leaf_schema.GetColumnRoot(i)) == field) {
      leaves.push_back(i);
    }
  }
  return leaves;
}

// A column of one row group.
ArrayPtr ParquetReader::Impl::Group(const std::string& column, int group) {
  Cached& cached = cache[column];
  if (cached.group == group) return cached.array;
  cached = {};
  const std::vector<int> leaves = LeavesOf(Index(column));
  const auto group_metadata = metadata->RowGroup(group);
  int64_t bytes = 0;
  for (const int leaf : leaves) {
    bytes += std::max<int64_t>(0, group_metadata->ColumnChunk(leaf)->total_uncompressed_size());
  }
  if (leaves.empty() || bytes > kMaxBytes) {
    Fail(column,
         fmt::format("claims {} bytes in one row group; at most {} are allowed", bytes, kMaxBytes));
  }
  const auto read = reader->ReadRowGroup(group, leaves);
  if (!read.ok()) Fail(column, fmt::format("cannot be read: {}", read.status().message()));
  const std::shared_ptr<arrow::Table> table = read.ValueUnsafe();
  const arrow::Status valid = table->ValidateFull();
  if (!valid.ok()) Fail(column, fmt::format("is damaged: {}", valid.message()));
  if (table->num_columns() != 1) Fail(column, "is no single column");
  const int64_t rows =
      first_rows[static_cast<size_t>(group) + 1] - first_rows[static_cast<size_t>(group)];
  if (table->num_rows() != rows) {
    Fail(column, fmt::format("has {} rows, must have {}", table->num_rows(), rows));
  }
  const auto chunked = table->column(0);
  cached.array = chunked->num_chunks() == 1 ? chunked->chunk(0)
                                            : Get(arrow::Concatenate(chunked->chunks(), Pool()));
  cached.group = group;
  return cached.array;
}

std::vector<ArrayPtr> ParquetReader::Impl::Slices(const std::string& column, int64_t first,
                                                  int64_t count) {
  Require(first >= 0 && count >= 0, "a range of rows");
  if (count > first_rows.back() - first) {
    Fail(column, fmt::format("has {} rows; rows {} to {} are wanted", first_rows.back(), first,
                             first + count - 1));
  }
  std::vector<ArrayPtr> slices;
  for (size_t g = 0; g + 1 < first_rows.size(); ++g) {
    const int64_t begin = std::max(first, first_rows[g]),
                  end = std::min(first + count, first_rows[g + 1]);
    if (begin >= end) continue;
    slices.push_back(Group(column, static_cast<int>(g))->Slice(begin - first_rows[g], end - begin));
  }
  return slices;
}

void ParquetReader::Impl::RequireValues(const std::string& column,
                                        const std::vector<ArrayPtr>& slices, int64_t first) const {
  const int64_t gap = FirstNull(slices);
  if (gap >= 0) Fail(column, fmt::format("lacks a value in row {} of the file", first + gap));
}

// Lists within lists, none of which lacks a value, as their numbers.
ArrayPtr ParquetReader::Impl::Flat(const std::string& column, ArrayPtr array, int64_t first,
                                   size_t width) const {
  const int64_t rows = array->length();
  const auto odd_row = [first, stored = array] {
    const auto size = [&](int64_t row) {
      return stored->type_id() == arrow::Type::LIST
                 ? int64_t{static_cast<const arrow::ListArray&>(*stored).value_length(row)}
                 : static_cast<const arrow::LargeListArray&>(*stored).value_length(row);
    };
    int64_t row = 1;
    while (size(row) == size(0)) ++row;
    return fmt::format(": {} in row {} of the file, {} in the one before", size(row), first + row,
                       size(0));
  };
  for (int depth = 0; IsList(*array->type()); ++depth) {
    if (depth == kMaxNesting) Fail(column, "holds lists nested too deeply");
    int64_t size = 0;
    if (array->type_id() == arrow::Type::LIST) {
      const auto& lists = static_cast<const arrow::ListArray&>(*array);
      size = CommonSize(lists);
      array = Get(lists.Flatten());
    } else if (array->type_id() == arrow::Type::LARGE_LIST) {
      const auto& lists = static_cast<const arrow::LargeListArray&>(*array);
      size = CommonSize(lists);
      array = Get(lists.Flatten());
    } else {
      array = Get(static_cast<const arrow::FixedSizeListArray&>(*array).Flatten());
    }
    if (size < 0) {
      Fail(column, "holds lists of different lengths" + (depth == 0 ? odd_row() : std::string()));
    }
  }
  if (array->length() != rows * static_cast<int64_t>(width)) {
    Fail(column, fmt::format("holds {} numbers in {} rows, must hold {} per row", array->length(),
                             rows, width));
  }
  return array;
}

template <class Number>
std::vector<Number> ParquetReader::Impl::Read(const std::string& column, int64_t first,
                                              int64_t count, size_t width) {
  return Guarded("cannot be read", [&] {
    if (static_cast<uint64_t>(count) * width > static_cast<uint64_t>(kMaxBytes) / 8) {
      Fail(column, fmt::format("would take {} rows of {} numbers: too many", count, width));
    }
    const std::vector<ArrayPtr> slices = Slices(column, first, count);
    RequireValues(column, slices, first);
    std::vector<Number> numbers;
    for (const ArrayPtr& slice : slices) {
      const auto done = static_cast<int64_t>(numbers.size() / width);
      const ArrayPtr flat = Flat(column, slice, first + done, width);
      const bool whole = IsNumber(flat->type_id()) && !arrow::is_floating(flat->type_id());
      if ((std::is_integral_v<Number> && !whole) || !AppendNumbers(*flat, numbers)) {
        Fail(column, fmt::format("holds {}, must hold {}", flat->type()->ToString(),
                                 std::is_integral_v<Number> ? "whole numbers" : "numbers"));
      }
    }
    return numbers;
  });
}

template <class UseBytes, class UseFile>
void ParquetReader::Impl::EachPicture(const std::string& column, int64_t first, int64_t count,
                                      const fs::path& folder, UseBytes use_bytes,
                                      UseFile use_file) {
  Guarded("cannot be read", [&] {
    int64_t row = first;
    for (const ArrayPtr& slice : Slices(column, first, count)) {
      if (!HoldsPictures(*slice->type())) {
        Fail(column, fmt::format("holds {}, must hold pictures", slice->type()->ToString()));
      }
      for (int64_t i = 0; i < slice->length(); ++i, ++row) {
        const StoredPicture picture = PictureAt(*slice, i);
        if (picture.bytes) {
          use_bytes(*picture.bytes);
        } else if (picture.path.empty()) {
          Fail(column, fmt::format("has no picture in row {} of the file", row));
        } else if (folder.empty()) {
          Fail(column, "names pictures that lie elsewhere");
        } else {
          use_file(PictureFile(
              folder, picture.path,
              fmt::format("{}: column '{}', row {} of the file", file.string(), column, row)));
        }
      }
    }
  });
}

ParquetReader::ParquetReader(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  impl_->file = file;
  impl_->Guarded("cannot be opened", [&] { impl_->Open(); });
}

ParquetReader::~ParquetReader() = default;
ParquetReader::ParquetReader(ParquetReader&&) noexcept = default;
ParquetReader& ParquetReader::operator=(ParquetReader&&) noexcept = default;

const fs::path& ParquetReader::file() const { return impl_->file; }
int64_t ParquetReader::rows() const { return impl_->first_rows.back(); }
const std::vector<std::string>& ParquetReader::columns() const { return impl_->columns; }

bool ParquetReader::Has(const std::string& column) const {
  return std::find(columns().begin(), columns().end(), column) != columns().end();
}

bool ParquetReader::IsTexts(const std::string& column) const {
  auto type = impl_->schema->field(impl_->Index(column))->type();
  if (type->id() == arrow::Type::DICTIONARY) {
    type = static_cast<const arrow::DictionaryType&>(*type).value_type();
  }
  return type->id() == arrow::Type::STRING || type->id() == arrow::Type::LARGE_STRING;
}

bool ParquetReader::IsNumeric(const std::string& column) const {
  const auto type = impl_->schema->field(impl_->Index(column))->type();
  return IsNumber(Innermost(type.get())->id());
}

std::string ParquetReader::PandasIndex() const {
  const auto metadata = impl_->schema->metadata();
  if (!metadata || !metadata->Contains("pandas")) return "";
  const std::string place = impl_->file.string() + ": metadata of pandas";
  const Json pandas = ParseJson(metadata->Get("pandas").ValueOr("{}"), place);
  const auto index = pandas.is_object() ? pandas.find("index_columns") : pandas.end();
  const bool named =
      index != pandas.end() && index->is_array() && index->size() == 1 && (*index)[0].is_string();
  return named ? (*index)[0].get<std::string>() : "";
}

std::vector<double> ParquetReader::Numbers(const std::string& column, int64_t first, int64_t count,
                                           size_t width) const {
  return impl_->Read<double>(column, first, count, width);
}

std::vector<int64_t> ParquetReader::Integers(const std::string& column, int64_t first,
                                             int64_t count, size_t width) const {
  return impl_->Read<int64_t>(column, first, count, width);
}

std::vector<std::string> ParquetReader::Texts(const std::string& column, int64_t first,
                                              int64_t count, bool gaps) const {
  Impl& m = *impl_;
  return m.Guarded("cannot be read", [&] {
    const std::vector<ArrayPtr> slices = m.Slices(column, first, count);
    if (!gaps) m.RequireValues(column, slices, first);
    std::vector<std::string> texts;
    for (const ArrayPtr& slice : slices) {
      for (int64_t i = 0; i < slice->length(); ++i) {
        if (slice->IsNull(i)) {
          texts.emplace_back();
        } else if (slice->type_id() == arrow::Type::STRING) {
          texts.push_back(static_cast<const arrow::StringArray&>(*slice).GetString(i));
        } else if (slice->type_id() == arrow::Type::DICTIONARY) {
          // categories of pandas
          const auto& coded = static_cast<const arrow::DictionaryArray&>(*slice);
          const auto word = m.Get(coded.dictionary()->GetScalar(coded.GetValueIndex(i)));
          if (!arrow::is_base_binary_like(word->type->id())) {
            m.Fail(column, fmt::format("holds {}, must hold texts", slice->type()->ToString()));
          }
          texts.push_back(word->ToString());
        } else if (slice->type_id() == arrow::Type::LARGE_STRING) {
          texts.push_back(static_cast<const arrow::LargeStringArray&>(*slice).GetString(i));
        } else {
          m.Fail(column, fmt::format("holds {}, must hold texts", slice->type()->ToString()));
        }
      }
    }
    return texts;
  });
}

std::vector<std::string> ParquetReader::Files(const std::string& column, int64_t first,
                                              int64_t count, const fs::path& folder) const {
  std::vector<std::string> files;
  impl_->EachPicture(
      column, first, count, folder, [&](std::string_view bytes) { files.emplace_back(bytes); },
      [&](const fs::path& file) {
        RefuseLfsPointer(file);
        files.push_back(ReadText(file));
      });
  return files;
}

void ParquetReader::RequireFiles(const std::string& column, int64_t first, int64_t count,
                                 const fs::path& folder) const {
  impl_->EachPicture(
      column, first, count, folder, [](std::string_view) {}, [](const fs::path&) {});
}

int64_t ParquetReader::FirstGap(const std::string& column, int64_t first, int64_t count) const {
  return impl_->Guarded("cannot be read",
                        [&] { return FirstNull(impl_->Slices(column, first, count)); });
}

std::vector<uint64_t> ParquetReader::Unsigned(const std::string& column, int64_t first,
                                              int64_t count, size_t width) const {
  return impl_->Read<uint64_t>(column, first, count, width);
}

std::optional<std::pair<int64_t, int64_t>> ParquetReader::StoredRange(
    const std::string& column) const {
  Impl& m = *impl_;
  const std::vector<int> leaves = m.LeavesOf(m.Index(column));
  const auto type = m.schema->field(m.Index(column))->type();
  const arrow::Type::type id = Innermost(type.get())->id();
  if (leaves.size() != 1 || !arrow::is_signed_integer(id)) return std::nullopt;
  return m.Guarded("cannot be read", [&]() -> std::optional<std::pair<int64_t, int64_t>> {
    std::pair<int64_t, int64_t> range{INT64_MAX, INT64_MIN};
    for (int g = 0; g < m.metadata->num_row_groups(); ++g) {
      const auto chunk = m.metadata->RowGroup(g)->ColumnChunk(leaves[0]);
      const auto stored = chunk->is_stats_set() ? chunk->statistics() : nullptr;
      if (!stored || !stored->HasMinMax()) return std::nullopt;
      const auto take = [&](const auto& typed) {
        range.first = std::min<int64_t>(range.first, typed.min());
        range.second = std::max<int64_t>(range.second, typed.max());
      };
      if (stored->physical_type() == parquet::Type::INT64) {
        take(static_cast<const parquet::Int64Statistics&>(*stored));
      } else if (stored->physical_type() == parquet::Type::INT32) {
        take(static_cast<const parquet::Int32Statistics&>(*stored));
      } else {
        return std::nullopt;
      }
    }
    return range;
  });
}

std::vector<std::vector<std::string>> ParquetReader::TextLists(const std::string& column,
                                                               int64_t first, int64_t count) const {
  Impl& m = *impl_;
  return m.Guarded("cannot be read", [&] {
    const std::vector<ArrayPtr> slices = m.Slices(column, first, count);
    m.RequireValues(column, slices, first);
    std::vector<std::vector<std::string>> lists;
    for (const ArrayPtr& slice : slices) {
      for (int64_t i = 0; i < slice->length(); ++i) {
        ArrayPtr items;
        if (slice->type_id() == arrow::Type::LIST) {
          items = static_cast<const arrow::ListArray&>(*slice).value_slice(i);
        } else if (slice->type_id() == arrow::Type::LARGE_LIST) {
          items = static_cast<const arrow::LargeListArray&>(*slice).value_slice(i);
        }
        const bool texts = items && (items->type_id() == arrow::Type::STRING ||
                                     items->type_id() == arrow::Type::LARGE_STRING);
        if (!texts) {
          m.Fail(column,
                 fmt::format("holds {}, must hold lists of texts", slice->type()->ToString()));
        }
        std::vector<std::string> list;
        for (int64_t k = 0; k < items->length(); ++k) {
          list.push_back(items->type_id() == arrow::Type::STRING
                             ? static_cast<const arrow::StringArray&>(*items).GetString(k)
                             : static_cast<const arrow::LargeStringArray&>(*items).GetString(k));
        }
        lists.push_back(std::move(list));
      }
    }
    return lists;
  });
}

}  // namespace understudy
