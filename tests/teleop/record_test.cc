#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/error.h"
#include "core/seam/replay.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/reader.h"
#include "teleop/command.h"
#include "teleop/quality.h"
#include "tests/support/fake_simulator.h"
#include "tests/teleop/fake_device.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path FreshFolder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const fs::path folder = fs::path(testing::TempDir()) / fmt::format("teleop_{}", test->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

// A world with an operator at a fake headset.
struct World {
  explicit World(const FakeOptions& options = {})
      : simulator(MakeFakeSimulator(task, options)),
        operator_(LoadOperatorSpec(LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks")), task,
                  simulator->info(), device) {}
  RecordOutcome Record1(const fs::path& file, const RecordOptions& options = {}) {
    RecordPlan plan;
    plan.file = file;
    plan.header.simulator = simulator->info();
    plan.header.stage = "teleop";
    plan.header.model_text = simulator->ModelText();
    plan.variant = "D0";
    plan.key = RngKey{.seed = 5}.WithStage("teleop").WithParent(2);
    plan.program_version = "test";
    return Record(device, *simulator, task, operator_.pacer, plan, options, announcer);
  }
  TeleopReport Session(const TeleopOptions& options) {
    Progress quiet;
    return RunTeleop(options, task, *simulator, device, operator_.pacer, quiet, announcer);
  }

  TaskSpec task = FakeTask();
  std::unique_ptr<Simulator> simulator;
  FakeDevice device;
  OperatorAtDevice operator_;
  Announcer announcer{nullptr, nullptr};
};

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
  EXPECT_EQ(episode.raw.xr_minus_monotonic_ns, -77);
  for (size_t k = 0; k < episode.length(); ++k) {
    const Step& step = episode.steps[k];
    ASSERT_EQ(step.teleop.sample_id, episode.raw.samples[6 * k + 5].id);
    ASSERT_EQ(step.teleop.monotonic_ns - episode.steps[0].teleop.monotonic_ns,
              static_cast<int64_t>(k) * 50'000'000);
    ASSERT_EQ(step.teleop.xr_time_ns, step.teleop.monotonic_ns - 77);
    // what is executed is what the limiter said, inside the controller's box
    const ArmAction& arm = step.action.arms[0];
    const Pose& X_WE = step.observation.arms[0].X_WE;
    ASSERT_EQ(ClipTarget(X_WE, arm, DeltaLimits{}), arm);
    ASSERT_EQ(arm.X_WE_cmd,
              ClipTarget(X_WE, {step.teleop.arms[0].X_WE_limited, 0}, DeltaLimits{}).X_WE_cmd);
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
    ASSERT_EQ(again[k].action.arms[0].gripper, episode.steps[k].action.arms[0].gripper);
    ASSERT_EQ(again[k].arms[0].flags, episode.steps[k].teleop.arms[0].flags);
  }
  // the operator felt the clutch and the success
  EXPECT_THAT(world.device.felt, testing::Contains(std::pair{1, 0.5f}));
  EXPECT_EQ(world.device.felt.back(), (std::pair{1, 1.0f}));
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

// What the operator says is the cause in the outcome, in the attempt's file and in the dataset.
TEST(RunTeleop, SaysWhyEveryAttemptFailed) {
  FakeOptions slippery;
  slippery.slip_after_steps = 3;
  TeleopOptions options;
  options.out = FreshFolder() / "a.h5";
  options.demos = 1;
  options.max_attempts = 1;
  World clumsy(slippery);
  TeleopReport report = clumsy.Session(options);
  ASSERT_EQ(report.attempts.size(), 1u);
  const std::string missed = "phase 'lift': 'grasp' did not hold after 3 tries";
  EXPECT_EQ(report.attempts[0].end, RecordEnd::kDiscarded);
  EXPECT_EQ(report.attempts[0].cause, missed);
  EXPECT_THAT(report.stopped, HasSubstr("a.h5.episodes/attempts.json"));
  EXPECT_EQ(ToJson(report)["attempts"][0]["cause"], missed);

  // the session goes on with better luck: the dataset knows of the failure
  options.max_attempts = 0;
  World skilled;
  report = skilled.Session(options);
  ASSERT_TRUE(report.complete);
  EXPECT_EQ(report.attempts[0].attempt, 1);
  const Json ends = DatasetReader(options.out).report()["attempts"];
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0]["cause"], missed);
  EXPECT_EQ(ends[1]["end"], "accepted");
  const Json told = DescribeDataset(DatasetReader(options.out))["attempts"];
  EXPECT_EQ(told["started"], 2);
  EXPECT_EQ(told["succeeded"], 1);
  EXPECT_EQ(told["causes"][missed], 1);
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
  const RecordOutcome outcome = Record(world.device, *world.simulator, world.task, late, plan,
                                       RecordOptions{}, world.announcer);
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

