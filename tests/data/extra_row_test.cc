// Files whose observations have one row more than the actions: the state after the last action.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "data/formats/base/row_texts.h"
#include "data/formats/edit.h"
#include "data/formats/family/import.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/file.h"
#include "tests/data/foreign_support.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

using namespace store_test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr size_t kActions = 6;
constexpr const char* kCutHint =
    "; if the last is the state after the last action, `understudy data repair` cuts it off";
const std::vector<std::string> kStateful{"obs/front_image",
                                         "obs/inner/touch",
                                         "obs/robot0_eef_pos",
                                         "obs/robot0_eef_quat",
                                         "obs/robot0_gripper_qpos",
                                         "obs/said",
                                         "states"};

// Column by column of `demo`.
hsize_t RowsOf(const h5::Group& demo, const std::string& path) {
  return demo.Info(path).dims.at(0);
}

class ExtraRow : public testing::Test {
 protected:
  // Two episodes; the arrays `with` have a row more than actions, the others as many.
  fs::path Write(const std::vector<std::string>& with) {
    const fs::path file = folder_ / "theirs.hdf5";
    h5::GrowingFile out = h5::GrowingFile::Create(file);
    const h5::Group data = out.root().Create("data");
    data.SetText("env_args", R"({"env_name": "Hand", "env_kwargs": {"control_freq": 20}})");
    for (const char* name : {"data/demo_0", "data/demo_1"}) {
      const h5::Group demo = out.root().Create(name);
      demo.SetInt("num_samples", kActions);
      const auto add = [&](const std::string& path, ColumnType type, std::vector<size_t> dims) {
        const bool more = std::ranges::find(with, path) != with.end();
        demo.Write(Ramp(path, type, dims, kActions + (more ? 1 : 0)));
      };
      add("actions", ColumnType::kF64, {6});
      add("rewards", ColumnType::kF64, {});
      add("obs/robot0_eef_pos", ColumnType::kF64, {3});
      add("obs/robot0_gripper_qpos", ColumnType::kF32, {2});
      Column quat("obs/robot0_eef_quat", ColumnType::kF64, {4});
      quat.rows = kActions + (std::ranges::find(with, quat.path) != with.end() ? 1 : 0);
      for (size_t i = 0; i < 4 * quat.rows; ++i) quat.Push(i % 4 == 3 ? 1.0 : 0.0);
      demo.Write(quat);
      add("obs/inner/touch", ColumnType::kF64, {4});
      add("obs/front_image", ColumnType::kU8, {16, 20, 3});
      add("states", ColumnType::kF64, {5});
      add("next_obs/robot0_eef_pos", ColumnType::kF64, {3});
      std::vector<std::string> texts(kActions, "reach");
      if (std::ranges::find(with, "obs/said") != with.end()) texts.emplace_back("after");
      demo.WriteTexts("obs/said", texts);
    }
    out.Close();
    return file;
  }
  std::string Faults(const fs::path& file) {
    std::string all;
    for (const Fault& fault : VerifyApart(file, {}, {}, quiet_).faults) {
      all += fault.place + ": " + fault.what + "\n";
    }
    return all;
  }
  h5::Group Demo(const fs::path& file, const char* name) {
    return h5::OpenForReading(file).Open("data").Open(name);
  }
  Folder folder_;
  Progress quiet_;
};

TEST_F(ExtraRow, IsPassedOverWhereEveryObservationHasIt) {
  const fs::path file = Write(kStateful);
  EXPECT_EQ(Faults(file), "");
  const auto source = OpenDataset(file);
  ASSERT_THAT(source->episodes(), SizeIs(2));
  EXPECT_EQ(source->episodes()[0].length, kActions);
  const Episode episode = source->ReadEpisode(0);
  ASSERT_EQ(episode.length(), kActions);
  EXPECT_DOUBLE_EQ(episode.steps[5].observation.arms.at(0).X_WE.translation()[2], 0.37 * 17);
  EXPECT_THAT(episode.steps[5].state, SizeIs(5));

  const std::vector<ColumnSpec> columns = source->ColumnsOf(1);
  std::vector<std::string> names;
  for (const ColumnSpec& column : columns) names.push_back(column.name);
  EXPECT_THAT(names,
              ElementsAre("actions", "obs/inner/touch", "obs/robot0_eef_pos", "obs/robot0_eef_quat",
                          "obs/robot0_gripper_qpos", "rewards", "states"));
  for (const std::vector<double>& values : source->ReadColumns(1, columns)) {
    EXPECT_EQ(values.size() % kActions, 0u);
  }
  const std::vector<ColumnSpec> touch{columns[1]};
  const std::vector<double> values = source->ReadColumns(1, touch)[0];
  ASSERT_THAT(values, SizeIs(4 * kActions));
  EXPECT_DOUBLE_EQ(values.back(), 0.37 * (4 * kActions - 1));

  // the picture of the last row is that of row 5
  std::vector<uint8_t> frame(16 * 20 * 3);
  source->ReadFrame(0, 0, kActions - 1, frame.data());
  EXPECT_EQ(frame[0], static_cast<uint8_t>(5 * frame.size()));
  EXPECT_THAT(dynamic_cast<const RowTexts&>(*source).ReadRowTexts(0)["obs/said"],
              testing::AllOf(SizeIs(kActions), Not(Contains("after"))));
}

