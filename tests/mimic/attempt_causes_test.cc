// Why attempts fail: each cause where it belongs, and one for every failure.

#include <gmock/gmock.h>

#include "mimic/attempt/attempt.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

// Among some attempts, the first that failed with `cause`; fails the test where there is none.
Failure FailureOf(FailureCause cause, const SourceSet& sources, const TaskSpec& task,
                  const FakeOptions& fake, const GenerateOptions& options = {}) {
  std::string others;
  for (int64_t i = 0; i < 20; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, fake, i, options);
    if (attempt.success()) continue;
    if (attempt.failure->cause == cause) return *attempt.failure;
    others += CauseName(attempt.failure->cause) + " ";
  }
  ADD_FAILURE() << "no attempt failed with " << CauseName(cause) << ", others: " << others;
  return {};
}

TEST(AttemptCauses, UnstablePhysicsIsTakenBack) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  FakeOptions fake;
  fake.unstable_at_step = 30;
  const Attempt attempt = FakeAttempt(sources, task, fake, 0);
  ASSERT_FALSE(attempt.success());
  EXPECT_EQ(attempt.failure->cause, FailureCause::kUnstablePhysics);
  EXPECT_EQ(attempt.failure->step, 30);
  EXPECT_THAT(attempt.failure->detail, HasSubstr("told to become unstable"));
  EXPECT_EQ(attempt.episode.length(), 30u);
  EXPECT_EQ(attempt.episode.meta.cause, "unstable_physics");
  EXPECT_EQ(attempt.episode.final_state.size(), attempt.episode.steps[0].state.size());
}

TEST(AttemptCauses, ALostObjectEndsTheAttemptAsDropped) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  FakeOptions fake;
  fake.slip_after_steps = 20;
  const Attempt full = FakeAttempt(sources, task, {}, 0);
  const Failure failure = FailureOf(FailureCause::kDropped, sources, task, fake);
  EXPECT_EQ(failure.subtask, 1);
  EXPECT_THAT(failure.detail, HasSubstr("'grasp' was lost"));
  EXPECT_LT(failure.step, static_cast<int>(full.episode.length()) - 10);
}

TEST(AttemptCauses, AMissedGraspEndsTheAttemptEarly) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  FakeOptions clumsy;
  clumsy.grasp_radius = 1e-5;
  const Failure failure = FailureOf(FailureCause::kGraspMissed, sources, task, clumsy);
  EXPECT_EQ(failure.subtask, 0);
  EXPECT_THAT(failure.detail, HasSubstr("'grasp' did not hold at the end of the subtask"));
}

TEST(AttemptCauses, OutOfReachFailsBeforeItMoves) {
  TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  FakeOptions fake;
  fake.reach = 0.48;
  const Failure failure = FailureOf(FailureCause::kUnreachable, sources, task, fake);
  EXPECT_THAT(failure.detail, HasSubstr("it reaches 0.480 m"));
}

TEST(AttemptCauses, JointLimitsAreBlamedWhereEDidNotArrive) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  FakeOptions fake;
  fake.reach = 0.48;
  GenerateOptions options;
  options.reach_margin = 1;
  const Failure failure = FailureOf(FailureCause::kJointLimit, sources, task, fake, options);
  EXPECT_THAT(failure.detail, HasSubstr("a joint stood at its limit"));
}

TEST(AttemptCauses, CollisionsAreBlamed) {
  const TaskSpec task = FakeTask();
  std::vector<Episode> demos = FakeDemos(task, 5);
  for (Episode& demo : demos) {
    for (Step& row : demo.steps) {
      ArmAction& arm = row.action_clean.arms[0];
      arm.X_WE_cmd =
          Pose(arm.X_WE_cmd.rotation(), arm.X_WE_cmd.translation() - Eigen::Vector3d(0, 0, 0.06));
    }
  }
  const SourceSet sources(demos, DemoNames(5), task, MakeFakeSimulator(task)->info(), 3);
  FakeOptions clumsy;
  clumsy.grasp_radius = 1e-5;
  const Failure failure = FailureOf(FailureCause::kCollision, sources, task, clumsy);
  EXPECT_THAT(failure.detail, HasSubstr("gripper events; robot0_link7 touched table"));
}