TEST(RunTeleop, RecordsMergesAndCleansUp) {
  World world;
  TeleopOptions options;
  options.out = FreshFolder() / "source.h5";
  options.demos = 3;
  options.seed = 9;
  const TeleopReport report = world.Session(options);
  EXPECT_TRUE(report.complete) << report.stopped;
  EXPECT_EQ(report.demonstrations, 3);
  EXPECT_EQ(report.worst_replay_error, 0);
  EXPECT_FALSE(fs::exists(options.out + ".episodes"));
  const DatasetReader reader(options.out);
  ASSERT_EQ(reader.episodes().size(), 3u);
  for (const EpisodeSummary& episode : reader.episodes()) EXPECT_TRUE(episode.success);
  EXPECT_TRUE(VerifyDataset(options.out).faults.empty());
  // it is not replaced by accident
  try {
    world.Session(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("exists: choose another --out"));
  }
}

TEST(RunTeleop, GoesOnWhereAnEarlierSessionStopped) {
  const fs::path folder = FreshFolder();
  TeleopOptions options;
  options.demos = 4;
  options.seed = 9;
  // in one go
  World whole;
  options.out = folder / "whole.h5";
  ASSERT_TRUE(whole.Session(options).complete);
  // stopped by the button once two demonstrations are there
  options.out = folder / "parts.h5";
  World first;
  first.device.spoil = [&](RawSample& sample) {
    if (!fs::exists(options.out + ".episodes/attempt_1.h5")) return;
    if (sample.id % 50 == 0) sample.hands[0].buttons = kButtonStop;
  };
  const TeleopReport stopped = first.Session(options);
  EXPECT_FALSE(stopped.complete);
  EXPECT_EQ(stopped.stopped, "stopped by the operator");
  EXPECT_EQ(stopped.demonstrations, 2);
  EXPECT_FALSE(fs::exists(options.out));
  World second;
  const TeleopReport report = second.Session(options);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.kept_before, 2);
  // a demonstration depends on its attempt's number, not on the session
  const Episode a = DatasetReader(folder / "whole.h5").ReadEpisode(0);
  const Episode b = DatasetReader(options.out).ReadEpisode(0);
  EXPECT_EQ(a.meta.uuid, b.meta.uuid);
}

// Presses "again" once, in the wait before the attempt that begins with `file` there.
struct PressesAgain {
  explicit PressesAgain(World& world, fs::path when) : file(std::move(when)) {
    world.device.spoil = [this](RawSample& sample) {
      uint32_t& buttons = sample.hands[1].buttons;
      if (pressed || !fs::exists(file)) return;
      // released first: what is held down from the beginning is no press
      buttons = waited++ < 3 ? 0 : uint32_t{kButtonAgain};
      pressed = waited > 4;
    };
  }
  fs::path file;
  int waited = 0;
  bool pressed = false;
};