TEST_F(ExtraRow, IsSaidInInfoAndOnTheLostList) {
  const fs::path file = Write(kStateful);
  const auto source = OpenDataset(file);
  const std::string note =
      "obs/front_image, obs/inner/touch, obs/robot0_eef_pos, obs/robot0_eef_quat, "
      "obs/robot0_gripper_qpos, obs/said, "
      "states: one row more than actions, the state after the last one: it is not used";
  EXPECT_EQ(DescribeDataset(*source)["extra_row"], note);
  EXPECT_THAT(LostInImport(*source, Translation()), Contains(note));
}

TEST_F(ExtraRow, IsKeptByAFilterAndNotByATrim) {
  const fs::path file = Write(kStateful);
  FilterAny(file, folder_ / "f.hdf5", {.where = "steps > 0"}, quiet_);
  EXPECT_EQ(RowsOf(Demo(folder_ / "f.hdf5", "demo_1"), "obs/inner/touch"), kActions + 1);
  EXPECT_EQ(Faults(folder_ / "f.hdf5"), "");
  {
    // the last two actions do nothing
    Surgeon surgeon(file);
    for (size_t i = 24; i < 36; ++i) surgeon.Poke("/data/demo_0/actions", i, 1);
  }
  TrimAny(file, folder_ / "t.hdf5", {.margin = 0, .least_rows = 1}, quiet_);
  const h5::Group trimmed = Demo(folder_ / "t.hdf5", "demo_0");
  const hsize_t left = RowsOf(trimmed, "actions");
  EXPECT_LT(left, kActions);
  for (const std::string& path : kStateful) EXPECT_EQ(RowsOf(trimmed, path), left) << path;
  EXPECT_EQ(Faults(folder_ / "t.hdf5"), "");
}

TEST_F(ExtraRow, IsCutOffByRepair) {
  const fs::path file = Write(kStateful), mended = folder_ / "m.hdf5";
  const RepairReport report = RepairAny(file, mended, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 2);
  EXPECT_THAT(report.mended,
              ElementsAre("demo_0, demo_1: the row after the last action is cut off of "
                          "obs/front_image, obs/inner/touch, obs/robot0_eef_pos, "
                          "obs/robot0_eef_quat, "
                          "obs/robot0_gripper_qpos, obs/said, states"));
  const h5::Group before = Demo(file, "demo_0"), after = Demo(mended, "demo_0");
  for (const std::string& path : kStateful) {
    ASSERT_EQ(RowsOf(after, path), kActions) << path;
    if (path == "obs/said") continue;
    std::vector<uint8_t> first = before.Read(path).bytes;
    first.resize(first.size() / (kActions + 1) * kActions);
    EXPECT_EQ(after.Read(path).bytes, first) << path;
  }
  EXPECT_EQ(after.Read("next_obs/robot0_eef_pos").bytes,
            before.Read("next_obs/robot0_eef_pos").bytes);
  EXPECT_EQ(Faults(mended), "");
  EXPECT_FALSE(DescribeDataset(*OpenDataset(mended)).contains("extra_row"));
}

TEST_F(ExtraRow, OfSomeObservationsIsAFaultThatRepairMends) {
  const fs::path file = Write({"obs/robot0_eef_pos", "obs/front_image"}),
                 mended = folder_ / "m.hdf5";
  EXPECT_THAT(Faults(file),
              testing::AllOf(HasSubstr(fmt::format("/data/demo_0/obs/robot0_eef_pos: has shape "
                                                   "(7, 3), must have 6 rows{}",
                                                   kCutHint)),
                             HasSubstr("/data/demo_1/obs/front_image")));
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file)->ReadEpisode(0); }, ErrorKind::kBadInput),
              HasSubstr(fmt::format("/data/demo_0/obs/robot0_eef_pos: has 7 rows, must have 6{}",
                                    kCutHint)));
  const RepairReport report = RepairAny(file, mended, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 2);
  EXPECT_THAT(report.mended, ElementsAre(HasSubstr("of obs/front_image, obs/robot0_eef_pos")));
  EXPECT_EQ(RowsOf(Demo(mended, "demo_0"), "obs/robot0_gripper_qpos"), kActions);
  EXPECT_EQ(Faults(mended), "");
}

// Neither a row too few nor two too many is that state.
TEST_F(ExtraRow, IsOneRow) {
  const fs::path file = Write(kStateful);
  {
    Surgeon surgeon(file);
    surgeon.Delete("/data/demo_0/obs/robot0_eef_pos");
    surgeon.Array("/data/demo_0/obs/robot0_eef_pos", {kActions + 2, 3});
  }
  const std::string faults = Faults(file);
  EXPECT_THAT(faults, HasSubstr("obs/robot0_eef_pos: has shape (8, 3), must have 6 rows\n"));
  const auto sound = OpenDataset(file, {.skip_bad = true});
  ASSERT_THAT(sound->skipped(), SizeIs(1));
  EXPECT_EQ(sound->skipped()[0].name, "demo_0");
}

}  // namespace
}  // namespace understudy
