#include "mimic/attempt/attempt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

TEST(Attempt, SameKeySameAttemptOtherKeyOther) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  const Attempt a = FakeAttempt(sources, task, {}, 3), b = FakeAttempt(sources, task, {}, 3),
                c = FakeAttempt(sources, task, {}, 4);
  EXPECT_TRUE(SameContent(a.episode, b.episode));
  EXPECT_NE(a.episode.meta.uuid, c.episode.meta.uuid);
  EXPECT_NE(a.episode.steps[0].state, c.episode.steps[0].state);
}

TEST(Attempt, MostAttemptsSucceedOnTheFake) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  for (const std::string variant : {"D0", "D1"}) {
    int successes = 0;
    for (int64_t i = 0; i < 50; ++i)
      successes += FakeAttempt(sources, task, {}, i, {}, variant).success();
    EXPECT_GE(successes, 45) << variant;
  }
}

// The law: where the objects stand as in the source and there is no noise, the segments are the
// source's commands bit for bit.
TEST(Attempt, ObjectsNotMovedReproduceTheSource) {
  TaskSpec task = FakeTask();
  NearestObjectSelection nearest;
  nearest.k = 1;
  for (Subtask& subtask : task.subtasks) subtask.selection = nearest;
  std::vector<Episode> demos = FakeDemos(task, 3);
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  const RngKey key = AttemptKey(1, 0, "D0");
  demos.push_back(ScriptedStack(*simulator, task, "D0", key.WithTerm("reset")));
  const Episode& source = demos.back();
  const SourceSet sources(demos, DemoNames(4), task, simulator->info(), 3);
  GenerateOptions options;
  options.noise_scale = 0;
  const Attempt attempt = Generate(sources, task, *simulator, "D0", options, key);
  ASSERT_TRUE(attempt.success());
  EXPECT_THAT(attempt.sources, testing::Each(3));
  int same = 0;
  for (const Step& row : attempt.episode.steps) {
    if (row.label != StepLabel::kSegment || row.subtask != 0) continue;
    EXPECT_TRUE(row.action == source.steps[row.source_step].action) << row.source_step;
    ++same;
  }
  EXPECT_GT(same, 20);
}

TEST(Attempt, RowsTellWhatTheyAreAndReplayExactly) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  for (int64_t i = 0; i < 10; ++i) {
    const Episode episode = FakeAttempt(sources, task, {}, i).episode;
    ASSERT_GT(episode.length(), 50u);
    EXPECT_EQ(episode.meta.parents, episode.meta.sources);
    EXPECT_EQ(episode.meta.attempt, i);
    simulator->Restore(episode.steps[0].state);
    int subtask = 0;
    for (size_t t = 0; t < episode.length(); ++t) {
      const Step& row = episode.steps[t];
      ASSERT_TRUE(row.subtask == subtask || row.subtask == subtask + 1);
      // a subtask begins with its bridge
      if (t == 0 || row.subtask != subtask) {
        EXPECT_EQ(row.label, StepLabel::kBridge);
      }
      subtask = row.subtask;
      ASSERT_TRUE(row.source >= 0 && row.source < static_cast<int>(episode.meta.sources.size()));
      EXPECT_EQ(row.label == StepLabel::kSegment,
                row.label != StepLabel::kHold && row.source_step >= 0);
      // executed targets lie in the box around E
      const DeltaLimits& limits = episode.meta.limits;
      const Pose& X_WE = row.observation.arms[0].X_WE;
      const DeltaAction delta = DeltaFromTarget(X_WE, row.action.arms[0], limits);
      EXPECT_EQ(delta.value, row.delta[0].value);
      const Eigen::Vector3d wanted =
          (row.action.arms[0].X_WE_cmd.translation() - X_WE.translation()) / limits.linear;
      EXPECT_LE(wanted.cwiseAbs().maxCoeff(), 1 + 1e-9);
      // noise on segments only
      if (row.label != StepLabel::kSegment) {
        EXPECT_TRUE(row.action == row.action_clean);
      }
      ASSERT_EQ(simulator->Save(), row.state) << t;
      simulator->Step(row.action);
    }
    EXPECT_EQ(simulator->Save(), episode.final_state);
    EXPECT_EQ(subtask, 1);
  }
}

