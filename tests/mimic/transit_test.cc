#include "mimic/attempt/transit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "mimic/run/generator.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

// Up by 10 cm, across, and down to the last goal; or the failure that it was told to report. Notes
// what it was asked.
class UpAndOver final : public TransitPlanner {
 public:
  explicit UpAndOver(const Pose& X_WE_now) : X_WE_now_(X_WE_now) {}
  std::optional<FailureCause> cause;
  int goal = 0;
  std::vector<TransitRequest> asked;
  std::function<bool(const TransitRequest&, const std::vector<Pose>&)> suits;  // empty: all do

 private:
  PlannedTransit DoPlan(const TransitRequest& request) override {
    asked.push_back(request);
    PlannedTransit way;
    way.cause = cause;
    way.detail = "told to fail";
    way.goal = goal;
    const Pose up = Pose::FromTranslation({0, 0, 0.1});
    const Pose& X_WE_goal = request.X_WE_goals[goal];
    way.X_WE = {X_WE_now_, up * X_WE_now_, up * X_WE_goal, X_WE_goal};
    X_WE_now_ = X_WE_goal;
    return way;
  }
  bool DoSuits(const TransitRequest& request, const std::vector<Pose>& X_WE_on) override {
    return !suits || suits(request, X_WE_on);
  }
  Pose X_WE_now_;
};

class TransitTest : public testing::Test {
 protected:
  TransitTest() {
    simulator_->Reset("D0", AttemptKey(1, 0, "D0").WithTerm("reset"));
    planner_ = std::make_unique<UpAndOver>(simulator_->Observe().arms[0].X_WE);
    task_.subtasks[0].transit = Transit::kPlan;
  }
  Attempt Try() {
    return Generate(sources_, task_, *simulator_, "D0", {}, AttemptKey(1, 0, "D0"), Json::object(),
                    planner_.get());
  }
  TaskSpec task_ = FakeTask();
  SourceSet sources_ = FakeSources(task_);
  std::unique_ptr<Simulator> simulator_ = MakeFakeSimulator(task_);
  std::unique_ptr<UpAndOver> planner_;
};

TEST_F(TransitTest, APlannedWayTakesTheBridgesPlace) {
  const Attempt attempt = Try();
  ASSERT_TRUE(attempt.success());
  ASSERT_EQ(planner_->asked.size(), 1u) << "the second subtask asks for none";
  const TransitRequest& asked = planner_->asked[0];
  const std::vector<Step>& steps = attempt.episode.steps;
  EXPECT_EQ(asked.state, steps[0].state);
  EXPECT_EQ(asked.q, steps[0].observation.arms[0].joint_q);
  EXPECT_EQ(asked.held, -1);
  EXPECT_EQ(asked.margin, task_.subtasks[0].transit_margin);
  ASSERT_EQ(asked.X_WE_goals.size(), 1u);
  // the way leads over 10 cm more than either end, and ends on the goal
  double highest = 0;
  size_t t = 0;
  for (; steps[t].label == StepLabel::kBridge; ++t) {
    highest = std::max(highest, steps[t].action_clean.arms[0].X_WE_cmd.translation().z());
    EXPECT_EQ(steps[t].source_step, -1);
  }
  EXPECT_NEAR(highest,
              0.1 + std::max(steps[0].observation.arms[0].X_WE.translation().z(),
                             asked.X_WE_goals[0].translation().z()),
              task_.subtasks[0].bridge_speed);
  EXPECT_GT(t, 5u);
}

TEST_F(TransitTest, WhatIsHeldIsTold) {
  for (Subtask& subtask : task_.subtasks) subtask.transit = Transit::kPlan;
  const Attempt attempt = Try();
  ASSERT_EQ(planner_->asked.size(), 2u);
  EXPECT_EQ(planner_->asked[1].held, 0) << "cubeA";
  EXPECT_NE(planner_->asked[0].key, planner_->asked[1].key);
}

// Of the sources those that suit come first; where none does, one is taken all the same.
TEST_F(TransitTest, SourcesThatSuitArePreferred) {
  task_.subtasks[0].selection = NearestRobotSelection{.k = 1};
  const int nearest = Try().sources.at(0);
  const double y = planner_->asked.at(0).X_WE_goals[0].translation().y();
  planner_->suits = [&](const TransitRequest& request, const std::vector<Pose>& X_WE_on) {
    EXPECT_FALSE(X_WE_on.empty());
    return request.X_WE_goals.at(0).translation().y() != y;
  };
  EXPECT_NE(Try().sources.at(0), nearest);
  planner_->suits = [](const auto&, const auto&) { return false; };
  EXPECT_EQ(Try().sources.at(0), nearest);
}

