// LeRobot datasets that pyarrow and ffmpeg wrote: tests/golden/make_lerobot_golden.py.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/formats/formats.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "tests/convert/lerobot_fixture.h"

namespace understudy::store_test {
namespace {

using testing::Contains;
using testing::HasSubstr;

struct Golden {
  const char *folder, *version;
};

class LerobotGoldenTest : public testing::TestWithParam<Golden> {};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotGoldenTest,
                         testing::Values(Golden{"lerobot_v21", "v2.0"},
                                         Golden{"lerobot_v30", "v3.0"}),
                         [](const auto& info) { return std::string(info.param.folder); });

TEST_P(LerobotGoldenTest, OpensAndHoldsWhatWasWritten) {
  const Folder folder;
  const fs::path in = fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden" / GetParam().folder;
  Progress quiet;
  const LerobotImportReport report = ReadLerobot(in, folder / "out.h5", {}, quiet);
  EXPECT_EQ(report.version, GetParam().version);
  EXPECT_FALSE(report.exact);
  EXPECT_EQ(report.episodes, 2);
  EXPECT_EQ(report.frames, 10);
  EXPECT_THAT(report.not_understood, Contains(HasSubstr("observation.state and action")));
  const bool v3 = report.version == std::string("v3.0");
  if (v3) {
    // a column of texts is kept at lerobot/note
    EXPECT_THAT(report.not_understood, testing::Not(Contains(HasSubstr("note"))));
    EXPECT_THAT(report.not_understood, Contains(HasSubstr("no next.reward")));
  }
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder / "out.h5");
  const EpisodeSource& reader = *reader_source;
  // actions of other programs are not normalised: said, and the only fault
  EXPECT_THAT(report.not_understood, Contains(HasSubstr("actions leave [-1, 1]")));
  for (const Fault& fault : VerifyDataset(reader.path()).faults) {
    EXPECT_THAT(fault.what, HasSubstr("[-1, 1]")) << fault.place;
  }
  EXPECT_EQ(reader.header().simulator.control_hz, 10);
  EXPECT_EQ(reader.header().cameras,
            v3 ? std::vector<std::string>{"front"} : (std::vector<std::string>{"front", "wrist"}));
  ASSERT_EQ(reader.episodes().size(), 2u);
  EXPECT_EQ(reader.episodes()[0].length, 4u);
  EXPECT_EQ(reader.episodes()[1].length, 6u);
  // numbers are e + k / 8 + i / 64, states the negative of that
  const h5::Group root = h5::OpenForReading(folder / "out.h5");
  for (size_t e = 0; e < 2; ++e) {
    const h5::Group demo = root.Open(fmt::format("data/demo_{}", e));
    const Column action = demo.Read("actions", ColumnType::kF64),
                 state = demo.Read("obs/state", ColumnType::kF64),
                 task = demo.Read("lerobot/task_index", ColumnType::kI64),
                 done = demo.Read("dones", ColumnType::kU8);
    ASSERT_EQ(action.row_dims, std::vector<size_t>{3});
    ASSERT_EQ(state.row_dims, std::vector<size_t>{5});
    ASSERT_EQ(action.rows, reader.episodes()[e].length);
    for (size_t k = 0; k < action.rows; ++k) {
      const double first = static_cast<double>(e) + static_cast<double>(k) / 8;
      EXPECT_EQ(action.At<double>(k, 2), first + 2 / 64.0);
      EXPECT_EQ(state.At<double>(k, 4), -(first + 4 / 64.0));
      EXPECT_EQ(task.At<int64_t>(k), static_cast<int64_t>(e));
      EXPECT_EQ(done.At<uint8_t>(k), k + 1 == action.rows);
    }
    EXPECT_EQ(demo.Has("rewards"), !v3);
    EXPECT_EQ(demo.Text("ep_meta"),
              e == 0 ? "{\"lang\":\"push the block\"}" : "{\"lang\":\"open the drawer\"}");
    EXPECT_FALSE(demo.HasAttribute("success")) << "nobody told";
  }
  // pictures are grey, of 40 + 60 e + 12 k
  for (size_t e = 0; e < 2; ++e) {
    for (size_t k = 0; k < reader.episodes()[e].length; ++k) {
      const Image image = reader.ReadImage(e, "front", k);
      ASSERT_EQ(image.width, 64);
      ASSERT_EQ(image.height, 48);
      double mean = 0;
      for (const uint8_t v : image.rgb) mean += v / static_cast<double>(image.rgb.size());
      EXPECT_NEAR(mean, 40.0 + 60.0 * static_cast<double>(e) + 12.0 * static_cast<double>(k), 2)
          << e << " " << k;
      if (v3) continue;
      // pictures within the Parquet file are exact
      const Image wrist = reader.ReadImage(e, "wrist", k);
      EXPECT_EQ(wrist.rgb[3], 10 * k);
      EXPECT_EQ(wrist.rgb[4], 255 - k);
      EXPECT_EQ(wrist.rgb[5], e);
    }
  }
}

}  // namespace
}  // namespace understudy::store_test