TEST(Attempt, NoiseHasTheSizeThatTheSubtaskAsksFor) {
  TaskSpec task = FakeTask();
  for (Subtask& subtask : task.subtasks) subtask.action_noise = 0.04;
  const SourceSet sources = FakeSources(task);
  double squares = 0;
  int count = 0;
  for (int64_t i = 0; i < 20; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, {}, i);
    for (const Step& row : attempt.episode.steps) {
      if (row.label != StepLabel::kSegment) continue;
      const DeltaAction clean = DeltaFromTarget(
          row.observation.arms[0].X_WE, row.action_clean.arms[0], attempt.episode.meta.limits);
      // only where the clip did not cut the noise off
      if (clean.value.head<6>().cwiseAbs().maxCoeff() > 0.7) continue;
      squares += (row.delta[0].value - clean.value).head<6>().squaredNorm();
      count += 6;
    }
  }
  ASSERT_GT(count, 5000);
  EXPECT_NEAR(std::sqrt(squares / count), 0.04, 5 * 0.04 / std::sqrt(2.0 * count));
  GenerateOptions quiet;
  quiet.noise_scale = 0;
  for (const Step& row : FakeAttempt(sources, task, {}, 0, quiet).episode.steps) {
    EXPECT_TRUE(row.action == row.action_clean);
  }
}

// Correlated noise keeps its size and leans on the step before as it was told to.
TEST(Attempt, NoiseCorrelatesAsAsked) {
  for (const double wanted : {0.0, 0.8}) {
    TaskSpec task = FakeTask();
    for (Subtask& subtask : task.subtasks) {
      subtask.action_noise = 0.03;
      subtask.noise_correlation = wanted;
    }
    const SourceSet sources = FakeSources(task);
    double squares = 0, products = 0;
    int count = 0, pairs = 0;
    for (int64_t i = 0; i < 40; ++i) {
      const Attempt attempt = FakeAttempt(sources, task, {}, i);
      bool neighbours = false;
      Eigen::Matrix<double, 6, 1> before = Eigen::Matrix<double, 6, 1>::Zero();
      for (const Step& row : attempt.episode.steps) {
        const DeltaAction clean = DeltaFromTarget(
            row.observation.arms[0].X_WE, row.action_clean.arms[0], attempt.episode.meta.limits);
        const bool whole =
            row.label == StepLabel::kSegment && clean.value.head<6>().cwiseAbs().maxCoeff() < 0.8;
        if (!whole) {
          neighbours = false;
          continue;
        }
        const Eigen::Matrix<double, 6, 1> noise = (row.delta[0].value - clean.value).head<6>();
        squares += noise.squaredNorm();
        count += 6;
        if (neighbours) {
          products += before.dot(noise);
          pairs += 6;
        }
        before = noise;
        neighbours = true;
      }
    }
    ASSERT_GT(pairs, 10000);
    const double variance = squares / count;
    EXPECT_NEAR(std::sqrt(variance), 0.03, wanted == 0 ? 0.001 : 0.003);
    EXPECT_NEAR(products / pairs / variance, wanted, 0.05);
  }
}

// A grasp unlike the source's: what is held still goes where the source's object went, while a
// replayed hand puts it down as much beside as it was grasped beside.
TEST(Attempt, WhatIsHeldIsPutDownAsInTheSource) {
  TaskSpec task = FakeTask();
  task.subtasks[0].action_noise = 0.1;
  task.subtasks[1].action_noise = 0;
  std::get<OnTopPredicate>(task.predicates["a_on_b"]).max_xy = 0.05;
  const SourceSet sources = FakeSources(task);
  const auto beside = [](const std::vector<Pose>& X_WO) {
    return (X_WO[0].translation() - X_WO[1].translation()).head<2>().norm();
  };
  std::map<Replayed, double> miss;
  for (const Replayed replayed : {Replayed::kHand, Replayed::kHeld}) {
    task.subtasks[1].replay = replayed;
    int successes = 0;
    for (int64_t i = 0; i < 30; ++i) {
      const Attempt attempt = FakeAttempt(sources, task, {}, i);
      if (!attempt.success()) continue;
      ++successes;
      const SourceDemo& demo = sources.demos()[attempt.sources[1]];
      miss[replayed] += std::abs(beside(attempt.episode.final_observation.X_WO) -
                                 beside({demo.X_WO[0].back(), demo.X_WO[1].back()}));
    }
    ASSERT_GT(successes, 15);
    miss[replayed] /= successes;
  }
  EXPECT_LT(miss[Replayed::kHeld], 3e-4);
  EXPECT_GT(miss[Replayed::kHand], 5 * miss[Replayed::kHeld]);
}

