// The file of --map: names, parts, poses, cameras and rates of a stranger's dataset.

#include "data/formats/base/column_map.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "core/base/error.h"
#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/files.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ColumnMapTest : public testing::Test {
 protected:
  ColumnMapTest() {
    WriteStranger(file_, {.also = [](const h5::Group& demo, size_t, size_t rows) {
                    // x y z, a quarter turn about z in each form, the gripper from 0 (closed) to 1
                    // (open)
                    Column tool("obs/tool", ColumnType::kF64, {26});
                    Column goal("goal", ColumnType::kF64, {7});
                    tool.rows = goal.rows = rows;
                    const double h = std::sqrt(0.5), quarter = M_PI / 2;
                    for (size_t k = 0; k < rows; ++k) {
                      const double x = 100 * static_cast<double>(k);
                      for (const double v : {x,   20.0, 30.0,                    // mm
                                             0.0, 0.0,  h,       h,              // xyzw
                                             h,   0.0,  0.0,     h,              // wxyz
                                             0.0, 0.0,  quarter,                 // vector
                                             0.0, 0.0,  90.0,                    // degrees
                                             0.0, -1.0, 0.0,     1.0, 0.0, 0.0,  // rows of R
                                             0.5, 1.0,  0.0}) {
                        tool.Push(v);
                      }
                      for (const double v :
                           {x / 1000 + 0.01, 0.02, 0.03, 0.0, 0.0, quarter, k == 0 ? 1.0 : 0.0}) {
                        goal.Push(v);
                      }
                    }
                    demo.Write(tool);
                    demo.Write(goal);
                  }});
  }

  std::unique_ptr<EpisodeSource> Open(const std::string& yaml) const {
    WriteTextAtomically(map_, yaml);
    return OpenDataset(file_, {.map = map_.string()});
  }
  static std::vector<std::string> Named(const EpisodeSource& source, ColumnRole role) {
    std::vector<std::string> names;
    for (const ColumnSpec& column : source.ListColumns()) {
      if (column.role == role) names.push_back(column.name);
    }
    return names;
  }

  Folder folder_;
  const fs::path file_ = folder_ / "tool.hdf5", map_ = folder_ / "map.yaml";
};

TEST_F(ColumnMapTest, TheTemplateSaysWhatIsKnownAndChangesNothing) {
  const auto plain = OpenDataset(file_);
  const std::string text = ColumnMapTemplate(*plain);
  EXPECT_THAT(text, AllOf(HasSubstr("# obs/tool: float64 (26)"), HasSubstr("control_hz: 25"),
                          HasSubstr("instruction: \"close the hand\"")));
  const auto mapped = Open(text);
  EXPECT_EQ(Named(*mapped, ColumnRole::kState), Named(*plain, ColumnRole::kState));
  EXPECT_EQ(Named(*mapped, ColumnRole::kAction), Named(*plain, ColumnRole::kAction));
  const std::vector<ColumnSpec> columns = plain->ListColumns();
  EXPECT_EQ(mapped->ReadColumns(1, columns), plain->ReadColumns(1, columns));
  EXPECT_EQ(mapped->ReadStoredActions(1), plain->ReadStoredActions(1));
}

TEST_F(ColumnMapTest, PartsBecomeColumns) {
  const auto source = Open(R"(
state:
  - {column: obs/tool, parts: [{name: depth, from: 2}, {name: reach, from: 0, size: 2, scale: 0.001}]}
  - {column: obs/touch}
action: [{column: goal}]
instruction: reach out
robot: Tool
control_hz: 50
)");
  EXPECT_THAT(Named(*source, ColumnRole::kState), ElementsAre("depth", "reach", "obs/touch"));
  EXPECT_THAT(Named(*source, ColumnRole::kAction), ElementsAre("goal"));
  for (const ColumnSpec& column : source->ListColumns()) {
    if (column.name != "reach") continue;
    const std::vector<double> values = source->ReadColumns(1, std::vector{column})[0];
    ASSERT_EQ(values.size(), 12u);
    EXPECT_DOUBLE_EQ(values[4], 0.2);
    EXPECT_DOUBLE_EQ(values[5], 0.02);
  }
  EXPECT_EQ(source->header().simulator.control_hz, 50);
  EXPECT_EQ(source->header().simulator.robot, "Tool");
  EXPECT_EQ(source->ReadMeta(0).instruction, "reach out");
  EXPECT_DOUBLE_EQ(source->ReadEpisode(0).steps[2].observation.sim_time_s, 0.04);
  EXPECT_EQ(source->ReadStoredActions(0)->at(1).size(), 7u);
}

