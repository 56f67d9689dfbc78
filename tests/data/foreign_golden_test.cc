// Files that h5py wrote in the layouts of MimicGen and Isaac Lab.
// tests/golden/make_foreign_golden.py says what stands in them.

#include <gmock/gmock.h>

#include <cmath>

#include "data/formats/formats.h"
#include "data/store/reader.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;

constexpr size_t kRows = 6;

// Every hand points down: a turn about z after one by pi about x.
Pose Turned(double angle, double x, double y, double z, bool down) {
  const Eigen::Vector3d p(x, y, z);
  const Pose turn = PoseFromYaw(angle, p);
  return down ? turn * Pose(Eigen::Quaterniond(0, 1, 0, 0), {0, 0, 0}) : turn;
}
Pose Hand(double i, double k) {
  return Turned(0.1 * i + 0.02 * k, 0.01 * k, 0.1 * i, 1 - 0.01 * k, true);
}
Pose Goal(double i, double k) {
  return Turned(0.1 * i + 0.02 * k + 0.1, 0.01 * k + 0.02, 0.1 * i, 1 - 0.01 * k - 0.01, true);
}
Pose Thing(double i, double o, double k) {
  return Turned(0.3 + i + o, 0.05 * o, 0.02 * i, 0.82 + 0.01 * k, false);
}

fs::path Golden(const std::string& name) {
  return fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden" / name;
}

void ExpectRows(const Episode& e, double i, double tolerance) {
  ASSERT_EQ(e.length(), kRows);
  for (size_t n = 0; n < kRows; ++n) {
    const double k = static_cast<double>(n);
    const Step& step = e.steps[n];
    ExpectNear(step.observation.arms.at(0).X_WE, Hand(i, k), tolerance);
    ExpectNear(step.action.arms.at(0).X_WE_cmd, Goal(i, k), tolerance);
    EXPECT_EQ(step.action.arms[0].gripper, n < 3 ? -1 : 1);
    ASSERT_EQ(step.observation.X_WO.size(), 2u);
    for (size_t o = 0; o < 2; ++o) {
      ExpectNear(step.observation.X_WO[o], Thing(i, static_cast<double>(o), k), tolerance);
    }
    EXPECT_EQ(step.observation.signals, std::vector<uint8_t>{n >= 3});
  }
}

TEST(ForeignGolden, MimicgenSource) {
  const fs::path file = Golden("h5py_mimicgen_source.h5");
  EXPECT_TRUE(VerifyDataset(file).faults.empty());
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  const SimulatorInfo& info = reader.header().simulator;
  EXPECT_EQ(reader.header().stage, "MimicGen source");
  EXPECT_EQ(info.task, "Stack_D0");
  EXPECT_EQ(info.robot, "Panda");
  EXPECT_EQ(info.limits, (DeltaLimits{0.05, 0.5}));
  EXPECT_THAT(info.objects, ElementsAre("cubeA", "cubeB"));
  EXPECT_THAT(info.signals, ElementsAre("grasp"));
  for (size_t i = 0; i < 2; ++i) {
    const Episode e = reader.ReadEpisode(i);
    ExpectRows(e, static_cast<double>(i), 1e-7);
    EXPECT_TRUE(e.meta.success);
    EXPECT_EQ(e.steps[2].state[31], 0.05 * 2 + 31 * static_cast<double>(i));
    // the stored delta leads to the stored target
    const ArmAction target = TargetFromDelta(e.steps[1].observation.arms[0].X_WE,
                                             e.steps[1].delta[0].value, info.limits);
    ExpectNear(target.X_WE_cmd, e.steps[1].action.arms[0].X_WE_cmd, 1e-7);
  }
}

