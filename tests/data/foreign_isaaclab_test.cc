// Isaac Lab's trees, and the order of their quaternions.

#include <gmock/gmock.h>

#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::AllOf;
using testing::HasSubstr;

class IsaacLab : public testing::Test {
 protected:
  void SetUp() override { own_ = WriteConvertible(folder_ / "own.h5"); }
  fs::path Written(IsaacLabOrder order, bool doubles = true) {
    const fs::path file = folder_ / "i.hdf5";
    ForeignWriteOptions options;
    options.overwrite = true;
    options.isaaclab.quaternions = order;
    options.isaaclab.double_precision = doubles;
    Export(&foreign::kIsaacLabWriter, own_, file, options, Translation());
    return file;
  }
  // Plain Isaac Lab: nothing of Isaac Lab Mimic.
  static void DropDatagenInfo(const fs::path& file) {
    Surgeon surgeon(file);
    for (const char* demo : {"data/demo_0", "data/demo_1", "data/demo_2"}) {
      surgeon.Delete((std::string(demo) + "/obs/datagen_info").c_str());
    }
  }

  const Folder folder_;
  fs::path own_;
};

TEST_F(IsaacLab, StatesAreThoseAfterEachStep) {
  const fs::path file = Written(IsaacLabOrder::kXyzw);
  const Episode e = OpenDataset(own_)->ReadEpisode(1);
  const std::string demo = "data/demo_1/";
  const std::vector<double> first =
      Numbers(file, demo + "initial_state/rigid_object/cube1/root_pose");
  const std::vector<double> rest = Numbers(file, demo + "states/rigid_object/cube1/root_pose");
  ASSERT_EQ(first.size(), 7u);
  ASSERT_EQ(rest.size(), 70u);
  const auto expect = [&](const double* pose, const Pose& X) {
    const auto& p = X.translation();
    const auto& q = X.rotation();
    const double want[] = {p.x(), p.y(), p.z(), q.x(), q.y(), q.z(), q.w()};
    for (int i = 0; i < 7; ++i) EXPECT_EQ(pose[i], want[i]);
  };
  expect(first.data(), e.steps[0].observation.X_WO[1]);
  for (size_t k = 0; k < 10; ++k) {
    expect(&rest[7 * k], (k + 1 < 10 ? e.steps[k + 1].observation : e.final_observation).X_WO[1]);
  }
  // velocities of the free joint: linear in the world, angular turned from the body into the world
  const std::vector<double> speed = Numbers(file, demo + "states/rigid_object/cube1/root_velocity");
  ASSERT_EQ(speed.size(), 60u);
  const size_t at = 1 + 16 + 2 + 6;  // time, qpos; the arm's two and cube0's six
  for (size_t k = 0; k < 10; ++k) {
    const SimState& state = k + 1 < 10 ? e.steps[k + 1].state : e.final_state;
    const Observation& o = k + 1 < 10 ? e.steps[k + 1].observation : e.final_observation;
    const Eigen::Vector3d w(state[at + 3], state[at + 4], state[at + 5]);
    const Eigen::Vector3d turned = o.X_WO[1].rotation() * w;
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(speed[6 * k + i], state[at + i]);
      EXPECT_EQ(speed[6 * k + 3 + i], turned[static_cast<Eigen::Index>(i)]);
    }
  }
  // joints of the arm, then of the fingers
  const std::vector<double> joints =
      Numbers(file, demo + "states/articulation/robot/joint_position");
  EXPECT_EQ(joints[0], e.steps[1].observation.arms[0].joint_q[0]);
  EXPECT_EQ(joints[8], e.steps[1].observation.arms[0].gripper_q[1]);
  // a relative action: metres over the scale, and +1 opens
  const std::vector<double> actions = Numbers(file, demo + "actions");
  const Step& step = e.steps[4];
  const Eigen::Vector3d move =
      step.action.arms[0].X_WE_cmd.translation() - step.observation.arms[0].X_WE.translation();
  EXPECT_NEAR(actions[7 * 4 + 1] * 0.5, move.y(), 1e-15);
  EXPECT_EQ(actions[7 * 4 + 6], -step.action.arms[0].gripper);
}

