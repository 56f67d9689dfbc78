// A session: attempts until there are demonstrations enough, its folder, and how it goes on.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "core/base/error.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/reader.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/simulator_around.h"
#include "tests/teleop/fake_link.h"
#include "tests/teleop/sessions.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

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
    EXPECT_THAT(error.what(),
                HasSubstr("exists: extend it with --append, replace it with --overwrite"));
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
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1, 2));
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
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0)) << "the wish has used no start up";
}

TEST(RunTeleop, WhatIsDiscardedBeforeItsFirstRowUsesNoStartUp) {
  TeleopOptions options;
  options.demos = 2;
  options.out = FreshFolder() / "a.h5";
  World world;
  // in the policy step that follows the start
  int after = -1;
  world.device.spoil = [&](RawSample& sample) {
    if (after < 0 && (sample.hands[0].buttons | sample.hands[1].buttons) & kButtonStart) after = 0;
    if (after >= 0 && ++after == options.record.samples_per_step + 1) {
      sample.hands[0].buttons |= kButtonDiscard;
    }
  };
  const TeleopReport report = world.Session(options);
  ASSERT_TRUE(report.complete);
  ASSERT_EQ(report.attempts.size(), 3u);
  EXPECT_EQ(report.attempts[0].steps, 0);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1));
}

// What was recorded until Ctrl-C is kept, and its start comes again.
TEST(RunTeleop, AnInterruptedAttemptIsKeptAndItsStartComesAgain) {
  TeleopOptions options;
  options.demos = 3;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  {
    World world;
    // a second into the second attempt
    double last = 0;
    int resets = 0;
    world.device.spoil = [&](RawSample&) {
      const double now = world.simulator->Observe().sim_time_s;
      resets += now < last;
      last = now;
      if (resets == 1 && now > 1) RequestInterrupt();
    };
    EXPECT_FALSE(world.Session(options).complete);
    ClearInterrupt();
  }
  const DatasetReader cut(episodes / "attempt_1.h5");
  EXPECT_EQ(cut.ReadMeta(0).cause, "interrupted");
  EXPECT_EQ(cut.ReadMeta(0).attempt, 1);
  World world;
  ASSERT_TRUE(world.Session(options).complete);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1, 2));
}

// How long somebody waits, and whether controllers vibrate, is nobody's recording.
TEST(RunTeleop, OptionsOfSpeedDoNotBlockAResume) {
  TeleopOptions options;
  options.demos = 2;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  World first;
  StopAfter(first, episodes / "attempt_0.h5");
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
  StopAfter(first, episodes / "attempt_0.h5");
  EXPECT_FALSE(first.Session(options).complete);
  for (const char* name : {"attempt_1.h5.part.new", "attempt_1.h5.rejected.part"}) {
    WriteTextAtomically(episodes / name, "half of a file");
  }
  World second;
  ASSERT_TRUE(second.Session(options).complete);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1, 2));
}

TEST(RunTeleop, RefusesTheFolderOfOtherSettings) {
  World world;
  TeleopOptions options;
  options.out = FreshFolder() / "a.h5";
  options.demos = 2;
  options.max_attempts = 1;
  EXPECT_FALSE(world.Session(options).complete);
  options.seed = 77;
  // before a device is opened, and again when it records
  for (const bool records : {false, true}) {
    try {
      records ? void(world.Session(options))
              : void(CheckTeleop(options, world.task, *world.simulator));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(error.what(), HasSubstr("other settings (seed): start over with --overwrite"));
    }
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
  TeleopReport report = RunTeleop(options, changed.task, *changed.simulator, *changed.checker,
                                  changed.device, changed.operator_.pacer, told, changed.announcer);
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
    return RunTeleop(options, other.task, *other.simulator, *other.checker, other.device,
                     other.operator_.pacer, quiet, other.announcer, made_with);
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

// The disk is full in the middle of a session: one sentence, and the next start is the same.
TEST(RunTeleop, AFullDiskEndsTheSessionAndLosesNoStart) {
  TeleopOptions options;
  options.demos = 3;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  {
    World world;
    std::optional<FileSizeLimit> full;
    world.device.spoil = [&](RawSample&) {
      if (full || !fs::exists(episodes / "attempt_1.h5.part")) return;
      full.emplace(fs::file_size(episodes / "attempt_0.h5") / 2);
    };
    EXPECT_THAT([&] { world.Session(options); },
                testing::ThrowsMessage<Error>(HasSubstr("attempt_1.h5")));
    EXPECT_TRUE(full.has_value());
  }
  EXPECT_TRUE(fs::exists(episodes / "attempt_0.h5"));
  World world;
  const TeleopReport report = world.Session(options);
  ASSERT_TRUE(report.complete) << report.stopped;
  EXPECT_EQ(report.kept_before, 1);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1, 2));
  EXPECT_TRUE(VerifyDataset(options.out).faults.empty());
}