// The stack task and the panda of this repository know the file by its names.
TEST(ForeignGolden, MimicgenSourceIsOfOurStackTask) {
  const fs::path root(UNDERSTUDY_SOURCE_DIR);
  EXPECT_EQ(ListedTaskCalled(kRobosuiteFamily, "Stack_D0", root / "sim/tasks"), "stack");
  EXPECT_EQ(ListedTaskCalled(kIsaacLabFamily, "Stack_D0", root / "sim/tasks"), "");
  const TaskSpec task = LoadTaskSpec("stack", root / "sim/tasks");
  const RobotSpec robot = LoadRobotSpec(task.robot, root / "sim/robots");
  Episode e = OpenDataset(Golden("h5py_mimicgen_source.h5"))->ReadEpisode(1);
  Translation(kRobosuiteFamily, &task, &robot).ToOurs(&e);
  EXPECT_EQ(e.meta.task, "stack");
  EXPECT_EQ(e.meta.variant, "D0");
  EXPECT_EQ(e.meta.robot, "panda");
  EXPECT_EQ(e.meta.instruction, task.instruction);
  for (size_t k = 0; k < kRows; ++k) {
    // the hand points down: our frame lies 6.9 mm farther out, which is lower
    const Pose theirs = Hand(1, static_cast<double>(k));
    const Pose& X_WE = e.steps[k].observation.arms[0].X_WE;
    EXPECT_LT(AngleBetween(X_WE.rotation(), theirs.rotation()), 1e-7);
    EXPECT_LT((X_WE.translation() - theirs.translation() + Eigen::Vector3d(0, 0, 0.0069)).norm(),
              1e-9);
  }
}

TEST(ForeignGolden, IsaacLab) {
  const fs::path file = Golden("h5py_isaaclab.h5");
  for (const Fault& fault : VerifyDataset(file).faults) ADD_FAILURE() << fault.place << fault.what;
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  const SimulatorInfo& info = reader.header().simulator;
  EXPECT_EQ(reader.header().stage, "Isaac Lab");
  EXPECT_EQ(info.task, "Isaac-Stack-Cube-Franka-IK-Rel-Mimic-v0");
  EXPECT_NEAR(info.control_hz, 20, 1e-12);
  EXPECT_THAT(info.arms, ElementsAre("franka"));
  EXPECT_THAT(info.objects, ElementsAre("cubeA", "cubeB"));
  EXPECT_THAT(info.signals, ElementsAre("grasp_1"));
  EXPECT_THAT(reader.header().cameras, ElementsAre("table_cam"));
  EXPECT_EQ(reader.header().settings["quaternions"], "wxyz");
  for (size_t i = 0; i < 2; ++i) {
    const Episode e = reader.ReadEpisode(i);
    ExpectRows(e, static_cast<double>(i), 1e-5);
    EXPECT_EQ(e.meta.success, i == 0);
    EXPECT_EQ(e.meta.seed, 40 + i);
    const ArmObservation& arm = e.steps[4].observation.arms[0];
    ASSERT_EQ(arm.joint_q.size(), 7);
    ASSERT_EQ(arm.gripper_q.size(), 2);
    EXPECT_NEAR(arm.joint_q[6], 0.6 + 0.04, 1e-6);
    EXPECT_NEAR(arm.gripper_q[1], 0.8 + 0.04, 1e-6);
    EXPECT_EQ(arm.joint_v[0], 4);
    const Image image = reader.ReadImage(i, "table_cam", 5);
    EXPECT_EQ(image.rgb[(2 * 8 + 3) * 3 + 1], (7 * i + 5 * 5 + 3 * 2 + 3 + 11) % 256);
  }
}

// Without the matrices of Isaac Lab Mimic, poses are those of the states: before row k those after
// row k - 1.
TEST(ForeignGolden, IsaacLabStatesWithoutMatrices) {
  const Folder folder;
  const fs::path file = folder / "x.hdf5";
  fs::copy_file(Golden("h5py_isaaclab.h5"), file);
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  {
    Surgeon surgeon(file);
    surgeon.Delete("data/demo_0/obs/datagen_info");
    surgeon.Delete("data/demo_1/obs/datagen_info");
  }
  const Episode e = OpenDataset(file, {.quaternions = QuaternionOrder::kWxyz})->ReadEpisode(1);
  for (size_t k = 0; k < kRows; ++k) {
    ExpectNear(e.steps[k].observation.arms.at(0).X_WE, Hand(1, static_cast<double>(k)), 1e-5);
    ExpectNear(e.steps[k].observation.X_WO.at(1), Thing(1, 1, static_cast<double>(k)), 1e-5);
  }
  EXPECT_TRUE(e.steps[0].action.arms.empty()) << "no targets are told";
}

}  // namespace
}  // namespace understudy