TEST(Attempt, BridgesAreNoisyWhenAsked) {
  TaskSpec task = FakeTask();
  for (Subtask& subtask : task.subtasks) subtask.bridge_noise = true;
  const SourceSet sources = FakeSources(task);
  int noisy = 0, bridge = 0;
  for (const Step& row : FakeAttempt(sources, task, {}, 0).episode.steps) {
    bridge += row.label == StepLabel::kBridge;
    noisy += row.label == StepLabel::kBridge && !(row.action == row.action_clean);
  }
  EXPECT_GT(bridge, 5);
  EXPECT_EQ(noisy, bridge);
}

// One source that begins where the attempt of RngKey `key` begins, objects and all, but with the
// hand elsewhere; and rows of the first subtask that follow it one by one.
class FeedbackTest : public testing::Test {
 protected:
  FeedbackTest() {
    NearestObjectSelection nearest;
    nearest.k = 1;
    for (Subtask& subtask : task_.subtasks) subtask.selection = nearest;
    options_.noise_scale = 0;
  }

  void Try(double lag, double feedback, double lower = 0) {
    FakeOptions fake, elsewhere;
    fake.lag = elsewhere.lag = lag;
    elsewhere.home_noise = 0.1;
    options_.feedback = feedback;
    source_ =
        ScriptedStack(*MakeFakeSimulator(task_, elsewhere), task_, "D0", key_.WithTerm("reset"));
    const Eigen::Vector3d down(0, 0, -lower);
    for (Step& step : source_.steps) {
      for (Pose* X_WE : {&step.observation.arms[0].X_WE, &step.action.arms[0].X_WE_cmd,
                         &step.action_clean.arms[0].X_WE_cmd}) {
        *X_WE = Pose(X_WE->rotation(), X_WE->translation() + down);
      }
    }
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_, fake);
    const SourceSet sources({source_}, DemoNames(1), task_, simulator->info(), 3);
    rows_ = Generate(sources, task_, *simulator, "D0", options_, key_).episode.steps;
  }

  const Step& SourceRow(size_t t) const { return source_.steps[rows_[t].source_step]; }
  Eigen::Vector3d Away(size_t t) const {
    return rows_[t].observation.arms[0].X_WE.translation() -
           SourceRow(t).observation.arms[0].X_WE.translation();
  }
  // Whether row `t` and the next follow the source, and were not clipped.
  bool Follows(size_t t) const {
    return rows_[t + 1].subtask == 0 && rows_[t].label == StepLabel::kSegment &&
           rows_[t + 1].label == StepLabel::kSegment &&
           rows_[t + 1].source_step == rows_[t].source_step + 1 && !rows_[t].delta[0].clipped;
  }

  TaskSpec task_ = FakeTask();
  const RngKey key_ = AttemptKey(1, 0, "D0");
  GenerateOptions options_;
  Episode source_;
  std::vector<Step> rows_;
};

// The law of feedback f: where one step covers the share a of the way to its target, what the hand
// is away from where the source's was shrinks by a (1 + f) per step of a segment.
TEST_F(FeedbackTest, LeadsTheHandToWhereTheSourcesWas) {
  for (const double feedback : {0.0, 0.5, 1.0}) {
    Try(0.25, feedback);
    int checked = 0;
    for (size_t t = 0; t + 1 < rows_.size(); ++t) {
      if (!Follows(t)) continue;
      EXPECT_LT((Away(t + 1) - (1 - 0.25 * (1 + feedback)) * Away(t)).norm(), 1e-9) << t;
      checked += Away(t).norm() > 1e-4;
    }
    EXPECT_GT(checked, 5) << feedback;
  }
}

