#include "mimic/sources/source_set.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/base/error.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SourceSetTest : public testing::Test {
 protected:
  SourceSet Build(const std::vector<Episode>& episodes) {
    return SourceSet(episodes, DemoNames(episodes.size()), task_, info_, 3);
  }
  // Reasons given for one bad episode beside two good ones.
  std::vector<std::string> Reasons(const std::function<void(Episode&)>& damage) {
    std::vector<Episode> episodes = good_;
    damage(episodes[1]);
    const SourceSet set = Build(episodes);
    EXPECT_EQ(set.demos().size(), 2u);
    if (set.skipped().size() != 1) return {"not skipped"};
    EXPECT_EQ(set.skipped()[0].name, "demo_1");
    return set.skipped()[0].reasons;
  }

  TaskSpec task_ = FakeTask();
  SimulatorInfo info_ = MakeFakeSimulator(task_)->info();
  std::vector<Episode> good_ = FakeDemos(task_, 3);
};

TEST_F(SourceSetTest, TakesTheColumns) {
  const SourceSet set = Build(good_);
  ASSERT_EQ(set.demos().size(), 3u);
  EXPECT_THAT(set.skipped(), IsEmpty());
  EXPECT_THAT(set.subtask_objects(), ElementsAre(0, 1));
  const SourceDemo& demo = set.demos()[2];
  EXPECT_EQ(demo.uuid, good_[2].meta.uuid);
  EXPECT_EQ(demo.length(), static_cast<int>(good_[2].length()));
  for (size_t t = 0; t < good_[2].length(); ++t) {
    EXPECT_TRUE(demo.arms[0].X_WE[t] == good_[2].steps[t].observation.arms[0].X_WE);
    EXPECT_TRUE(demo.arms[0].X_WE_cmd[t] == good_[2].steps[t].action.arms[0].X_WE_cmd);
    EXPECT_TRUE(demo.X_WO[1][t] == good_[2].steps[t].observation.X_WO[1]);
  }
}

// Hands are poses of E and signs of the gripper: another robot can follow them when asked to.
TEST_F(SourceSetTest, OtherRobotsAreWelcomeOnTransferOnly) {
  std::vector<Episode> episodes = good_;
  for (Episode& episode : episodes) {
    episode.meta.robot = "sawyer";
    episode.meta.limits = {0.02, 0.1};
  }
  EXPECT_THAT([&] { Build(episodes); }, testing::ThrowsMessage<Error>(HasSubstr("robot 'sawyer'")));
  const SourceSet set(episodes, DemoNames(episodes.size()), task_, info_, 3, true);
  EXPECT_EQ(set.demos().size(), 3u);
  episodes[0].meta.task = "pour";
  EXPECT_THAT(SourceSet(episodes, DemoNames(episodes.size()), task_, info_, 3, true).skipped(),
              testing::SizeIs(1));
}

// A source file may list objects in another order: they are found by name.
TEST_F(SourceSetTest, ObjectsAreFoundByName) {
  std::vector<Episode> episodes = good_;
  std::swap(episodes[0].meta.objects[0], episodes[0].meta.objects[1]);
  for (Step& row : episodes[0].steps) std::swap(row.observation.X_WO[0], row.observation.X_WO[1]);
  EXPECT_TRUE(Build(episodes).demos()[0].X_WO[0][0] == Build(good_).demos()[0].X_WO[0][0]);
}

