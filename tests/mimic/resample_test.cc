// Sources of other control rates.
#include "mimic/sources/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using Signals = std::vector<std::vector<uint8_t>>;

// A hand that moves 0.1 m/s along x and turns 0.5 rad/s, commanded `lead` s ahead, for 2 s at `hz`;
// its gripper closes and a signal rises at 1 s.
SourceDemo Straight(double hz, double lead, Signals* signals) {
  SourceDemo demo;
  demo.arms.resize(1);
  demo.X_WO.resize(1);
  signals->assign(1, {});
  const auto at = [](double t) { return PoseFromYaw(0.5 * t, Eigen::Vector3d(0.1 * t, 0, 1)); };
  for (int k = 0; k < std::lround(2 * hz); ++k) {
    const double t = k / hz;
    demo.arms[0].X_WE.push_back(at(t));
    demo.arms[0].X_WE_cmd.push_back(at(t + lead));
    demo.arms[0].gripper.push_back(t > 1 - 1e-9 ? 1 : -1);
    demo.X_WO[0].push_back(at(2 * t));
    signals->at(0).push_back(t > 1 - 1e-9);
  }
  return demo;
}

// The law: what is a line in time stays it at any rate, commands as far ahead of the end of their
// step as they were; events stay in their place to a row.
TEST(Resample, KeepsTimeAndLead) {
  for (const double from : {5.0, 10.0, 15.0, 20.0, 29.97, 50.0, 100.0}) {
    for (const double to : {10.0, 15.0, 20.0, 30.0}) {
      SCOPED_TRACE(testing::Message() << from << " Hz to " << to << " Hz");
      Signals signals;
      const SourceDemo demo = Straight(from, 0.2, &signals);
      const SourceDemo result = Resampled(demo, from, to, &signals);
      const SourceDemo::Arm& arm = result.arms[0];
      ASSERT_NEAR(static_cast<double>(arm.X_WE.size()), 2 * to, 1);
      ASSERT_EQ(arm.X_WE.size(), arm.gripper.size());
      ASSERT_EQ(arm.X_WE.size(), signals[0].size());
      int closes = -1, rises = -1;
      for (size_t k = 0; k < arm.X_WE.size(); ++k) {
        const double t = static_cast<double>(k) / to;
        if (closes < 0 && arm.gripper[k] > 0) closes = static_cast<int>(k);
        if (rises < 0 && signals[0][k] != 0) rises = static_cast<int>(k);
        EXPECT_NEAR(result.rows[k], std::min(t * from, 2 * from - 1), 1);
        // behind the source's last row the hand stands
        if (t > 2 - 1.5 / from - 1 / to) continue;
        EXPECT_NEAR(arm.X_WE[k].translation().x(), 0.1 * t, 1e-9);
        EXPECT_NEAR(result.X_WO[0][k].translation().x(), 0.2 * t, 1e-9);
        // a command that is in force until a step ends
        const double end = std::max(t + 1 / to, 1 / from);
        EXPECT_NEAR(arm.X_WE_cmd[k].translation().x(), 0.1 * (end - 1 / from + 0.2), 1e-9);
        EXPECT_NEAR(AngleBetween(arm.X_WE_cmd[k].rotation(), Eigen::Quaterniond::Identity()),
                    0.5 * (end - 1 / from + 0.2), 1e-9);
      }
      EXPECT_NEAR(closes / to, 1, 1.01 / to + 1 / from);
      EXPECT_NEAR(rises / to, 1, 1.01 / to);
    }
  }
}

TEST(Resample, TheSameRateChangesNothing) {
  Signals signals, before;
  const SourceDemo demo = Straight(29.97, 0.1, &signals);
  before = signals;
  const SourceDemo result = Resampled(demo, 29.97, 29.97, &signals);
  EXPECT_EQ(signals, before);
  for (size_t k = 0; k < demo.arms[0].X_WE.size(); ++k) {
    EXPECT_TRUE(result.arms[0].X_WE[k] == demo.arms[0].X_WE[k]);
    EXPECT_TRUE(result.arms[0].X_WE_cmd[k] == demo.arms[0].X_WE_cmd[k]);
    EXPECT_EQ(result.FileRow(static_cast<int>(k)), static_cast<int>(k));
  }
  EXPECT_EQ(result.arms[0].gripper, demo.arms[0].gripper);
}

TEST(Resample, OneRowIsEnough) {
  Signals signals{{1}};
  SourceDemo demo;
  demo.arms = {{{Pose()}, {Pose()}, {-1}}};
  EXPECT_EQ(Resampled(demo, 10, 50, &signals).arms[0].X_WE.size(), 5u);
  EXPECT_EQ(Resampled(demo, 50, 10, &signals).arms[0].X_WE.size(), 1u);
}

// Demonstrations at half the rate generate, and their steps name rows of the file.
TEST(Resample, SourcesOfAnotherRateAreUsed) {
  const TaskSpec task = FakeTask();
  std::vector<Episode> slow;
  for (Episode& episode : FakeDemos(task, 3)) {
    Episode half = episode;
    half.steps.clear();
    for (size_t t = 1; t < episode.length(); t += 2) {
      half.steps.push_back(episode.steps[t - 1]);
      half.steps.back().action = episode.steps[t].action;
      half.steps.back().action_clean = episode.steps[t].action_clean;
    }
    half.meta.control_hz /= 2;
    slow.push_back(std::move(half));
  }
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  const SourceSet sources(slow, DemoNames(3), task, simulator->info(), 3);
  ASSERT_EQ(sources.demos().size(), 3u);
  EXPECT_NEAR(sources.demos()[0].length(), 2 * static_cast<int>(slow[0].length()), 1);
  int successes = 0;
  for (int64_t i = 0; i < 20; ++i) {
    const Attempt attempt = FakeAttempt(sources, task, {}, i);
    successes += attempt.success();
    for (const Step& row : attempt.episode.steps) {
      if (row.source < 0) continue;
      const std::string& uuid = attempt.episode.meta.sources[static_cast<size_t>(row.source)];
      const auto source = std::find_if(slow.begin(), slow.end(), [&](const Episode& episode) {
        return episode.meta.uuid == uuid;
      });
      ASSERT_NE(source, slow.end());
      EXPECT_LT(row.source_step, static_cast<int>(source->length()));
    }
  }
  EXPECT_GE(successes, 18);
}

}  // namespace
}  // namespace understudy
