// Files of MimicGen as sources: the same demonstrations, the same generation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/base/error.h"
#include "data/formats/family/foreign_writer.h"
#include "data/formats/formats.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/writer.h"
#include "mimic/command.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class ForeignSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("foreign_source_" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    robot_.name = simulator->info().robot;
    // another name for everything, and a frame that lies elsewhere and is turned
    ForeignTask names;
    names.names = {"Stack", "Stack_D0"};
    names.variants = {{"D0", "Stack_D0"}};
    names.interface = "MG_Stack";
    names.objects = {{"cubeA", "block_1"}};
    names.signals = {{"grasp", "picked"}};
    task_.foreign[kRobosuiteFamily] = names;
    robot_.foreign[kRobosuiteFamily] = {
        {"Panda"},
        Pose(Eigen::Quaterniond(0.5, -0.5, 0.5, 0.5), {0.01, -0.02, 0.05}),
        Pose(Eigen::Quaterniond(0.6, 0, 0, 0.8), {0, 0, 0})};

    DatasetHeader header;
    header.simulator = simulator->info();
    header.stage = "teleop";
    DatasetWriter writer(native(), header);
    for (const Episode& episode : FakeDemos(task_, 4)) writer.Append(episode);
    writer.Finish();
    fake_.grasp_radius = 0.004;  // some attempts fail
    options_.out = (folder_ / "out.h5").string();
    options_.overwrite = true;
    options_.run.attempts = 40;
    options_.run.threads = 2;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path native() const { return folder_ / "native.h5"; }
  Translation Names() const { return Translation(kRobosuiteFamily, &task_, &robot_); }
  fs::path Mimicgen() {
    Progress quiet;
    const fs::path file = folder_ / "mimicgen.hdf5";
    WriteForeign(foreign::kMimicgenWriter, *OpenDataset(native()), file, {}, Translation(), Names(),
                 quiet);
    return file;
  }
  MimicReport Run(const fs::path& source, const AdaptSource& adapt = {}) {
    Progress quiet;
    options_.sources = {source.string()};
    return RunMimic(options_, task_, FakeSimulatorFactory(task_, fake_), quiet, adapt);
  }

  TaskSpec task_ = FakeTask();
  RobotSpec robot_;
  FakeOptions fake_;
  MimicOptions options_;
  fs::path folder_;
};

TEST_F(ForeignSourceTest, GeneratesAsItsNativeTwin) {
  const MimicReport wanted = Run(native());
  const Episode first = OpenDataset(options_.out)->ReadEpisode(0);
  ASSERT_GT(wanted.successes, 5);
  ASSERT_LT(wanted.successes, wanted.attempts);
  const fs::path file = Mimicgen();
  EXPECT_EQ(OpenDataset(file)->header().stage, "MimicGen source");
  const MimicReport got = Run(file, [&](const EpisodeSource& reader, Episode* episode) {
    EXPECT_EQ(reader.header().family, kRobosuiteFamily);
    Names().ToOurs(episode);
  });
  EXPECT_EQ(got.attempts, wanted.attempts);
  EXPECT_EQ(got.successes, wanted.successes);
  // the same demonstrations by uuid, and the same motion
  const std::unique_ptr<EpisodeSource> made_source = OpenDataset(options_.out);
  const EpisodeSource& made = *made_source;
  const Episode twin = made.ReadEpisode(0);
  EXPECT_EQ(twin.meta.sources, first.meta.sources);
  EXPECT_EQ(twin.meta.uuid, first.meta.uuid);
  ASSERT_EQ(twin.length(), first.length());
  for (size_t k = 0; k < twin.length(); ++k) {
    EXPECT_LT((twin.steps[k].action.arms[0].X_WE_cmd.translation() -
               first.steps[k].action.arms[0].X_WE_cmd.translation())
                  .norm(),
              1e-6);
  }
  EXPECT_EQ(made.header().parents.size(), 1u);
  EXPECT_FALSE(made.header().parents[0].empty());
}

TEST_F(ForeignSourceTest, NamesThatAreNotKnownAreToldWithTheNextStep) {
  try {
    Run(Mimicgen());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("task 'Stack_D0', wanted 'fake_stack' (if they are the same, say "
                                "so in `foreign` of its task.yaml)"),
                      HasSubstr("robot 'Panda'"), HasSubstr("no object 'cubeA'"),
                      HasSubstr("no signal 'grasp'")));
  }
}

}  // namespace
}  // namespace understudy
