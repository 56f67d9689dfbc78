// Runs that go on behind what a sink holds.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/base/error.h"
#include "mimic/run/balance.h"
#include "mimic/run/generator.h"
#include "tests/mimic/generator_fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

using ResumeTest = GeneratorTest;

// A run that died goes on at the first attempt that was not recorded, with the result of a run that
// did not die.
TEST_F(ResumeTest, ResumesToTheSameResult) {
  MemorySink whole;
  const MimicReport expected = Run(whole);
  MemorySink sink;
  sink.fail_at_episode = 3;
  options_.threads = 2;
  EXPECT_THROW(Run(sink), Error);
  EXPECT_EQ(sink.kept.size(), 3u);
  EXPECT_LT(sink.records.size(), whole.records.size());
  sink.fail_at_episode = -1;
  const MimicReport resumed = Run(sink);
  ExpectSame(whole, sink);
  EXPECT_EQ(resumed.ContentJson(), expected.ContentJson());
}

TEST_F(ResumeTest, InterruptKeepsWhatIsDoneAndResumes) {
  MemorySink whole, sink;
  Run(whole);
  Interrupter interrupter(9);
  options_.threads = 2;
  const MimicReport report = Run(sink, interrupter);
  EXPECT_TRUE(report.interrupted);
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(sink.records.size(), 9u);
  EXPECT_THAT(report.stop_reason, HasSubstr("resume"));
  ClearInterrupt();
  EXPECT_FALSE(Run(sink).interrupted);
  ExpectSame(whole, sink);
}

TEST_F(ResumeTest, AFinishedSinkIsLeftAlone) {
  MemorySink sink;
  Run(sink);
  const MimicReport again = Run(sink);
  EXPECT_EQ(sink.records.size(), 30u);
  EXPECT_EQ(again.times.attempts, 0);
  EXPECT_TRUE(again.complete);
}

// Damage is bad input, whichever number of the table it hits, and names the file.
TEST_F(ResumeTest, DamagedSinksAreRefused) {
  MemorySink sink;
  Run(sink);
  const auto expect_refused = [&](const std::function<void(MemorySink&)>& damage,
                                  const std::string& what) {
    MemorySink damaged = sink;
    damage(damaged);
    try {
      Run(damaged);
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(error.what(), testing::StartsWith("some.h5.part: "));
      EXPECT_THAT(error.what(), HasSubstr(what));
      EXPECT_THAT(error.what(), HasSubstr("--no-resume, to start anew"));
    }
  };
  expect_refused([](MemorySink& s) { s.records.erase(s.records.begin() + 2); },
                 "attempt 2 is numbered 3");
  expect_refused([](MemorySink& s) { s.kept.pop_back(); }, "episodes where its attempts make");

  size_t good = 0, bad = 0;
  while (!sink.records[good].success) ++good;
  while (sink.records[bad].success) ++bad;
  const auto expect_row_refused = [&](size_t row, const std::function<void(AttemptRecord&)>& damage,
                                      const std::string& what) {
    expect_refused([&](MemorySink& s) { damage(s.records[row]); }, what);
  };
  for (const size_t row : {good, bad}) {
    expect_row_refused(
        row, [](AttemptRecord& r) { r.steps = -1; }, "has -1 steps");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.steps = 2'000'000'000; }, "2000000000 steps");
    expect_row_refused(
        row, [](AttemptRecord& r) { ++r.steps; }, "in its subtasks");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.subtask_steps.push_back(0); }, "subtasks");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.sources[0] = -1; }, "source -1 of 5");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.sources[0] = 5; }, "source 5 of 5");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.sources.resize(3); }, "3 sources for 2");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.X_WO_start.pop_back(); }, "1 start poses");
    expect_row_refused(
        row, [](AttemptRecord& r) { r.cause = "weather"; }, "cause 'weather'");
  }
  expect_row_refused(
      good, [](AttemptRecord& r) { r.cause = "dropped"; }, "cause 'dropped'");
  expect_row_refused(
      good, [](AttemptRecord& r) { r.cause = kSurplus; }, "is called surplus");
  expect_row_refused(
      bad, [](AttemptRecord& r) { r.cause = ""; }, "cause ''");
  expect_row_refused(
      bad, [](AttemptRecord& r) { r.subtask = -1; }, "subtask -1 of 2");
  expect_row_refused(
      bad, [](AttemptRecord& r) { r.subtask = 2; }, "subtask 2 of 2");
}