TEST_F(SourceSetTest, ABadSourceIsSkippedWithItsReason) {
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.task = "lift"; }),
              ElementsAre(HasSubstr("task 'lift', wanted 'fake_stack'")));
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.robot = "ur5"; }),
              ElementsAre(HasSubstr("robot 'ur5'")));
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.control_hz = 0; }),
              ElementsAre("no control rate is stored: `control_hz` of a --map gives it"));
  for (const double hz : {4.9, 100.1, std::nan("")}) {
    EXPECT_THAT(Reasons([&](Episode& e) { e.meta.control_hz = hz; }),
                ElementsAre(HasSubstr("rates from 5 to 100 Hz are resampled to the task's 20 Hz")));
  }
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.limits.linear = 0.1; }),
              ElementsAre(HasSubstr("action limits 0.1 m")));
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.objects[1] = "cubeC"; }),
              ElementsAre(HasSubstr(
                  "no object 'cubeB' (it has cubeA, cubeC): `understudy data annotate`")));
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.signals[0] = "x"; }),
              ElementsAre(HasSubstr("no signal 'grasp'")));
  EXPECT_THAT(Reasons([](Episode& e) { e.meta.arms[0] = "left"; }),
              ElementsAre(HasSubstr("no arm 'robot0'")));
  EXPECT_THAT(Reasons([](Episode& e) {
                e.meta.success = false;
                e.meta.cause = "dropped";
              }),
              ElementsAre("not a success (dropped)"));
  EXPECT_THAT(Reasons([](Episode& e) { e.steps[7].action_clean.arms[0].gripper = NAN; }),
              ElementsAre(HasSubstr("step 7: an action that is no number")));
  EXPECT_THAT(Reasons([](Episode& e) { e.steps[9].observation.X_WO.pop_back(); }),
              ElementsAre("step 9: 1 objects, wanted 2"));
  EXPECT_THAT(Reasons([](Episode& e) {
                e.steps[9].action_clean.arms.clear();
                e.steps[9].action.arms.clear();
              }),
              ElementsAre("step 9: its action holds target poses of 0 of 1 arms"));
  EXPECT_THAT(Reasons([](Episode& e) {
                for (Step& s : e.steps) s.observation.signals[0] = 0;
              }),
              ElementsAre(HasSubstr("signal 'grasp' does not rise")));
  EXPECT_THAT(Reasons([](Episode& e) {
                e.meta.objects.clear();
                for (Step& row : e.steps) row.observation.X_WO.clear();
              }),
              testing::Contains("no poses of objects (wanted: cubeA, cubeB), with which segments "
                                "are moved"));
  EXPECT_THAT(Reasons([](Episode& e) { e.steps.resize(1); }), testing::Contains("1 steps"));
  EXPECT_THAT(Reasons([&](Episode& e) { e.meta.uuid = good_[0].meta.uuid; }),
              ElementsAre("the same uuid as demo_0"));
}

// Hundreds of sources with one reason make one short line.
TEST_F(SourceSetTest, SourcesWithTheSameReasonStandTogether) {
  std::vector<Episode> episodes = FakeDemos(task_, 9);
  for (Episode& episode : episodes) episode.meta.task = "lift";
  episodes[4].meta.signals.clear();
  for (Step& row : episodes[4].steps) row.observation.signals.clear();
  EXPECT_THAT(
      [&] { Build(episodes); },
      testing::ThrowsMessage<Error>(testing::AllOf(
          HasSubstr("demo_0, demo_1, demo_2 and 5 more: task 'lift', wanted 'fake_stack'; "
                    "demo_4: "),
          HasSubstr("no signal 'grasp', nor any other: `understudy data annotate` finds "))));
  // and so do hundreds of reasons that differ in a number
  for (size_t i = 0; i < 9; ++i) episodes[i].meta.task = fmt::format("lift{}", i);
  EXPECT_THAT([&] { Build(episodes); },
              testing::ThrowsMessage<Error>(testing::AllOf(HasSubstr("task 'lift4'"),
                                                           HasSubstr("; and 4 more reasons"),
                                                           testing::Not(HasSubstr("lift5")))));
}

// robosuite's test of contact holds while an open gripper comes down over the object: one such rise
// spoiled every segment of its source.
TEST_F(SourceSetTest, AGraspByAnOpenGripperIsNoEnd) {
  std::vector<Episode> episodes = good_;
  const int end = Build(good_).demos()[0].ends[0];
  int closes = 0;
  while (episodes[0].steps[static_cast<size_t>(closes)].action_clean.arms[0].gripper < 0) ++closes;
  ASSERT_GT(closes, 6);
  for (int t = 1; t < 6; ++t) episodes[0].steps[static_cast<size_t>(t)].observation.signals[0] = 1;
  const SourceSet set = Build(episodes);
  EXPECT_EQ(set.demos()[0].ends[0], end);
  ASSERT_EQ(set.notes().size(), 1u);
  EXPECT_EQ(set.notes()[0].name, "demo_0");
  EXPECT_THAT(set.notes()[0].notes,
              ElementsAre(HasSubstr("rises at step 1 with the gripper open")));
  // an end that a person set stands
  episodes[0].meta.settings[kSignalsFrom] = "review";
  EXPECT_EQ(Build(episodes).demos()[0].ends[0], 2);
}

