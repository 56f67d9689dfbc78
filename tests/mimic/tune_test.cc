#include "mimic/tune/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

const FailureCause kAllCauses[] = {
    FailureCause::kUnreachable,     FailureCause::kJointLimit,  FailureCause::kCollision,
    FailureCause::kBridgeLate,      FailureCause::kGraspMissed, FailureCause::kDropped,
    FailureCause::kMisplaced,       FailureCause::kSuccessLost, FailureCause::kTimeout,
    FailureCause::kUnstablePhysics, FailureCause::kRough};

// Every cause in every subtask has an answer; an answer changes one field, leaves noise, signals
// and ends alone, and is a task that may be run.
TEST(Tune, ChangesAreValidAndOfOneFieldEach) {
  const TaskSpec task = FakeTask();
  for (const FailureCause cause : kAllCauses) {
    for (size_t place = 0; place < task.subtasks.size(); ++place) {
      const std::vector<TuneChange> changes = ChangesFor(task, cause, place);
      EXPECT_GE(changes.size(), 2u) << CauseName(cause) << " in subtask " << place;
      for (const TuneChange& change : changes) {
        EXPECT_THAT(Validate(change.task), testing::IsEmpty()) << change.what;
        const Json was = ToJson(task), is = ToJson(change.task);
        int different = 0;
        for (size_t i = 0; i < task.subtasks.size(); ++i) {
          for (const auto& [field, value] : was["subtasks"][i].items()) {
            if (is["subtasks"][i][field] == value) continue;
            ++different;
            EXPECT_THAT(field, testing::Not(testing::AnyOf("action_noise", "noise_correlation",
                                                           "signal", "check")));
          }
        }
        EXPECT_EQ(different, 1) << change.what;
      }
    }
  }
}

// Where ways are planned no arch is tried, and where they are not no margin: neither would change
// anything.
TEST(Tune, WhatHasNoEffectIsNotTried) {
  TaskSpec task = FakeTask();
  task.subtasks[1].transit = Transit::kPlan;
  int arches = 0, margins = 0;
  for (const FailureCause cause : kAllCauses) {
    for (size_t place = 0; place < task.subtasks.size(); ++place) {
      for (const TuneChange& change : ChangesFor(task, cause, place)) {
        EXPECT_THAT(change.what, testing::Not(HasSubstr("subtasks[1].bridge_arch")));
        EXPECT_THAT(change.what, testing::Not(HasSubstr("subtasks[0].transit_margin")));
        arches += change.what.find("subtasks[0].bridge_arch") == 0;
        margins += change.what.find("subtasks[1].transit_margin: 0.01 -> ") == 0;
      }
    }
  }
  EXPECT_GT(arches, 0);
  EXPECT_GT(margins, 0);
}

// Nothing is near or far where a subtask has no object.
TEST(Tune, WithoutAnObjectNoDistanceToItIsTried) {
  TaskSpec task = FakeTask();
  task.subtasks[0].object.clear();
  int tried = 0, others = 0;
  for (const FailureCause cause : kAllCauses) {
    for (const TuneChange& change : ChangesFor(task, cause, 0)) {
      ++tried;
      EXPECT_THAT(change.what, testing::Not(HasSubstr("subtasks[0].replay_within")));
      const Selection& was = task.subtasks[0].selection;
      const Selection& is = change.task.subtasks[0].selection;
      EXPECT_TRUE(ToJson(is) == ToJson(was) || !std::holds_alternative<NearestObjectSelection>(is))
          << change.what;
    }
    for (const TuneChange& change : ChangesFor(task, cause, 1)) {
      others += change.what.find("subtasks[1].replay_within") == 0;
    }
  }
  EXPECT_GT(tried, 5);
  EXPECT_GT(others, 0);
}

TEST(Tune, VariesAnEndWithoutAnOffset) {
  TaskSpec task = FakeTask();
  task.subtasks[0].end_offset = {0, 0};
  for (const FailureCause cause :
       {FailureCause::kGraspMissed, FailureCause::kDropped, FailureCause::kMisplaced}) {
    const size_t place = cause == FailureCause::kGraspMissed ? 0 : 1;
    std::vector<std::string> tried;
    for (const TuneChange& change : ChangesFor(task, cause, place)) tried.push_back(change.what);
    EXPECT_THAT(tried, testing::Contains("subtasks[0].end_offset: [0, 0] -> [5, 10]"))
        << CauseName(cause);
  }
}

