#include "data/formats/parquet/parquet_copy.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/lfs_pointer.h"
#include "data/formats/parquet/parquet_pictures.h"
#include "data/formats/parquet/parquet_tables.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;

using TablePtr = std::shared_ptr<arrow::Table>;

struct ParquetRows::Impl {
  fs::path file;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::vector<int64_t> first_rows;  // of the row groups, and the end
  int group = -1;
  TablePtr table;  // of the group

  [[noreturn]] void Fail(const std::string& what) const {
    ThrowBadInput(fmt::format("{}: {}", file.string(), what));
  }
  void Check(const arrow::Status& status) const {
    if (!status.ok()) Fail(status.message());
  }
  template <class T>
  T Get(arrow::Result<T> result) const {
    Check(result.status());
    return std::move(result).ValueUnsafe();
  }

  void Open() {
    RefuseLfsPointer(file);
    parquet::ReaderProperties properties;
    properties.set_page_checksum_verification(true);
    parquet::arrow::FileReaderBuilder builder;
    Check(builder.Open(Get(arrow::io::ReadableFile::Open(file.string())), properties));
    Check(builder.Build(&reader));
    const auto metadata = reader->parquet_reader()->metadata();
    int64_t row = 0;
    for (int i = 0; i < metadata->num_row_groups(); ++i) {
      first_rows.push_back(row);
      row += metadata->RowGroup(i)->num_rows();
    }
    first_rows.push_back(row);
  }

  TablePtr Read(int64_t first, int64_t count) {
    std::vector<TablePtr> parts;
    for (size_t g = 0; g + 1 < first_rows.size(); ++g) {
      const int64_t begin = std::max(first, first_rows[g]),
                    end = std::min(first + count, first_rows[g + 1]);
      if (begin >= end) continue;
      if (group != static_cast<int>(g)) {
        table.reset();
        group = -1;
        const TablePtr read = Get(reader->ReadRowGroup(static_cast<int>(g)));
        Check(read->ValidateFull());
        table = read;
        group = static_cast<int>(g);
      }
      parts.push_back(table->Slice(begin - first_rows[g], end - begin));
    }
    if (parts.empty()) Fail(fmt::format("has no rows {} to {}", first, first + count - 1));
    const TablePtr rows = Get(arrow::ConcatenateTables(parts));
    if (rows->num_rows() != count) {
      Fail(fmt::format("has {} rows; rows {} to {} are wanted", first_rows.back(), first,
                       first + count - 1));
    }
    return rows;
  }
};

ParquetRows::ParquetRows(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  impl_->file = file;
  try {
    impl_->Open();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    impl_->Fail(error.what());
  }
}
ParquetRows::~ParquetRows() = default;
ParquetRows::ParquetRows(ParquetRows&&) noexcept = default;
ParquetRows& ParquetRows::operator=(ParquetRows&&) noexcept = default;
const fs::path& ParquetRows::file() const { return impl_->file; }

struct ParquetCopy::Impl {
  fs::path file;
  std::shared_ptr<arrow::io::FileOutputStream> sink;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  bool finished = false;

  void Check(const arrow::Status& status) const {
    if (!status.ok()) ThrowFailed(fmt::format("{}: {}", file.string(), status.ToString()));
  }
  template <class T>
  T Get(arrow::Result<T> result) const {
    Check(result.status());
    return std::move(result).ValueUnsafe();
  }
};

ParquetCopy::ParquetCopy(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  impl_->file = file;
  std::error_code none;
  fs::create_directories(file.parent_path(), none);
  impl_->sink = impl_->Get(arrow::io::FileOutputStream::Open(PartOf(file).string()));
}

ParquetCopy::~ParquetCopy() {
  if (!impl_ || impl_->finished) return;
  impl_->writer.reset();
  impl_->sink.reset();
  std::error_code none;
  fs::remove(PartOf(impl_->file), none);
}
ParquetCopy::ParquetCopy(ParquetCopy&&) noexcept = default;

bool ParquetCopy::Append(ParquetRows& from, const RowsToCopy& rows) {
  Impl& m = *impl_;
  Require(rows.order.empty() || static_cast<int64_t>(rows.order.size()) == rows.count,
          "an order of all rows");
  TablePtr table;
  try {
    const auto last = std::max_element(rows.order.begin(), rows.order.end());
    table = from.impl_->Read(rows.first, last == rows.order.end() ? rows.count : *last + 1);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    from.impl_->Fail(error.what());
  }
  if (!rows.order.empty()) table = m.Get(RowsInOrder(table, rows.order));
  const auto set = [&](int at, const std::shared_ptr<arrow::ChunkedArray>& column) {
    table = m.Get(table->SetColumn(at, table->field(at)->WithType(column->type()), column));
  };
  for (const auto& [name, values] : rows.replaced) {
    const int at = table->schema()->GetFieldIndex(name);
    if (at < 0) continue;
    Require(static_cast<int64_t>(values.size()) == rows.count, "a number for every row");
    set(at,
        std::make_shared<arrow::ChunkedArray>(m.Get(ArrayLike(table->field(at)->type(), values))));
  }
  for (const std::string& name : rows.pictures) {
    const int at = table->schema()->GetFieldIndex(name);
    if (at < 0 || !HoldsPictures(*table->field(at)->type())) continue;
    const auto whole = WithBytes(*table->column(at), rows.folder,
                                 fmt::format("{}: column '{}'", from.file().string(), name));
    if (whole) set(at, whole);
  }
  if (m.schema && !m.schema->Equals(*table->schema(), false)) return false;
  if (!m.writer) {
    m.schema = table->schema();
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(parquet::Compression::SNAPPY)
                                ->enable_dictionary()
                                ->enable_page_checksum()
                                ->build();
    const auto stored = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    m.writer = m.Get(parquet::arrow::FileWriter::Open(*m.schema, arrow::default_memory_pool(),
                                                      m.sink, properties, stored));
  }
  m.Check(m.writer->WriteTable(*table, rows.count));
  return true;
}

int64_t ParquetCopy::bytes() const { return impl_->Get(impl_->sink->Tell()); }

void ParquetCopy::Finish() {
  Impl& m = *impl_;
  Require(m.writer != nullptr && !m.finished, "a table with rows is finished once");
  m.Check(m.writer->Close());
  m.Check(m.sink->Close());
  m.finished = true;
  RenameDurably(PartOf(m.file), m.file);
}

}  // namespace understudy