TEST_F(IsaacLab, VelocitiesThatAreNotKnownAreLeftOutAndSaid) {
  // a third free joint: no place can be accounted for
  const EpisodeShape shape = ConvertibleShape();
  DatasetHeader header = ConvertibleHeader(shape);
  header.model_text = "<freejoint/><freejoint/><freejoint/>";
  header.cameras.clear();
  const fs::path other = folder_ / "other.h5";
  {
    DatasetWriter writer(other, header);
    writer.Append(ConvertibleEpisode(1, shape));
    writer.Finish();
  }
  const auto said = [&](const fs::path& file) {
    const std::vector<std::string> lost =
        LostIn(foreign::kIsaacLabWriter, *OpenDataset(file), {}, Translation());
    return std::any_of(lost.begin(), lost.end(), [](const std::string& line) {
      return line.find("velocities of objects") != std::string::npos;
    });
  };
  EXPECT_FALSE(said(own_));
  EXPECT_TRUE(said(other));
  Export(&foreign::kIsaacLabWriter, other, folder_ / "o.hdf5", {}, Translation());
  const Surgeon surgeon(folder_ / "o.hdf5");
  const std::string object = "data/demo_0/states/rigid_object/cube0";
  EXPECT_GT(H5Lexists(surgeon.id(), (object + "/root_pose").c_str(), H5P_DEFAULT), 0);
  EXPECT_EQ(H5Lexists(surgeon.id(), (object + "/root_velocity").c_str(), H5P_DEFAULT), 0);
}

TEST_F(IsaacLab, TheOrderIsSeenInTheMatrices) {
  for (const IsaacLabOrder order : {IsaacLabOrder::kXyzw, IsaacLabOrder::kWxyz}) {
    const fs::path file = Written(order, false);
    if (order == IsaacLabOrder::kXyzw) {
      const Surgeon surgeon(file);
      H5Adelete(surgeon.id(), "format_version");
    }
    const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
    const EpisodeSource& reader = *reader_source;
    EXPECT_EQ(reader.header().settings["quaternions"],
              order == IsaacLabOrder::kXyzw ? "xyzw" : "wxyz");
    EXPECT_EQ(DescribeDataset(*OpenDataset(file))["quaternions"],
              reader.header().settings["quaternions"]);
    // an answer that contradicts the file
    const ReadOptions wrong{.quaternions = order == IsaacLabOrder::kXyzw ? QuaternionOrder::kWxyz
                                                                         : QuaternionOrder::kXyzw};
    EXPECT_THAT(ErrorOf([&] { OpenDataset(file, wrong); }, ErrorKind::kUsage),
                AllOf(HasSubstr("--quaternions"), HasSubstr("matrices")));
  }
}

