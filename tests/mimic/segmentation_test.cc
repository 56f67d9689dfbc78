#include "mimic/sources/segmentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TaskSpec ThreeSubtasks() {
  TaskSpec task;
  task.subtasks.resize(3);
  task.subtasks[0].signal = "one";
  task.subtasks[1].signal = "two";
  return task;
}

// 0s and 1s from a picture: "..##." has a rising edge at row 2.
std::vector<uint8_t> SignalRows(const std::string& picture) {
  std::vector<uint8_t> rows;
  for (char c : picture) rows.push_back(c == '#');
  return rows;
}

TEST(Segmentation, EndsOneStepAfterTheFirstRowOfTheRisingEdge) {
  const Segmentation s =
      SegmentBySignals(ThreeSubtasks(), {SignalRows("..######"), SignalRows(".....###")}, 8, 1);
  EXPECT_THAT(s.problems, IsEmpty());
  EXPECT_THAT(s.ends, ElementsAre(3, 6, 8));
}

TEST(Segmentation, LooksForRisingEdgesAfterThePreviousBoundaryOnly) {
  // "two" is 1 early and falls after the first boundary: only its second rise ends subtask 1
  const Segmentation s = SegmentBySignals(
      ThreeSubtasks(), {SignalRows("..########"), SignalRows("####...###")}, 10, 1);
  EXPECT_THAT(s.problems, IsEmpty());
  EXPECT_THAT(s.ends, ElementsAre(3, 8, 10));
}

TEST(Segmentation, FlickerShorterThanTheDebounceEndsNothing) {
  const std::vector<std::vector<uint8_t>> signals{SignalRows(".#.##.####.."),
                                                  SignalRows(".........###")};
  EXPECT_THAT(SegmentBySignals(ThreeSubtasks(), signals, 12, 1).ends, ElementsAre(2, 10, 12));
  EXPECT_THAT(SegmentBySignals(ThreeSubtasks(), signals, 12, 2).ends, ElementsAre(4, 10, 12));
  EXPECT_THAT(SegmentBySignals(ThreeSubtasks(), signals, 12, 3).ends, ElementsAre(7, 10, 12));
}

TEST(Segmentation, NamesTheSignalThatNeverRises) {
  const Segmentation high =
      SegmentBySignals(ThreeSubtasks(), {SignalRows("######"), SignalRows("...###")}, 6, 1);
  EXPECT_THAT(high.problems, ElementsAre(HasSubstr("subtask 0: signal 'one' does not rise")));
  const Segmentation never =
      SegmentBySignals(ThreeSubtasks(), {SignalRows(".#####"), SignalRows("......")}, 6, 1);
  EXPECT_THAT(never.problems, ElementsAre(HasSubstr("signal 'two' does not rise")));
}

TEST(Segmentation, SignalsOutOfOrderAreAProblem) {
  // "two" is over before "one" ends its subtask
  const Segmentation s = SegmentBySignals(
      ThreeSubtasks(), {SignalRows("......####"), SignalRows(".#########")}, 10, 1);
  EXPECT_THAT(s.problems,
              ElementsAre(HasSubstr("subtask 1: signal 'two' does not rise for 1 steps in a row "
                                    "after step 7 of 10")));
}

TEST(Segmentation, ListsEveryOffsetThatCouldEmptyASegment) {
  TaskSpec task = ThreeSubtasks();
  task.subtasks[0].end_offset = {-3, 5};
  task.subtasks[1].end_offset = {-2, 2};
  const Segmentation s =
      SegmentBySignals(task, {SignalRows("..######"), SignalRows(".....###")}, 8, 1);
  // ends 3, 6, 8; the late offsets are cut back: 3 - 3 = 0
  EXPECT_THAT(s.problems, ElementsAre(HasSubstr("subtask 0: may end at step 0")));
  task.subtasks[0].end_offset = {0, 5};
  task.subtasks[1].end_offset = {-3, 2};
  // 6 - 3 <= 3
  EXPECT_THAT(
      SegmentBySignals(task, {SignalRows("..######"), SignalRows(".....###")}, 8, 1).problems,
      ElementsAre(HasSubstr("subtask 1: may end at step 3 (end 6 with offset -3) though it "
                            "may start at step 3")));
}