// An arm that nearly reaches its target in a step is led there, not beyond.
TEST_F(FeedbackTest, DoesNotOvershoot) {
  Try(0.8, 1);
  int checked = 0;
  for (size_t t = 0; t + 1 < rows_.size(); ++t) {
    if (!Follows(t)) continue;
    EXPECT_LT(Away(t + 1).norm(), 1e-6) << t;
    checked += Away(t).norm() > 1e-4;
  }
  EXPECT_GT(checked, 0);
}

// What blocks a hand it is not led into: there the commands are the source's.
TEST_F(FeedbackTest, PressesNoHarder) {
  Try(0.25, 1, 0.05);
  int checked = 0;
  for (size_t t = 1; t < rows_.size() && rows_[t].subtask == 0; ++t) {
    if (rows_[t].label != StepLabel::kSegment) continue;
    const Pose& X_WE = rows_[t].observation.arms[0].X_WE;
    const Eigen::Vector3d was = rows_[t - 1].observation.arms[0].X_WE.translation(),
                          asked = rows_[t - 1].action.arms[0].X_WE_cmd.translation() - was,
                          moved = X_WE.translation() - was;
    const bool blocked = moved.norm() < 0.5 * 0.25 * asked.norm();
    const ArmAction own = ClipTarget(X_WE, SourceRow(t).action.arms[0], {});
    EXPECT_EQ(rows_[t].action_clean.arms[0] == own, blocked) << t;
    checked += blocked;
  }
  EXPECT_GT(checked, 3);
}

// A gripper turns around only where E has arrived, or after the wait; until then the old command.
TEST(Attempt, GripperEventsWaitForTheArm) {
  TaskSpec task = FakeTask();
  FakeOptions slow;
  slow.lag = 0.25;
  // a hasty operator: no settling before the gripper moves
  StackScript hasty;
  hasty.settle = 2;
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  std::vector<Episode> demos;
  for (uint64_t i = 0; i < 5; ++i) {
    demos.push_back(ScriptedStack(*simulator, task, "D0", RngKey{.seed = 9}.WithParent(i), hasty));
    demos.back().meta.success = true;
  }
  const SourceSet sources(demos, DemoNames(5), task, simulator->info(), 3);
  GenerateOptions options;
  options.noise_scale = 0;
  options.feedback = 0;  // commands are then what the way says
  const auto source_of = [&](const Attempt& attempt, const Step& row) -> const Episode& {
    for (const Episode& demo : demos) {
      if (demo.meta.uuid == attempt.episode.meta.sources[row.source]) return demo;
    }
    throw std::logic_error("a row names its source");
  };
  int events = 0, holds = 0;
  for (int64_t i = 0; i < 10; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, slow, i, options);
    const auto& steps = attempt.episode.steps;
    for (size_t t = 1; t < steps.size(); ++t) {
      const ArmAction &now = steps[t].action.arms[0], &before = steps[t - 1].action.arms[0];
      if (steps[t].label == StepLabel::kHold) {
        EXPECT_EQ(now.gripper, before.gripper);
      }
      if ((now.gripper > 0) == (before.gripper > 0)) continue;
      ++events;
      EXPECT_EQ(steps[t].label, StepLabel::kSegment);
      size_t waited = 0;
      while (steps[t - 1 - waited].label == StepLabel::kHold) ++waited;
      holds += static_cast<int>(waited);
      // near the target, or near where the source's arm was: the same offset from the target as
      // there
      const Step& row = steps[t];
      const Step& origin = source_of(attempt, row).steps[row.source_step];
      const Pose& X_WE_cmd = row.action_clean.arms[0].X_WE_cmd;
      const Pose X_WE_arrived =
          X_WE_cmd * origin.action.arms[0].X_WE_cmd.Inverse() * origin.observation.arms[0].X_WE;
      const Eigen::Vector3d& p_WE = row.observation.arms[0].X_WE.translation();
      const double away = std::min((X_WE_cmd.translation() - p_WE).norm(),
                                   (X_WE_arrived.translation() - p_WE).norm());
      if (waited < 10) {
        EXPECT_LE(away, task.subtasks[0].arrival_tolerance + 1e-9);
      }
    }
  }
  EXPECT_GE(events, 10);
  EXPECT_GT(holds, 0);
}

