#include "mimic/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data/base/error.h"
#include "data/store/dataset.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Interrupter : public Progress {
 public:
  explicit Interrupter(int64_t at) : at_(at) {}
  void Advance(int64_t done, const std::string&) override {
    if (done == at_) RequestInterrupt();
  }

 private:
  int64_t at_;
};

// Datasets on disk: sources written once per test into a folder of its own.
class MimicCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("mimic_command_" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    WriteSources(folder_ / "sources.h5", FakeDemos(task_, 4));
    fake_.grasp_radius = 0.004;  // some attempts fail
    options_.sources = {(folder_ / "sources.h5").string()};
    options_.out = (folder_ / "out.h5").string();
    options_.run.attempts = 12;
    options_.run.threads = 2;
  }
  void TearDown() override {
    ClearInterrupt();
    fs::remove_all(folder_);
  }

  void WriteSources(const fs::path& path, const std::vector<Episode>& episodes) {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.stage = "teleop";
    header.model_text = simulator->ModelText();
    DatasetWriter writer(path, header);
    for (const Episode& episode : episodes) writer.Append(episode);
    writer.Finish();
  }
  MimicReport Run() {
    Progress quiet;
    return Run(quiet);
  }
  MimicReport Run(Progress& progress) {
    return RunMimic(options_, task_, {FakeSimulatorFactory(task_, fake_), {}, robot_}, progress);
  }

  TaskSpec task_ = FakeTask();
  FakeOptions fake_;
  Json robot_;  // as DescribeRobot; not told
  MimicOptions options_;
  fs::path folder_;
};

TEST_F(MimicCommandTest, WritesWhatItReports) {
  const MimicReport report = Run();
  EXPECT_EQ(report.attempts, 12);
  EXPECT_GT(report.successes, 0);
  const DatasetReader reader(options_.out);
  EXPECT_EQ(static_cast<int64_t>(reader.episodes().size()), report.successes);
  EXPECT_EQ(reader.header().stage, "mimic");
  EXPECT_EQ(reader.header().parents,
            std::vector{DatasetReader(options_.sources[0]).content_hash()});
  EXPECT_EQ(reader.report().at("successes"), report.successes);
  const std::vector<AttemptRecord> attempts = reader.attempts();
  ASSERT_EQ(attempts.size(), 12u);
  for (const AttemptRecord& record : attempts) EXPECT_EQ(record.success, record.cause.empty());

  // an episode read back replays to its own end
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_, fake_);
  const Episode episode = reader.ReadEpisode(0);
  simulator->Restore(episode.steps[0].state);
  for (const Step& row : episode.steps) simulator->Step(row.action);
  EXPECT_EQ(simulator->Save(), episode.final_state);
  EXPECT_FALSE(fs::exists(options_.out + ".part"));
}

TEST_F(MimicCommandTest, SameContentForAnyThreadCount) {
  Run();
  const std::string hash = DatasetReader(options_.out).content_hash();
  EXPECT_FALSE(hash.empty());
  for (int threads : {1, 5}) {
    options_.run.threads = threads;
    options_.overwrite = true;
    Run();
    EXPECT_EQ(DatasetReader(options_.out).content_hash(), hash) << threads;
  }
}

TEST_F(MimicCommandTest, AnInterruptedRunResumesToTheSameContent) {
  Run();
  const std::string hash = DatasetReader(options_.out).content_hash();
  options_.out = (folder_ / "again.h5").string();
  Interrupter interrupter(5);
  EXPECT_TRUE(Run(interrupter).interrupted);
  EXPECT_FALSE(fs::exists(options_.out));
  EXPECT_TRUE(fs::exists(options_.out + ".part"));
  ClearInterrupt();
  const MimicReport report = Run();
  EXPECT_EQ(report.attempts, 12);
  EXPECT_EQ(report.times.attempts, 7);
  EXPECT_EQ(DatasetReader(options_.out).content_hash(), hash);
}

