// Signals of a demonstration from states and from poses, ends and flags, and what a person says.
#include "mimic/sources/annotate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/seam/revisit.h"
#include "mimic/sources/infer_predicates.h"
#include "mimic/sources/segmentation.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Observation> SeenIn(const Episode& episode) {
  std::vector<Observation> seen;
  for (size_t i = 0; i < CountInstants(episode); ++i) seen.push_back(ObservationAt(episode, i));
  return seen;
}

std::vector<uint8_t> Rows(const std::string& picture) {
  std::vector<uint8_t> rows;
  for (const char c : picture) rows.push_back(c == '#');
  return rows;
}

// A demonstration without anything to see, whose signals are drawn.
struct Drawn {
  TaskSpec task;
  Episode episode;
  std::vector<Observation> seen;
};
Drawn Draw(const std::string& one, const std::string& two) {
  Drawn drawn;
  drawn.task = FakeTask();
  drawn.task.subtasks.resize(3);
  drawn.task.subtasks[0] = {.object = "cubeA", .signal = "grasp"};
  drawn.task.subtasks[1] = {.object = "cubeB", .signal = "placed"};
  drawn.task.subtasks[2] = {.object = "cubeB"};
  EpisodeMeta& meta = drawn.episode.meta;
  meta.arms = {"robot0"};
  meta.objects = {"cubeA", "cubeB"};
  drawn.episode.steps.resize(one.size());
  for (size_t t = 0; t < one.size(); ++t) {
    Step& step = drawn.episode.steps[t];
    step.observation.arms.resize(1);
    step.observation.X_WO.resize(2);
    step.action.arms.resize(1);
    drawn.seen.push_back(step.observation);
    drawn.seen.back().signals = {Rows(one)[t], Rows(two)[t]};
  }
  return drawn;
}
Annotation AnnotateDrawn(const Drawn& drawn) {
  return Annotate(drawn.task, drawn.episode, &drawn.seen, {});
}

TEST(Annotate, WhatASimulatorSeesIsTaken) {
  const TaskSpec task = FakeTask();
  for (const Episode& demo : FakeDemos(task, 5)) {
    const std::vector<Observation> seen = SeenIn(demo);
    const Annotation found = Annotate(task, demo, &seen, {});
    for (size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(found.signals_SI[0][i], seen[i].signals[0]);
      EXPECT_EQ((*found.success_I)[i], seen[i].success);
    }
    const Segmentation wanted =
        SegmentBySignals(task, {{found.signals_SI[0].begin(), found.signals_SI[0].end() - 1}},
                         static_cast<int>(demo.length()), 3);
    ASSERT_THAT(wanted.problems, IsEmpty());
    ASSERT_EQ(found.ends.size(), 2u);
    EXPECT_EQ(found.ends[0].end, wanted.ends[0]);
    EXPECT_EQ(found.ends[1].end, wanted.ends[1]);
    EXPECT_EQ(
        found.ends[0].evidence,
        fmt::format("both pads touch cubeA from step {} (states restored)", wanted.ends[0] - 1));
    EXPECT_THAT(found.ends[0].flags, IsEmpty());
    ASSERT_TRUE(found.ends[0].inferred);
    EXPECT_NEAR(*found.ends[0].inferred, found.ends[0].end, 1);
  }
}

// The fake holds an object from the step in which its fingers reach it until they open wider.
TEST(Annotate, PosesAndFingersTellWhatTheFakeDoes) {
  const TaskSpec task = FakeTask();
  for (const Episode& demo : FakeDemos(task, 20)) {
    const Annotation found = Annotate(task, demo, nullptr, {});
    const std::vector<Observation> seen = SeenIn(demo);
    int differ = 0, differ_success = 0;
    ASSERT_TRUE(found.success_I);
    for (size_t i = 0; i < seen.size(); ++i) {
      differ += found.signals_SI[0][i] != seen[i].signals[0];
      differ_success += (*found.success_I)[i] != seen[i].success;
    }
    EXPECT_LE(differ, 2);
    EXPECT_LE(differ_success, 2);
    EXPECT_TRUE(found.success_I->back());
    EXPECT_NEAR(found.ends[0].confidence, 0.9, 1e-9);
    EXPECT_THAT(found.ends[0].evidence, HasSubstr("cubeA moves with the hand from"));
    EXPECT_THAT(found.ends[0].flags, IsEmpty());
  }
}

