#include "mimic/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/base/error.h"
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
                                                           "signal", "check", "end_offset")));
          }
        }
        EXPECT_EQ(different, 1) << change.what;
      }
    }
  }
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
