// A stranger's dataset in the viewer: its columns by name, its cameras each of its size.

#include <gmock/gmock.h>

#include <cstring>
#include <map>

#include "data/formats/formats.h"
#include "tests/data/stranger.h"
#include "tests/view/session.h"

namespace understudy::view_test {
namespace {

using store_test::Ramp;

TEST(StrangerView, ShowsColumnsByTheirNames) {
  const OwnFolder folder;
  const std::filesystem::path file = folder / "joints.hdf5";
  store_test::WriteStranger(file, {.also = [](const h5::Group& demo, size_t, size_t rows) {
                              demo.Write(Ramp("obs/a_image", ColumnType::kU8, {20, 30, 3}, rows));
                              demo.Write(Ramp("obs/b_image", ColumnType::kU8, {8, 12, 3}, rows));
                              demo.Write(Ramp("wide", ColumnType::kF32, {100}, rows));
                            }});
  Session session(file);
  EXPECT_EQ(session.GetJson("/api/dataset")["image_sizes"], (Json{{30, 20}, {12, 8}}));

  const Json about = session.GetJson("/api/episode/1");
  const std::string bytes = session.Get("/api/episode/1/columns").second;
  std::vector<double> numbers(bytes.size() / sizeof(double));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(double));
  const auto source = OpenDataset(file);
  std::map<std::string, Json> shown;
  for (const Json& column : about["columns"]) {
    if (column["kind"] == "stored") shown[column["name"]] = column;
  }
  size_t compared = 0;
  for (const ColumnSpec& column : source->ListColumns()) {
    if (column.name == "wide") continue;
    ASSERT_TRUE(shown.contains(column.name)) << column.name;
    const std::vector<double> values = source->ReadColumns(1, std::vector{column})[0];
    const size_t first = shown[column.name]["first"], size = column.size();
    for (size_t at = 0; at < values.size(); ++at) {
      ASSERT_EQ(numbers.at((first + at % size) * 6 + at / size), values[at]) << column.name;
      ++compared;
    }
  }
  EXPECT_GT(compared, 100u);
  EXPECT_EQ(shown["actions"]["of"], "action");
  EXPECT_EQ(shown["obs/robot0_eef_pos"]["of"], "state");
  EXPECT_EQ(about["wide_columns"], Json{"wide (100)"});
  // nothing is said of labels, which only files of this program have
  for (const Json& column : about["columns"]) EXPECT_NE(column["name"], "label");
  // pictures of both sizes
  EXPECT_EQ(session.Get("/api/episode/0/frames?camera=0&from=1&count=2").second.size(), 2u * 1800);
  EXPECT_EQ(session.Get("/api/episode/0/frames?camera=1&from=1&count=2").second.size(), 2u * 288);
}

}  // namespace
}  // namespace understudy::view_test
