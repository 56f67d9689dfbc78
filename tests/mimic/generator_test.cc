#include "mimic/run/generator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "core/base/error.h"
#include "mimic/run/weigh.h"
#include "tests/mimic/generator_fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

TEST_F(GeneratorTest, TotalsAreSumsOfRows) {
  MemorySink sink;
  const MimicReport report = Run(sink);
  EXPECT_EQ(report.attempts, 30);
  EXPECT_EQ(report.attempts, static_cast<int64_t>(sink.records.size()));
  EXPECT_EQ(report.successes, static_cast<int64_t>(sink.kept.size()));
  EXPECT_GT(report.successes, 0);
  EXPECT_LT(report.successes, 30) << "the clumsy fake must fail sometimes for this test to tell";
  int64_t failures = 0, segments = 0;
  for (const auto& [cause, counts] : report.failures) {
    EXPECT_FALSE(cause.empty());
    ASSERT_EQ(counts.size(), 2u);
    failures += std::accumulate(counts.begin(), counts.end(), int64_t{0});
  }
  EXPECT_EQ(failures + report.successes, report.attempts);
  for (const SourceUse& use : report.sources) segments += use.segments;
  int64_t begun = 0;
  for (const AttemptRecord& record : sink.records)
    begun += static_cast<int64_t>(record.sources.size());
  EXPECT_EQ(segments, begun);
  ASSERT_EQ(report.coverage.size(), 2u);
  for (const Coverage& coverage : report.coverage) {
    EXPECT_EQ(std::accumulate(coverage.attempts.begin(), coverage.attempts.end(), int64_t{0}), 30);
    EXPECT_EQ(std::accumulate(coverage.successes.begin(), coverage.successes.end(), int64_t{0}),
              report.successes);
  }
  EXPECT_TRUE(report.complete);
  int64_t steps = 0;
  for (const AttemptRecord& record : sink.records) steps += record.steps;
  EXPECT_EQ(report.times.steps, steps);
  for (const Episode& episode : sink.kept) EXPECT_EQ(episode.meta.settings, (Json{{"k", 1}}));
}

// What the page of a run shows adds up: every number is a sum over attempts.
TEST_F(GeneratorTest, PartsOfTheReportAddUp) {
  fake_.slip_after_steps = 8;  // some attempts fail in the second subtask too
  options_.attempts = 60;
  MemorySink sink;
  const Json json = Run(sink).ToJson();
  const auto sum = [](const Json& list) {
    int64_t total = 0;
    for (const Json& n : list) total += n.get<int64_t>();
    return total;
  };
  const int64_t attempts = json["attempts"], successes = json["successes"];

  // kinds of failure are the failures, by cause and subtask
  int64_t failed = 0;
  std::vector<int64_t> failed_in(2, 0);
  double failure_steps = 0;
  for (const Json& kind : json["failure_kinds"]) {
    const int64_t count = kind["count"], subtask = kind["subtask"];
    failed += count;
    failed_in[static_cast<size_t>(subtask)] += count;
    failure_steps += kind["mean_steps"].get<double>() * static_cast<double>(count);
    EXPECT_EQ(json["failures"][kind["cause"].get<std::string>()][static_cast<size_t>(subtask)],
              count);
    EXPECT_EQ(kind["first_attempts"].size(), std::min<size_t>(3, static_cast<size_t>(count)));
    for (const Json& number : kind["first_attempts"]) {
      const AttemptRecord& record = sink.records[number.get<size_t>()];
      EXPECT_EQ(record.cause, kind["cause"].get<std::string>());
      EXPECT_EQ(record.subtask, subtask);
    }
  }
  EXPECT_GT(json["failure_kinds"].size(), 1u) << "this test needs attempts that fail in two ways";
  EXPECT_EQ(failed + successes, attempts);
  EXPECT_NEAR(failure_steps / static_cast<double>(failed), json["failure_steps"]["mean"], 1e-9);
  EXPECT_EQ(json["first_successes"].size(), std::min<size_t>(3, static_cast<size_t>(successes)));

  // what is begun is ended well or fails there; what is ended well begins the next
  const Json& subtasks = json["subtasks"];
  ASSERT_EQ(subtasks.size(), 2u);
  EXPECT_EQ(subtasks[0]["begun"], attempts);
  EXPECT_EQ(subtasks[1]["begun"], subtasks[0]["ended"]);
  EXPECT_EQ(subtasks[1]["ended"], successes);
  double steps = 0;
  for (size_t i = 0; i < 2; ++i) {
    const double begun = subtasks[i]["begun"];
    EXPECT_EQ(begun - subtasks[i]["ended"].get<double>(), static_cast<double>(failed_in[i]));
    steps += begun * subtasks[i]["mean_steps"].get<double>();
  }
  int64_t recorded = 0;
  for (const AttemptRecord& record : sink.records) recorded += record.steps;
  EXPECT_NEAR(steps, static_cast<double>(recorded), 1e-6);

  EXPECT_EQ(sum(json["lengths"]["successes"]), successes);
  EXPECT_EQ(sum(json["lengths"]["failures"]), failed);
  EXPECT_EQ(json["lengths"]["successes"].size(), json["lengths"]["failures"].size());
}