TEST(Annotate, WithoutFingersTheMotionOfTheObjectTells) {
  const TaskSpec task = FakeTask();
  for (Episode& demo : FakeDemos(task, 10)) {
    const int end = Annotate(task, demo, nullptr, {}).ends[0].end;
    for (size_t i = 0; i < CountInstants(demo); ++i) {
      ObservationAt(demo, i).arms[0].gripper_q.resize(0);
    }
    const Annotation found = Annotate(task, demo, nullptr, {});
    // the hand waits before it lifts, so that motion comes later
    EXPECT_GT(found.ends[0].end, end);
    EXPECT_LT(found.ends[0].end, end + 10);
    EXPECT_LT(found.ends[0].confidence, 0.9);
  }
}

// Moving the world moves nothing in time.
TEST(Annotate, DoesNotDependOnWhereTheWorldStands) {
  const TaskSpec task = FakeTask();
  Episode demo = FakeDemos(task, 1)[0];
  const Annotation here = Annotate(task, demo, nullptr, {});
  const Pose X_VW = PoseFromYaw(1.1, {0.3, -0.7, 0.2});
  for (size_t i = 0; i < CountInstants(demo); ++i) {
    Observation& observation = ObservationAt(demo, i);
    for (ArmObservation& arm : observation.arms) arm.X_WE = X_VW * arm.X_WE;
    for (Pose& X_WO : observation.X_WO) X_WO = X_VW * X_WO;
  }
  const Annotation there = Annotate(task, demo, nullptr, {});
  EXPECT_EQ(there.signals_SI, here.signals_SI);
  EXPECT_EQ(there.success_I, here.success_I);
}

TEST(Annotate, AHandThatClosesOnNothingHoldsNothing) {
  const TaskSpec task = FakeTask();
  FakeOptions far;
  far.grasp_radius = 0;  // nothing is ever held, whatever the fingers do
  for (const Episode& demo : FakeDemos(task, 5, far)) {
    const Annotation found = Annotate(task, demo, nullptr, {});
    EXPECT_EQ(found.ends[0].end, -1);
    EXPECT_THAT(found.ends[0].flags, Contains(HasSubstr("never rises")));
  }
}

TEST(Annotate, UnknownStaysUnknownUnlessItCannotMatter) {
  TaskSpec task = FakeTask();
  const Episode demo = FakeDemos(task, 1)[0];
  task.predicates["lid"] = JointPredicate{.joint = "lid"};
  task.predicates["and"] = AllPredicate{{"grasp", "lid"}};
  task.predicates["or"] = AnyPredicate{{"grasp", "lid"}};
  task.predicates["no"] = NotPredicate{"lid"};
  task.predicates["long"] = HeldPredicate{"and", 3};
  const std::map<std::string, InferredPredicate> known =
      InferPredicates(task, demo, InferGrasps(demo));
  int unknown = 0;
  for (size_t i = 0; i < CountInstants(demo); ++i) {
    const bool held = known.at("grasp").values[i] == Truth::kTrue;
    EXPECT_EQ(known.at("lid").values[i], Truth::kUnknown);
    EXPECT_EQ(known.at("no").values[i], Truth::kUnknown);
    EXPECT_EQ(known.at("and").values[i], held ? Truth::kUnknown : Truth::kFalse);
    EXPECT_EQ(known.at("or").values[i], held ? Truth::kTrue : Truth::kUnknown);
    // three rows in a row that may hold make what may have held for three
    unknown = held ? unknown + 1 : 0;
    EXPECT_EQ(known.at("long").values[i], unknown >= 3 ? Truth::kUnknown : Truth::kFalse) << i;
  }
  EXPECT_THAT(known.at("and").unknown, HasSubstr("no column holds joint 'lid'"));
  task.success = "or";
  EXPECT_FALSE(Annotate(task, demo, nullptr, {}).success_I);
}