TEST_F(IsaacLab, WithoutMatricesTheVersionTellsOrTheUserIsAsked) {
  const Episode wanted = OpenDataset(own_)->ReadEpisode(2);
  const auto expect_poses = [&](const fs::path& file, const ReadOptions& read) {
    const Episode got = OpenDataset(file, read)->ReadEpisode(2);
    ASSERT_EQ(got.length(), wanted.length());
    EXPECT_EQ(got.meta.settings["pose_from"], "obs");
    for (size_t k = 0; k < got.length(); ++k) {
      ExpectNear(got.steps[k].observation.arms[0].X_WE, wanted.steps[k].observation.arms[0].X_WE,
                 1e-7);
      ExpectNear(got.steps[k].observation.X_WO[1], wanted.steps[k].observation.X_WO[1], 1e-7);
    }
  };
  // xyzw since files have a version
  fs::path file = Written(IsaacLabOrder::kXyzw);
  DropDatagenInfo(file);
  expect_poses(file, {});
  // before, nothing tells
  file = Written(IsaacLabOrder::kWxyz);
  DropDatagenInfo(file);
  const std::unique_ptr<EpisodeSource> unknown_source = OpenDataset(file);
  const EpisodeSource& unknown = *unknown_source;
  EXPECT_EQ(unknown.header().settings["quaternions"], "unknown");
  // poses are absent, and everything else is there
  const Episode rows = unknown.ReadEpisode(2);
  EXPECT_EQ(rows.length(), wanted.length());
  EXPECT_TRUE(rows.steps[0].observation.arms.empty());
  EXPECT_TRUE(rows.steps[0].observation.X_WO.empty());
  EXPECT_EQ(unknown.ReadColumns(2, unknown.ListColumns()).size(), unknown.ListColumns().size());
  const Json info = DescribeDataset(unknown);
  EXPECT_EQ(info["unread_poses"]["of"], (Json{"hand", "objects"}));
  EXPECT_FALSE(info["motion"].contains("unreadable"));
  EXPECT_FALSE(info["motion"].contains("path_m"));
  EXPECT_EQ(VerifyDataset(file, {}).faults.size(), 0u);
  // who needs them asks once
  EXPECT_THAT(
      ErrorOf([&] { Export(&foreign::kRobomimicWriter, file, folder_ / "r.hdf5", {}, {}); },
              ErrorKind::kUsage),
      testing::EndsWith(
          "i.hdf5: poses are needed (hand, objects): give --quaternions wxyz (Isaac Lab before "
          "2026) or --quaternions xyzw (since), the order of its quaternions, which nothing in it "
          "says"));
  EXPECT_FALSE(fs::exists(folder_ / "r.hdf5"));
  expect_poses(file, {.quaternions = QuaternionOrder::kWxyz});
  // the answer holds for one call
  EXPECT_EQ(OpenDataset(file)->header().simulator.arms.size(), 0u);
}

TEST_F(IsaacLab, PosesThatStandInMatricesAreReadWithoutTheOrder) {
  const fs::path file = Written(IsaacLabOrder::kWxyz);
  {
    // nothing tells the order: no pose of an object stands in both ways
    const Surgeon surgeon(file);
    for (const std::string demo : {"data/demo_0", "data/demo_1", "data/demo_2"}) {
      H5Ldelete(surgeon.id(), (demo + "/obs/datagen_info/object_pose").c_str(), H5P_DEFAULT);
      H5Ldelete(surgeon.id(), (demo + "/obs/eef_quat").c_str(), H5P_DEFAULT);
    }
  }
  const auto source = OpenDataset(file);
  EXPECT_EQ(source->header().settings["unread_poses"]["of"], (Json{"objects"}));
  ExpectNear(source->ReadEpisode(1).steps[3].observation.arms.at(0).X_WE,
             OpenDataset(own_)->ReadEpisode(1).steps[3].observation.arms[0].X_WE, 1e-9);
  EXPECT_THAT(ErrorOf([&] { LostInImport(*source, Translation()); }, ErrorKind::kUsage),
              HasSubstr("poses are needed (objects): give --quaternions wxyz"));
}

TEST_F(IsaacLab, PicturesStandUnderTheirOwnNames) {
  const fs::path file = Written(IsaacLabOrder::kXyzw);
  const std::unique_ptr<EpisodeSource> ours_source = OpenDataset(own_);
  const EpisodeSource& ours = *ours_source;
  const std::unique_ptr<EpisodeSource> theirs_source = OpenDataset(file);
  const EpisodeSource& theirs = *theirs_source;
  EXPECT_EQ(theirs.header().cameras, ours.header().cameras);
  EXPECT_EQ(theirs.ReadImage(1, "wrist", 7), ours.ReadImage(1, "wrist", 7));
  EXPECT_EQ(Shape(file, "data/demo_0/obs/wrist"), (std::vector<hsize_t>{10, 8, 16, 3}));
}

}  // namespace
}  // namespace understudy
