// Arms that at the same time follow objects of their own.

#include <gmock/gmock.h>

#include <set>

#include "core/base/hash.h"
#include "mimic/sources/annotate.h"
#include "mimic/sources/segmentation.h"
#include "tests/mimic/generator_fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

FakeOptions TwoArms() {
  FakeOptions two;
  two.arms = 2;
  return two;
}

// Two hands at once: `delay` steps after the first one the second sets out; less than 0: before it.
Episode ScriptedPair(const TaskSpec& task, const RngKey& key, int delay) {
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task, TwoArms());
  Episode episode;
  episode.meta = MetaOf(simulator->info(), "D0", key);
  episode.meta.uuid = MakeUuid("scripted pair", key);
  simulator->Reset("D0", key);

  // what each hand does, step by step
  std::vector<std::vector<ArmAction>> told(2);
  for (size_t i = 0; i < 2; ++i) {
    ArmAction arm{simulator->Observe().arms[i].X_WE, -1};
    const auto stay = [&](int steps) { told[i].insert(told[i].end(), steps, arm); };
    const auto go = [&](const Pose& X_WE, int steps) {
      const Pose X_WE_from = arm.X_WE_cmd;
      for (int k = 1; k <= steps; ++k) {
        arm.X_WE_cmd = Interpolate(X_WE_from, X_WE, static_cast<double>(k) / steps);
        stay(1);
      }
    };
    const Pose& X_WO = simulator->Observe().X_WO[i];
    const Pose X_WE_grasp = GraspPose(X_WO, arm.X_WE_cmd, X_WO.translation().z());
    const auto above = [&](double up) {
      return Pose(X_WE_grasp.rotation(), X_WE_grasp.translation() + Eigen::Vector3d(0, 0, up));
    };
    stay(std::max(1, i == 0 ? -delay : delay));
    go(above(0.1), 12);
    go(above(0), 6);
    stay(5);
    arm.gripper = 1;
    stay(6);
    // the first one's lift takes 8 steps
    while (i == 1 && told[1].size() < told[0].size()) stay(1);
    go(above(0.12), 8);
    stay(6);
  }
  for (size_t t = 0; t < std::max(told[0].size(), told[1].size()); ++t) {
    Action command;
    for (const auto& arm : told) command.arms.push_back(arm[std::min(t, arm.size() - 1)]);
    RecordStep(*simulator, command, &episode);
  }
  episode.final_state = simulator->Save();
  episode.final_observation = simulator->Observe();
  episode.meta.success = episode.final_observation.success;
  return episode;
}

std::vector<Episode> PairDemos(const TaskSpec& task, int count) {
  std::vector<Episode> demos;
  for (int i = 0; i < count; ++i) {
    const RngKey key = RngKey{.seed = 5}.WithParent(static_cast<uint64_t>(i));
    demos.push_back(ScriptedPair(task, key, i % 2 == 0 ? 5 * i : -5 * i));
  }
  return demos;
}

SourceSet PairSources(const TaskSpec& task, const std::vector<Episode>& demos) {
  return SourceSet(demos, DemoNames(demos.size()), task, MakeFakeSimulator(task, TwoArms())->info(),
                   3);
}

// Subtasks of the row's arms, -1 aside.
std::set<int32_t> GoingOn(const Step& row) {
  std::set<int32_t> going;
  for (const ArmPart& part : row.parts) {
    if (part.subtask >= 0) going.insert(part.subtask);
  }
  return going;
}