// The law of the file: read over a task, it makes the subtasks those that were tuned, whatever that
// task says, at a default or not.
TEST(Tune, TheFileMakesAnyTaskTheTunedOne) {
  const TaskSpec plain = FakeTask();
  TaskSpec other = FakeTask();
  for (Subtask& subtask : other.subtasks) {
    subtask.replay_within = 0.1;
    subtask.replay_until = 0.2;
    subtask.replay = Replayed::kHeld;
    subtask.selection = RandomSelection{};
    subtask.noise_correlation = 0.5;
    subtask.transit = Transit::kPlan;
    subtask.transit_margin = 0.02;
    subtask.start_shift = 0.05;
    subtask.start_turn = 0.5;
    subtask.bridge_arch = 0.1;
  }
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / "understudy_tuned.yaml";
  const auto all = [](const TaskSpec& task) { return SubtasksFile(task.subtasks); };
  int searched = 0;
  for (const TaskSpec& task : {plain, other}) {
    for (const FailureCause cause : kAllCauses) {
      for (size_t place = 0; place < task.subtasks.size(); ++place) {
        for (const TuneChange& change : ChangesFor(task, cause, place)) {
          ++searched;
          std::ofstream(file) << DumpYaml(SubtasksFile(change.task.subtasks));
          for (TaskSpec under : {plain, other}) {
            ReadSubtasks(file, &under);
            EXPECT_EQ(all(under), all(change.task)) << change.what;
          }
        }
      }
    }
  }
  EXPECT_GT(searched, 100);

  // and says which sources it is used without
  EXPECT_THAT(ReadLeaveOut(file), testing::IsEmpty());
  EXPECT_THAT(ReadLeaveOut(""), testing::IsEmpty());
  std::ofstream(file) << DumpYaml(SubtasksFile(plain.subtasks, {"demo_1", "a: b.h5:demo_2"}));
  EXPECT_THAT(ReadLeaveOut(file), testing::ElementsAre("demo_1", "a: b.h5:demo_2"));
  TaskSpec under = plain;
  ReadSubtasks(file, &under);
  EXPECT_EQ(all(under), all(plain));
  for (const char* bad : {"leave_out: demo_1\n", "leave_out: [1]\n"}) {
    std::ofstream(file) << DumpYaml(SubtasksFile(plain.subtasks)) << bad;
    EXPECT_THROW(ReadLeaveOut(file), Error) << bad;
  }
  std::ofstream(file) << DumpYaml(SubtasksFile(plain.subtasks)) << "leave_out: []\nmore: 1\n";
  EXPECT_THROW(ReadSubtasks(file, &under), Error);
  std::filesystem::remove(file);
}

TEST(Tune, CountsItsAttemptsInFull) {
  TuneOptions options;
  options.attempts = 1000000;
  options.trials = 100000;
  options.check_attempts = 10000000;
  EXPECT_EQ(options.attempts_at_most(), int64_t{100021000000});
}

// A task whose bridges are much too fast for the arm.
TaskSpec Hasty() {
  TaskSpec task = FakeTask();
  for (Subtask& subtask : task.subtasks) {
    subtask.bridge_speed = 0.3;
    subtask.bridge_steps = 1;
    subtask.replay_within = 0.02;
    subtask.arrival_timeout = 0;
  }
  return task;
}
FakeOptions Slow() {
  FakeOptions fake;
  fake.lag = 0.25;
  return fake;
}
TuneReport TuneFake(const TaskSpec& task, const FakeOptions& fake, TuneOptions options) {
  GenerateOptions generate;
  generate.bridge_timeout = 0;
  Progress silent;
  return Tune(FakeSources(task, 5), task, FakeSimulatorFactory(task, fake), generate, options,
              silent);
}