TEST(RunTeleop, TheLastOneIsRecordedAgainFromItsStart) {
  TeleopOptions options;
  options.demos = 3;
  const fs::path folder = FreshFolder();
  options.out = folder / "plain.h5";
  World plain;
  ASSERT_TRUE(plain.Session(options).complete);

  options.out = folder / "a.h5";
  const fs::path episodes = folder / "a.h5.episodes";
  World world;
  PressesAgain again(world, episodes / "attempt_1.h5");
  TeleopReport report = world.Session(options);
  ASSERT_TRUE(report.complete);
  EXPECT_TRUE(again.pressed);
  EXPECT_EQ(report.demonstrations, 3);
  // the same starts as without, in the order in which they were saved
  std::vector<int64_t> starts;
  const DatasetReader reader(options.out), before(folder / "plain.h5");
  for (size_t i = 0; i < 3; ++i) {
    starts.push_back(reader.ReadMeta(i).attempt);
    EXPECT_EQ(reader.ReadEpisode(i).steps[0].state,
              before.ReadEpisode(static_cast<size_t>(starts.back())).steps[0].state);
  }
  EXPECT_THAT(starts, testing::ElementsAre(0, 1, 2));
  // what was set aside is kept, and said
  EXPECT_EQ(report.set_aside, (folder / "a.h5.set_aside").string());
  EXPECT_TRUE(fs::exists(folder / "a.h5.set_aside" / "attempt_1.h5.again"));
  EXPECT_FALSE(fs::exists(episodes));
  const Json ends = reader.report()["attempts"];
  ASSERT_EQ(ends.size(), 4u);
  EXPECT_EQ(ends[1]["end"], "repeated");
  EXPECT_EQ(ends[2]["start"], 1);
}

TEST(RunTeleop, ASessionThatStopsInBetweenRepeatsTheStart) {
  TeleopOptions options;
  options.demos = 3;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  {
    World world;
    PressesAgain again(world, episodes / "attempt_1.h5");
    const auto press = world.device.spoil;
    int after = 0;
    world.device.spoil = [&](RawSample& sample) {
      press(sample);
      if (again.pressed && ++after > 20) sample.hands[0].buttons = kButtonStop;
    };
    const TeleopReport report = world.Session(options);
    EXPECT_FALSE(report.complete);
    EXPECT_EQ(report.demonstrations, 1);
    EXPECT_TRUE(fs::exists(episodes / "attempt_1.h5.again"));
  }
  World world;
  ASSERT_TRUE(world.Session(options).complete);
  const DatasetReader reader(options.out);
  std::vector<int64_t> starts;
  for (size_t i = 0; i < 3; ++i) starts.push_back(reader.ReadMeta(i).attempt);
  EXPECT_THAT(starts, testing::ElementsAre(0, 1, 2));
}

TEST(RunTeleop, NothingToRecordAgainIsSaid) {
  TeleopOptions options;
  options.demos = 1;
  options.out = FreshFolder() / "a.h5";
  World world;
  PressesAgain again(world, options.out + ".episodes");
  const TeleopReport report = world.Session(options);
  EXPECT_TRUE(again.pressed);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.attempts.size(), 1u);
  EXPECT_EQ(report.set_aside, "");
}

// How long somebody waits, and whether controllers vibrate, is nobody's recording.
TEST(RunTeleop, OptionsOfSpeedDoNotBlockAResume) {
  TeleopOptions options;
  options.demos = 2;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  World first;
  first.device.spoil = [&](RawSample& sample) {
    if (!fs::exists(episodes / "attempt_0.h5") || sample.id % 50 != 0) return;
    sample.hands[0].buttons = kButtonStop;
  };
  EXPECT_FALSE(first.Session(options).complete);
  options.record.max_wait = 7;
  options.record.haptics = false;
  World second;
  const TeleopReport report = second.Session(options);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.kept_before, 1);
}

// What a kill may leave beside the files: no start is skipped for it.
TEST(RunTeleop, LeftoversOfKillsSkipNoStart) {
  TeleopOptions options;
  options.demos = 3;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  World first;
  first.device.spoil = [&](RawSample& sample) {
    if (!fs::exists(episodes / "attempt_0.h5") || sample.id % 50 != 0) return;
    sample.hands[0].buttons = kButtonStop;
  };
  EXPECT_FALSE(first.Session(options).complete);
  for (const char* name : {"attempt_1.h5.part.new", "attempt_1.h5.rejected.part"}) {
    WriteTextAtomically(episodes / name, "half of a file");
  }
  World second;
  ASSERT_TRUE(second.Session(options).complete);
  const DatasetReader reader(options.out);
  std::vector<int64_t> starts;
  for (size_t i = 0; i < 3; ++i) starts.push_back(reader.ReadMeta(i).attempt);
  EXPECT_THAT(starts, testing::ElementsAre(0, 1, 2));
}