TEST_F(TransitTest, NoWayEndsTheAttemptAtOnce) {
  planner_->cause = FailureCause::kCollision;
  const Attempt attempt = Try();
  ASSERT_FALSE(attempt.success());
  EXPECT_EQ(attempt.failure->cause, FailureCause::kCollision);
  EXPECT_EQ(attempt.failure->subtask, 0);
  EXPECT_EQ(attempt.failure->detail, "told to fail");
  EXPECT_EQ(attempt.episode.length(), 0u);
}

TEST_F(TransitTest, ATaskThatAsksForNoneMakesNoPlanner) {
  struct Sink final : AttemptSink {
    void ReadBack(const std::function<void(const AttemptRecord&)>&) override {}
    int64_t episodes() const override { return 0; }
    void Append(const AttemptRecord&, std::optional<Episode>) override {}
  };
  Progress quiet;
  RunOptions options;
  options.attempts = 3;
  options.threads = 2;
  int made = 0;
  const TransitPlannerFactory planners = [&]() -> std::unique_ptr<TransitPlanner> {
    ++made;
    return std::make_unique<UpAndOver>(Pose());
  };
  const TaskSpec plain = FakeTask();
  Sink sink;
  RunAttempts(sources_, plain, {FakeSimulatorFactory(plain), planners}, options, {}, sink, quiet);
  EXPECT_EQ(made, 0);
  // and one that does is told what it lacks
  EXPECT_THAT(
      [&] { RunAttempts(sources_, task_, FakeSimulatorFactory(task_), options, {}, sink, quiet); },
      testing::ThrowsMessage<Error>(
          testing::AllOf(HasSubstr("transit = plan"), HasSubstr("libompl-dev"))));
  EXPECT_THAT([&] { PlanAttempts(sources_, task_, FakeSimulatorFactory(task_), options); },
              testing::ThrowsMessage<Error>(HasSubstr("transit = plan")));
}

TEST_F(TransitTest, TwoArmsAreRefusedByName) {
  struct Sink final : AttemptSink {
    void ReadBack(const std::function<void(const AttemptRecord&)>&) override {}
    int64_t episodes() const override { return 0; }
    void Append(const AttemptRecord&, std::optional<Episode>) override {}
  } sink;
  FakeOptions two;
  two.arms = 2;
  Progress quiet;
  RunOptions options;
  options.attempts = 1;
  const SourceSet sources = FakeSources(task_, 3, two);
  TaskSpec beside = FakeTask();
  beside.subtasks[1].start_shift = 0.1;
  for (const TaskSpec& task : {task_, beside}) {
    EXPECT_THAT(
        [&] {
          RunAttempts(sources, task, FakeSimulatorFactory(task, two), options, {}, sink, quiet);
        },
        testing::ThrowsMessage<Error>(HasSubstr("has 2 arms")));
  }
}

// The segment is begun beside its first pose, and a recovery leads back before it goes on as ever.
TEST_F(TransitTest, StartsBesideLeadBack) {
  for (const Transit transit : {Transit::kBridge, Transit::kPlan}) {
    planner_->asked.clear();
    task_.subtasks[0].transit = transit;
    task_.subtasks[0].start_shift = 0.03;
    task_.subtasks[0].start_turn = 0.3;
    planner_->goal = transit == Transit::kPlan ? 2 : 0;
    const Attempt attempt = Try();
    const std::vector<Step>& steps = attempt.episode.steps;
    size_t segment = 0;
    while (steps[segment].label != StepLabel::kSegment) ++segment;
    // what stands on the first row of the source, again and again, is the recovery
    const int first = steps[segment].source_step;
    size_t begun = segment;
    while (steps[begun + 1].source_step == first) ++begun;
    ASSERT_GT(begun, segment + 1) << "a recovery, then the row itself";
    const Pose X_WE_back = steps[begun - 1].action_clean.arms[0].X_WE_cmd;
    const Pose X_WE_aside = steps[segment - 1].action_clean.arms[0].X_WE_cmd;
    const Eigen::Vector3d shift = X_WE_back.translation() - X_WE_aside.translation();
    EXPECT_GT(shift.norm(), 1e-4);
    EXPECT_LE(shift.cwiseAbs().maxCoeff(), 0.03 + 1e-9);
    EXPECT_LE(AngleBetween(X_WE_back.rotation(), X_WE_aside.rotation()), 0.3 + 1e-6);
    if (transit == Transit::kBridge) continue;
    ASSERT_EQ(planner_->asked.size(), 1u);
    ASSERT_EQ(planner_->asked[0].X_WE_goals.size(), 11u) << "ten draws, then the first pose";
    EXPECT_EQ(X_WE_aside, planner_->asked[0].X_WE_goals[2]);
    EXPECT_EQ(X_WE_back, planner_->asked[0].X_WE_goals[10]);
  }
}

