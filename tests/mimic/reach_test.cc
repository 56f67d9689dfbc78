#include "mimic/run/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimic/attempt/worker.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReachTest : public testing::Test {
 protected:
  std::vector<std::string> Problems() {
    return UnreachableStarts(sources_, task_, "D0", info_, GenerateOptions().reach_margin);
  }
  PlacementRange& Range(const std::string& object) { return task_.variants["D0"].objects[object]; }
  // Attempts that are not out of reach at once.
  int Reached() {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    int reached = 0;
    for (int i = 0; i < 40; ++i) {
      const Attempt attempt =
          Generate(sources_, task_, *simulator, "D0", {}, AttemptKey(1, i, "D0"));
      reached += !attempt.failure || attempt.failure->cause != FailureCause::kUnreachable;
    }
    return reached;
  }
  TaskSpec task_ = FakeTask();
  SourceSet sources_ = FakeSources(task_);
  SimulatorInfo info_ = MakeFakeSimulator(task_)->info();
};

TEST_F(ReachTest, EveryObjectThatStartsOutOfReachIsListed) {
  EXPECT_THAT(Problems(), IsEmpty());
  Range("cubeA").x = {1.5, 1.6};
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("subtasks[0]: 'cubeA' starts")));
  Range("cubeB").y = {2, 2.2};
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("'cubeA'"), HasSubstr("'cubeB'")));
}

// The law: what is refused could never have succeeded. From near to far, no attempt of a refused
// range gets further than "unreachable"; and far away everything is refused.
TEST_F(ReachTest, OnlyWhatNeverSucceedsIsRefused) {
  int refused = 0, passed = 0;
  for (double x = 0; x < 1.2; x += 0.05) {
    Range("cubeA").x = {x, x + 0.1};
    if (Problems().empty()) {
      ++passed;
      continue;
    }
    ++refused;
    EXPECT_EQ(Reached(), 0) << x;
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(passed, 5);
}

// A range of which a part can be reached is no mistake.
TEST_F(ReachTest, APartInReachIsEnough) {
  Range("cubeA").x = {-0.1, 3};
  EXPECT_THAT(Problems(), IsEmpty());
}

// What is brought near before its subtask does not have to start there.
TEST_F(ReachTest, WhatIsMovedBeforeMayStartAnywhere) {
  Range("cubeB").x = {1.5, 1.6};
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("subtasks[1]: 'cubeB'")));
  std::vector<Episode> demos = FakeDemos(FakeTask(), 3);
  for (int t = 0; t < 5; ++t) {
    demos[1].steps[static_cast<size_t>(t)].observation.X_WO[1] = Pose::FromTranslation({1.5, 0, 1});
  }
  sources_ = SourceSet(demos, DemoNames(3), task_, info_, 3);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ReachTest, SeveralArmsAreNotJudged) {
  info_.arms = {"left", "right"};
  Range("cubeA").x = {1.5, 1.6};
  EXPECT_THAT(Problems(), IsEmpty());
}

}  // namespace
}  // namespace understudy