TEST_F(GeneratorTest, SameContentForAnyThreadCount) {
  MemorySink one, four;
  const MimicReport a = Run(one);
  options_.threads = 4;
  const MimicReport b = Run(four);
  ExpectSame(one, four);
  EXPECT_EQ(a.ContentJson(), b.ContentJson());
}

TEST_F(GeneratorTest, BoundedBySuccessesIsTheShortestPrefix) {
  MemorySink all, some;
  Run(all);
  options_.attempts = 0;
  options_.demos = 7;
  options_.threads = 3;
  const MimicReport report = Run(some);
  EXPECT_EQ(report.successes, 7);
  EXPECT_EQ(some.kept.size(), 7u);
  EXPECT_TRUE(some.records.back().success);
  EXPECT_EQ(report.stop_reason, "7 successes reached");
  ASSERT_LT(some.records.size(), all.records.size());
  for (size_t i = 0; i < some.records.size(); ++i)
    EXPECT_EQ(some.records[i].steps, all.records[i].steps);
}

TEST_F(GeneratorTest, MaxAttemptsBoundsAHopelessRun) {
  fake_.grasp_radius = 0;
  options_.attempts = 0;
  options_.demos = 5;
  options_.max_attempts = 12;
  MemorySink sink;
  const MimicReport report = Run(sink);
  EXPECT_EQ(report.attempts, 12);
  EXPECT_EQ(report.successes, 0);
  EXPECT_FALSE(report.complete);
  EXPECT_FALSE(report.interrupted);
  EXPECT_THAT(report.stop_reason, HasSubstr("0 of 5 successes after 12 attempts"));
}

TEST_F(GeneratorTest, FailedAttemptsAreKeptOnRequest) {
  options_.keep_failed = true;
  MemorySink sink;
  const MimicReport report = Run(sink);
  EXPECT_EQ(sink.kept.size(), 30u);
  EXPECT_EQ(report.episodes, 30);
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(sink.kept[i].meta.success, sink.records[i].success);
    EXPECT_EQ(sink.kept[i].meta.cause, sink.records[i].cause);
  }
}

// Physics that break down end their attempt, not the run.
TEST_F(GeneratorTest, UnstablePhysicsEndTheirAttemptOnly) {
  fake_.unstable_at_step = 20;
  options_.attempts = 6;
  options_.threads = 2;
  options_.keep_failed = true;
  MemorySink sink;
  const MimicReport report = Run(sink);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.failures.at("unstable_physics")[0], 6);
  ASSERT_EQ(sink.kept.size(), 6u);
  // the step that broke down is taken back
  for (const Episode& episode : sink.kept) EXPECT_EQ(episode.length(), 20u);
}

TEST_F(GeneratorTest, UsageErrorsNameTheNextStep) {
  MemorySink sink;
  options_.variant = "D9";
  EXPECT_THAT([&] { Run(sink); }, testing::ThrowsMessage<Error>(HasSubstr("unknown variant 'D9'")));
  options_.variant = "D0";
  options_.attempts = 0;
  EXPECT_THAT([&] { Run(sink); },
              testing::ThrowsMessage<Error>(HasSubstr("give attempts or demos")));
}

TEST_F(GeneratorTest, ThePlanPredictsWhatARunDoes) {
  const MimicPlan plan =
      PlanAttempts(sources_, task_, FakeSimulatorFactory(task_, fake_), options_);
  EXPECT_EQ(plan.attempts, 30);
  EXPECT_GT(plan.probe_attempts, 0);
  EXPECT_GT(plan.seconds, 0);
  EXPECT_GT(plan.bytes, 1e4);
  options_.attempts = 0;
  options_.demos = 10;
  const MimicPlan by_demos =
      PlanAttempts(sources_, task_, FakeSimulatorFactory(task_, fake_), options_);
  EXPECT_EQ(by_demos.attempts, static_cast<int64_t>(std::ceil(10 / by_demos.rate)));
}