// Where no gripper event follows, the end of the next segment is what an offset must not pass: it
// takes at most half of the way.
TEST(Segmentation, OffsetsStopBeforeTheNextSegmentsEnd) {
  TaskSpec task = ThreeSubtasks();
  task.subtasks[0].end_offset = {6, 80};
  const std::string one = "..##########################", two = "...........#################",
                    closed = "############################";
  for (const ClosedRows& known : {ClosedRows{}, ClosedRows{SignalRows(closed)}}) {
    const Segmentation s = SegmentBySignals(task, {SignalRows(one), SignalRows(two)}, 28, 2, known);
    EXPECT_THAT(s.problems, IsEmpty());
    EXPECT_THAT(s.ends, ElementsAre(3, 12, 28));
    EXPECT_THAT(s.offsets, ElementsAre(std::array{4, 4}, std::array{0, 0}, std::array{0, 0}));
    EXPECT_THAT(s.notes, ElementsAre("subtask 0: end_offset [6, 80] becomes [4, 4]: it ends at 3, "
                                     "and the next segment may end at 12"));
  }
  // what leaves it a step is the task's own business
  task.subtasks[0].end_offset = {6, 8};
  const Segmentation fits = SegmentBySignals(task, {SignalRows(one), SignalRows(two)}, 28, 2);
  EXPECT_EQ(fits.offsets[0], (std::array{6, 8}));
  EXPECT_THAT(fits.notes, IsEmpty());
  // the last one but one stops before the end, and the others before what that may do
  task.subtasks[0].end_offset = {0, 8};
  task.subtasks[1].end_offset = {-2, 60};
  EXPECT_THAT(SegmentBySignals(task, {SignalRows(one), SignalRows(two)}, 28, 2).offsets,
              ElementsAre(std::array{0, 3}, std::array{-2, 8}, std::array{0, 0}));
  // a gripper event behind the next segment's end is no reason to pass that
  task.predicates["one"] = GraspedPredicate{"cube", 0};
  const std::string opens = "##########################..";
  EXPECT_THAT(SegmentBySignals(task, {SignalRows(one), SignalRows(two)}, 28, 2, {SignalRows(opens)})
                  .offsets,
              ElementsAre(std::array{0, 3}, std::array{-2, 8}, std::array{0, 0}));
}

// Of arms at subtasks of their own nobody waits for the last end of each.
TEST(Segmentation, OffsetsStopAtTheEndOfTheDemonstration) {
  TaskSpec task = ThreeSubtasks();
  for (size_t i = 0; i < 3; ++i) task.subtasks[i].arm = i == 1 ? 1 : 0;
  task.subtasks[1].parallel = task.subtasks[2].parallel = true;
  task.subtasks[1].end_offset = {1, 30};
  const Segmentation s = SegmentBySignals(task, {SignalRows("..######"), SignalRows("...#####")}, 8,
                                          1, {SignalRows("########")});
  EXPECT_THAT(s.problems, IsEmpty());
  EXPECT_THAT(s.ends, ElementsAre(3, 4, 8));
  EXPECT_EQ(s.offsets[1], (std::array{1, 2}));
  EXPECT_THAT(s.notes, ElementsAre(HasSubstr("it ends at 4, and the demonstration at 8")));
}