TEST(AttemptCauses, ALateArmIsBlamedOnTheBridge) {
  TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  task.subtasks[0].bridge_speed = 1;
  task.subtasks[0].bridge_turn = 4;
  task.subtasks[0].bridge_steps = 1;
  task.subtasks[0].arrival_timeout = 0;
  FakeOptions slow;
  slow.lag = 0.03;
  GenerateOptions options;
  options.bridge_timeout = 0;
  // the scripted sources begin at the home pose, so the turn to the cube is what makes it late
  options.bridge_tolerance = 0.001;
  const Failure failure = FailureOf(FailureCause::kBridgeLate, sources, task, slow, options);
  EXPECT_THAT(failure.detail, HasSubstr("cm off when the segment began"));
}

// A hand that stands right but is turned wrong when its gripper closes has not arrived either.
TEST(AttemptCauses, ALateTurnIsBlamedOnTheReach) {
  TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  task.subtasks[0].arrival_tolerance = 1;
  task.subtasks[0].arrival_timeout = 0;
  FakeOptions clumsy;
  clumsy.grasp_radius = 1e-5;
  clumsy.lag = 0.3;
  GenerateOptions options;
  options.bridge_tolerance = 1;
  options.arrival_angle = 3.2;
  FailureOf(FailureCause::kGraspMissed, sources, task, clumsy, options);
  options.arrival_angle = 1e-4;
  FailureOf(FailureCause::kUnreachable, sources, task, clumsy, options);
}

TEST(AttemptCauses, TimeoutCountsSteps) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  GenerateOptions options;
  options.max_steps = 20;
  const Failure failure = FailureOf(FailureCause::kTimeout, sources, task, {}, options);
  EXPECT_EQ(failure.step, 20);
  EXPECT_THAT(failure.detail, HasSubstr("not done after 20 steps"));
}

// The horizon bounds attempts, unless a source is longer itself.
TEST(AttemptCauses, SlowSourcesMakeRoom) {
  TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  int longest = 0;
  for (const SourceDemo& demo : sources.demos()) longest = std::max(longest, demo.length());
  task.horizon = longest;
  EXPECT_EQ(MostSteps({}, task, sources), longest);
  --task.horizon;
  EXPECT_EQ(MostSteps({}, task, sources), static_cast<int>(1.25 * longest));
  GenerateOptions options;
  options.max_steps = 20;
  EXPECT_EQ(MostSteps(options, task, sources), 20);
}

TEST(AttemptCauses, AnUnmetEndIsMisplaced) {
  TaskSpec task = FakeTask();
  std::get<OnTopPredicate>(task.predicates["a_on_b"]).max_xy = 1e-7;
  const SourceSet sources = FakeSources(FakeTask());
  const Failure failure = FailureOf(FailureCause::kMisplaced, sources, task, {});
  EXPECT_EQ(failure.subtask, 1);
  EXPECT_THAT(failure.detail, HasSubstr("'stacked' did not hold 30 steps after the end"));
}

// Success on the way is no success: it must be there at the end.
TEST(AttemptCauses, SuccessMustHoldAtTheEnd) {
  TaskSpec task = FakeTask();
  InBoxPredicate high;
  high.object = "cubeA";
  high.low = {-1, -1, 0.9};
  high.high = {1, 1, 2};
  task.predicates["high"] = high;
  task.success = "high";
  const SourceSet sources = FakeSources(FakeTask());
  const Failure failure = FailureOf(FailureCause::kSuccessLost, sources, task, {});
  EXPECT_THAT(failure.detail, HasSubstr("'high' held on the way but not at the end"));
}

TEST(AttemptCauses, EveryFailureHasACause) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  FakeOptions clumsy;
  clumsy.grasp_radius = 0.0005;
  clumsy.lag = 0.3;
  int failures = 0;
  for (int64_t i = 0; i < 50; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, clumsy, i, {}, "D1");
    EXPECT_EQ(attempt.success(), attempt.episode.meta.success);
    EXPECT_EQ(attempt.success(), attempt.episode.meta.cause.empty());
    EXPECT_EQ(attempt.success(), attempt.episode.final_observation.success);
    if (attempt.success()) continue;
    ++failures;
    EXPECT_FALSE(attempt.failure->detail.empty());
    EXPECT_EQ(attempt.failure->step, static_cast<int>(attempt.episode.length()));
  }
  EXPECT_GT(failures, 0);
}

}  // namespace
}  // namespace understudy
