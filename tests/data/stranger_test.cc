// Commands on a stranger's file: described by its columns, and a sound copy of a damaged one.

#include "tests/data/stranger.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/base/error.h"
#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "tests/data/surgeon.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class StrangerTest : public testing::Test {
 protected:
  Folder folder_;
  const fs::path file_ = folder_ / "in.hdf5", out_ = folder_ / "out.hdf5";
  Progress quiet_;
};

TEST_F(StrangerTest, IsDescribedByItsColumns) {
  // ten episodes alike, one far away; a column that one episode has in another shape
  WriteStranger(file_, {.episodes = 11, .also = [](const h5::Group& demo, size_t e, size_t rows) {
                          Column far("obs/robot0_base_pos", ColumnType::kF64, {2});
                          far.rows = rows;
                          for (size_t k = 0; k < rows; ++k) {
                            far.Push(std::sin(static_cast<double>(k)));
                            far.Push(e == 4 ? 50.0 : 0.1 * static_cast<double>(e % 3));
                          }
                          demo.Write(far);
                          demo.Write(Ramp("odd", ColumnType::kF64, {e == 3 ? 3u : 2u}, rows));
                          demo.Write(Ramp("wide", ColumnType::kF32, {100}, rows));
                        }});
  const Json columns = DescribeDataset(*OpenDataset(file_))["columns"];
  const Json& actions = columns.at("actions");
  EXPECT_EQ(actions["role"], "action");
  EXPECT_EQ(actions["shape"], Json({6}));
  EXPECT_DOUBLE_EQ(actions["max"][5].get<double>(), 0.37 * (6 * 15 - 1));
  EXPECT_EQ(columns["obs/robot0_base_pos"]["outliers"], Json({{"demo_4", {"1"}}}));
  EXPECT_FALSE(columns["obs/touch"].contains("outliers"));
  EXPECT_EQ(columns["odd"]["episodes"], 10);
  EXPECT_EQ(columns["wide"]["shape"], Json({100}));
  EXPECT_FALSE(columns["wide"].contains("min"));
}

TEST_F(StrangerTest, RepairKeepsTheSoundEpisodes) {
  WriteStranger(file_, {.episodes = 4, .also = [](const h5::Group& demo, size_t e, size_t rows) {
                          Column column("obs/force", ColumnType::kF64, {1});
                          column.rows = rows;
                          for (size_t k = 0; k < rows; ++k)
                            column.Push(e == 2 && k == 3 ? std::nan("") : 1.0);
                          demo.Write(column);
                        }});
  ASSERT_FALSE(VerifyDataset(file_).faults.empty());
  const RepairReport report = RepairAny(file_, out_, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 3);
  ASSERT_EQ(report.dropped.size(), 1u);
  EXPECT_EQ(report.dropped[0].place, "demo_2");
  EXPECT_THAT(report.dropped[0].what, HasSubstr("obs/force"));
  EXPECT_TRUE(VerifyDataset(out_).faults.empty());
  const auto before = OpenDataset(file_), after = OpenDataset(out_);
  ASSERT_EQ(after->episodes().size(), 3u);
  EXPECT_EQ(after->ReadColumns(2, after->ListColumns()),
            before->ReadColumns(3, before->ListColumns()));
  EXPECT_EQ(FindFormat(out_)->name, FindFormat(file_)->name);
  EXPECT_THAT([&] { RepairAny(file_, out_, false, {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("exists already")));
}

}  // namespace
}  // namespace understudy::store_test