TEST(Tune, MendsABadSettingAndMeasuresItOnOtherStarts) {
  TuneOptions options;
  options.attempts = 24;
  options.check_attempts = 100;
  const TuneReport report = TuneFake(Hasty(), Slow(), options);
  EXPECT_LT(report.before.rate(), 0.7);
  EXPECT_GT(report.after.rate(), report.before.rate() + 0.2);
  EXPECT_TRUE(report.better);
  EXPECT_EQ(report.before.attempts, 100);
  ASSERT_FALSE(report.changes.empty());
  for (const TuneTrial& trial : report.trials) {
    EXPECT_EQ(trial.kept, trial.gained > trial.lost) << trial.change;
  }
  EXPECT_LE(report.trials.size(), static_cast<size_t>(options.trials));
}

// An end that has no offset gets one, and the attempts of that trial are made with it.
TEST(Tune, TriesAnOffsetWhereTheTaskHasNone) {
  TaskSpec task = FakeTask();
  task.subtasks[0].end_offset = {0, 0};
  // what is held slips when it has been held for long
  FakeOptions fake;
  fake.slip_after_steps = 24;
  TuneOptions options;
  options.attempts = 24;
  options.trials = 60;
  options.check_attempts = 20;
  const TuneReport report = TuneFake(task, fake, options);
  const auto trial =
      std::find_if(report.trials.begin(), report.trials.end(), [](const TuneTrial& tried) {
        return tried.change == "subtasks[0].end_offset: [0, 0] -> [5, 10]";
      });
  ASSERT_NE(trial, report.trials.end()) << report.ToJson();
  EXPECT_TRUE(trial->kept) << report.ToJson();
  EXPECT_EQ(report.after.successes, 20);
}

// A demonstration that never works, among good ones: its segments end beside the cube.
TEST(Tune, LeavesOutASourceThatSpoilsTheRun) {
  TaskSpec task = FakeTask();
  for (Subtask& subtask : task.subtasks) subtask.selection = RandomSelection{};
  std::vector<Episode> demos = FakeDemos(task, 4);
  for (Step& row : demos[2].steps) {
    for (ArmAction& arm : row.action.arms) {
      arm.X_WE_cmd =
          Pose(arm.X_WE_cmd.rotation(), arm.X_WE_cmd.translation() + Eigen::Vector3d(0.06, 0, 0));
    }
    row.action_clean = row.action;
  }
  const SourceSet sources(demos, DemoNames(4), task, MakeFakeSimulator(task)->info(), 3);
  TuneOptions options;
  options.attempts = 24;
  options.trials = 8;
  options.check_attempts = 60;
  Progress silent;
  const TuneReport report =
      Tune(sources, task, FakeSimulatorFactory(task, {}), {}, options, silent);
  EXPECT_THAT(report.leave_out, testing::ElementsAre("demo_2"));
  EXPECT_THAT(report.changes, testing::Contains("leave_out: demo_2"));
  EXPECT_GT(report.after.rate(), report.before.rate() + 0.2);
  EXPECT_EQ(report.ToJson().at("leave_out"), Json({"demo_2"}));
}

TEST(Tune, DependsOnTheSeedAlone) {
  TuneOptions options;
  options.attempts = 12;
  options.trials = 6;
  options.check_attempts = 20;
  options.threads = 1;
  const Json one = TuneFake(Hasty(), Slow(), options).ToJson();
  options.threads = 3;
  EXPECT_EQ(TuneFake(Hasty(), Slow(), options).ToJson(), one);
  options.seed = 2;
  EXPECT_NE(TuneFake(Hasty(), Slow(), options).ToJson(), one);
}

TEST(Tune, WhatNeverFailsIsLeftAlone) {
  TaskSpec task = FakeTask();
  for (Subtask& subtask : task.subtasks) subtask.action_noise = 0;
  TuneOptions options;
  options.attempts = 10;
  options.check_attempts = 10;
  const TuneReport report = TuneFake(task, {}, options);
  ASSERT_EQ(report.before.successes, 10);
  EXPECT_THAT(report.trials, testing::IsEmpty());
  EXPECT_EQ(ToJson(report.subtasks), ToJson(task.subtasks));
  EXPECT_FALSE(report.better);
}

TEST(Tune, UnknownVariantsAreNamed) {
  TuneOptions options;
  options.variant = "D9";
  try {
    TuneFake(FakeTask(), {}, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("D0"));
  }
}

}  // namespace
}  // namespace understudy
