// One attempt: what is recorded, how it ends, and the beat that it keeps.
#include <gmock/gmock.h>

#include "core/seam/replay.h"
#include "data/store/reader.h"
#include "teleop/quality.h"
#include "tests/support/simulator_around.h"
#include "tests/teleop/world.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Episode Load(const fs::path& file) { return DatasetReader(file).ReadEpisode(0, true); }

TEST(Record, StoresRawWishLimitedAndExecutedAndReplaysBitForBit) {
  World world;
  const fs::path file = FreshFolder() / "attempt_2.h5";
  const RecordOutcome outcome = world.Record1(file);
  ASSERT_TRUE(outcome.success) << outcome.cause;
  EXPECT_EQ(outcome.end, RecordEnd::kAccepted);
  EXPECT_EQ(outcome.quality["replay_bit_exact"], true);
  EXPECT_EQ(outcome.quality["replay_worst_error"], 0.0);
  EXPECT_EQ(outcome.quality["overruns"], 0);
  EXPECT_EQ(outcome.quality["sample_age_p99_s"], 0.0);
  EXPECT_EQ(outcome.quality["tracked_share"], 1.0);
  EXPECT_GT(outcome.quality["path_m"], 0.3);
  EXPECT_GE(outcome.quality["clutch_engagements"], 1);
  EXPECT_FALSE(fs::exists(file.string() + ".part"));

  const Episode episode = Load(file);
  ASSERT_EQ(static_cast<int64_t>(episode.length()), outcome.steps);
  EXPECT_TRUE(episode.meta.success);
  EXPECT_EQ(episode.meta.uuid, outcome.uuid);
  EXPECT_EQ(episode.meta.attempt, 2);
  EXPECT_EQ(episode.meta.seed, 5u);
  // all samples, six a step, at their own times
  ASSERT_EQ(episode.raw.samples.size(), 6 * episode.length());
  EXPECT_EQ(episode.raw.device, "fake headset 1");
  EXPECT_EQ(episode.raw.device_minus_monotonic_ns, -77);
  for (size_t k = 0; k < episode.length(); ++k) {
    const Step& step = episode.steps[k];
    ASSERT_EQ(step.teleop.sample_id, episode.raw.samples[6 * k + 5].id);
    ASSERT_EQ(step.teleop.monotonic_ns - episode.steps[0].teleop.monotonic_ns,
              static_cast<int64_t>(k) * 50'000'000);
    ASSERT_EQ(step.teleop.device_time_ns, step.teleop.monotonic_ns - 77);
    // what is executed is what the limiter said, inside the controller's box
    const ArmAction& arm = step.action.arms[0];
    const Pose& X_WE = step.observation.arms[0].X_WE;
    ASSERT_EQ(ClipTarget(X_WE, arm, DeltaLimits{}), arm);
    ASSERT_EQ(arm.X_WE_cmd, step.teleop.arms[0].X_WE_limited);
  }
  // one step from grasping to placing, and only upwards
  EXPECT_EQ(episode.steps.front().subtask, 0);
  EXPECT_EQ(episode.steps.back().subtask, 1);
  // the raw stream alone gives the same commands again
  const std::vector<Commanded> again =
      Retarget(episode, RecordOptions{}.retarget, world.simulator->info());
  for (size_t k = 0; k < episode.length(); ++k) {
    ASSERT_EQ(again[k].arms[0].X_WE_limited, episode.steps[k].teleop.arms[0].X_WE_limited) << k;
    ASSERT_EQ(again[k].arms[0].X_WE_wanted, episode.steps[k].teleop.arms[0].X_WE_wanted) << k;
    ASSERT_EQ(again[k].arms[0].X_WE_filtered, episode.steps[k].teleop.arms[0].X_WE_filtered) << k;
    ASSERT_EQ(again[k].action.arms[0].gripper, episode.steps[k].action.arms[0].gripper);
    ASSERT_EQ(again[k].arms[0].flags, episode.steps[k].teleop.arms[0].flags);
  }
  // the operator felt the clutch and the success
  EXPECT_THAT(world.device.felt, testing::Contains(std::pair{1, 0.5f}));
  EXPECT_EQ(world.device.felt.back(), (std::pair{1, 1.0f}));
}