// A simulator that replays nothing before `go` is set.
class WaitingSimulator final : public SimulatorAround {
 public:
  using SimulatorAround::SimulatorAround;
  std::atomic<bool> go = false;

 private:
  void DoRestore(const SimState& state) override {
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    SimulatorAround::DoRestore(state);
  }
};

// A clock that tests move, and that nobody may be kept waiting by.
class AsIfReal final : public Pacer {
 public:
  explicit AsIfReal(Pacer& pacer) : pacer_(pacer) {}
  void Begin(const RngKey& key, const Observation& seen, int64_t step_ns, int ticks) override {
    pacer_.Begin(key, seen, step_ns, ticks);
  }
  bool Tick(const Observation& seen) override { return pacer_.Tick(seen); }
  bool real_time() const override { return true; }
  std::string Account(const Observation& seen) const override { return pacer_.Account(seen); }

 private:
  Pacer& pacer_;
};

// The operator does not wait for the disk and the replay: the next attempt is under way meanwhile,
// and "saved" is said when it is true.
TEST(RunTeleop, TheNextAttemptBeginsWhileTheLastIsWritten) {
  TeleopOptions options;
  options.demos = 2;
  options.out = FreshFolder() / "a.h5";
  const fs::path episodes = options.out + ".episodes";
  World world;
  WaitingSimulator checker(std::move(world.checker));
  AsIfReal pacer(world.operator_.pacer);
  FakeLink link;
  Announcer announcer(&link, nullptr);
  const auto saved = [&] {
    return std::count_if(link.said.begin(), link.said.end(),
                         [](const Json& status) { return status.value("phase", "") == "saved"; });
  };
  bool overlapped = false;
  int64_t of_second = 0;
  world.device.spoil = [&](RawSample&) {
    // rows of the second attempt, while the first has not its name yet
    if (!fs::exists(episodes / "attempt_1.h5.part") || ++of_second < 100) return;
    if (!checker.go) {
      overlapped = fs::exists(episodes / "attempt_0.h5.part") && saved() == 0;
    }
    checker.go = true;
  };
  Progress quiet;
  const TeleopReport report = RunTeleop(options, world.task, *world.simulator, checker,
                                        world.device, pacer, quiet, announcer);
  ASSERT_TRUE(report.complete) << report.stopped;
  EXPECT_TRUE(overlapped);
  EXPECT_EQ(saved(), 2);
  EXPECT_EQ(report.worst_replay_error, 0);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1));
  EXPECT_TRUE(DatasetReader(options.out).ReadMeta(0).quality.contains("work_p99_s"));
  EXPECT_TRUE(VerifyDataset(options.out).faults.empty());
}

// An early end says what is kept, and how to make a dataset of it; that needs no device.
TEST(RunTeleop, AnEarlyEndSaysHowToFinish) {
  TeleopOptions options;
  options.demos = 4;
  options.out = FreshFolder() / "a.h5";
  FakeLink link;
  {
    World world;
    StopAfter(world, options.out + ".episodes/attempt_0.h5");
    world.announcer = Announcer(&link, nullptr);
    EXPECT_FALSE(world.Session(options).complete);
  }
  EXPECT_EQ(link.said.back()["hint"],
            "1 of 4 demonstrations are kept; the same command goes on, and with --demos 1 it "
            "finishes with these");
  options.demos = 1;
  World world;
  EXPECT_EQ(CheckTeleop(options, world.task, *world.simulator), 1);
  world.device.spoil = [](RawSample&) { FAIL() << "nothing is left to record"; };
  EXPECT_TRUE(world.Session(options).complete);
}

}  // namespace
}  // namespace understudy
