#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "mimic/run/generator.h"
#include "tests/mimic/fixture.h"

namespace understudy {

// Keeps everything in memory; may fail at an episode.
class MemorySink : public AttemptSink {
 public:
  void ReadBack(const std::function<void(const AttemptRecord&)>& each) override {
    for (const AttemptRecord& record : records) each(record);
  }
  std::string name() const override { return "some.h5.part"; }
  int64_t episodes() const override { return static_cast<int64_t>(kept.size()); }
  void Append(const AttemptRecord& record, std::optional<Episode> episode) override {
    if (episode && fail_at_episode == episodes()) ThrowFailed("disk full");
    if (episode) kept.push_back(*std::move(episode));
    records.push_back(record);
  }
  std::vector<AttemptRecord> records;
  std::vector<Episode> kept;
  int64_t fail_at_episode = -1;
};

class Interrupter : public Progress {
 public:
  explicit Interrupter(int64_t at) : at_(at) {}
  void Advance(int64_t done, const std::string&) override {
    if (done == at_) RequestInterrupt();
  }

 private:
  int64_t at_;
};

class GeneratorTest : public testing::Test {
 protected:
  GeneratorTest() {
    fake_.grasp_radius = 0.004;  // some attempts fail
    options_.attempts = 30;
    options_.threads = 1;
  }
  ~GeneratorTest() override { ClearInterrupt(); }
  MimicReport Run(MemorySink& sink) {
    Progress quiet;
    return Run(sink, quiet);
  }
  MimicReport Run(MemorySink& sink, Progress& progress) {
    return RunAttempts(sources_, task_, FakeSimulatorFactory(task_, fake_), options_,
                       Json{{"k", 1}}, sink, progress);
  }
  static void ExpectSame(const MemorySink& a, const MemorySink& b) {
    ASSERT_EQ(a.records.size(), b.records.size());
    ASSERT_EQ(a.kept.size(), b.kept.size());
    for (size_t i = 0; i < a.kept.size(); ++i) EXPECT_TRUE(SameContent(a.kept[i], b.kept[i])) << i;
    for (size_t i = 0; i < a.records.size(); ++i) {
      EXPECT_EQ(a.records[i].attempt, b.records[i].attempt);
      EXPECT_EQ(a.records[i].cause, b.records[i].cause);
      EXPECT_EQ(a.records[i].steps, b.records[i].steps);
      EXPECT_EQ(a.records[i].sources, b.records[i].sources);
      EXPECT_EQ(a.records[i].subtask_steps, b.records[i].subtask_steps);
    }
  }

  TaskSpec task_ = FakeTask();
  SourceSet sources_ = FakeSources(task_);
  FakeOptions fake_;
  RunOptions options_;
};

}  // namespace understudy