// A source whose arm lagged behind its targets closed its gripper short of them: a hand that has
// come as far has arrived, and does not wait.
TEST(Attempt, AHandThatIsWhereTheSourcesWasHasArrived) {
  TaskSpec task = FakeTask();
  FakeOptions slow;
  slow.lag = 0.3;
  const SourceSet sources = FakeSources(task, 5, slow);
  const double tolerance = 0.003;
  const SourceDemo::Arm& arm = sources.demos()[0].arms[0];
  size_t event = 1;
  while (arm.gripper[event] <= 0) ++event;
  ASSERT_GT((arm.X_WE_cmd[event].translation() - arm.X_WE[event].translation()).norm(), tolerance)
      << "this test needs a source that is late";
  GenerateOptions options;
  options.noise_scale = 0;
  const auto holds = [&](int timeout) {
    for (Subtask& subtask : task.subtasks) {
      subtask.arrival_tolerance = tolerance;
      subtask.arrival_timeout = timeout;
    }
    int count = 0;
    for (int64_t i = 0; i < 5; ++i) {
      for (const Step& row : FakeAttempt(sources, task, slow, i, options).episode.steps) {
        count += row.subtask == 0 && row.label == StepLabel::kHold;
      }
    }
    return count;
  };
  EXPECT_EQ(holds(10), holds(0));
}

// What the hand's angle to the target (or to where the source's hand was) is at gripper events.
std::vector<double> AnglesAtEvents(const TaskSpec& task, const GenerateOptions& options) {
  const SourceSet sources = FakeSources(task);
  const std::vector<Episode> demos = FakeDemos(task, 5);
  FakeOptions slow;
  slow.lag = 0.2;
  std::vector<double> angles;
  for (int64_t i = 0; i < 10; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, slow, i, options);
    const auto& steps = attempt.episode.steps;
    for (size_t t = 1; t < steps.size(); ++t) {
      const ArmAction &now = steps[t].action_clean.arms[0], &before = steps[t - 1].action.arms[0];
      if ((now.gripper > 0) == (before.gripper > 0)) continue;
      const std::string& uuid = attempt.episode.meta.sources[steps[t].source];
      const auto demo = std::find_if(demos.begin(), demos.end(),
                                     [&](const Episode& d) { return d.meta.uuid == uuid; });
      const Step& origin = demo->steps[steps[t].source_step];
      const Pose& X_WE = steps[t].observation.arms[0].X_WE;
      const Pose X_WE_arrived =
          now.X_WE_cmd * origin.action.arms[0].X_WE_cmd.Inverse() * origin.observation.arms[0].X_WE;
      angles.push_back(std::min(AngleBetween(now.X_WE_cmd.rotation(), X_WE.rotation()),
                                AngleBetween(X_WE_arrived.rotation(), X_WE.rotation())));
    }
  }
  return angles;
}

// A gripper waits until the hand has turned to its target too, not only until it is there.
TEST(Attempt, GripperEventsWaitForTheTurn) {
  TaskSpec task = FakeTask();
  for (Subtask& subtask : task.subtasks) {
    subtask.arrival_tolerance = 1;  // m: every place will do
    subtask.arrival_timeout = 1000;
    subtask.bridge_turn = 4;
    subtask.bridge_speed = 1;
    subtask.bridge_steps = 1;
    subtask.replay_within = 0.03;  // the turn is the bridge's, just before the event
  }
  GenerateOptions options;
  options.noise_scale = 0;
  options.feedback = 0;
  options.bridge_timeout = 0;
  options.arrival_angle = 3.2;
  const std::vector<double> anyhow = AnglesAtEvents(task, options);
  ASSERT_GE(anyhow.size(), 10u);
  EXPECT_GT(*std::max_element(anyhow.begin(), anyhow.end()), 0.05);
  options.arrival_angle = 0.02;
  const std::vector<double> turned = AnglesAtEvents(task, options);
  ASSERT_GE(turned.size(), 10u);
  EXPECT_LE(*std::max_element(turned.begin(), turned.end()), 0.02 + 1e-9);
}

