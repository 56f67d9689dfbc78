#pragma once

// LeRobot datasets of both versions, and ways to damage them.

#include <fstream>

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
