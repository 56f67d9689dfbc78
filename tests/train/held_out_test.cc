#include "train/samples/held_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/error.h"
#include "tests/train/fake_engine.h"
#include "tests/train/training_fixture.h"
#include "train/run/checkpoint.h"
#include "train/run/train_loop.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::set<std::string> Origins(const TrainingSet& set) {
  std::set<std::string> origins;
  for (const TrainingEpisode& episode : set.episodes) origins.insert(episode.origin);
  return origins;
}

TEST(HoldOut, LooksOfATrajectoryStandOnOneSide) {
  auto set = ScriptedSet({6, 6});
  for (size_t i = 0; i < 6; ++i) set->episodes[6 + i].origin = set->episodes[i].origin;
  const auto [learnt, apart] = HoldOut(*set, 0.3, 1);
  EXPECT_EQ(Origins(apart).size(), 2u);
  EXPECT_EQ(apart.episodes.size(), 4u);
  EXPECT_EQ(learnt.episodes.size(), 8u);
  for (const std::string& origin : Origins(apart)) EXPECT_FALSE(Origins(learnt).contains(origin));
  EXPECT_EQ(learnt.windows() + apart.windows(), set->windows());
  for (size_t d = 0; d < 2; ++d) {
    EXPECT_EQ(learnt.datasets[d].episodes, 4u);
    EXPECT_EQ(apart.datasets[d].first_episode, 2 * d);
  }

  // by seed and origin, not by place
  std::rotate(set->episodes.begin(), set->episodes.begin() + 2, set->episodes.begin() + 6);
  EXPECT_EQ(Origins(HoldOut(*set, 0.3, 1).second), Origins(apart));
  std::set<std::set<std::string>> choices;
  for (uint64_t seed = 0; seed < 8; ++seed)
    choices.insert(Origins(HoldOut(*set, 0.3, seed).second));
  EXPECT_GT(choices.size(), 3u);
}

TEST(HoldOut, SomethingIsLeftToLearnFrom) {
  const auto set = ScriptedSet({2});
  EXPECT_EQ(HoldOut(*set, 0.001, 1).second.episodes.size(), 1u);
  try {
    HoldOut(*set, 0.8, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("held_out = 0.8: 2 of 2 trajectories"));
  }
}

// A checkpoint every ten updates, of which the newest is kept.
TrainOptions ShortRun(const fs::path& run, int64_t steps) {
  TrainOptions options;
  options.datasets = {"set0"};
  options.out = run.string();
  options.steps = steps;
  options.batch = 8;
  options.horizon = options.execute = 4;
  options.save_every = 10;
  options.keep = 1;
  return options;
}

// A network whose held-out loss is what the test says, update by update.
class ScriptedEngine : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;
  double HeldOutLoss(const Batch& batch) override {
    seen.insert(batch.sample_B.begin(), batch.sample_B.end());
    return losses.at(updates());
  }
  static inline std::map<int64_t, double> losses;
  static inline std::set<uint64_t> seen;
};