// Every row has the pose after the filter, between the wish and what the limiter made of it.
TEST(Record, StoresWhatTheFilterMadeOfTheWish) {
  for (const bool enabled : {true, false}) {
    World world;
    RecordOptions options;
    options.retarget.filter.enabled = enabled;
    const fs::path file = FreshFolder() / "attempt_2.h5";
    ASSERT_TRUE(world.Record1(file, options).kept);
    int smoothed = 0, slowed = 0;
    for (const Step& step : Load(file).steps) {
      const TeleopArmStep& arm = step.teleop.arms[0];
      ASSERT_EQ(arm.X_WE_filtered.has_value(), enabled);
      if (!enabled) continue;
      smoothed += !(*arm.X_WE_filtered == arm.X_WE_wanted);
      slowed += !(*arm.X_WE_filtered == arm.X_WE_limited);
      // what the limiter did not touch is what the filter made
      if (!(arm.flags & (kLinearClamped | kAngularClamped))) {
        EXPECT_LT((arm.X_WE_filtered->translation() - arm.X_WE_limited.translation()).norm(), 1e-9);
      }
    }
    EXPECT_EQ(smoothed > 50, enabled);
    EXPECT_EQ(slowed > 0, enabled);
  }
}

// An arm that something pushes aside for a while.
class PushedArm final : public SimulatorAround {
 public:
  using SimulatorAround::SimulatorAround;

 private:
  void DoReset(const std::string& variant, const RngKey& key) override {
    SimulatorAround::DoReset(variant, key);
    steps_ = 0;
  }
  const Observation& DoObserve() const override {
    seen_ = inner().Observe();
    const bool pushed = steps_ >= 40 && steps_ < 60;
    const Pose& X_WE = seen_.arms[0].X_WE;
    const Eigen::Vector3d by(0, pushed ? 0.12 : 0, 0);
    seen_.arms[0].X_WE = Pose(X_WE.rotation(), X_WE.translation() + by);
    return seen_;
  }
  StepOutcome DoStep(const Action& action) override {
    ++steps_;
    return inner().Step(action);
  }

  mutable Observation seen_;
  int steps_ = 0;
};

// Speeds count from the command that was executed last, also where the arm is elsewhere.
TEST(Record, AnArmThatIsPushedAwayIsCommandedNoFasterThanTheLimits) {
  World world;
  world.simulator = std::make_unique<PushedArm>(std::move(world.simulator));
  RecordOptions options;
  options.keep_failed = true;
  options.max_seconds = 5;
  const fs::path file = FreshFolder() / "attempt_2.h5";
  const RecordOutcome outcome = world.Record1(file, options);
  ASSERT_TRUE(outcome.kept);
  const Episode episode = Load(file);
  ASSERT_GT(episode.length(), 70u);
  for (size_t k = 1; k < episode.length(); ++k) {
    const Pose& before = episode.steps[k - 1].action.arms[0].X_WE_cmd;
    const Pose& now = episode.steps[k].action.arms[0].X_WE_cmd;
    ASSERT_LE((now.translation() - before.translation()).norm(),
              options.retarget.limiter.max_speed * 0.05 + 1e-12)
        << k;
    ASSERT_LE(AngleBetween(now.rotation(), before.rotation()),
              options.retarget.limiter.max_turn * 0.05 + 1e-9)
        << k;
    ASSERT_EQ(now, episode.steps[k].teleop.arms[0].X_WE_limited) << k;
  }
  // that a normalised delta cannot say it is said
  EXPECT_TRUE(episode.steps[41].delta[0].clipped);
  EXPECT_GE(outcome.quality["boxed"], 10);
}