// Ends that a person placed stand where they are, and grippers keep limiting their offsets.
TEST(Segmentation, PlacedEndsStandAndTheirOffsetsAreLimited) {
  TaskSpec task = ThreeSubtasks();
  task.predicates["one"] = GraspedPredicate{"cube", 0};
  task.subtasks[0].end_offset = {4, 9};
  const std::string two = "....................######", closed = ".#########................";
  const auto segment = [&](const std::string& grasp, bool placed) {
    return SegmentBySignals(task, {SignalRows(grasp), SignalRows(two)}, 26, 2, {SignalRows(closed)},
                            {}, placed);
  };
  const Segmentation s = segment("..########................", true);
  EXPECT_THAT(s.ends, ElementsAre(3, 21, 26));
  EXPECT_EQ(s.offsets[0], (std::array{3, 3}));
  EXPECT_THAT(s.notes, ElementsAre(HasSubstr("the gripper opens at 10")));
  // behind the release: it stays, though a grasp would be looked for before it
  const std::string late = "..###........#############";
  EXPECT_EQ(segment(late, false).ends[0], 3);
  const std::string after = ".............#############";
  EXPECT_EQ(segment(after, true).ends[0], 14);
  // it closes no more: the end of the next segment is the limit
  task.subtasks[0].end_offset = {4, 40};
  EXPECT_EQ(segment(after, true).offsets[0], (std::array{3, 3}));
}

// ---- grasps: only rises with the gripper closed count ----

// Subtask 0 ends by a grasp, whose gripper is closed where `closed` says so.
Segmentation WithGripper(const std::string& grasp, const std::string& two,
                         const std::string& closed) {
  TaskSpec task = ThreeSubtasks();
  task.predicates["one"] = GraspedPredicate{"cube", 1};
  const std::vector<uint8_t> other(grasp.size(), 1);  // of an arm that grasps nothing
  return SegmentBySignals(task, {SignalRows(grasp), SignalRows(two)},
                          static_cast<int>(grasp.size()), 2, {other, SignalRows(closed)});
}

TEST(Segmentation, WhatTouchesAnOpenGripperIsNoGrasp) {
  const Segmentation s = WithGripper("..####..######..", "............####", ".......########.");
  EXPECT_THAT(s.problems, IsEmpty());
  EXPECT_THAT(s.ends, ElementsAre(9, 13, 16));
  EXPECT_THAT(s.notes, ElementsAre("subtask 0: signal 'one' rises at step 2 with the gripper open; "
                                   "the subtask ends by its rise at 8"));
  // touched before, and held when it closes
  const Segmentation kept = WithGripper("..############..", "............####", ".......########.");
  EXPECT_THAT(kept.ends, ElementsAre(8, 13, 16));
}

TEST(Segmentation, OfSeveralTriesTheLastOneBeforeTheNextSubtaskCounts) {
  const Segmentation s =
      WithGripper("...###....######....", "..............######", "..####...#######....");
  EXPECT_THAT(s.ends, ElementsAre(11, 15, 20));
  EXPECT_THAT(s.notes,
              ElementsAre(HasSubstr("rises at step 3; the subtask ends by its rise at 10")));
  // what is grasped again later belongs to later subtasks
  const Segmentation later =
      WithGripper("...####.......####..", "......########......", "..#####......#####..");
  EXPECT_THAT(later.ends, ElementsAre(4, 7, 20));
  // a flicker while the gripper stays closed is no second try
  const Segmentation flicker =
      WithGripper("...###..########....", "..............######", "..#############.....");
  EXPECT_THAT(flicker.ends, ElementsAre(4, 15, 20));
  EXPECT_THAT(flicker.notes, ElementsAre(HasSubstr("rises at step 8; ")));
}

TEST(Segmentation, AGraspThatNeverClosesIsTakenAsItStands) {
  const Segmentation s = WithGripper("..######", ".....###", "........");
  EXPECT_THAT(s.ends, ElementsAre(3, 6, 8));
  EXPECT_THAT(s.notes, ElementsAre(HasSubstr("with the gripper open, and never with it closed")));
}

TEST(Segmentation, OneRiseIsNotWorthANote) {
  EXPECT_THAT(WithGripper("...#####", ".....###", "..######").notes, IsEmpty());
  const Segmentation plain = SegmentBySignals(
      ThreeSubtasks(), {SignalRows("..##.###....."), SignalRows("..........###")}, 13, 2);
  EXPECT_THAT(plain.ends, ElementsAre(3, 11, 13));
  EXPECT_THAT(plain.notes, ElementsAre(HasSubstr("rises at step 5; the subtask ends by its rise at "
                                                 "2")));
}