// Jobs of an array write parts beside each other; merged, they are what one job writes.
TEST_F(MimicCommandTest, MergedShardsAreTheWholeRun) {
  Run();
  std::vector<fs::path> parts;
  for (int i = 0; i < 3; ++i) {
    options_.run.shard = fmt::format("{}/3", i);
    Run();
    parts.push_back(folder_ / fmt::format("out.shard-00{}-of-003.h5", i));
    ASSERT_TRUE(fs::exists(parts.back()));
  }
  MergeDatasets(parts, folder_ / "merged.h5", false, false);
  const DatasetReader whole(options_.out), merged(folder_ / "merged.h5");
  ASSERT_EQ(whole.episodes().size(), merged.episodes().size());
  for (size_t i = 0; i < whole.episodes().size(); ++i) {
    EXPECT_TRUE(SameContent(whole.ReadEpisode(i), merged.ReadEpisode(i)));
  }
  const std::vector<AttemptRecord> a = whole.attempts(), b = merged.attempts();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].attempt, b[i].attempt);
    EXPECT_EQ(a[i].cause, b[i].cause);
  }
}

TEST_F(MimicCommandTest, OtherSettingsDoNotResume) {
  Interrupter interrupter(5);
  Run(interrupter);
  ClearInterrupt();
  options_.run.seed = 2;
  EXPECT_THROW(Run(), Error);
  EXPECT_FALSE(fs::exists(options_.out));
}

// Gains, home and what the gripper does are in no model: a robot that is driven otherwise goes on
// with nothing that was begun. What is stored once does not count as content.
TEST_F(MimicCommandTest, AnotherRobotDoesNotResume) {
  Run();
  const std::string hash = DatasetReader(options_.out).content_hash();
  options_.out = (folder_ / "described.h5").string();
  robot_ = {{"name", "fake"}, {"osc", {{"kp", 150.0}}}};
  Interrupter interrupter(5);
  Run(interrupter);
  ClearInterrupt();
  robot_["osc"]["kp"] = 151.0;
  EXPECT_THAT([&] { Run(); },
              ThrowsMessage<Error>(HasSubstr("'settings.robot_spec.osc.kp' differs")));
  robot_["osc"]["kp"] = 150.0;
  EXPECT_EQ(Run().times.attempts, 7);
  const DatasetReader reader(options_.out);
  EXPECT_EQ(reader.content_hash(), hash);
  EXPECT_EQ(reader.header().settings.at("robot_spec"), robot_);
  EXPECT_FALSE(reader.ReadEpisode(0).meta.settings.contains("robot_spec"));
}

TEST_F(MimicCommandTest, KeptFailuresAreMarked) {
  options_.run.keep_failed = true;
  const MimicReport report = Run();
  const DatasetReader reader(options_.out);
  EXPECT_EQ(reader.episodes().size(), 12u);
  EXPECT_EQ(static_cast<int64_t>(reader.ReadMask("successful").size()), report.successes);
  EXPECT_EQ(static_cast<int64_t>(reader.ReadMask("failed").size()), 12 - report.successes);
  for (const EpisodeSummary& summary : reader.episodes()) {
    const std::vector<std::string> good = reader.ReadMask("successful");
    EXPECT_EQ(summary.success, std::find(good.begin(), good.end(), summary.name) != good.end());
  }
}

// What balance leaves out is in the table of attempts and not among the episodes; weights stand in
// the report; both survive an interrupt.
TEST_F(MimicCommandTest, BalancedAndWeighedRunsResumeToTheSameContent) {
  options_.run.attempts = 0;
  options_.run.demos = 18;
  options_.run.balance = 1;
  options_.run.weigh_attempts = 10;
  options_.run.keep_failed = true;
  Progress silent;
  const MimicReport report = RunMimic(options_, task_, FakeSimulatorFactory(task_, fake_), silent);
  ASSERT_GT(report.surplus, 0);
  const DatasetReader whole(options_.out);
  int64_t surplus = 0, successes = 0;
  for (const AttemptRecord& record : whole.attempts()) {
    surplus += record.success && record.cause == "surplus";
    successes += record.success;
  }
  EXPECT_EQ(surplus, report.surplus);
  EXPECT_EQ(successes, report.successes);
  EXPECT_EQ(whole.ReadMask("successful").size(), 18u);
  EXPECT_EQ(report.source_weights.size(), 2u);

  options_.out = (folder_ / "resumed.h5").string();
  Interrupter interrupter(14);  // behind the ten that weigh
  EXPECT_TRUE(
      RunMimic(options_, task_, FakeSimulatorFactory(task_, fake_), interrupter).interrupted);
  ClearInterrupt();
  RunMimic(options_, task_, FakeSimulatorFactory(task_, fake_), silent);
  EXPECT_EQ(DatasetReader(options_.out).content_hash(), whole.content_hash());
}

