#pragma once

// LeRobot datasets of both versions, and ways to damage them.

#include <arrow/json/from_string.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include <fstream>
#include <map>
#include <optional>

#include "data/formats/lerobot/frame_table.h"
#include "data/formats/parquet/parquet_writer.h"
#include "tests/convert/lerobot_fixture.h"

namespace understudy::store_test {

inline std::string Bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void PutBytes(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

inline void EditJson(const fs::path& file, const std::function<void(Json&)>& edit) {
  Json json = LoadJson(file);
  edit(json);
  WriteTextAtomically(file, json.dump(4));
}

// How far two pictures are from each other, per byte.
inline double Distance(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

// One row of a column becomes `json`: "null", "[1, null]".
inline void PutJson(const fs::path& file, const std::string& column, int64_t row,
                    const std::string& json) {
  const auto table = ReadTable(file);
  const int at = table->schema()->GetFieldIndex(column);
  const auto values = table->column(at)->chunk(0);
  const auto builder = arrow::MakeBuilder(values->type()).ValueOrDie();
  const auto odd = arrow::json::ArrayFromJSONString(values->type(), "[" + json + "]").ValueOrDie();
  for (int64_t k = 0; k < values->length(); ++k) {
    const auto value = k == row ? odd->GetScalar(0) : values->GetScalar(k);
    ASSERT_TRUE(builder->AppendScalar(*value.ValueOrDie()).ok());
  }
  const auto edited = std::make_shared<arrow::ChunkedArray>(builder->Finish().ValueOrDie());
  const auto result = table->SetColumn(at, arrow::field(column, values->type()), edited);
  const auto sink = arrow::io::FileOutputStream::Open(file.string()).ValueOrDie();
  ASSERT_TRUE(
      parquet::arrow::WriteTable(*result.ValueOrDie(), arrow::default_memory_pool(), sink).ok());
  ASSERT_TRUE(sink->Close().ok());
}

class LerobotDamage : public LerobotTest, public testing::WithParamInterface<LerobotVersion> {
 protected:
  void SetUp() override {
    LerobotOptions options;
    options.version = GetParam();
    Convert(options);
  }
  bool v21() const { return GetParam() == LerobotVersion::kV21; }
  fs::path info() const { return folder_ / "out/meta/info.json"; }
  fs::path rows() const {
    return folder_ / (v21() ? "out/data/chunk-000/episode_000001.parquet"
                            : "out/data/chunk-000/file-000.parquet");
  }
  fs::path film() const {
    return folder_ / (v21() ? "out/videos/chunk-000/observation.images.wrist/episode_000001.mp4"
                            : "out/videos/observation.images.wrist/chunk-000/file-000.mp4");
  }
  fs::path rows_of(size_t episode) const {
    return v21() ? folder_ / fmt::format("out/data/chunk-000/episode_{:06d}.parquet", episode)
                 : rows();
  }
  struct ListOptions {
    bool with_rows = false;  // episodes of length 0 have their rows in the data
    std::string films = "observation.images.";
    std::function<void(std::vector<ParquetColumn>&)> edit = {};  // of every episode
  };
  // Lists and rows of the episodes with these lengths, which are 0 or those that they have; films
  // stay.
  void ListEpisodes(const std::vector<int64_t>& lengths, const ListOptions& options) {
    std::vector<std::vector<std::string>> tasks;
    std::map<std::string, std::vector<int64_t>> whole;
    std::map<std::string, std::vector<double>> seconds;
    std::string lines;
    FrameTable table(ArmsOf(episodes_[0], {}, "test"), GetParam());
    std::optional<ParquetWriter> file;
    int64_t index = 0, frame = 0;
    for (size_t e = 0; e < lengths.size(); ++e) {
      const auto number = static_cast<int64_t>(e);
      lines +=
          fmt::format("{{\"episode_index\": {}, \"tasks\": [], \"length\": {}}}\n", e, lengths[e]);
      tasks.push_back({episodes_[e].meta.instruction});
      const std::map<std::string, int64_t> row{
          {"episode_index", number},     {"length", lengths[e]},
          {"data/chunk_index", 0},       {"data/file_index", 0},
          {"dataset_from_index", index}, {"dataset_to_index", index + lengths[e]}};
      for (const auto& [name, value] : row) whole[name].push_back(value);
      for (const std::string& camera : header_.cameras) {
        const std::string key = "videos/" + options.films + camera;
        for (const char* part : {"/chunk_index", "/file_index"}) whole[key + part].push_back(0);
        seconds[key + "/from_timestamp"].push_back(static_cast<double>(frame) / 20);
        seconds[key + "/to_timestamp"].push_back(static_cast<double>(frame + lengths[e]) / 20);
      }
      if (v21()) fs::remove(rows_of(e));
      if (lengths[e] > 0 || options.with_rows) {
        table.Fill(episodes_[e], number, index, e == 1 ? 1 : 0, 20);
        if (!file || v21()) {
          if (file) file->Finish();
          file.emplace(rows_of(e));
        }
        std::vector<ParquetColumn> columns = table.Columns();
        if (options.edit) options.edit(columns);
        file->Append(columns);
      }
      index += lengths[e];
      frame += static_cast<int64_t>(episodes_[e].length());
    }
    file->Finish();
    EditJson(info(), [&](Json& json) { json["total_frames"] = index; });
    if (v21()) return WriteTextAtomically(folder_ / "out/meta/episodes.jsonl", lines);
    std::vector<ParquetColumn> columns{{.name = "tasks", .values = tasks}};
    for (const auto& [name, values] : whole) columns.push_back({.name = name, .values = values});
    for (const auto& [name, values] : seconds) columns.push_back({.name = name, .values = values});
    ParquetWriter list(folder_ / "out/meta/episodes/chunk-000/file-000.parquet");
    list.Append(columns);
    list.Finish();
  }
  // Writes the rows anew, episode 1 with its columns edited.
  void EditRows(const std::function<void(std::vector<ParquetColumn>&)>& edit) {
    WriteRows([&](size_t episode, std::vector<ParquetColumn>& columns) {
      if (episode == 1) edit(columns);
    });
  }
  // Every episode of the file.
  void EditAllRows(const std::function<void(std::vector<ParquetColumn>&, size_t)>& edit) {
    WriteRows([&](size_t episode, std::vector<ParquetColumn>& columns) {
      edit(columns, episodes_[episode].length());
    });
  }
  void WriteRows(const std::function<void(size_t, std::vector<ParquetColumn>&)>& edit) {
    FrameTable table(ArmsOf(episodes_[0], {}, "test"), GetParam());
    ParquetWriter writer(rows());
    int64_t index = 0;
    for (size_t e = 0; e < 3; ++e) {
      table.Fill(episodes_[e], static_cast<int64_t>(e), index, e == 1 ? 1 : 0, 20);
      index += static_cast<int64_t>(episodes_[e].length());
      if (v21() && e != 1) continue;
      std::vector<ParquetColumn> columns = table.Columns();
      edit(e, columns);
      writer.Append(columns);
    }
    writer.Finish();
  }
  template <class T>
  static std::vector<T>& Values(std::vector<ParquetColumn>& columns, const std::string& name) {
    for (ParquetColumn& column : columns) {
      if (column.name == name) return std::get<std::vector<T>>(column.values);
    }
    throw std::runtime_error("no column " + name);
  }
};

}  // namespace understudy::store_test