// ---- what is let go on the way to the next grasp belongs to the subtask before ----

class LetGo : public testing::Test {
 protected:
  LetGo() {
    // a handle is held, a cube grasped and put somewhere
    task_.predicates["one"] = GraspedPredicate{"drawer", 0};
    task_.predicates["two"] = GraspedPredicate{"cube", 0};
    // the hand stands until row 12, then leaves at 4 cm a row
    for (int t = 0; t < 30; ++t) p_WE_.push_back({0, 0, 0.04 * std::max(0, t - 12)});
  }
  // The handle is held in [3, 10), the cube from row 22 on.
  Segmentation Segment(bool knows_hand = true) const {
    return SegmentBySignals(task_,
                            {SignalRows("...#######...................."),
                             SignalRows("......................########")},
                            30, 2, {SignalRows("..########..........##########")},
                            knows_hand ? HandPaths{p_WE_} : HandPaths{});
  }
  TaskSpec task_ = ThreeSubtasks();
  std::vector<Eigen::Vector3d> p_WE_;
};

TEST_F(LetGo, EndsClearOfIt) {
  const Segmentation s = Segment();
  EXPECT_THAT(s.problems, IsEmpty());
  EXPECT_THAT(s.ends, ElementsAre(15, 23, 30));
  EXPECT_THAT(s.notes, IsEmpty());
}

TEST_F(LetGo, EndsHalfWayToTheNextGraspAtTheLatest) {
  EXPECT_THAT(Segment(false).ends, ElementsAre(15, 23, 30));
  std::fill(p_WE_.begin(), p_WE_.end(), Eigen::Vector3d::Zero());
  EXPECT_THAT(Segment().ends, ElementsAre(15, 23, 30));
  for (Eigen::Vector3d& p : p_WE_) p.z() = 0.2 * static_cast<double>(&p - p_WE_.data());
  EXPECT_THAT(Segment().ends, ElementsAre(11, 23, 30));
}

TEST_F(LetGo, OffsetsCountFromThereToTheNextClosing) {
  task_.subtasks[0].end_offset = {1, 9};
  EXPECT_THAT(Segment().offsets, ElementsAre(std::array{1, 2}, std::array{0, 0}, std::array{0, 0}));
  EXPECT_THAT(Segment().notes, ElementsAre(HasSubstr("the gripper closes at 20")));
}

TEST_F(LetGo, OnlyOnTheWayToAGraspOfTheSameArm) {
  task_.predicates["two"] = GraspedPredicate{"cube", 1};
  EXPECT_THAT(Segment().ends, ElementsAre(4, 23, 30));
  // of another arm, which goes with it
  task_.subtasks[0].arm = 0;
  task_.subtasks[1].arm = kAllArms;
  const std::vector<uint8_t> closed = SignalRows("..########..........##########");
  const Segmentation two_arms = SegmentBySignals(
      task_,
      {SignalRows("...#######...................."), SignalRows("......................########")},
      30, 2, {closed, closed}, {p_WE_, p_WE_});
  EXPECT_THAT(two_arms.ends, ElementsAre(4, 23, 30));
  // what is put down is the aim of the next subtask
  task_.predicates["two"] = ReleasedPredicate{"drawer"};
  EXPECT_THAT(Segment().ends, ElementsAre(4, 23, 30));
}