// The law of shards: the parts, one behind the other, are the run.
TEST_F(GeneratorTest, ShardsInOrderAreTheWholeRun) {
  MemorySink whole, joined;
  Run(whole);
  for (int i = 0; i < 4; ++i) {
    MemorySink part;
    options_.shard = fmt::format("{}/4", i);
    const MimicReport report = Run(part);
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.attempts, static_cast<int64_t>(part.records.size()));
    joined.records.insert(joined.records.end(), part.records.begin(), part.records.end());
    joined.kept.insert(joined.kept.end(), part.kept.begin(), part.kept.end());
  }
  ExpectSame(whole, joined);
}

TEST_F(GeneratorTest, AShardIsNotBoundedBySuccesses) {
  options_.shard = "0/2";
  options_.demos = 5;
  MemorySink sink;
  EXPECT_THAT([&] { Run(sink); }, testing::ThrowsMessage<Error>(HasSubstr("--attempts")));
}

// Balanced: as many episodes as were asked for, no part of the reset space over its share, and the
// same for any number of threads and from any point on.
TEST_F(GeneratorTest, BalanceKeepsEveryPartToItsShare) {
  options_.attempts = 0;
  options_.demos = 45;
  options_.balance = 1;
  options_.generate.feedback = 0;
  MemorySink whole;
  const MimicReport report = Run(whole);
  EXPECT_EQ(report.episodes, 45);
  EXPECT_EQ(static_cast<int64_t>(whole.kept.size()), 45);
  EXPECT_GT(report.surplus, 0);
  EXPECT_EQ(report.successes - report.surplus, 45);
  EXPECT_EQ(report.ContentJson()["surplus"], report.surplus);
  EXPECT_EQ(report.stop_reason, "45 successes reached");
  // 45 over three by three parts: five in each, of both cubes
  for (size_t o = 0; o < 2; ++o) {
    const PlacementRange& range = task_.variants.at("D0").objects.at(task_.object_names()[o]);
    std::array<int, 9> parts{};
    for (const Episode& episode : whole.kept) {
      const Eigen::Vector3d p =
          episode.steps[0].observation.X_WO[o].translation() - task_.variants.at("D0").origin;
      const auto part = [](double value, const std::array<double, 2>& ends) {
        return std::min(2, static_cast<int>(3 * (value - ends[0]) / (ends[1] - ends[0])));
      };
      ++parts[static_cast<size_t>(3 * part(p.y(), range.y) + part(p.x(), range.x))];
    }
    EXPECT_THAT(parts, testing::Each(5));
  }

  options_.threads = 3;
  MemorySink threaded;
  Run(threaded);
  ExpectSame(whole, threaded);
  MemorySink resumed;
  Interrupter interrupter(20);
  EXPECT_TRUE(Run(resumed, interrupter).interrupted);
  ClearInterrupt();
  Run(resumed);
  ExpectSame(whole, resumed);
}

// The fake succeeds alike wherever things start: what the plan expects is the mean of runs.
TEST_F(GeneratorTest, ThePlanKnowsOfTheSurplus) {
  options_.attempts = 0;
  options_.demos = 60;
  options_.balance = 1.1;
  std::vector<double> surplus;
  for (options_.seed = 1; options_.seed <= 20; ++options_.seed) {
    MemorySink sink;
    const MimicReport report = Run(sink);
    ASSERT_TRUE(report.complete);
    surplus.push_back(static_cast<double>(report.surplus));
  }
  const auto mean = [](const std::vector<double>& x) {
    return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  };
  double variance = 0;
  for (const double x : surplus) variance += std::pow(x - mean(surplus), 2) / 19;
  MimicPlan plan = PlanAttempts(sources_, task_, FakeSimulatorFactory(task_, fake_), options_);
  // four standard errors of both means
  EXPECT_NEAR(plan.surplus, mean(surplus), 4 * std::sqrt(variance * (1.0 / 20 + 1.0 / 30)));
  EXPECT_GT(mean(surplus), 4 * std::sqrt(variance * (1.0 / 20 + 1.0 / 30)))
      << "this test needs a surplus that is surely one";
  EXPECT_NEAR(static_cast<double>(plan.attempts), (60 + plan.surplus) / plan.rate, 1);
  EXPECT_EQ(plan.ToJson()["surplus"], plan.surplus);
  options_.balance = 0;
  plan = PlanAttempts(sources_, task_, FakeSimulatorFactory(task_, fake_), options_);
  EXPECT_EQ(plan.surplus, 0);
  EXPECT_FALSE(plan.ToJson().contains("surplus"));
}