TEST(Annotate, FlagsNameWhatIsOdd) {
  const auto flags = [](const std::string& one, const std::string& two) {
    std::vector<std::vector<std::string>> all;
    for (const SubtaskEnd& end : AnnotateDrawn(Draw(one, two)).ends) {
      // the drawn hand holds nothing, which poses tell too
      all.push_back({});
      for (const std::string& flag : end.flags) {
        if (flag.find("poses") == std::string::npos) all.back().push_back(flag);
      }
    }
    return all;
  };
  EXPECT_THAT(flags("..######....", ".......#####"), ElementsAre(IsEmpty(), IsEmpty(), IsEmpty()));
  EXPECT_THAT(flags("............", "....########")[0], ElementsAre("never rises"));
  EXPECT_THAT(flags("############", "....########")[0],
              ElementsAre("never rises: holds from the start"));
  EXPECT_THAT(flags("..####..####", "......######")[0], ElementsAre("rises again at 8"));
  EXPECT_THAT(flags(".##..#######", "........####")[0],
              ElementsAre("short: rises at 1 for 2 steps"));
  EXPECT_THAT(flags(".....#######", "..###.......")[1],
              ElementsAre("out of order: rises at 2, the subtask begins at 6"));
  // what segmentation would refuse
  Drawn narrow = Draw("..######....", ".......#####");
  narrow.task.subtasks[1].end_offset = {-5, 0};
  EXPECT_THAT(AnnotateDrawn(narrow).ends[2].flags, ElementsAre(HasSubstr("narrow end_offset")));
}

TEST(Annotate, StatesDecideAndADifferenceIsFlagged) {
  const TaskSpec task = FakeTask();
  const Episode demo = FakeDemos(task, 1)[0];
  std::vector<Observation> seen = SeenIn(demo);
  const int end = Annotate(task, demo, &seen, {}).ends[0].end;
  for (int i = 0; i < end + 6; ++i) seen[static_cast<size_t>(i)].signals[0] = 0;
  const SubtaskEnd late = Annotate(task, demo, &seen, {}).ends[0];
  EXPECT_EQ(late.end, end + 7);
  EXPECT_THAT(late.flags, ElementsAre(fmt::format("poses say {}", *late.inferred)));
  EXPECT_THAT(Annotate(task, demo, &seen, {.tolerance = 20}).ends[0].flags, IsEmpty());
}

// Whatever ends are asked for, exactly these come out, and what was not asked for stays.
TEST(Annotate, AppliedEndsAreExactlyThoseAskedFor) {
  const Drawn drawn =
      Draw("..#.##########....####....####..........", "##......####..........###......#########");
  const Annotation before = AnnotateDrawn(drawn);
  ASSERT_EQ(before.ends[0].end, 5);
  ASSERT_EQ(before.ends[1].end, 9);
  int applied = 0;
  for (int first = -1; first <= 41; ++first) {
    for (int second = -1; second <= 41; ++second) {
      std::vector<std::optional<WantedEnd>> wanted(3);
      if (first >= 0) wanted[0] = WantedEnd{first, false};
      if (second >= 0) wanted[1] = WantedEnd{second, false};
      Annotation after = before;
      if (RefuseEnds(drawn.task, before, wanted, 40, 3)) continue;
      ++applied;
      ApplyEnds(drawn.task, wanted, 40, 3, &after);
      const Segmentation made = SegmentBySignals(drawn.task, after.signals_SI, 40, 3);
      ASSERT_THAT(made.problems, IsEmpty());
      EXPECT_EQ(made.ends[0], first < 0 ? 5 : first);
      EXPECT_EQ(made.ends[1], second < 0 ? 9 : second);
      EXPECT_EQ(after.ends[0].end, made.ends[0]);
      EXPECT_EQ(after.ends[1].end, made.ends[1]);
      if (first < 0 || first == 5) {
        EXPECT_EQ(after.signals_SI[0], before.signals_SI[0]);
      }
      if (made.ends == std::vector<int>{5, 9, 40}) {
        EXPECT_EQ(after.signals_SI, before.signals_SI);
        EXPECT_THAT(after.ends[1].flags, testing::Not(Contains(HasSubstr("edited"))));
      }
    }
  }
  // ends in [2, 38]: every pair in order; the first before 9; the second after 5; none
  EXPECT_EQ(applied, 37 * 36 / 2 + 7 + 33 + 1);
}