// An offset that no demonstration has room for is cut back in each, whoever placed its ends.
TEST_F(SourceSetTest, LongOffsetsAreCutBackInEverySource) {
  task_.subtasks[0].end_offset = {600, 800};
  std::vector<Episode> episodes = good_;
  episodes[1].meta.settings[kSignalsFrom] = "review";
  const SourceSet set = Build(episodes);
  EXPECT_THAT(set.skipped(), IsEmpty());
  ASSERT_EQ(set.demos().size(), 3u);
  EXPECT_EQ(set.demos()[1].offsets, Build(good_).demos()[1].offsets);
  for (const SourceDemo& demo : set.demos()) {
    ASSERT_GT(demo.events[0].row, demo.ends[0]);
    EXPECT_TRUE(demo.events[0].opens);
    EXPECT_EQ(demo.offsets[0][1], (demo.events[0].row - demo.ends[0]) / 2);
  }
  // a gripper that never opens again
  for (Episode& episode : episodes) {
    bool closed = false;
    for (Step& row : episode.steps) {
      closed |= row.action.arms[0].gripper > 0;
      for (Action* action : {&row.action, &row.action_clean}) {
        if (closed && !action->arms.empty()) action->arms[0].gripper = 1;
      }
    }
  }
  const SourceSet holding = Build(episodes);
  EXPECT_THAT(holding.skipped(), IsEmpty());
  for (const SourceDemo& demo : holding.demos()) {
    EXPECT_EQ(demo.offsets[0][1], (demo.length() - demo.ends[0]) / 2);
  }
}

// The law that lets `tune` vary them: offsets that are changed later are those that would have been
// read.
TEST_F(SourceSetTest, OffsetsMayBeChangedLater) {
  const SourceSet set = Build(good_);
  for (const std::array<int, 2> offset :
       {std::array{0, 0}, std::array{5, 10}, std::array{-1, 300}, std::array{-1000, 0}}) {
    task_.subtasks[0].end_offset = offset;
    const SourceSet changed = set.WithOffsetsOf(task_);
    if (offset[0] == -1000) {
      EXPECT_THAT(changed.demos(), IsEmpty());
      continue;
    }
    const SourceSet read = Build(good_);
    ASSERT_EQ(changed.demos().size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(changed.demos()[i].ends, read.demos()[i].ends);
      EXPECT_EQ(changed.demos()[i].offsets, read.demos()[i].offsets);
    }
  }
}

TEST_F(SourceSetTest, AllReasonsOfASourceAreListed) {
  EXPECT_THAT(Reasons([](Episode& e) {
                e.meta.task = "lift";
                e.meta.robot = "ur5";
                e.meta.uuid = "";
              }),
              ElementsAre(HasSubstr("task"), HasSubstr("robot"), "no uuid"));
}

TEST_F(SourceSetTest, NoneLeftIsAnErrorWithEveryReason) {
  std::vector<Episode> episodes = good_;
  for (Episode& episode : episodes) episode.meta.task = "lift";
  episodes[2].meta.success = false;
  try {
    Build(episodes);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("no usable source demonstration for task 'fake_stack'"));
    EXPECT_THAT(error.what(), HasSubstr("demo_0, demo_1: task 'lift'"));
    EXPECT_THAT(error.what(), HasSubstr("demo_2: task 'lift', wanted 'fake_stack', not a success"));
  }
  EXPECT_THROW(Build({}), Error);
}

// What could not even be read is listed with what does not fit.
TEST_F(SourceSetTest, UnreadSourcesAreSkippedWithTheirReason) {
  const std::vector<SkippedSource> unread{{"torn", {"is no pose"}}};
  std::vector<Episode> episodes = good_;
  episodes[0].meta.success = false;
  const SourceSet set(episodes, DemoNames(3), task_, info_, 3, false, unread);
  EXPECT_EQ(set.demos().size(), 2u);
  ASSERT_EQ(set.skipped().size(), 2u);
  EXPECT_EQ(set.skipped()[0].name, "torn");
  EXPECT_THAT([&] { SourceSet({}, {}, task_, info_, 3, false, unread); },
              testing::ThrowsMessage<Error>(HasSubstr("torn: is no pose")));
}

TEST_F(SourceSetTest, OffsetsThatDoNotFitSkipTheSource) {
  task_.subtasks[0].end_offset = {-1000, 0};
  try {
    Build(good_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("narrow end_offset"));
  }
}

}  // namespace
}  // namespace understudy
