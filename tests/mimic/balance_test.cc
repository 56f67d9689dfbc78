#include "mimic/run/balance.h"

#include <gtest/gtest.h>

#include <array>

#include "core/base/rng.h"
#include "mimic/run/weigh.h"
#include "tests/support/fake_simulator.h"

namespace understudy {
namespace {

// Starts of which most lie in one quarter, as where a task is easy there.
std::vector<Pose> CrowdedStart(const ResetVariant& variant, const TaskSpec& task, Rng& rng) {
  std::vector<Pose> X_WO;
  for (const std::string& object : task.object_names()) {
    const PlacementRange& range = variant.objects.at(object);
    const bool crowd = rng.Uniform(0, 1) < 0.7;
    const auto draw = [&](const std::array<double, 2>& ends) {
      return ends[0] + (ends[1] - ends[0]) * rng.Uniform(0, crowd ? 0.34 : 1);
    };
    const double x = draw(range.x), y = draw(range.y);
    X_WO.push_back(Pose::FromTranslation(variant.origin + Eigen::Vector3d(x, y, range.z)));
  }
  return X_WO;
}

std::array<int, 9> Bins(const std::vector<std::vector<Pose>>& starts, const ResetVariant& variant,
                        const PlacementRange& range, size_t object) {
  std::array<int, 9> bins{};
  for (const std::vector<Pose>& X_WO : starts) {
    const Eigen::Vector3d p = X_WO[object].translation() - variant.origin;
    const auto bin = [](double value, const std::array<double, 2>& ends) {
      return std::min(2, static_cast<int>(3 * (value - ends[0]) / (ends[1] - ends[0])));
    };
    ++bins[static_cast<size_t>(3 * bin(p.y(), range.y) + bin(p.x(), range.x))];
  }
  return bins;
}

// The law: no bin of any object holds more than its share, and what is turned away would have.
TEST(Balance, NoBinHoldsMoreThanItsShare) {
  const TaskSpec task = FakeTask();
  const ResetVariant& variant = task.variants.at("D0");
  Balance balance(variant, task.object_names(), 3, 1.2, 90);
  const int most = 12;  // 1.2 of 90 / 9
  Rng rng(RngKey{.seed = 3});
  std::vector<std::vector<Pose>> kept;
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::vector<Pose> X_WO = CrowdedStart(variant, task, rng);
    if (balance.Keep(X_WO)) {
      kept.push_back(X_WO);
      continue;
    }
    ++refused;
    bool full = false;
    for (size_t o = 0; o < X_WO.size(); ++o) {
      const PlacementRange& range = variant.objects.at(task.object_names()[o]);
      std::vector<std::vector<Pose>> with = kept;
      with.push_back(X_WO);
      for (const int count : Bins(with, variant, range, o)) full |= count > most;
    }
    EXPECT_TRUE(full);
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GE(kept.size(), 90u) << "there is room for all that is wanted";
  for (size_t o = 0; o < task.object_names().size(); ++o) {
    const PlacementRange& range = variant.objects.at(task.object_names()[o]);
    for (const int count : Bins(kept, variant, range, o)) EXPECT_LE(count, most);
  }
}

TEST(Balance, WithoutAShareEverythingIsKept) {
  const TaskSpec task = FakeTask();
  const ResetVariant& variant = task.variants.at("D0");
  Balance balance(variant, task.object_names(), 3, 0, 10);
  Rng rng(RngKey{.seed = 4});
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(balance.Keep(CrowdedStart(variant, task, rng)));
}

// What nobody varies has no bins to fill.
TEST(Balance, FixedObjectsDoNotCount) {
  TaskSpec task = FakeTask();
  ResetVariant variant = task.variants.at("D0");
  for (auto& [name, range] : variant.objects) range.x = range.y = {0.1, 0.1};
  Balance balance(variant, task.object_names(), 3, 1, 1);
  const Pose X_WO = Pose::FromTranslation(variant.origin + Eigen::Vector3d(0.1, 0.1, 0));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(balance.Keep({X_WO, X_WO}));
}

TEST(SourceScores, CountForTheSubtasksThatEndedAndAgainstTheOneThatFailed) {
  SourceScores scores(2, 3);
  const auto add = [&](std::vector<int32_t> sources, int failed) {
    Attempt attempt;
    attempt.sources = std::move(sources);
    if (failed >= 0) attempt.failure = Failure{FailureCause::kDropped, failed, 0, ""};
    scores.Add(attempt);
  };
  add({0, 1}, -1);
  add({0, 1}, 1);
  add({0}, 0);
  const SourceWeights weights = scores.Weights();
  EXPECT_DOUBLE_EQ(weights[0][0], 3.0 / 5);  // 2 of 3
  EXPECT_DOUBLE_EQ(weights[0][1], 0.5);      // never tried
  EXPECT_DOUBLE_EQ(weights[1][1], 0.5);      // 1 of 2
  EXPECT_DOUBLE_EQ(weights[1][2], 0.5);
}

}  // namespace
}  // namespace understudy
