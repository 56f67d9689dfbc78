// Attempts in worlds of their own: drawn by key, stored, replayed.
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "data/store/edit/replay.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "mimic/command.h"
#include "tests/mimic/fixture.h"
#include "tests/support/own_folder.h"
#include "tests/support/simulator_around.h"

namespace understudy {
namespace {

using testing::HasSubstr;

class WorldsTest : public testing::Test {
 protected:
  WorldsTest() {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.stage = "teleop";
    header.model_text = simulator->ModelText();
    DatasetWriter writer(folder_ / "sources.h5", header);
    for (const Episode& episode : FakeDemos(task_, 4)) writer.Append(episode);
    writer.Finish();
    options_.sources = {(folder_ / "sources.h5").string()};
    options_.out = (folder_ / "out.h5").string();
    options_.run.attempts = 10;
    options_.run.keep_failed = true;
    options_.run.world_plan = {{"weak", "as drawn below"}};
  }
  WorkerSeams Seams() {
    WorkerSeams seams(FakeSimulatorFactory(task_));
    seams.world = [](const PhysicsInventory& world, const RngKey& key) {
      const double gain = world.actuators.at(0).gain;
      return PhysicsVariation{
          {ActuatorGainEdit{"arm", gain * Rng(key.WithTerm("weak/arm")).Uniform(0.6, 1)}}};
    };
    return seams;
  }
  void Run(int threads) {
    Progress quiet;
    options_.run.threads = threads;
    options_.overwrite = true;
    RunMimic(options_, task_, Seams(), quiet);
  }

  OwnFolder folder_;
  TaskSpec task_ = FakeTask();
  MimicOptions options_;
  Progress quiet_;
};

// Finds no place for the start of an attempt where the arm is weak.
class Crowded : public SimulatorAround {
 public:
  using SimulatorAround::SimulatorAround;

 private:
  void DoSetWorld(const PhysicsVariation& world) override {
    gain_ = std::get<ActuatorGainEdit>(world.edits.at(0)).gain;
    SimulatorAround::DoSetWorld(world);
  }
  void DoReset(const std::string& variant, const RngKey& key) override {
    const bool start = key.term == RngKey{}.WithTerm("reset").term;
    if (start && gain_ < 0.8 * inner().inventory().actuators.at(0).gain) {
      ThrowFailed("no free place");
    }
    SimulatorAround::DoReset(variant, key);
  }
  double gain_ = 0;
};

// A world that holds no start is drawn again; the run goes on, and ends the same.
TEST_F(WorldsTest, AWorldWithoutAStartIsDrawnAgain) {
  WorkerSeams seams = Seams();
  seams.simulator = [this] { return std::make_unique<Crowded>(MakeFakeSimulator(task_)); };
  RunMimic(options_, task_, seams, quiet_);
  const DatasetReader reader(options_.out);
  ASSERT_EQ(reader.episodes().size(), 10u);
  const double nominal = MakeFakeSimulator(task_)->inventory().actuators.at(0).gain;
  for (size_t i = 0; i < 10; ++i) {
    const EpisodeMeta meta = reader.ReadMeta(i);
    EXPECT_GE(std::get<ActuatorGainEdit>(meta.physics.edits.at(0)).gain, 0.8 * nominal);
  }
}

TEST_F(WorldsTest, DrawsAreStoredAndReplayed) {
  Run(2);
  const DatasetReader reader(options_.out);
  ASSERT_EQ(reader.episodes().size(), 10u);
  std::set<double> gains;
  for (size_t i = 0; i < 10; ++i) {
    const EpisodeMeta meta = reader.ReadMeta(i);
    ASSERT_EQ(meta.physics.edits.size(), 1u);
    gains.insert(std::get<ActuatorGainEdit>(meta.physics.edits[0]).gain);
    EXPECT_FALSE(meta.model_text.empty()) << "the model of its world";
    EXPECT_TRUE(meta.variation.edits.empty());
    EXPECT_EQ(meta.settings.at("world_plan"), options_.run.world_plan);
  }
  EXPECT_EQ(gains.size(), 10u);
  const ReplayReport replay = VerifyReplay(reader, MakeFakeSimulator(task_)->info(),
                                           FakeSimulatorFactory(task_), {}, quiet_);
  EXPECT_EQ(replay.bit_exact, 10);
}

TEST_F(WorldsTest, SameContentForAnyThreadCount) {
  Run(1);
  const std::string hash = DatasetReader(options_.out).content_hash();
  Run(3);
  EXPECT_EQ(DatasetReader(options_.out).content_hash(), hash);
  // another plan, other episodes
  const std::string uuid = DatasetReader(options_.out).episodes()[0].uuid;
  options_.run.world_plan = {{"weak", "otherwise"}};
  Run(1);
  EXPECT_NE(DatasetReader(options_.out).episodes()[0].uuid, uuid);
}

// In the nominal world states do not replay: the world that is stored is the one that counts.
TEST_F(WorldsTest, AnotherWorldLeadsElsewhere) {
  Run(2);
  const DatasetReader reader(options_.out);
  const Episode episode = reader.ReadEpisode(0);
  const auto simulator = MakeFakeSimulator(task_);
  simulator->Restore(episode.steps[0].state);
  for (const Step& step : episode.steps) simulator->Step(step.action);
  EXPECT_NE(simulator->Save(), episode.final_state);
}

TEST_F(WorldsTest, PlannedTransitsAreRefused) {
  for (Subtask& subtask : task_.subtasks) subtask.transit = Transit::kPlan;
  WorkerSeams seams = Seams();
  seams.planner = [] { return std::unique_ptr<TransitPlanner>(); };
  EXPECT_THAT([&] { MakeWorker(task_, seams); },
              testing::ThrowsMessage<Error>(HasSubstr("--transit bridge")));
}

// Runs without a plan keep their settings' text.
TEST_F(WorldsTest, NoPlanIsNotWritten) {
  EXPECT_FALSE(ToJson(MimicOptions{}).at("run").contains("world_plan"));
}

}  // namespace
}  // namespace understudy