TEST(Record, TheLossOfTheDeviceFinishesTheFile) {
  World world;
  const fs::path file = FreshFolder() / "attempt_0.h5";
  const int64_t begin_id = world.device.next_id;
  world.device.spoil = [&](RawSample& sample) {
    if (sample.id == begin_id + 500) sample.events = kEventSessionLost;
  };
  const RecordOutcome outcome = world.Record1(file);
  EXPECT_EQ(outcome.end, RecordEnd::kDeviceLost);
  EXPECT_FALSE(outcome.success);
  EXPECT_TRUE(outcome.kept);
  const Episode episode = Load(file);
  EXPECT_FALSE(episode.meta.success);
  EXPECT_EQ(episode.meta.cause, "device lost");
  EXPECT_EQ(static_cast<int64_t>(episode.length()), outcome.steps);
  EXPECT_GT(outcome.steps, 50);
}

TEST(Record, ButtonsTimeAndInterruptEndAnAttempt) {
  const fs::path folder = FreshFolder();
  const auto run = [&](uint32_t button, const RecordOptions& options = {}, int64_t after = 600) {
    World world;
    const int64_t begin_id = world.device.next_id;
    world.device.spoil = [&, begin_id](RawSample& sample) {
      if (sample.id > begin_id + after && sample.id < begin_id + after + 20) {
        sample.hands[0].buttons |= button;
      }
    };
    return world.Record1(folder / "attempt_0.h5", options);
  };
  EXPECT_EQ(run(kButtonDiscard).end, RecordEnd::kDiscarded);
  EXPECT_FALSE(fs::exists(folder / "attempt_0.h5"));
  EXPECT_TRUE(fs::exists(folder / "attempt_0.h5.rejected"));
  EXPECT_EQ(run(kButtonReset).end, RecordEnd::kReset);
  EXPECT_EQ(run(kButtonStop).end, RecordEnd::kStopped);
  // accepting by hand what is no success is no demonstration
  RecordOptions keep;
  keep.keep_failed = true;
  const RecordOutcome accepted = run(kButtonStart, keep);
  EXPECT_EQ(accepted.end, RecordEnd::kAccepted);
  EXPECT_FALSE(accepted.success);
  EXPECT_EQ(accepted.cause, "accepted without success");
  EXPECT_EQ(Load(folder / "attempt_0.h5").meta.cause, "accepted without success");
  fs::remove(folder / "attempt_0.h5");
  RecordOptions brief;
  brief.max_seconds = 2;
  const RecordOutcome late = run(0, brief);
  EXPECT_EQ(late.end, RecordEnd::kTimeout);
  EXPECT_EQ(late.steps, 40);
  EXPECT_FALSE(late.kept);
  // stopped before it began: no file at all
  EXPECT_EQ(run(kButtonStop, {}, 5).end, RecordEnd::kStopped);
  RequestInterrupt();
  EXPECT_EQ(run(0).end, RecordEnd::kInterrupted);
  ClearInterrupt();
}

TEST(Record, UnstablePhysicsIsToldAndNotKept) {
  FakeOptions options;
  options.unstable_at_step = 60;
  World world(options);
  const RecordOutcome outcome = world.Record1(FreshFolder() / "attempt_0.h5");
  EXPECT_EQ(outcome.end, RecordEnd::kUnstable);
  EXPECT_THAT(outcome.cause, HasSubstr("unstable: the fake was told"));
  EXPECT_EQ(outcome.steps, 61);
}

TEST(Record, WhatTheOperatorGivesUpOrHasNoTimeForIsKeptWithItsCause) {
  const fs::path folder = FreshFolder();
  RecordOptions options;
  options.keep_failed = true;
  FakeOptions slippery;
  slippery.slip_after_steps = 3;
  World clumsy(slippery);
  EXPECT_TRUE(clumsy.Record1(folder / "a.h5", options).kept);
  EXPECT_EQ(Load(folder / "a.h5").meta.cause, "phase 'lift': 'grasp' did not hold after 3 tries");
  World slow;
  options.max_seconds = 2.5;
  const RecordOutcome late = slow.Record1(folder / "b.h5", options);
  EXPECT_THAT(late.cause, testing::StartsWith("time limit of 50 steps in phase 'grasp': 0."));
  EXPECT_EQ(Load(folder / "b.h5").meta.cause, late.cause);
  FakeOptions shaky;
  shaky.unstable_at_step = 60;
  World bad(shaky);
  options.max_seconds = 60;
  EXPECT_THAT(bad.Record1(folder / "c.h5", options).cause,
              testing::MatchesRegex("unstable: the fake was told.* in phase '.*"));
}

