#include "data/formats/parquet/parquet_writer.h"

#include <arrow/api.h>
#include <arrow/config.h>
#include <arrow/io/file.h>
#include <arrow/util/float16.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

class Arrow {
 public:
  explicit Arrow(fs::path file) : file_(std::move(file)) {}
  void Check(const arrow::Status& status) const {
    if (!status.ok()) ThrowFailed(fmt::format("{}: {}", file_.string(), status.ToString()));
  }
  template <class T>
  T Get(arrow::Result<T> result) const {
    Check(result.status());
    return std::move(result).ValueUnsafe();
  }

  template <class Builder, class Values>
  std::shared_ptr<arrow::Array> Numbers(const Values& values) const {
    Builder builder;
    Check(builder.AppendValues(values));
    return Get(builder.Finish());
  }

  std::shared_ptr<arrow::Array> Flat(const ParquetColumn& column) const {
    return std::visit(
        [&]<class V>(const V& values) -> std::shared_ptr<arrow::Array> {
          if constexpr (std::is_same_v<V, std::vector<float>>) {
            return Numbers<arrow::FloatBuilder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<double>>) {
            return Numbers<arrow::DoubleBuilder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<int64_t>>) {
            return Numbers<arrow::Int64Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<int8_t>>) {
            return Numbers<arrow::Int8Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<int16_t>>) {
            return Numbers<arrow::Int16Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<int32_t>>) {
            return Numbers<arrow::Int32Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<uint8_t>>) {
            return Numbers<arrow::UInt8Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<uint16_t>>) {
            return Numbers<arrow::UInt16Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<uint32_t>>) {
            return Numbers<arrow::UInt32Builder>(values);
          } else if constexpr (std::is_same_v<V, std::vector<uint64_t>>) {
            return Numbers<arrow::UInt64Builder>(values);
          } else if constexpr (std::is_same_v<V, ParquetColumn::Halves>) {
            arrow::HalfFloatBuilder builder;
            for (const float value : values.values) {
              Check(builder.Append(arrow::util::Float16(value).bits()));
            }
            return Get(builder.Finish());
          } else if constexpr (std::is_same_v<V, ParquetColumn::Bools>) {
            arrow::BooleanBuilder builder;
            Check(builder.AppendValues(values.values.data(),
                                       static_cast<int64_t>(values.values.size())));
            return Get(builder.Finish());
          } else if constexpr (std::is_same_v<V, std::vector<std::string>>) {
            arrow::StringBuilder builder;
            Check(builder.AppendValues(values));
            return Get(builder.Finish());
          } else {
            const auto texts = std::make_shared<arrow::StringBuilder>();
            arrow::ListBuilder builder(arrow::default_memory_pool(), texts);
            for (const std::vector<std::string>& list : values) {
              Check(builder.Append());
              Check(texts->AppendValues(list));
            }
            return Get(builder.Finish());
          }
        },
        column.values);
  }

  std::shared_ptr<arrow::Array> Nested(const ParquetColumn& column) const {
    std::shared_ptr<arrow::Array> array = Flat(column);
    for (auto size = column.dims.rbegin(); size != column.dims.rend(); ++size) {
      array = Get(arrow::FixedSizeListArray::FromArrays(array, *size));
    }
    return array;
  }

 private:
  fs::path file_;
};

// Metadata by which pandas distinguishes the index from the columns.
std::shared_ptr<const arrow::KeyValueMetadata> PandasMetadata(const arrow::Schema& schema,
                                                              const std::string& index) {
  Json columns = Json::array();
  for (const auto& field : schema.fields()) {
    const bool text = field->type()->id() == arrow::Type::STRING;
    columns.push_back({{"name", field->name()},
                       {"field_name", field->name()},
                       {"pandas_type", text ? "unicode" : "int64"},
                       {"numpy_type", text ? "object" : "int64"},
                       {"metadata", nullptr}});
  }
  const Json json{{"index_columns", {index}},
                  {"column_indexes", Json::array()},
                  {"columns", columns},
                  {"creator", {{"library", "understudy"}, {"version", "1"}}},
                  {"pandas_version", "2.0.0"}};
  return arrow::key_value_metadata({"pandas"}, {json.dump()});
}

}  // namespace

struct ParquetWriter::Impl {
  fs::path file;
  std::string pandas_index;
  Arrow calls;
  std::shared_ptr<arrow::io::FileOutputStream> sink;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  bool finished = false;
};

ParquetWriter::ParquetWriter(const fs::path& file, const std::string& pandas_index)
    : impl_(new Impl{file, pandas_index, Arrow(file), nullptr, nullptr, nullptr}) {
  std::error_code none;
  fs::create_directories(file.parent_path(), none);
  impl_->sink = impl_->calls.Get(arrow::io::FileOutputStream::Open(PartOf(file).string()));
}

ParquetWriter::~ParquetWriter() {
  if (!impl_ || impl_->finished) return;
  impl_->writer.reset();
  impl_->sink.reset();
  std::error_code none;
  fs::remove(PartOf(impl_->file), none);
}
ParquetWriter::ParquetWriter(ParquetWriter&&) noexcept = default;

void ParquetWriter::Append(const std::vector<ParquetColumn>& columns) {
  Impl& m = *impl_;
  Require(!m.finished && !columns.empty(), "columns, before the end");
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const ParquetColumn& column : columns) {
    arrays.push_back(m.calls.Nested(column));
    fields.push_back(arrow::field(column.name, arrays.back()->type()));
    Require(arrays.back()->length() == arrays.front()->length(), "columns of one length");
  }
  if (!m.writer) {
    m.schema = arrow::schema(fields);
    if (!m.pandas_index.empty()) {
      m.schema = m.schema->WithMetadata(PandasMetadata(*m.schema, m.pandas_index));
    }
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(parquet::Compression::SNAPPY)
                                ->enable_dictionary()
                                ->enable_page_checksum()
                                ->build();
    const auto stored = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    m.writer = m.calls.Get(parquet::arrow::FileWriter::Open(*m.schema, arrow::default_memory_pool(),
                                                            m.sink, properties, stored));
  }
  const auto table = arrow::Table::Make(m.schema, arrays);
  m.calls.Check(table->Validate());
  m.calls.Check(m.writer->WriteTable(*table, std::max<int64_t>(1, table->num_rows())));
}

int64_t ParquetWriter::bytes() const { return impl_->calls.Get(impl_->sink->Tell()); }

void ParquetWriter::Finish() {
  Impl& m = *impl_;
  Require(m.writer != nullptr && !m.finished, "a table with rows is finished once");
  m.calls.Check(m.writer->Close());
  m.calls.Check(m.sink->Close());
  m.finished = true;
  RenameDurably(PartOf(m.file), m.file);
}

std::string ArrowVersion() { return arrow::GetBuildInfo().version_string; }

}  // namespace understudy
