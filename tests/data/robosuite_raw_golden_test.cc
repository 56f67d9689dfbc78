// A raw recording that robosuite itself wrote (tests/golden/make_robosuite_raw_golden.py).

#include <gmock/gmock.h>

#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;

class RobosuiteRawGolden : public testing::Test {
 protected:
  const fs::path file_ = fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden/robosuite_raw.h5";
  const Folder folder_;
  Progress quiet_;

  static const ColumnSpec* Named(const std::vector<ColumnSpec>& columns, const char* name) {
    for (const ColumnSpec& column : columns) {
      if (column.name == name) return &column;
    }
    return nullptr;
  }
  // The numbers that h5py reads.
  static void ExpectRows(const fs::path& path) {
    for (const Fault& fault : VerifyDataset(path).faults) {
      ADD_FAILURE() << fault.place << ": " << fault.what;
    }
    const auto source = OpenDataset(path);
    ASSERT_EQ(source->episodes().size(), 1u);
    EXPECT_EQ(source->episodes()[0].length, 50u);
    const std::vector<ColumnSpec> columns = source->ListColumns();
    const ColumnSpec *actions = Named(columns, "actions"), *states = Named(columns, "states");
    ASSERT_NE(actions, nullptr);
    ASSERT_NE(states, nullptr);
    const auto rows = source->ReadColumns(0, std::vector{*actions, *states});
    ASSERT_EQ(rows.at(0).size(), 50u * 7);
    ASSERT_EQ(rows.at(1).size(), 50u * 32);
    EXPECT_THAT(std::vector<double>(rows[0].begin(), rows[0].begin() + 7),
                ElementsAre(1, -1, -1, 0, 0, 0, -1));
    EXPECT_NEAR(rows[0][49 * 7], -0.08261013, 1e-8);
    EXPECT_NEAR(rows[1][1], 0.01961108, 1e-8);
    EXPECT_NEAR(rows[1][49 * 32], 2.45, 1e-12) << "time";
    EXPECT_NEAR(rows[1][49 * 32 + 12], 0.922709232, 1e-9) << "the cube's height";
  }
};

TEST_F(RobosuiteRawGolden, IsReadAsRobosuiteWroteIt) {
  ExpectRows(file_);
  const Json info = DescribeDataset(*OpenDataset(file_));
  EXPECT_THAT(info["format"].get<std::string>(), HasSubstr("raw recording"));
  EXPECT_EQ(info["robot"], "Panda");
  EXPECT_EQ(info["tasks"]["Lift"], 1);
  const SimulatorInfo simulator = OpenDataset(file_)->header().simulator;
  EXPECT_EQ(simulator.control_hz, 20);
  EXPECT_EQ(simulator.limits, (DeltaLimits{0.05, 0.5}));
}

TEST_F(RobosuiteRawGolden, IsCopiedAsItIs) {
  FilterAny(file_, folder_ / "kept.h5", {.where = "steps > 10"}, quiet_);
  ExpectRows(folder_ / "kept.h5");
  // what robosuite's own playback reads
  const h5::Group before = h5::OpenForReading(file_).Open("data"),
                  after = h5::OpenForReading(folder_ / "kept.h5").Open("data");
  for (const char* name : {"env", "env_info", "repository_version", "date", "time"}) {
    EXPECT_EQ(after.Text(name), before.Text(name)) << name;
  }
  EXPECT_EQ(after.Open("demo_1").Text("model_file"), before.Open("demo_1").Text("model_file"));
}

}  // namespace
}  // namespace understudy