TEST(Record, NobodyThereIsNoEndlessWait) {
  World world;
  world.device.spoil = [](RawSample& sample) { sample.hands[1].buttons = 0; };
  RecordOptions options;
  options.max_wait = 3;
  const RecordOutcome outcome = world.Record1(FreshFolder() / "attempt_0.h5", options);
  EXPECT_EQ(outcome.end, RecordEnd::kNotStarted);
  EXPECT_FALSE(outcome.kept);
}

TEST(Record, ReplayFindsAStateThatDoesNotFollow) {
  const TaskSpec task = FakeTask();
  const auto simulator = MakeFakeSimulator(task);
  simulator->Reset("D0", RngKey{});
  const Action stay{{{simulator->Observe().arms[0].X_WE, -1}}};
  std::vector<SimState> states{simulator->Save()};
  for (int k = 0; k < 5; ++k) {
    simulator->Step(stay);
    states.push_back(simulator->Save());
  }
  EXPECT_TRUE(CheckReplay(*simulator, states, std::vector(5, stay)).bit_exact);
  states[3][2] += 0.25;
  const ReplayCheck check = CheckReplay(*simulator, states, std::vector(5, stay));
  EXPECT_FALSE(check.bit_exact);
  EXPECT_NEAR(check.worst_error, 0.25, 1e-12);
  EXPECT_EQ(check.first_row, 3);
  EXPECT_EQ(check.worst_row, 3);
}

// A pacer that is late at chosen ticks.
class LatePacer : public Pacer {
 public:
  explicit LatePacer(Pacer& inner) : inner_(inner) {}
  void Begin(const RngKey& key, const Observation& observation, int64_t step_ns,
             int ticks) override {
    inner_.Begin(key, observation, step_ns, ticks);
  }
  bool Tick(const Observation& observation) override {
    inner_.Tick(observation);
    return ++ticks_ != 600;
  }

 private:
  Pacer& inner_;
  int ticks_ = 0;
};

TEST(Record, LateStepsAreCountedAndFlagged) {
  World world;
  LatePacer late(world.operator_.pacer);
  RecordPlan plan;
  plan.file = FreshFolder() / "attempt_0.h5";
  plan.header.simulator = world.simulator->info();
  plan.variant = "D0";
  const RecordOutcome outcome = Record(world.device, *world.simulator, *world.checker, world.task,
                                       late, plan, RecordOptions{}, world.announcer)
                                    .Wait();
  ASSERT_TRUE(outcome.kept) << outcome.cause;
  EXPECT_EQ(outcome.quality["overruns"], 1);
  int flagged = 0;
  for (const Step& step : Load(plan.file).steps) {
    flagged += (step.teleop.arms[0].flags & kOverrun) != 0;
  }
  EXPECT_EQ(flagged, 1);
}

TEST(RealPacer, TicksBeatAtTheirTimesAndNeverCatchUp) {
  RealPacer pacer;
  pacer.Begin({}, {}, 4'000'000, 4);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) pacer.Tick({});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(19));
  // after an idle time one tick is late, and the next one waits again
  const timespec pause{0, 20'000'000};
  nanosleep(&pause, nullptr);
  EXPECT_FALSE(pacer.Tick({}));
  const auto after = std::chrono::steady_clock::now();
  pacer.Tick({});
  pacer.Tick({});
  EXPECT_GE(std::chrono::steady_clock::now() - after, std::chrono::microseconds(900));
}

}  // namespace
}  // namespace understudy