TEST(Parallel, WaitsForItsArmAndOthersForEverything) {
  const TaskSpec task = FakePairTask();
  EXPECT_THAT(Validate(task), testing::IsEmpty());
  const auto waits = [&](size_t later) {
    std::vector<size_t> earlier;
    for (size_t i = 0; i < later; ++i) {
      if (WaitsFor(task, later, i)) earlier.push_back(i);
    }
    return earlier;
  };
  EXPECT_THAT(waits(1), testing::IsEmpty());
  EXPECT_THAT(waits(2), testing::ElementsAre(0));
  EXPECT_THAT(waits(3), testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(StartOf(task, {30, 40, 35, 60}, 1), 0);
  EXPECT_EQ(StartOf(task, {30, 40, 35, 60}, 2), 30);
  EXPECT_EQ(StartOf(task, {30, 40, 35, 60}, 3), 40);
  EXPECT_EQ(StartOf(task, {30, -1, 35, 60}, 3), 35);

  TaskSpec of_all = task;
  of_all.subtasks[1].arm = kAllArms;
  EXPECT_THAT(Validate(of_all),
              testing::ElementsAre("subtasks[1].parallel: needs an arm of its own (arm)"));
  // what is not said is not written
  EXPECT_FALSE(ToJson(task)["subtasks"][0].contains("parallel"));
  EXPECT_EQ(ToJson(task)["subtasks"][1]["parallel"], true);
}

TEST(Parallel, SegmentsOverlapInTheSource) {
  const TaskSpec task = FakePairTask();
  const std::vector<Episode> demos = PairDemos(task, 4);
  for (const Episode& demo : demos) EXPECT_TRUE(demo.meta.success);
  const SourceSet sources = PairSources(task, demos);
  EXPECT_THAT(sources.skipped(), testing::IsEmpty());
  for (const SourceDemo& demo : sources.demos()) {
    EXPECT_LT(StartOf(task, demo.ends, 1), demo.ends[0]);
    EXPECT_EQ(StartOf(task, demo.ends, 2), demo.ends[0]);
    EXPECT_EQ(demo.ends[3], demo.length());
  }
  // a signal that rises before the first one has ended would be out of order without
  TaskSpec in_order = task;
  for (Subtask& subtask : in_order.subtasks) subtask.parallel = false;
  EXPECT_THROW(PairSources(in_order, demos), Error);
}

TEST(Parallel, AnEndMayNotLieBehindTheDemonstration) {
  TaskSpec task = FakePairTask();
  task.subtasks.resize(2);
  task.subtasks[1].signal.clear();
  task.subtasks[1].check.clear();
  task.subtasks[0].end_offset = {0, 3};
  const std::vector<std::vector<uint8_t>> signals{{0, 0, 0, 0, 0, 1, 1, 1}};
  // it ends at 6 of 8
  const Segmentation s = SegmentBySignals(task, signals, 8, 3);
  EXPECT_THAT(s.problems, testing::IsEmpty());
  EXPECT_EQ(s.offsets[0], (std::array{0, 1}));
  EXPECT_THAT(s.notes, testing::ElementsAre(HasSubstr("and the demonstration at 8")));
  task.subtasks[0].end_offset = {0, 2};
  EXPECT_EQ(SegmentBySignals(task, signals, 8, 3).offsets[0], (std::array{0, 2}));
}

TEST(Parallel, ArmsGoOnAtOnceAndWaitWhereTheyMust) {
  const TaskSpec task = FakePairTask();
  const SourceSet sources = PairSources(task, PairDemos(task, 4));
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task, TwoArms());
  int successes = 0, at_once = 0;
  for (int64_t a = 0; a < 20; ++a) {
    const Attempt attempt = FakeAttempt(sources, task, TwoArms(), a);
    const Attempt again = FakeAttempt(sources, task, TwoArms(), a);
    EXPECT_TRUE(SameContent(attempt.episode, again.episode));
    successes += attempt.success();
    std::vector<int> first(4, -1), last(4, -1);
    simulator->Restore(attempt.episode.steps[0].state);
    for (size_t t = 0; t < attempt.episode.length(); ++t) {
      const Step& row = attempt.episode.steps[t];
      ASSERT_EQ(row.parts.size(), 2u);
      const std::set<int32_t> going = GoingOn(row);
      at_once += going.size() == 2;
      for (const int32_t subtask : going) {
        last[subtask] = static_cast<int>(t);
        if (first[subtask] < 0) first[subtask] = static_cast<int>(t);
      }
      // the row tells of the first in the list; an arm without a part stays where it was told
      if (!going.empty()) {
        EXPECT_EQ(row.subtask, *going.begin());
      }
      for (size_t i = 0; i < 2; ++i) {
        const ArmPart& part = row.parts[i];
        if (part.subtask >= 0) {
          EXPECT_EQ(task.subtasks[part.subtask].arm, static_cast<int>(i));
          ASSERT_GE(part.source, 0);
          EXPECT_LT(part.source, static_cast<int32_t>(attempt.episode.meta.sources.size()));
          continue;
        }
        EXPECT_EQ(part, ArmPart{});
        EXPECT_TRUE(row.action.arms[i] == row.action_clean.arms[i]);
      }
      ASSERT_EQ(simulator->Save(), row.state);
      simulator->Step(row.action);
    }
    if (!attempt.success()) continue;
    EXPECT_EQ(first[0], 0);
    EXPECT_EQ(first[1], 0);
    EXPECT_EQ(first[2], last[0] + 1);
    EXPECT_EQ(first[3], std::max(last[1], last[2]) + 1);
    EXPECT_EQ(attempt.sources.size(), 4u);
    EXPECT_THAT(attempt.sources, testing::Each(testing::Ge(0)));
  }
  EXPECT_GE(successes, 16);
  EXPECT_GT(at_once, 20 * 15);
}

