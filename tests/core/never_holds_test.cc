#include "core/spec/never_holds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_simulator.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NeverHoldTest : public testing::Test {
 protected:
  // What is said of the fake task with one more predicate, for which success asks too.
  std::vector<std::string> Asking(const Predicate& predicate) {
    task_.predicates["asked"] = predicate;
    AllPredicate both;
    both.of = {"placed", "asked"};
    task_.predicates["both"] = both;
    task_.success = "both";
    EXPECT_EQ(Validate(task_), NeverHold(task_));
    return NeverHold(task_);
  }
  TaskSpec task_ = FakeTask();
};

TEST_F(NeverHoldTest, SoundTasksHaveNone) { EXPECT_THAT(NeverHold(task_), IsEmpty()); }

TEST_F(NeverHoldTest, EmptyBoxesAndRangesAreNamed) {
  InBoxPredicate box;
  box.object = "cubeA";
  EXPECT_THAT(Asking(box), IsEmpty());
  box.low.y() = 0.3;
  box.high.y() = 0.2;
  EXPECT_THAT(
      Asking(box),
      ElementsAre(AllOf(HasSubstr("success: 'both' can never hold"),
                        HasSubstr("predicates.asked: low = 0.3 lies above high = 0.2 in y"))));
  JointPredicate joint;
  joint.low = 1;
  joint.high = 1;
  EXPECT_THAT(Asking(joint), IsEmpty());
  joint.high = 0.9;
  EXPECT_THAT(Asking(joint), ElementsAre(HasSubstr("low = 1 lies above high = 0.9")));
  OnTopPredicate on_top;
  on_top.object = on_top.support = "cubeA";
  EXPECT_THAT(Asking(on_top), ElementsAre(HasSubstr("does not lie on itself")));
  EXPECT_THAT(Asking(AnyPredicate{}), ElementsAre(HasSubstr("names none")));
  HeldPredicate held;
  held.of = "placed";
  held.steps = task_.horizon;
  EXPECT_THAT(Asking(held), IsEmpty());
  held.steps = task_.horizon + 1;
  EXPECT_THAT(Asking(held), ElementsAre(HasSubstr("more than the horizon")));
}

// Success asks for "placed", which says that the cube is let go and lies on the other.
TEST_F(NeverHoldTest, WhatExcludesItselfIsNamed) {
  NotPredicate negation;
  negation.of = "a_on_b";
  EXPECT_THAT(Asking(negation), ElementsAre(HasSubstr("excludes itself")));
  negation.of = "grasp";
  EXPECT_THAT(Asking(negation), IsEmpty());
  GraspedPredicate grasped;
  grasped.object = "cubeA";
  EXPECT_THAT(Asking(grasped), ElementsAre(HasSubstr("excludes itself")));
  grasped.object = "cubeB";
  EXPECT_THAT(Asking(grasped), IsEmpty());

  // through whatever names it, but not as one of several ways
  task_.predicates["never"] = [] {
    JointPredicate joint;
    joint.low = 2;
    joint.high = 1;
    return joint;
  }();
  HeldPredicate held;
  held.of = "never";
  EXPECT_THAT(Asking(held), ElementsAre(HasSubstr("predicates.never: low = 2")));
  AnyPredicate any;
  any.of = {"never", "a_on_b"};
  EXPECT_THAT(Asking(any), IsEmpty());
  negation.of = "never";
  EXPECT_THAT(Asking(negation), IsEmpty());
}

TEST_F(NeverHoldTest, SignalsAndChecksAreWaitedForToo) {
  std::get<GraspedPredicate>(task_.predicates["grasp"]).object = "cubeB";
  AllPredicate both;
  both.of = {"grasp", "b_released"};
  ReleasedPredicate released;
  released.object = "cubeB";
  task_.predicates["b_released"] = released;
  task_.predicates["both"] = both;
  EXPECT_THAT(NeverHold(task_), IsEmpty()) << "nobody waits for it";
  task_.subtasks[0].signal = task_.subtasks[1].check = "both";
  EXPECT_THAT(NeverHold(task_), ElementsAre(HasSubstr("subtasks[0].signal: 'both'"),
                                            HasSubstr("subtasks[1].check: 'both'")));
}

// A task of very many questions is believed, and soon.
TEST_F(NeverHoldTest, ManyQuestionsAreNotTriedOut) {
  AllPredicate all;
  for (int i = 0; i < 300; ++i) {
    JointPredicate joint;
    joint.joint = "j" + std::to_string(i);
    task_.predicates[joint.joint] = joint;
    all.of.push_back(joint.joint);
  }
  EXPECT_THAT(Asking(all), IsEmpty());
}

}  // namespace
}  // namespace understudy