// A bridge that leads beside the first pose is arched as one that leads to it.
TEST_F(TransitTest, BridgesBesideKeepTheirArch) {
  task_.subtasks[0].transit = Transit::kBridge;
  task_.subtasks[0].start_shift = 0.03;
  task_.subtasks[0].bridge_arch = 0.1;
  task_.subtasks[0].bridge_speed = 0.01;
  const Attempt attempt = Try();
  const std::vector<Step>& steps = attempt.episode.steps;
  double highest = 0;
  size_t t = 0;
  for (; steps[t].label == StepLabel::kBridge; ++t) {
    highest = std::max(highest, steps[t].action_clean.arms[0].X_WE_cmd.translation().z());
  }
  const double aside = steps[t - 1].action_clean.arms[0].X_WE_cmd.translation().z();
  EXPECT_NEAR(highest, 0.1 + std::max(steps[0].observation.arms[0].X_WE.translation().z(), aside),
              task_.subtasks[0].bridge_speed);
}

// What is cut off a segment (replay_until) is not asked about, and speaks against no source.
TEST_F(TransitTest, RowsThatAreNotReplayedDoNotCount) {
  std::vector<size_t> rows;
  planner_->suits = [&](const TransitRequest&, const std::vector<Pose>& X_WE_on) {
    rows.push_back(X_WE_on.size());
    return true;
  };
  // the second subtask ends in a retreat from where the cube was let go
  task_.subtasks[0].transit = Transit::kBridge;
  task_.subtasks[1].transit = Transit::kPlan;
  const auto replayed = [](const Attempt& attempt) {
    std::vector<int> of_source;
    for (const Step& row : attempt.episode.steps) {
      if (row.subtask == 1 && row.label == StepLabel::kSegment)
        of_source.push_back(row.source_step);
    }
    return of_source;
  };
  const std::vector<int> whole = replayed(Try());
  const std::vector<size_t> whole_rows = std::exchange(rows, {});
  task_.subtasks[1].replay_until = 0.03;
  const std::vector<int> cut = replayed(Try());
  ASSERT_LT(cut.size() + 4, whole.size());
  ASSERT_EQ(rows.size(), whole_rows.size()) << "every source is asked about once";
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_LT(rows[i], whole_rows[i]) << i;
  EXPECT_THAT(rows, testing::Contains((cut.size() + 3) / 4)) << "every fourth row, of its source";
}

// What says nothing is not written: datasets made before it keep their text and their hash.
TEST(Transit, UnusedSettingsAreNotWritten) {
  const Json plain = ToJson(Subtask{});
  for (const char* key :
       {"transit", "transit_margin", "replay_until", "start_shift", "start_turn"}) {
    EXPECT_FALSE(plain.contains(key)) << key;
  }
  EXPECT_TRUE(plain.contains("bridge_speed"));
  Subtask used;
  used.transit = Transit::kPlan;
  used.start_turn = 0.5;
  const Json json = ToJson(used);
  EXPECT_EQ(json.at("transit"), "plan");
  EXPECT_EQ(json.at("start_turn"), 0.5);
  EXPECT_FALSE(json.contains("start_shift"));
  const auto back = FromJson<Subtask>(json, "subtask");
  EXPECT_EQ(back.transit, Transit::kPlan);
  EXPECT_EQ(ToJson(back), json);
}

TEST(Transit, StartsAreUniformAsTold) {
  Subtask subtask;
  Rng rng(RngKey{.seed = 1});
  EXPECT_TRUE(DrawStarts(Pose(), subtask, 5, rng).empty());
  subtask.start_shift = 0.08;
  subtask.start_turn = 1.4;
  const Pose X_WE = PoseFromYaw(0.7, {1, 2, 3});
  constexpr int kCount = 4000;
  Eigen::Vector3d mean = Eigen::Vector3d::Zero(), squares = mean, axes = mean;
  double turns = 0;
  for (const Pose& start : DrawStarts(X_WE, subtask, kCount, rng)) {
    const Eigen::Vector3d shift = start.translation() - X_WE.translation();
    EXPECT_LE(shift.cwiseAbs().maxCoeff(), 0.08);
    const Eigen::Vector3d turn = RotationLog(start.rotation() * X_WE.rotation().conjugate());
    EXPECT_LE(turn.norm(), 1.4 + 1e-9);
    mean += shift / kCount;
    squares += shift.cwiseAbs2() / kCount;
    turns += turn.norm() / kCount;
    axes += turn.normalized() / kCount;
  }
  // five standard errors
  EXPECT_LT(mean.cwiseAbs().maxCoeff(), 5 * 0.08 / std::sqrt(3.0 * kCount));
  for (const double square : squares) EXPECT_NEAR(square, 0.08 * 0.08 / 3, 2e-4);
  EXPECT_NEAR(turns, 0.7, 5 * 1.4 / std::sqrt(12.0 * kCount));
  EXPECT_LT(axes.cwiseAbs().maxCoeff(), 5 / std::sqrt(3.0 * kCount));
}