// Every form of the same rotation gives the same pose.
TEST_F(ColumnMapTest, PositionAndRotationArePoses) {
  const Pose quarter(Eigen::Quaterniond(Eigen::AngleAxisd(M_PI / 2, Eigen::Vector3d::UnitZ())),
                     {0.1, 0.02, 0.03});
  for (const char* rotation :
       {"{name: r, from: 3, size: 4, is: quaternion_xyzw}",
        "{name: r, from: 7, size: 4, is: quaternion_wxyz}",
        "{name: r, from: 11, size: 3, is: rotation_vector}",
        "{name: r, from: 14, size: 3, is: euler_xyz, scale: 0.017453292519943295}",
        "{name: r, from: 17, size: 6, is: rotation_6d_rows}"}) {
    const auto source = Open(fmt::format(R"(
state:
  - column: obs/tool
    parts: [{{name: p, size: 3, is: position, scale: 0.001}}, {}, {{name: g, from: 23, is: gripper}}]
action:
  - column: goal
    parts:
      - {{name: to, size: 3, is: position}}
      - {{name: turn, from: 3, size: 3, is: rotation_vector}}
      - {{name: grip, from: 6, is: gripper, open: 1, closed: 0}}
)",
                                         rotation));
    EXPECT_THAT(source->header().simulator.arms, ElementsAre("arm")) << rotation;
    const Episode episode = source->ReadEpisode(0);
    const ArmObservation& arm = episode.steps[1].observation.arms.at(0);
    EXPECT_LT((arm.X_WE.translation() - quarter.translation()).norm(), 1e-12) << rotation;
    EXPECT_LT(arm.X_WE.rotation().angularDistance(quarter.rotation()), 1e-7) << rotation;
    EXPECT_EQ(arm.gripper_q[0], 0.5);
    const ArmAction& target = episode.steps[1].action.arms.at(0);
    EXPECT_LT((target.X_WE_cmd.translation() - Eigen::Vector3d(0.11, 0.02, 0.03)).norm(), 1e-12);
    EXPECT_EQ(episode.steps[0].action.arms[0].gripper, -1) << "open";
    EXPECT_EQ(target.gripper, 1) << "closed";
    // normalised deltas follow from both
    const double limit = source->header().simulator.limits.linear;
    EXPECT_NEAR(episode.steps[1].delta.at(0).value[0], 0.01 / limit, 1e-9);
  }
}

TEST_F(ColumnMapTest, EverySlipIsNamed) {
  EXPECT_THAT(
      [&] {
        Open(R"(
state:
  - {column: obs/tol}
  - {column: obs/tool, parts: [{name: p, from: 25, size: 3}, {name: q, size: 3, is: quaternion_xyzw}]}
cameras: {front: webcam}
)");
      },
      ThrowsMessage<Error>(AllOf(
          HasSubstr("did you mean 'obs/tool'"), HasSubstr("numbers 25 to 27, the column has 26"),
          HasSubstr("a quaternion_xyzw has 4"), HasSubstr("camera 'webcam'"))));
  EXPECT_THAT([&] { Open("stat: []\n"); }, ThrowsMessage<Error>(HasSubstr("stat")));
  EXPECT_THAT([&] { Open("{}\n"); }, ThrowsMessage<Error>(HasSubstr("--map-template")));
}

// Where datasets are taken as they are, a map would be ignored.
TEST_F(ColumnMapTest, IsRefusedByCommandsThatCopy) {
  Progress quiet;
  WriteTextAtomically(map_, "instruction: reach\n");
  const ReadOptions read{.map = map_.string()};
  const auto refused = ThrowsMessage<Error>(AllOf(HasSubstr("--map"), HasSubstr("data convert")));
  EXPECT_THAT(
      [&] { FilterAny(file_, folder_ / "o.hdf5", {.drop = {"demo_0"}, .read = read}, quiet); },
      refused);
  EXPECT_THAT([&] { RepairAny(file_, folder_ / "o.hdf5", false, read, quiet); }, refused);
  EXPECT_THAT([&] { VerifyDataset(file_, {.read = read}); }, refused);
}

}  // namespace
}  // namespace understudy::store_test