// The law: where the objects stand as in the source and nothing is noisy, each arm repeats the
// source's commands bit for bit, in its own time.
TEST(Parallel, ObjectsNotMovedReproduceTheSource) {
  TaskSpec task = FakePairTask();
  NearestObjectSelection nearest;
  nearest.k = 1;
  for (Subtask& subtask : task.subtasks) subtask.selection = nearest;
  std::vector<Episode> demos = PairDemos(task, 3);
  const RngKey key = AttemptKey(1, 0, "D0");
  demos.push_back(ScriptedPair(task, key.WithTerm("reset"), 9));
  const Episode& source = demos.back();
  GenerateOptions options;
  options.noise_scale = 0;
  const Attempt attempt = FakeAttempt(PairSources(task, demos), task, TwoArms(), 0, options);
  ASSERT_TRUE(attempt.success()) << attempt.failure->detail;
  EXPECT_THAT(attempt.sources, testing::Each(3));
  std::vector<int> same(2, 0);
  for (const Step& row : attempt.episode.steps) {
    for (size_t i = 0; i < 2; ++i) {
      const ArmPart& part = row.parts[i];
      if (part.label != StepLabel::kSegment || part.subtask > 1) continue;
      EXPECT_EQ(row.action.arms[i], source.steps[part.source_step].action.arms[i]);
      ++same[i];
    }
  }
  EXPECT_THAT(same, testing::Each(testing::Gt(20)));
}

// The same attempts are shorter than where the arms take turns.
TEST(Parallel, SavesTheTimeOfTakingTurns) {
  TaskSpec task = FakePairTask();
  // nobody's waiting is replayed
  for (size_t i = 0; i < 2; ++i) task.subtasks[i].replay_within = 0.12;
  TaskSpec turns = task;
  std::swap(turns.subtasks[1], turns.subtasks[2]);
  for (Subtask& subtask : turns.subtasks) subtask.parallel = false;
  // late enough for both
  std::vector<Episode> demos;
  for (int i = 0; i < 4; ++i) {
    const RngKey key = RngKey{.seed = 6}.WithParent(static_cast<uint64_t>(i));
    demos.push_back(ScriptedPair(task, key, 45));
  }
  const SourceSet at_once = PairSources(task, demos), one_by_one = PairSources(turns, demos);
  int both = 0;
  for (int64_t a = 0; a < 10; ++a) {
    const Attempt fast = FakeAttempt(at_once, task, TwoArms(), a);
    const Attempt slow = FakeAttempt(one_by_one, turns, TwoArms(), a);
    for (const Step& row : slow.episode.steps) EXPECT_TRUE(row.parts.empty());
    if (!fast.success() || !slow.success()) continue;
    ++both;
    EXPECT_LT(fast.episode.length() + 10, slow.episode.length());
  }
  EXPECT_GE(both, 7);
}