// The law: a way along a bridge's corners is the bridge.
TEST(Transit, AWayAlongTheCornersOfABridgeIsTheBridge) {
  Rng rng(RngKey{.seed = 4});
  const auto pose = [&] {
    Eigen::Vector3d p, axis;
    for (double& x : p) x = rng.Uniform(-0.3, 0.3);
    for (double& a : axis) a = rng.Normal();
    return Pose(RotationExp(rng.Uniform(0, 3) * axis.normalized()), p);
  };
  for (int i = 0; i < 200; ++i) {
    Subtask subtask;
    subtask.bridge_arch = i % 4 == 0 ? 0 : rng.Uniform(0.01, 0.2);
    const Pose from = pose(), aside = pose();
    // straight up, too
    const Pose to = i % 3 == 0
                        ? Pose(aside.rotation(), from.translation() + Eigen::Vector3d(0, 0, 0.1))
                        : aside;
    const Bridge bridge(from, to, subtask.bridge_arch);
    const std::vector<Waypoint> way = FollowWay(bridge.corners(), subtask, {{{from, 1}}});
    const int steps = BridgeLength(from, to, subtask);
    ASSERT_EQ(way.size(), static_cast<size_t>(steps));
    for (int k = 1; k <= steps; ++k) {
      const Pose& X_WE = way[k - 1].target.arms[0].X_WE_cmd;
      const Pose wanted = bridge.At(static_cast<double>(k) / steps);
      EXPECT_LT((X_WE.translation() - wanted.translation()).norm(), 1e-9) << i << ", " << k;
      EXPECT_LT(AngleBetween(X_WE.rotation(), wanted.rotation()), 1e-6) << i << ", " << k;
    }
    EXPECT_EQ(way.back().target.arms[0].X_WE_cmd, to);
  }
}

TEST(Transit, WaysKeepTheirSpeed) {
  Subtask subtask;
  subtask.bridge_speed = 0.01;
  subtask.bridge_turn = 0.1;
  subtask.bridge_steps = 1;
  const Pose a, b = Pose::FromTranslation({0.1, 0, 0}), c = PoseFromYaw(1, {0.1, 0, 0}),
                d = PoseFromYaw(1, {0.1, 0.2, 0});
  const Action last{{{Pose::FromTranslation({9, 9, 9}), 1}}};
  const std::vector<Waypoint> way = FollowWay({a, b, c, d}, subtask, last);
  EXPECT_EQ(way.size(), 10u + 10 + 20);
  Pose before = a;
  for (const Waypoint& waypoint : way) {
    const Pose& X_WE = waypoint.target.arms[0].X_WE_cmd;
    EXPECT_LE((X_WE.translation() - before.translation()).norm(), 0.01 + 1e-9);
    EXPECT_LE(AngleBetween(X_WE.rotation(), before.rotation()), 0.1 + 1e-9);
    EXPECT_EQ(waypoint.target.arms[0].gripper, 1);
    EXPECT_EQ(waypoint.label, StepLabel::kBridge);
    EXPECT_EQ(waypoint.X_WE_arrived[0], X_WE);
    before = X_WE;
  }
  EXPECT_EQ(before, d);
  EXPECT_LT((way[9].target.arms[0].X_WE_cmd.translation() - b.translation()).norm(), 1e-9);
  // a way of no length, and one shorter than the least number of steps
  EXPECT_EQ(FollowWay({a, a}, subtask, last).size(), 1u);
  subtask.bridge_steps = 7;
  EXPECT_EQ(FollowWay({a, Pose::FromTranslation({0.001, 0, 0})}, subtask, last).size(), 7u);
  EXPECT_THROW(FollowWay({a}, subtask, last), ContractError);
}

}  // namespace
}  // namespace understudy