// A check need not be a subtask signal, and it must hold at the end, not once on the way.
TEST(Attempt, ChecksAreAskedAtTheEndOfTheSubtask) {
  TaskSpec task = FakeTask();
  InBoxPredicate far;
  far.object = "cubeA";
  far.low = {5, 5, 5};
  far.high = {6, 6, 6};
  task.predicates["far"] = far;
  task.subtasks[0].check = "far";
  EXPECT_THAT(task.signal_names(), testing::ElementsAre("grasp", "far"));
  const SourceSet sources = FakeSources(FakeTask());
  const Attempt attempt = FakeAttempt(sources, task, {}, 0);
  ASSERT_FALSE(attempt.success());
  EXPECT_EQ(attempt.failure->subtask, 0);
  EXPECT_EQ(attempt.failure->cause, FailureCause::kMisplaced);
  EXPECT_THAT(attempt.failure->detail, HasSubstr("'far' did not hold"));
}

TEST(Attempt, TwoArms) {
  const TaskSpec task = FakeTask();
  FakeOptions two;
  two.arms = 2;
  const SourceSet sources = FakeSources(task, 5, two);
  int successes = 0;
  for (int64_t i = 0; i < 20; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, two, i);
    successes += attempt.success();
    for (const Step& row : attempt.episode.steps) {
      ASSERT_EQ(row.action.arms.size(), 2u);
      ASSERT_EQ(row.delta.size(), 2u);
    }
  }
  EXPECT_GT(successes, 10);
}

// The sources' second arm wanders about: where the subtasks are the first one's, ours stays.
TEST(Attempt, AnArmWithoutAPartInASubtaskKeepsStill) {
  FakeOptions two;
  two.arms = 2;
  TaskSpec task = FakeTask();
  task.arms.push_back(task.arms[0]);
  std::vector<Episode> demos = FakeDemos(task, 5, two);
  for (Episode& demo : demos) {
    for (size_t t = 0; t < demo.length(); ++t) {
      const Eigen::Vector3d away(0, 0, 0.1 * std::sin(0.1 * double(t)));
      Step& step = demo.steps[t];
      for (Pose* X_WE : {&step.observation.arms[1].X_WE, &step.action.arms[1].X_WE_cmd,
                         &step.action_clean.arms[1].X_WE_cmd}) {
        *X_WE = Pose(X_WE->rotation(), X_WE->translation() + away);
      }
    }
  }
  const auto farthest = [&](int arm) {
    for (Subtask& subtask : task.subtasks) {
      subtask.arm = arm;
      subtask.action_noise = 0;
    }
    const SourceSet sources(std::vector<Episode>(demos), DemoNames(demos.size()), task,
                            MakeFakeSimulator(task, two)->info(), 3);
    const Attempt attempt = FakeAttempt(sources, task, two, 0);
    EXPECT_TRUE(attempt.success() || arm == kAllArms);
    const std::vector<Step>& steps = attempt.episode.steps;
    double far = 0;
    for (const Step& step : steps) {
      const Eigen::Vector3d way = step.observation.arms[1].X_WE.translation() -
                                  steps[0].observation.arms[1].X_WE.translation();
      far = std::max(far, way.norm());
    }
    return far;
  };
  EXPECT_LT(farthest(0), 1e-6);
  EXPECT_GT(farthest(kAllArms), 0.05);
}

TEST(Attempt, ASubtaskOfAnArmThatIsNotThereIsRefused) {
  TaskSpec task = FakeTask();
  task.subtasks[1].arm = 1;
  EXPECT_THAT(Validate(task),
              testing::ElementsAre("subtasks[1].arm: 1: the task's arms are counted 0 to 0"));
  task.arms.push_back(task.arms[0]);
  EXPECT_THAT(Validate(task), testing::IsEmpty());
}

}  // namespace
}  // namespace understudy