TEST(Parallel, AnnotationKnowsWhereSubtasksBegin) {
  const TaskSpec task = FakePairTask();
  Annotation found;
  // the second ends before the first
  for (const int end : {20, 12, 30}) {
    std::vector<uint8_t> signal(41, 0);
    std::fill(signal.begin() + end - 1, signal.end(), uint8_t{1});
    found.signals_SI.push_back(signal);
    found.ends.push_back({.signal = "", .end = end});
  }
  found.ends.push_back({.signal = "", .end = 40});
  for (size_t i = 0; i < 3; ++i) found.ends[i].signal = task.subtasks[i].signal;
  using Wanted = std::vector<std::optional<WantedEnd>>;
  EXPECT_FALSE(RefuseEnds(task, found, Wanted(4), 40, 3));
  EXPECT_FALSE(RefuseEnds(task, found, {{}, WantedEnd{5}, {}, {}}, 40, 3));
  EXPECT_EQ(RefuseEnds(task, found, {{}, {}, WantedEnd{15}, {}}, 40, 3)->subtask, 2u);
  // the second arm's wish has no part in it
  EXPECT_EQ(RefuseEnds(task, found, {WantedEnd{35}, WantedEnd{5}, {}, {}}, 40, 3)->subtask, 0u);
  const Wanted wanted{{}, WantedEnd{5}, {}, {}};
  ApplyEnds(task, wanted, 40, 3, &found);
  const Segmentation made = SegmentBySignals(
      task, {found.signals_SI[0], found.signals_SI[1], found.signals_SI[2]}, 41, 3);
  EXPECT_THAT(made.ends, testing::ElementsAre(20, 5, 30, 41));
}

// Failures: one subtask is blamed, and of what it cut short nothing is counted.
class ParallelRunTest : public GeneratorTest {
 protected:
  ParallelRunTest() {
    task_ = FakePairTask();
    sources_ = PairSources(task_, PairDemos(task_, 4));
    fake_ = TwoArms();
    fake_.grasp_radius = 0.0035;
    options_.attempts = 40;
    options_.threads = 2;
    options_.keep_failed = true;
  }
};

TEST_F(ParallelRunTest, CountsWhatEndedOrFailed) {
  MemorySink sink;
  const MimicReport report = Run(sink);
  std::vector<int64_t> begun(4, 0), failed(4, 0);
  int cut = 0;
  for (const AttemptRecord& record : sink.records) {
    ASSERT_EQ(record.subtask_steps.size(), record.sources.size());
    for (size_t i = 0; i < record.sources.size(); ++i) {
      begun[i] += record.sources[i] >= 0;
      EXPECT_EQ(record.sources[i] >= 0, record.subtask_steps[i] > 0);
      EXPECT_LE(record.subtask_steps[i], record.steps);
    }
    if (record.success) continue;
    ++failed[static_cast<size_t>(record.subtask)];
    EXPECT_GE(record.sources.at(static_cast<size_t>(record.subtask)), 0);
    cut += record.subtask == 1 && record.sources[0] < 0;
  }
  EXPECT_GT(failed[0] + failed[1], 3);
  EXPECT_GT(report.successes, 3);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(report.subtasks[i].begun, begun[i]);
    EXPECT_EQ(report.subtasks[i].begun - report.subtasks[i].ended, failed[i]);
  }
  EXPECT_GT(cut, 0) << "no attempt lost the second arm's grasp while the first was at its own";
}

// What a killed run left is taken for what it is.
TEST_F(ParallelRunTest, ResumesLikeOneRun) {
  MemorySink whole, parts;
  Run(whole);
  options_.attempts = 17;
  Run(parts);
  options_.attempts = 40;
  Run(parts);
  ExpectSame(whole, parts);
}

}  // namespace
}  // namespace understudy
