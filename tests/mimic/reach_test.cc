#include "mimic/run/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimic/attempt/worker.h"
#include "tests/mimic/fixture.h"
#include "tests/support/simulator_around.h"

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

// Arms of five joints, which turn their hands no farther than `stiff` from straight down; `free`
// arms go before one that is stiff.
class StiffHands : public SimulatorAround {
 public:
  StiffHands(std::unique_ptr<Simulator> inner, size_t free)
      : SimulatorAround(std::move(inner)), info_(this->inner().info()), free_(free) {
    info_.tilt = 0.2;
  }

 private:
  const SimulatorInfo& DoInfo() const override { return info_; }
  Pose DoNearest(size_t arm, const Pose& X_WE) const override {
    if (arm < free_) return X_WE;
    // as it is about the vertical, and its z down
    const Eigen::Vector3d z = X_WE.rotation() * Eigen::Vector3d::UnitZ();
    const auto upright = Eigen::Quaterniond::FromTwoVectors(z, -Eigen::Vector3d::UnitZ());
    return Pose(upright * X_WE.rotation(), X_WE.translation());
  }
  SimulatorInfo info_;
  size_t free_;
};

class OrientationTest : public testing::Test {
 protected:
  // Sources of the fake task whose hands lean by `lean` (rad) in the rows that `where` chooses.
  template <class Where>
  SourceSet Leaning(const TaskSpec& task, double lean, const Where& where, int arms = 1) {
    FakeOptions fake;
    fake.arms = arms;
    std::vector<Episode> demos = FakeDemos(task, 3, fake);
    const Eigen::Quaterniond q(Eigen::AngleAxisd(lean, Eigen::Vector3d::UnitX()));
    for (Episode& demo : demos) {
      for (size_t t = 0; t < demo.length(); ++t) {
        Step& row = demo.steps[t];
        row.action_clean = {};
        if (!where(demo, t)) continue;
        for (int arm = 0; arm < arms; ++arm) {
          const auto a = static_cast<size_t>(arm);
          Pose& X_WE = row.observation.arms[a].X_WE;
          X_WE = Pose(q * X_WE.rotation(), X_WE.translation());
          Pose& X_WE_cmd = row.action.arms[a].X_WE_cmd;
          X_WE_cmd = Pose(q * X_WE_cmd.rotation(), X_WE_cmd.translation());
        }
      }
    }
    return SourceSet(demos, DemoNames(demos.size()), task, MakeFakeSimulator(task, fake)->info(),
                     3);
  }
  static OrientationCheck Check(const SourceSet& sources, const TaskSpec& task, int arms = 1,
                                size_t free = 0) {
    FakeOptions fake;
    fake.arms = arms;
    StiffHands hands(MakeFakeSimulator(task, fake), free);
    return CheckOrientations(sources, task, "D0", hands, 0.15);
  }
  static std::vector<std::string> Never(const SourceSet& sources, const TaskSpec& task,
                                        int arms = 1, size_t free = 0) {
    return Check(sources, task, arms, free).never;
  }
};

TEST_F(OrientationTest, GripperEventsThatLeanTooFarAreListed) {
  const TaskSpec task = FakeTask();
  const auto always = [](const Episode&, size_t) { return true; };
  EXPECT_THAT(Never(Leaning(task, 0.3, always), task), IsEmpty());
  EXPECT_THAT(Never(Leaning(task, 0.5, always), task),
              ElementsAre(HasSubstr("subtasks[0]: the hand stays 0.50 rad off the orientations of"),
                          HasSubstr("subtasks[1]")));
}

// A push has no gripper event: how its hand leans where it is nearest to the object counts.
TEST_F(OrientationTest, PushesThatLeanTooFarAreSaid) {
  const TaskSpec task = FakeTask();
  const auto without_events = [&](double lean, bool near) {
    std::vector<Episode> demos = FakeDemos(task, 3);
    const Eigen::Quaterniond q(Eigen::AngleAxisd(lean, Eigen::Vector3d::UnitX()));
    for (Episode& demo : demos) {
      for (Step& row : demo.steps) {
        row.action_clean = {};
        ArmAction& command = row.action.arms[0];
        command.gripper = 1;
        Pose& X_WE = row.observation.arms[0].X_WE;
        const double away = (X_WE.translation() - row.observation.X_WO[0].translation()).norm();
        if ((away < 0.05) == near) X_WE = Pose(q * X_WE.rotation(), X_WE.translation());
      }
    }
    return SourceSet(demos, DemoNames(3), task, MakeFakeSimulator(task)->info(), 3);
  };
  const OrientationCheck leaning = Check(without_events(0.5, true), task);
  EXPECT_THAT(leaning.never, IsEmpty()) << "it may do its work all the same";
  EXPECT_THAT(leaning.said, testing::Contains(HasSubstr(
                                "subtasks[0]: where the hand pushes, it stays 0.50 rad or more")));
  EXPECT_THAT(Check(without_events(0.5, false), task).said, IsEmpty()) << "on the way there";
  EXPECT_THAT(Check(without_events(0.3, true), task).said, IsEmpty());
}

// Of several arms those are looked at that a subtask means.
TEST_F(OrientationTest, EveryArmIsLookedAt) {
  TaskSpec task = FakeTask();
  const auto always = [](const Episode&, size_t) { return true; };
  for (Subtask& subtask : task.subtasks) subtask.arm = 0;
  const SourceSet sources = Leaning(task, 0.5, always, 2);
  EXPECT_THAT(Never(sources, task, 2), ElementsAre(HasSubstr("subtasks[0]"), HasSubstr("[1]")));
  EXPECT_THAT(Never(sources, task, 2, 1), IsEmpty()) << "the second arm has no part in it";
}

}  // namespace
}  // namespace understudy