TEST(Annotate, EndsThatCannotBeAreRefusedWithTheOneToBlame) {
  const Drawn drawn = Draw("..######....", ".......#####");
  const Annotation found = AnnotateDrawn(drawn);
  const auto refused = [&](std::optional<WantedEnd> a, std::optional<WantedEnd> b,
                           std::optional<WantedEnd> c = std::nullopt) {
    return RefuseEnds(drawn.task, found, {a, b, c}, 12, 3);
  };
  EXPECT_FALSE(refused({}, {}));
  EXPECT_FALSE(refused(WantedEnd{2}, WantedEnd{10}, WantedEnd{12}));
  EXPECT_FALSE(refused(WantedEnd{-1, true}, {}));
  EXPECT_EQ(refused(WantedEnd{8}, {})->subtask, 0u) << "subtask 1 stays where it is";
  EXPECT_THAT(refused(WantedEnd{8}, {})->why, HasSubstr("subtask 1 would end at 8, not after"));
  EXPECT_EQ(refused(WantedEnd{9}, WantedEnd{9})->subtask, 1u);
  EXPECT_THAT(refused({}, WantedEnd{11})->why, HasSubstr("end 11 lies outside [2, 10]"));
  EXPECT_THAT(refused(WantedEnd{1}, {})->why, HasSubstr("end 1 lies outside"));
  EXPECT_THAT(refused({}, {}, WantedEnd{11})->why, HasSubstr("ends with the demonstration, at 12"));
  EXPECT_THAT(refused({}, {}, WantedEnd{-1, true})->why, HasSubstr("ends with the demonstration"));
}

// An odd end that was found is nobody's wish.
TEST(Annotate, AnEndInTheLastRowIsRefusedToNobody) {
  const Drawn drawn = Draw("..######....", "...........#");
  const Annotation found = Annotate(drawn.task, drawn.episode, &drawn.seen, {.debounce = 1});
  ASSERT_EQ(found.ends[1].end, 12);
  const auto refused = [&](std::optional<WantedEnd> a, std::optional<WantedEnd> b) {
    return RefuseEnds(drawn.task, found, {a, b, std::nullopt}, 12, 1);
  };
  for (int end = 2; end <= 11; ++end) {
    ASSERT_FALSE(refused(WantedEnd{end}, {})) << end;
    Annotation made = found;
    ApplyEnds(drawn.task, {WantedEnd{end}, std::nullopt, std::nullopt}, 12, 1, &made);
    EXPECT_EQ(made.ends[0].end, end);
    EXPECT_EQ(made.signals_SI[1], found.signals_SI[1]);
  }
  EXPECT_EQ(refused(WantedEnd{12}, {})->subtask, 0u);
  EXPECT_EQ(refused({}, WantedEnd{12})->subtask, 1u) << "as a wish it leaves the last no step";
}

TEST(Annotate, ASkippedSubtaskLeavesMimicNoSource) {
  const Drawn drawn = Draw("..######....", ".......#####");
  Annotation found = AnnotateDrawn(drawn);
  ApplyEnds(drawn.task, {std::nullopt, WantedEnd{-1, true}, std::nullopt}, 12, 3, &found);
  EXPECT_EQ(found.signals_SI[0], Rows("..######...."));
  EXPECT_EQ(found.signals_SI[1], Rows("............"));
  EXPECT_THAT(found.ends[1].flags, ElementsAre("skipped: was 8"));
  EXPECT_FALSE(SegmentBySignals(drawn.task, found.signals_SI, 12, 3).problems.empty());
}

}  // namespace
}  // namespace understudy