TEST(HoldOut, TheBestCheckpointIsKeptAndLearntFromNothingThatIsApart) {
  const fs::path run = FreshFolder("held_out") / "run";
  ScriptedEngine::losses = {{10, 3}, {20, 1}, {30, 2}, {40, 2.5}, {50, 1.5}};
  ScriptedEngine::seen.clear();
  TrainOptions options = ShortRun(run, 40);
  options.held_out = 0.25;
  const auto set = ScriptedSet({8});
  std::set<uint64_t> learnt;
  const EngineFactory factory = [&](const std::string&, const SampleLayout& layout, int,
                                    const Json& policy, const TrainerOptions& trainer) {
    class Noting : public ScriptedEngine {
     public:
      Noting(const SampleLayout& l, const Json& p, const TrainerOptions& t, std::set<uint64_t>* to)
          : ScriptedEngine(l, p, t), to_(to) {}
      void Update(const Batch& batch) override {
        to_->insert(batch.sample_B.begin(), batch.sample_B.end());
        ScriptedEngine::Update(batch);
      }
      std::set<uint64_t>* to_;
    };
    return std::make_unique<Noting>(layout, policy, trainer, &learnt);
  };
  Progress silent;
  TrainReport report = TrainLoop(set, options, factory, silent);

  EXPECT_EQ(ListCheckpoints(run), (std::vector<int64_t>{20, 40}));
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/best"), "000020");
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/last"), "000040");
  EXPECT_EQ(LoadTrainingState(run / "checkpoints/best").step, 20);
  EXPECT_EQ(report.log.back().held_out, 2.5);
  const auto apart = HoldOut(*set, 0.25, options.seed).second;
  std::set<uint64_t> allowed;
  for (const auto& [sample, place] : SampleRows(apart)) allowed.insert(sample);
  EXPECT_FALSE(ScriptedEngine::seen.empty());
  for (const uint64_t sample : ScriptedEngine::seen) EXPECT_TRUE(allowed.contains(sample));
  for (const uint64_t sample : learnt) EXPECT_FALSE(allowed.contains(sample));

  // a resume knows what was best
  options.resume = true;
  options.steps = 50;
  report = TrainLoop(set, options, factory, silent);
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/best"), "000020");
  EXPECT_EQ(report.log.size(), 5u);
  EXPECT_EQ(report.log[1].held_out, 1);
  EXPECT_EQ(ListCheckpoints(run), (std::vector<int64_t>{20, 50}));
}

// Rates that the test says, one checkpoint late.
class ScriptedTrials : public CheckpointTrials {
 public:
  explicit ScriptedTrials(std::map<int64_t, int64_t> successes)
      : successes_(std::move(successes)) {}
  void Start(int64_t step, const fs::path& checkpoint) override {
    EXPECT_TRUE(fs::exists(checkpoint / "pretrained_model/config.json")) << step;
    waiting_.push_back(step);
    started.push_back(step);
  }
  std::vector<Result> Take(bool wait) override {
    std::vector<Result> taken;
    while (waiting_.size() > (wait ? 0 : 1)) {
      taken.push_back({waiting_.front(), successes_.at(waiting_.front()), 20});
      waiting_.erase(waiting_.begin());
    }
    results_.insert(results_.end(), taken.begin(), taken.end());
    return taken;
  }
  std::vector<int64_t> pending() const override { return waiting_; }
  const std::vector<Result>& results() const override { return results_; }
  std::vector<int64_t> started;

 private:
  std::map<int64_t, int64_t> successes_;
  std::vector<int64_t> waiting_;
  std::vector<Result> results_;
};

TEST(CheckpointTrials, TheBestCheckpointIsThatOfTheHighestRate) {
  const fs::path run = FreshFolder("trials") / "run";
  const TrainOptions options = ShortRun(run, 50);
  ScriptedTrials trials({{10, 4}, {20, 15}, {30, 9}, {40, 15}, {50, 3}});
  Progress silent;
  const TrainReport report = TrainLoop(ScriptedSet({4}), options, FakeEngineFactory(), silent,
                                       PolicyTypes(), nullptr, &trials);
  EXPECT_EQ(trials.started, (std::vector<int64_t>{10, 20, 30, 40, 50}));
  // of equal ones the later; what was being tried was kept as long
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/best"), "000040");
  EXPECT_EQ(ListCheckpoints(run), (std::vector<int64_t>{20, 40, 50}));
  ASSERT_EQ(report.trials.size(), 5u);
  EXPECT_EQ(report.ToJson()["trials"][1],
            Json({{"step", 20}, {"successes", 15}, {"episodes", 20}}));
  EXPECT_EQ(BestOf({}), std::nullopt);
}

// The toy of the tests has no loss without an update.
TEST(HoldOut, ANetworkThatCannotSaysSo) {
  TrainOptions options = ShortRun(FreshFolder("held_out") / "run", 2);
  options.held_out = 0.25;
  Progress silent;
  try {
    TrainLoop(ScriptedSet({4}), options, FakeEngineFactory(), silent);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("held_out: this network has no loss without an update"));
  }
}

}  // namespace
}  // namespace understudy
