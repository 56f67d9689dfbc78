#include "mimic/run/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_simulator.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

MimicReport Report(int64_t attempts, std::map<std::string, std::vector<int64_t>> failures) {
  MimicReport report;
  report.attempts = report.successes = attempts;
  for (const auto& [cause, counts] : failures) {
    for (const int64_t count : counts) report.successes -= count;
  }
  report.failures = std::move(failures);
  return report;
}

TEST(Advice, NamesTheShareTheSubtaskAndTheSetting) {
  TaskSpec task = FakeTask();
  task.subtasks[1].arrival_timeout = 7;
  const MimicReport report =
      Report(100, {{"unreachable", {0, 31}}, {"dropped", {0, 14}}, {"grasp_missed", {5, 0}}});
  EXPECT_THAT(
      Advise(report, task, {}),
      ElementsAre(AllOf(HasSubstr("62 % of the failures (31 of 50): unreachable in subtask 1"),
                        HasSubstr("raise subtasks[1].arrival_timeout (now 7 steps)")),
                  AllOf(HasSubstr("28 % of the failures (14 of 50): dropped in subtask 1"),
                        HasSubstr("bridge_speed"))));
}

TEST(Advice, NamesSuccessesLongerThanTheHorizon) {
  const TaskSpec task = FakeTask();
  MimicReport report = Report(20, {});
  report.max_success_steps = task.horizon;
  EXPECT_THAT(Advise(report, task, {}), IsEmpty());
  ++report.max_success_steps;
  EXPECT_THAT(Advise(report, task, {}),
              ElementsAre(HasSubstr("take up to " + std::to_string(task.horizon + 1) +
                                    " steps, and the task's horizon")));
}

TEST(Advice, FollowsWhatIsAlreadyChosen) {
  TaskSpec task = FakeTask();
  const MimicReport report = Report(20, {{"misplaced", {0, 10}}});
  EXPECT_THAT(Advise(report, task, {}), ElementsAre(HasSubstr("subtasks[1].replay: held")));
  task.subtasks[1].replay = Replayed::kHeld;
  EXPECT_THAT(Advise(report, task, {}), ElementsAre(HasSubstr("lower subtasks[1].action_noise")));
}

TEST(Advice, LooksAtTheSubtaskBeforeAndAtAMissingObject) {
  TaskSpec task = FakeTask();
  const auto of = [&](const char* cause, std::vector<int64_t> counts) {
    return Advise(Report(20, {{cause, std::move(counts)}}), task, {}).at(0);
  };
  const auto later = HasSubstr("a later signal of the subtask before");
  EXPECT_THAT(of("bridge_late", {0, 10}), later);
  EXPECT_THAT(of("bridge_late", {10, 0}), testing::Not(later));
  EXPECT_THAT(of("grasp_missed", {10, 0}), HasSubstr("lower subtasks[0].action_noise"));
  task.subtasks[0].object.clear();
  EXPECT_THAT(of("grasp_missed", {10, 0}), HasSubstr("name in subtasks[0].object what is grasped"));
}

// Where ways are planned the advice is about them: what only bridges have is not to be changed.
TEST(Advice, PlannedTransitsHaveTheirOwnRemedies) {
  TaskSpec task = FakeTask();
  Subtask& subtask = task.subtasks[0];
  subtask.transit = Transit::kPlan;
  subtask.transit_margin = 0.015;
  const auto of = [&](const char* cause) {
    return Advise(Report(20, {{cause, {10, 0}}}), task, {}).at(0);
  };
  EXPECT_THAT(of("unreachable"), AllOf(HasSubstr("no posture of the arm reaches"),
                                       HasSubstr("subtasks[0].selection: nearest_robot"),
                                       HasSubstr("subtasks[0].arrival_timeout")));
  EXPECT_THAT(of("collision"), AllOf(HasSubstr("no way is free"),
                                     HasSubstr("subtasks[0].transit_margin (now 0.015 m)"),
                                     testing::Not(HasSubstr("start_shift"))));
  subtask.start_shift = 0.08;
  EXPECT_THAT(of("collision"), HasSubstr("start_shift (now 0.08 m)"));
  for (const char* cause : EnumNames<FailureCause>::kNames) {
    EXPECT_THAT(of(cause), testing::Not(HasSubstr("arch"))) << cause;
  }
  // nearest already: another grasp is all that is left
  subtask.selection = NearestRobotSelection{};
  EXPECT_THAT(of("unreachable"), HasSubstr("give sources that grasp from other sides"));
}

// Every cause has a remedy that names something to change.
TEST(Advice, EveryCauseHasARemedy) {
  const TaskSpec task = FakeTask();
  for (const char* cause : EnumNames<FailureCause>::kNames) {
    const std::vector<std::string> advice = Advise(Report(20, {{cause, {10, 0}}}), task, {});
    ASSERT_EQ(advice.size(), 1u) << cause;
    EXPECT_GT(advice[0].size(), 80u) << advice[0];
  }
}

TEST(Advice, IsSilentWhereNothingStandsOut) {
  const TaskSpec task = FakeTask();
  EXPECT_THAT(Advise(Report(100, {}), task, {}), IsEmpty());
  EXPECT_THAT(Advise(Report(100, {{"dropped", {4, 0}}}), task, {}), IsEmpty()) << "four of them";
}

TEST(Advice, NamesASourceThatSpoilsAttempts) {
  MimicReport report = Report(100, {});
  report.sources = {{"good", "", 100, 90}, {"bad", "", 50, 10}, {"rare", "", 3, 0}};
  EXPECT_THAT(Advise(report, FakeTask(), {}),
              ElementsAre(HasSubstr("20 % of the segments taken from bad are in successes")));
  // in a run that mostly succeeds it is the failures that stand out
  report.sources = {{"good", "", 300, 288}, {"bad", "", 60, 46}, {"fair", "", 60, 55}};
  EXPECT_THAT(Advise(report, FakeTask(), {}),
              ElementsAre(HasSubstr("77 % of the segments taken from bad are in successes, 95 % of "
                                    "the others': leave it out (--leave-out) or")));
}

TEST(Advice, NamesStartsThatNeverSucceed) {
  MimicReport report = Report(100, {});
  Coverage coverage;
  coverage.object = "cubeA";
  coverage.bins_x = coverage.bins_y = 2;
  coverage.attempts = {10, 10, 3, 2};
  coverage.successes = {9, 0, 3, 0};
  report.coverage = {coverage};
  EXPECT_THAT(Advise(report, FakeTask(), {}),
              ElementsAre(HasSubstr("no success from 1 of the 3 places where 'cubeA' stood")));
}

}  // namespace
}  // namespace understudy