TEST_F(MimicCommandTest, GeneratedDemonstrationsCanBeSources) {
  Run();
  options_.sources = {options_.out};
  options_.out = (folder_ / "second.h5").string();
  EXPECT_GT(Run().successes, 0);
}

// An attempt comes again from its number alone, failures that were not kept included.
TEST_F(MimicCommandTest, AttemptsRepeat) {
  options_.run.keep_failed = true;
  Run();
  const DatasetReader reader(options_.out);
  const std::vector<int64_t> numbers{7, 2, 11, 0};
  std::vector<int64_t> seen;
  RepeatAttempts(options_, task_, FakeSimulatorFactory(task_, fake_), numbers,
                 [&](int64_t number, const Attempt& attempt) {
                   seen.push_back(number);
                   const Episode kept = reader.ReadEpisode(static_cast<size_t>(number));
                   ASSERT_EQ(kept.length(), attempt.episode.length());
                   EXPECT_EQ(kept.final_state, attempt.episode.final_state);
                   EXPECT_EQ(kept.meta.cause, attempt.episode.meta.cause);
                 });
  EXPECT_EQ(seen, numbers);
}

TEST_F(MimicCommandTest, LimitsTheSources) {
  options_.source_limit = 2;
  EXPECT_EQ(Run().sources.size(), 2u);
}

TEST_F(MimicCommandTest, BadSourcesNameFileEpisodeAndReason) {
  std::vector<Episode> demos = FakeDemos(task_, 2);
  demos[0].meta.robot = "ur5";
  demos[1].meta.success = false;
  WriteSources(folder_ / "bad.h5", demos);
  options_.sources = {(folder_ / "bad.h5").string()};
  EXPECT_THAT([&] { Run(); }, ThrowsMessage<Error>(testing::AllOf(
                                  HasSubstr("bad.h5:demo_0: robot 'ur5', wanted 'fake'"),
                                  HasSubstr("bad.h5:demo_1: not a success"))));
  EXPECT_FALSE(fs::exists(options_.out + ".part"));
  // beside good ones they are skipped, and said to be
  options_.sources.push_back((folder_ / "sources.h5").string());
  const MimicReport report = Run();
  EXPECT_EQ(report.skipped.size(), 2u);
  EXPECT_EQ(report.sources.size(), 4u);
}

TEST_F(MimicCommandTest, UsageErrorsNameTheNextStep) {
  MimicOptions without = options_;
  without.sources.clear();
  std::swap(without, options_);
  EXPECT_THAT([&] { Run(); }, ThrowsMessage<Error>(HasSubstr("give at least one (--source)")));
  std::swap(without, options_);
  options_.sources = {(folder_ / "missing.h5").string()};
  EXPECT_THAT([&] { Run(); }, ThrowsMessage<Error>(HasSubstr("missing.h5")));
  options_.out = "";
  EXPECT_THAT([&] { Run(); }, ThrowsMessage<Error>(HasSubstr("--out")));
}

TEST_F(MimicCommandTest, DoesNotReplaceUnlessTold) {
  Run();
  EXPECT_THROW(Run(), Error);
}

TEST_F(MimicCommandTest, PlanWritesNothing) {
  const MimicPlan plan = PlanMimic(options_, task_, FakeSimulatorFactory(task_, fake_));
  EXPECT_EQ(plan.attempts, 12);
  EXPECT_FALSE(fs::exists(options_.out));
  EXPECT_FALSE(fs::exists(options_.out + ".part"));
}

}  // namespace
}  // namespace understudy