// The law of resuming: whatever has been made, under whatever bounds, the run comes to what it
// comes to without a stop, and reports the same, times aside; or says that it has been led too far.
TEST_F(ResumeTest, ResumingIsExactOrRefused) {
  options_.attempts = 70;
  MemorySink whole;
  Run(whole);
  const auto bounded = [&](int64_t attempts, int64_t demos, int64_t most, double rate) {
    RunOptions options = options_;
    options.attempts = attempts;
    options.demos = demos;
    options.max_attempts = most;
    options.min_rate = rate;
    return options;
  };
  int exact = 0, refused = 0;
  for (const RunOptions& options :
       {bounded(12, 0, 0, 0), bounded(70, 0, 0, 0), bounded(90, 0, 0, 0), bounded(0, 5, 0, 0),
        bounded(0, 20, 0, 0), bounded(0, 50, 17, 0), bounded(40, 6, 0, 0),
        bounded(70, 0, 0, 0.99)}) {
    options_ = options;
    MemorySink expected;
    Json wanted = Run(expected).ToJson();
    wanted.erase("times");
    const size_t ends = expected.records.size();
    for (const size_t made :
         {size_t{0}, size_t{1}, size_t{7}, ends - 1, ends, ends + 1, size_t{70}}) {
      if (made > whole.records.size()) continue;
      MemorySink sink;
      sink.records.assign(whole.records.begin(), whole.records.begin() + static_cast<long>(made));
      for (size_t i = 0; i < made; ++i) {
        if (whole.records[i].success) sink.kept.push_back(whole.kept[sink.kept.size()]);
      }
      if (made <= ends) {
        ++exact;
        Json report = Run(sink).ToJson();
        report.erase("times");
        EXPECT_EQ(report, wanted) << made;
        ExpectSame(sink, expected);
        continue;
      }
      ++refused;
      try {
        Run(sink);
        ADD_FAILURE() << made << " attempts where " << ends << " are wanted";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
        EXPECT_THAT(error.what(), HasSubstr(fmt::format("some.h5.part: holds {} attempts", made)));
        EXPECT_THAT(error.what(), HasSubstr(fmt::format("ends after {} (", ends)));
      }
      EXPECT_EQ(sink.records.size(), made);
    }
  }
  EXPECT_GT(exact, 20);
  EXPECT_GT(refused, 5);
}

TEST_F(ResumeTest, AShardResumesWithinItsPart) {
  options_.shard = "2/3";
  MemorySink whole, sink;
  Run(whole);
  Interrupter interrupter(4);
  EXPECT_TRUE(Run(sink, interrupter).interrupted);
  EXPECT_EQ(sink.records.size(), 4u);
  ClearInterrupt();
  EXPECT_TRUE(Run(sink).complete);
  ExpectSame(whole, sink);
  // what another part has recorded is no beginning of this one
  options_.shard = "1/3";
  EXPECT_THAT([&] { Run(sink); }, testing::ThrowsMessage<Error>(HasSubstr("another part")));
}

// Half of what weighs says something else than all of it: nothing is made with that.
TEST_F(ResumeTest, AnInterruptWhileWeighingEndsTheRun) {
  options_.weigh_attempts = 20;
  MemorySink whole;
  const MimicReport expected = Run(whole);
  EXPECT_EQ(expected.source_weights.size(), 2u);
  for (const size_t made : {size_t{0}, whole.records.size()}) {
    MemorySink sink = whole;
    sink.records.resize(made);
    if (made == 0) sink.kept.clear();
    Interrupter interrupter(7);
    const MimicReport report = Run(sink, interrupter);
    EXPECT_TRUE(report.interrupted);
    EXPECT_EQ(report.attempts, static_cast<int64_t>(made));
    EXPECT_EQ(sink.records.size(), made);
    EXPECT_TRUE(report.source_weights.empty());
    EXPECT_THAT(report.stop_reason, HasSubstr("interrupted"));
    ClearInterrupt();
    EXPECT_EQ(Run(sink).ContentJson(), expected.ContentJson());
    ExpectSame(sink, whole);
  }
}

}  // namespace
}  // namespace understudy