// An offset stays on this side of the middle of the way to the next gripper event, behind which the
// next subtask's approach lies.
TEST(Segmentation, OffsetsStopHalfWayToTheNextGripperEvent) {
  TaskSpec task = ThreeSubtasks();
  task.predicates["one"] = GraspedPredicate{"cube", 0};
  task.subtasks[0].end_offset = {4, 9};
  task.subtasks[1].end_offset = {-1, 6};
  const std::string grasp = "..########................", two = "...........###############",
                    closed = ".#########.........#######";
  const Segmentation s =
      SegmentBySignals(task, {SignalRows(grasp), SignalRows(two)}, 26, 2, {SignalRows(closed)});
  EXPECT_THAT(s.problems, IsEmpty());
  EXPECT_THAT(s.ends, ElementsAre(3, 12, 26));
  // opens at 10, closes at 19
  EXPECT_THAT(s.offsets, ElementsAre(std::array{3, 3}, std::array{-1, 3}, std::array{0, 0}));
  EXPECT_THAT(s.notes, ElementsAre("subtask 0: end_offset [4, 9] becomes [3, 3]: it ends at 3, and "
                                   "the gripper opens at 10",
                                   HasSubstr("[-1, 6] becomes [-1, 3]: it ends at 12, and the "
                                             "gripper closes at 19")));
  // a signal that rises before the hand lets go: its release is no event, the next closing is
  task.subtasks[1].end_offset = {0, 9};
  const std::string held = "......####################";
  EXPECT_THAT(
      SegmentBySignals(task, {SignalRows(grasp), SignalRows(held)}, 26, 2, {SignalRows(closed)})
          .offsets,
      ElementsAre(std::array{3, 3}, std::array{0, 6}, std::array{0, 0}));
  task.subtasks[1].end_offset = {-1, 6};
  // not known: the task's own, as far as they leave subtask 1 something
  const Segmentation unknown = SegmentBySignals(task, {SignalRows(grasp), SignalRows(two)}, 26, 2);
  EXPECT_THAT(unknown.offsets, ElementsAre(std::array{4, 4}, std::array{-1, 6}, std::array{0, 0}));
}

// Segments partition the episode: for random signals and every draw of offsets, whatever passes the
// check has strictly increasing ends from 0 to the length.
TEST(Segmentation, SegmentsPartitionTheEpisodeForEveryDraw) {
  Rng rng(RngKey{.seed = 5});
  int accepted = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    TaskSpec task = ThreeSubtasks();
    for (int i = 0; i < 2; ++i) {
      const int low = static_cast<int>(rng.UniformInt(int64_t{-6}, int64_t{6}));
      task.subtasks[i].end_offset = {low, low + static_cast<int>(rng.UniformInt(6))};
    }
    const int length = 10 + static_cast<int>(rng.UniformInt(40));
    std::vector<std::vector<uint8_t>> signals(2, std::vector<uint8_t>(length));
    for (auto& signal : signals) {
      for (int t = 1; t < length; ++t)
        signal[t] = rng.Uniform() < 0.15 ? !signal[t - 1] : signal[t - 1];
    }
    const Segmentation s = SegmentBySignals(task, signals, length, 2);
    if (!s.problems.empty()) {
      // only an early end leaves nothing: late ones are cut back
      const bool early = task.subtasks[0].end_offset[0] < 0 || task.subtasks[1].end_offset[0] < 0;
      EXPECT_TRUE(early || s.ends.size() < 3) << s.problems[0];
      continue;
    }
    ++accepted;
    for (int draw = 0; draw < 10; ++draw) {
      const std::vector<int> ends = DrawEnds(s.offsets, s.ends, rng);
      ASSERT_EQ(ends.back(), length);
      int previous = 0;
      for (size_t i = 0; i < ends.size(); ++i) {
        ASSERT_GT(ends[i], previous);
        previous = ends[i];
        const auto [low, high] = s.offsets[i];
        ASSERT_TRUE(ends[i] >= s.ends[i] + low && ends[i] <= s.ends[i] + high);
        const std::array<int, 2>& asked = task.subtasks[i].end_offset;
        ASSERT_TRUE(low <= high && low <= asked[0] && high <= asked[1]);
      }
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(Segmentation, BothEndsOfTheOffsetRangeAreDrawn) {
  const std::vector<std::array<int, 2>> offsets{{-1, 1}, {0, 0}, {0, 0}};
  Rng rng(RngKey{.seed = 6});
  std::array<int, 3> seen{};
  for (int i = 0; i < 300; ++i) ++seen[DrawEnds(offsets, {5, 10, 20}, rng)[0] - 4];
  for (int count : seen) EXPECT_GT(count, 60);
}

}  // namespace
}  // namespace understudy