TEST_F(GeneratorTest, ABalanceThatCannotBeMetIsRefused) {
  MemorySink unused;
  options_.balance = 1.2;
  options_.attempts = 5;
  EXPECT_THAT([&] { Run(unused); }, testing::ThrowsMessage<Error>(HasSubstr("give --demos")));
  options_.demos = 5;
  options_.balance = 0.99;
  EXPECT_THAT([&] { Run(unused); }, testing::ThrowsMessage<Error>(testing::AllOf(
                                        HasSubstr("balance = 0.99"), HasSubstr("1 or more"),
                                        HasSubstr("0 to keep all"))));
  EXPECT_THAT([&] { PlanAttempts(sources_, task_, FakeSimulatorFactory(task_), options_); },
              testing::ThrowsMessage<Error>(HasSubstr("1 or more")));
  options_.balance = 1;
  EXPECT_NO_THROW(Run(unused));
}

// Sources that spoil what they touch are drawn less, and the weights are the seed's alone.
TEST_F(GeneratorTest, WeightsDrawGoodSourcesMoreOften) {
  std::vector<Episode> demos = FakeDemos(task_, 4);
  // this one lets go beside the other cube
  bool carries = false;
  for (Step& row : demos[2].steps) {
    carries |= row.action.arms[0].gripper > 0;
    if (!carries) continue;
    const auto aside = [](const Pose& X_WE) {
      return Pose(X_WE.rotation(), X_WE.translation() + Eigen::Vector3d(0.06, 0, 0));
    };
    row.action.arms[0].X_WE_cmd = aside(row.action.arms[0].X_WE_cmd);
    row.action_clean = row.action;
    row.observation.arms[0].X_WE = aside(row.observation.arms[0].X_WE);
  }
  for (Subtask& subtask : task_.subtasks) subtask.selection = RandomSelection{};
  const SourceSet even(demos, DemoNames(4), task_, MakeFakeSimulator(task_)->info(), 3);
  Progress silent;
  const auto weigh = [&](int threads) {
    return *WeighSources(even, task_, FakeSimulatorFactory(task_), "D0", 5, {}, 80, threads,
                         silent);
  };
  const SourceSet weighted = SourceSet(even).Weighted(weigh(1));
  EXPECT_EQ(weigh(3), weighted.all_weights());
  // the hand misses the cube or puts it beside the other
  EXPECT_LT(weighted.weights(0)[2] * weighted.weights(1)[2], 0.3);
  for (const size_t good : {0, 1, 3}) {
    EXPECT_GT(weighted.weights(0)[good] * weighted.weights(1)[good], 0.6);
  }

  options_.attempts = 100;
  fake_ = {};
  const auto rate = [&](const SourceSet& sources) {
    MemorySink sink;
    Progress quiet;
    return RunAttempts(sources, task_, FakeSimulatorFactory(task_), options_, {}, sink, quiet)
        .successes;
  };
  EXPECT_GT(rate(weighted), rate(even) + 5);
}

// A rate that is surely too low ends the run, at the same attempt for any number of threads.
TEST_F(GeneratorTest, AHopelessRateEndsTheRun) {
  fake_.grasp_radius = 1e-5;
  options_.attempts = 500;
  options_.min_rate = 0.2;
  for (const int threads : {1, 3}) {
    options_.threads = threads;
    MemorySink sink;
    const MimicReport report = Run(sink);
    EXPECT_EQ(report.attempts, 50);
    EXPECT_FALSE(report.complete);
    EXPECT_FALSE(report.interrupted);
    EXPECT_THAT(report.stop_reason, HasSubstr("below 20 % with 95 % confidence"));
  }
  fake_.grasp_radius = 0.015;
  options_.attempts = 60;
  MemorySink sink;
  EXPECT_TRUE(Run(sink).complete);
}

TEST_F(GeneratorTest, TimeEndsTheRun) {
  options_.attempts = 1'000'000;
  options_.max_seconds = 0.2;
  MemorySink sink;
  const MimicReport report = Run(sink);
  EXPECT_GT(report.attempts, 0);
  EXPECT_LT(report.attempts, 1'000'000);
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.stop_reason, HasSubstr("max_seconds"));
}

}  // namespace
}  // namespace understudy
