#include "mimic/attempt/quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/episode/motion.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

Attempt Try(const GenerateOptions& options, int64_t attempt) {
  const TaskSpec task = FakeTask();
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  return Generate(FakeSources(task), task, *simulator, "D0", options, AttemptKey(1, attempt, "D0"));
}

double TopSpeed(const Episode& episode) {
  double top = 0;
  for (size_t t = 1; t < episode.length(); ++t) {
    const Eigen::Vector3d way = episode.steps[t].observation.arms[0].X_WE.translation() -
                                episode.steps[t - 1].observation.arms[0].X_WE.translation();
    top = std::max(top, way.norm() * episode.meta.control_hz);
  }
  const Eigen::Vector3d last = episode.final_observation.arms[0].X_WE.translation() -
                               episode.steps.back().observation.arms[0].X_WE.translation();
  return std::max(top, last.norm() * episode.meta.control_hz);
}

// The law: a gate lets through what keeps it, unchanged, and nothing else.
TEST(QualityGates, PassWhatKeepsThemUnchangedAndNothingElse) {
  for (int64_t i = 0; i < 20; ++i) {
    const Attempt free = Try({}, i);
    if (!free.success()) continue;
    const double speed = TopSpeed(free.episode), jerk = MeasureMotion(free.episode).jerk_rms;
    GenerateOptions options;
    options.gates = {.max_speed = 1.001 * speed, .max_jerk = 1.001 * jerk, .max_touching = 0};
    EXPECT_TRUE(SameContent(Try(options, i).episode, free.episode));

    options.gates = {.max_speed = 0.999 * speed};
    const Attempt fast = Try(options, i);
    ASSERT_TRUE(fast.failure);
    EXPECT_EQ(fast.failure->cause, FailureCause::kRough);
    EXPECT_THAT(fast.failure->detail, HasSubstr("gates.max_speed"));
    EXPECT_LE(fast.episode.length(), free.episode.length()) << "it ends where it is too fast";

    options.gates = {.max_jerk = 0.999 * jerk};
    const Attempt jerky = Try(options, i);
    ASSERT_TRUE(jerky.failure);
    EXPECT_EQ(jerky.failure->cause, FailureCause::kRough);
    EXPECT_EQ(jerky.episode.meta.cause, "rough");
    EXPECT_EQ(jerky.episode.length(), free.episode.length()) << "jerk is the whole attempt's";
  }
}

TEST(QualityGates, StepsThatTouchAreCounted) {
  Observation still;
  still.arms.resize(1);
  StepOutcome touching;
  touching.collision = true;
  QualityWatch any(QualityGates{}), two(QualityGates{.max_touching = 2});
  QualityWatch none(QualityGates{.max_touching = 0});
  EXPECT_EQ(none.Step(still, still, {}, 0.05), "");
  EXPECT_NE(none.Step(still, still, touching, 0.05), "");
  for (int step = 1; step <= 4; ++step) {
    EXPECT_EQ(any.Step(still, still, touching, 0.05), "");
    EXPECT_EQ(two.Step(still, still, {}, 0.05).empty(), step <= 3) << step;
    EXPECT_EQ(two.Step(still, still, touching, 0.05).empty(), step <= 2) << step;
  }
}

}  // namespace
}  // namespace understudy