TEST(RunTeleop, RefusesTheFolderOfOtherSettings) {
  World world;
  TeleopOptions options;
  options.out = FreshFolder() / "a.h5";
  options.demos = 2;
  options.max_attempts = 1;
  EXPECT_FALSE(world.Session(options).complete);
  options.seed = 77;
  try {
    world.Session(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("other settings (seed): start over with --overwrite"));
  }
  options.variant = "D7";
  EXPECT_THROW(world.Session(options), Error);
}

class LastMessage : public Progress {
 public:
  void Message(const std::string& line) override { text = line; }
  std::string text;
};

// What another scene left is cleared when asked; what the same one left is gone on with.
TEST(RunTeleop, OverwriteClearsWhatAChangedSceneLeft) {
  TeleopOptions options;
  options.out = FreshFolder() / "a.h5";
  options.demos = 2;
  options.overwrite = true;
  const fs::path folder = options.out + ".episodes";
  const auto stop_after_one = [&](World& world) {
    world.device.spoil = [&](RawSample& sample) {
      const bool one = fs::exists(folder / "attempt_0.h5");
      if (one && sample.id % 50 == 0) sample.hands[0].buttons = kButtonStop;
    };
  };
  {
    World first;
    stop_after_one(first);
    EXPECT_FALSE(first.Session(options).complete);
    World again;
    stop_after_one(again);
    EXPECT_EQ(again.Session(options).kept_before, 1);
  }
  // another task.yaml of the same name, with what a killed recorder left
  std::ofstream(folder / "attempt_9.h5.part") << "cut short";
  World changed;
  changed.task.instruction = "put one cube on the other";
  TeleopOptions careful = options;
  careful.overwrite = false;
  EXPECT_THAT([&] { changed.Session(careful); },
              testing::ThrowsMessage<Error>(HasSubstr("other settings (task_spec)")));
  LastMessage told;
  TeleopReport report = RunTeleop(options, changed.task, *changed.simulator, changed.device,
                                  changed.operator_.pacer, told, changed.announcer);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.kept_before, 0);
  EXPECT_EQ(report.attempts[0].attempt, 0);
  EXPECT_TRUE(report.salvaged.empty());
  EXPECT_THAT(told.text, HasSubstr("a.h5.episodes: held attempts of a session with other settings "
                                   "(task_spec): removed"));
  EXPECT_EQ(DatasetReader(options.out).header().task["instruction"], "put one cube on the other");

  // another operator, which the caller names; and what no longer says whose it is
  World third;
  stop_after_one(third);
  options.demos = 3;
  EXPECT_FALSE(third.Session(options).complete);
  World other;
  Progress quiet;
  const auto run = [&](const Json& made_with) {
    return RunTeleop(options, other.task, *other.simulator, other.device, other.operator_.pacer,
                     quiet, other.announcer, made_with);
  };
  options.max_attempts = 1;
  EXPECT_EQ(run({{"operator", 1}}).kept_before, 1) << "an older program did not say it";
  fs::remove_all(folder);
  EXPECT_FALSE(run({{"operator", 1}}).complete);
  EXPECT_EQ(run({{"operator", 1}}).kept_before, 1);
  EXPECT_EQ(run({{"operator", 2}}).kept_before, 0);
  std::ofstream(folder / "session.json") << "{";
  EXPECT_EQ(run({{"operator", 2}}).kept_before, 0);
}

TEST(RunTeleop, AFolderIsNoPlaceForARecording) {
  World world;
  TeleopOptions options;
  options.out = FreshFolder();
  options.overwrite = true;
  EXPECT_THAT([&] { world.Session(options); },
              testing::ThrowsMessage<Error>(HasSubstr("is a folder, and a recording is one file")));
  EXPECT_FALSE(fs::exists(options.out + ".episodes"));
}

}  // namespace
}  // namespace understudy
