// Replaying a dataset: actions lead to the recorded states, or the first row where they do not.

#include "data/store/edit/replay.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/support/fake_simulator.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() : task_(FakeTask()), simulators_(FakeSimulatorFactory(task_)) {
    const auto simulator = simulators_();
    info_ = simulator->info();
    for (uint64_t i = 0; i < 5; ++i) {
      episodes_.push_back(ScriptedStack(*simulator, task_, "D0", RngKey{.seed = 2, .parent = i}));
    }
  }
  fs::path Write(const std::string& name) {
    header_.simulator = info_;
    DatasetWriter writer(folder_ / name, header_, {.overwrite = true});
    for (const Episode& episode : episodes_) writer.Append(episode);
    writer.Finish();
    return folder_ / name;
  }
  ReplayReport Replay(const fs::path& file, const ReplayOptions& options = {}) {
    return VerifyReplay(*OpenDataset(file), info_, simulators_, options, quiet_);
  }
  Folder folder_;
  TaskSpec task_;
  SimulatorFactory simulators_;
  SimulatorInfo info_;
  DatasetHeader header_;
  std::vector<Episode> episodes_;
  Progress quiet_;
};

TEST_F(ReplayTest, SoundEpisodesAreBitExactOnAnyNumberOfThreads) {
  const fs::path file = Write("sound.h5");
  for (const int threads : {1, 3}) {
    const ReplayReport report = Replay(file, {.threads = threads});
    EXPECT_EQ(report.episodes, 5);
    EXPECT_EQ(report.bit_exact, 5);
    EXPECT_EQ(report.worst_error, 0);
    EXPECT_TRUE(report.faults.empty());
  }
}

// An episode is replayed in its own world, and the next one in its own again.
TEST_F(ReplayTest, WorldsAreReplayedAsStored) {
  const auto simulator = simulators_();
  for (const size_t i : {1, 3}) {
    EpisodeMeta meta = episodes_[i].meta;
    meta.physics.edits = {ActuatorGainEdit{"arm", 0.5 + 0.05 * static_cast<double>(i)}};
    meta.model_text = "<mujoco model=\"weak\"/>";
    simulator->SetWorld(meta.physics);
    episodes_[i] = ScriptedStack(*simulator, task_, "D0", RngKey{.seed = 3, .parent = i});
    std::swap(episodes_[i].meta.physics, meta.physics);
    episodes_[i].meta.model_text = meta.model_text;
  }
  const fs::path file = Write("worlds.h5");
  EXPECT_EQ(Replay(file, {.threads = 1}).bit_exact, 5);
  EXPECT_EQ(Replay(file, {.threads = 3}).bit_exact, 5);
  // read back as it was, the model too; the others have the dataset's own
  const auto reader = OpenDataset(file);
  const EpisodeMeta read = reader->ReadMeta(1);
  EXPECT_EQ(ToJson(read.physics), ToJson(episodes_[1].meta.physics));
  EXPECT_EQ(read.model_text, episodes_[1].meta.model_text);
  EXPECT_TRUE(reader->ReadMeta(0).physics.edits.empty());
  EXPECT_TRUE(reader->ReadMeta(0).model_text.empty());
  // the world is content
  const std::string hash = reader->content_hash();
  episodes_[1].meta.physics.edits = {ActuatorGainEdit{"arm", 0.56}};
  EXPECT_NE(OpenDataset(Write("other.h5"))->content_hash(), hash);
  // elsewhere it does not lead where it led
  EXPECT_EQ(Replay(folder_ / "other.h5").bit_exact, 4);
}

TEST_F(ReplayTest, TheFirstRowThatDoesNotFollowIsNamed) {
  episodes_[3].steps[17].state[2] += 1e-4;
  const fs::path file = Write("off.h5");
  const ReplayReport report = Replay(file);
  EXPECT_EQ(report.bit_exact, 4);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].place, "/data/demo_3/understudy/state[17]");
  EXPECT_THAT(report.faults[0].what, HasSubstr("0.0001 off, in row 17"));
  EXPECT_NEAR(report.worst_error, 1e-4, 1e-12);
  // the file itself is sound: only a replay finds this
  EXPECT_TRUE(VerifyDataset(file).faults.empty());
  EXPECT_TRUE(Replay(file, {.tolerance = 2e-4}).faults.empty());
  EXPECT_EQ(Replay(file, {.tolerance = 5e-5}).faults.size(), 1u);
}

// An action that was changed later leads elsewhere in the row after it.
TEST_F(ReplayTest, AChangedActionIsFound) {
  ArmAction& target = episodes_[0].steps[5].action.arms[0];
  target.X_WE_cmd = Pose::FromTranslation({0, 0, 0.02}) * target.X_WE_cmd;
  const ReplayReport report = Replay(Write("changed.h5"));
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].place, "/data/demo_0/understudy/state[6]");
}

TEST_F(ReplayTest, AnotherTwinIsRefused) {
  const fs::path file = Write("sound.h5");
  info_.robot = "ur5e";
  EXPECT_THAT([&] { Replay(file); },
              ThrowsMessage<Error>(HasSubstr("robot is fake, that of the simulator ur5e")));
  const fs::path foreign = UNDERSTUDY_SOURCE_DIR "/tests/golden/h5py_robomimic.h5";
  EXPECT_THAT([&] { Replay(foreign); }, ThrowsMessage<Error>(HasSubstr("no exact states")));
  // states that say that they count other predicates
  info_.robot = "fake";
  header_.task = {{"predicates", "these"}, {kCountedPredicates, "those"}};
  const fs::path counted = Write("counted.h5");
  EXPECT_EQ(Replay(counted, {.predicates = "those"}).bit_exact, 5);
  EXPECT_EQ(Replay(counted).bit_exact, 5) << "nobody told which predicates the simulator has";
  EXPECT_THAT([&] { Replay(counted, {.predicates = "these"}); },
              ThrowsMessage<Error>(HasSubstr("annotate")));
}

}  // namespace
}  // namespace understudy::store_test
