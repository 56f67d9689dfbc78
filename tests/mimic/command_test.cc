#include "mimic/command.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <utility>

#include "core/base/error.h"
#include "core/base/version.h"
#include "core/episode/attempt_record.h"
#include "core/seam/dataset_header.h"
#include "data/store/edit/merge.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/mimic/generator_fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Counts bars and keeps messages; may interrupt one of the bars, counted from 1.
class Watcher : public Progress {
 public:
  void Start(const std::string&, int64_t, const std::string&) override { ++started; }
  void Advance(int64_t done, const std::string&) override {
    if (started == interrupt_bar && done == interrupt_at) RequestInterrupt();
  }
  void Message(const std::string& line) override { messages.push_back(line); }
  int started = 0;
  int interrupt_bar = -1;
  int64_t interrupt_at = -1;
  std::vector<std::string> messages;
};

// Counts the simulators that a factory makes.
class Watched {
 public:
  explicit Watched(SimulatorFactory factory) : factory_(std::move(factory)) {}
  SimulatorFactory factory() {
    return [this] {
      ++made_;
      return factory_();
    };
  }
  int made() const { return made_; }

 private:
  SimulatorFactory factory_;
  std::atomic<int> made_ = 0;
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
  // The same, with an object pose of one episode that is no number.
  void WriteTorn(const fs::path& path, std::vector<Episode> episodes, size_t torn) {
    // numbers of poses are finite in memory: the file gets the damage
    const double mark = 1234.5678, damage = NAN;
    Pose& X_WO = episodes[torn].steps[3].observation.X_WO[0];
    X_WO = Pose(X_WO.rotation(), {mark, 0, 0});
    WriteSources(path, episodes);
    std::string bytes = ReadText(path);
    const std::string from(reinterpret_cast<const char*>(&mark), sizeof(mark));
    const std::string to(reinterpret_cast<const char*>(&damage), sizeof(damage));
    int places = 0;
    for (size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; ++places) {
      bytes.replace(at, from.size(), to);
    }
    ASSERT_GT(places, 0);
    std::ofstream(path, std::ios::binary) << bytes;
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
  EXPECT_EQ(episode.meta.program_version, ProgramVersion());
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

// A forgotten part is a shorter dataset that looks whole.
TEST_F(MimicCommandTest, AMergeNamesThePartThatIsMissing) {
  std::vector<fs::path> parts;
  for (int i = 0; i < 3; ++i) {
    options_.run.shard = fmt::format("{}/3", i);
    Run();
    parts.push_back(folder_ / fmt::format("out.shard-00{}-of-003.h5", i));
  }
  const fs::path out = folder_ / "merged.h5";
  const auto merge = [&](const std::vector<fs::path>& inputs) -> std::string {
    try {
      MergeDatasets(inputs, out, false, true);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "merged";
  };
  EXPECT_THAT(merge({parts[0], parts[2]}),
              AllOf(HasSubstr("part 1 is missing"), HasSubstr("3 parts"), HasSubstr("--partial")));
  EXPECT_THAT(merge({parts[0], parts[1], parts[1], parts[2]}), HasSubstr("named twice"));
  EXPECT_THAT(merge({parts[1], parts[0], parts[2]}), HasSubstr("comes after part 1"));
  EXPECT_EQ(merge(parts), "merged");
  MergeDatasets({parts[0], parts[2]}, out, false, true, {}, true);
  EXPECT_LT(DatasetReader(out).attempts().size(), 12u);
  // parts of another run are no parts of this one
  options_.run.seed = 9;
  options_.run.shard = "1/3";
  options_.out = folder_ / "other.h5";
  Run();
  EXPECT_THAT(merge({parts[0], folder_ / "other.shard-001-of-003.h5", parts[2]}),
              HasSubstr("is missing"));
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
  RepeatAttempts(options_, task_, FakeSimulatorFactory(task_, fake_), {}, numbers,
                 [&](int64_t number, const Attempt& attempt) {
                   seen.push_back(number);
                   const Episode kept = reader.ReadEpisode(static_cast<size_t>(number));
                   ASSERT_EQ(kept.length(), attempt.episode.length());
                   EXPECT_EQ(kept.final_state, attempt.episode.final_state);
                   EXPECT_EQ(kept.meta.cause, attempt.episode.meta.cause);
                 });
  EXPECT_EQ(seen, numbers);
}

// With the weights of the run's report, and without weighing again.
TEST_F(MimicCommandTest, WeighedAttemptsRepeat) {
  options_.run.keep_failed = true;
  options_.run.weigh_attempts = 30;
  for (Subtask& subtask : task_.subtasks) subtask.selection = RandomSelection{};
  const MimicReport report = Run();
  const DatasetReader reader(options_.out);
  std::vector<int64_t> numbers(12);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto unlike = [&](const SourceWeights& weights) {
    int count = 0;
    Watched simulators(FakeSimulatorFactory(task_, fake_));
    RepeatAttempts(options_, task_, simulators.factory(), weights, numbers,
                   [&](int64_t number, const Attempt& attempt) {
                     const Episode kept = reader.ReadEpisode(static_cast<size_t>(number));
                     count += kept.final_state != attempt.episode.final_state;
                   });
    EXPECT_LE(simulators.made(), 3) << "one that is asked for names, and one per thread";
    return count;
  };
  EXPECT_EQ(unlike(report.source_weights), 0);
  EXPECT_GT(unlike({}), 0) << "this test needs weights that matter";
}

// What is refused is refused before anything is begun, so that the corrected command finds no
// half-made file in its way.
TEST_F(MimicCommandTest, RefusedRunsLeaveNothing) {
  const MimicOptions good = options_;
  const TaskSpec task = task_;
  const auto expect_refused = [&](const std::string& what) {
    Watcher watcher;
    EXPECT_THAT([&] { Run(watcher); }, ThrowsMessage<Error>(HasSubstr(what)));
    EXPECT_EQ(watcher.started, 0);
    EXPECT_FALSE(fs::exists(options_.out)) << what;
    EXPECT_FALSE(fs::exists(options_.out + ".part")) << what;
    options_ = good;
    options_.run.weigh_attempts = 40;
    task_ = task;
  };
  options_.run.balance = 1.2;
  expect_refused("give --demos");
  options_.run.balance = 0.5;
  options_.run.demos = 3;
  expect_refused("1 or more");
  options_.run.attempts = 0;
  expect_refused("give attempts or demos");
  options_.run.variant = "D9";
  expect_refused("unknown variant 'D9'");
  options_.run.shard = "0/2";
  options_.run.demos = 3;
  expect_refused("--shard");
  task_.subtasks[1].transit = Transit::kPlan;
  expect_refused("transit = plan");
  for (auto& [name, range] : task_.variants["D0"].objects) range.x = {5, 6};
  expect_refused("'cubeA' starts");
  // the corrected command, whatever it is
  EXPECT_FALSE(Run().interrupted);
}

// What is there already is looked at before sources are weighed.
TEST_F(MimicCommandTest, OutputsAreCheckedBeforeSourcesAreWeighed) {
  Interrupter interrupter(9);
  EXPECT_TRUE(Run(interrupter).interrupted);
  ClearInterrupt();
  const auto expect_refused = [&](const std::string& what) {
    Watcher watcher;
    EXPECT_THAT([&] { Run(watcher); }, ThrowsMessage<Error>(HasSubstr(what)));
    EXPECT_EQ(watcher.started, 0);
    EXPECT_TRUE(fs::exists(options_.out + ".part"));
  };
  options_.run.attempts = 5;
  expect_refused("out.h5.part: holds 9 attempts, and a run with these bounds ends after 5");
  options_.run.weigh_attempts = 40;
  expect_refused("other settings");
  options_.run.weigh_attempts = 0;
  options_.run.attempts = 12;
  Run();
  options_.run.weigh_attempts = 40;
  Watcher watcher;
  EXPECT_THAT([&] { Run(watcher); }, ThrowsMessage<Error>(HasSubstr("exists already")));
  EXPECT_EQ(watcher.started, 0);
  options_.overwrite = true;
  options_.sources.push_back(options_.out);
  EXPECT_THAT([&] { Run(watcher); }, ThrowsMessage<Error>(HasSubstr("is input and output")));
}

// Interrupted while it weighs, a run has made nothing, and nothing of it stays; what had been made
// before stays as it is.
TEST_F(MimicCommandTest, AnInterruptedWeighingMakesNothing) {
  options_.run.weigh_attempts = 20;
  Run();
  const DatasetReader whole(options_.out);
  options_.out = (folder_ / "again.h5").string();
  const auto interrupted = [&](int bar, int64_t at) {
    Watcher watcher;
    watcher.interrupt_bar = bar;
    watcher.interrupt_at = at;
    EXPECT_TRUE(Run(watcher).interrupted);
    EXPECT_FALSE(fs::exists(options_.out));
    ClearInterrupt();
  };
  interrupted(1, 6);
  EXPECT_FALSE(fs::exists(options_.out + ".part"));
  interrupted(2, 9);
  EXPECT_TRUE(fs::exists(options_.out + ".part"));
  // nothing is left to be made, but what it was made with is not known
  options_.run.attempts = 9;
  interrupted(1, 6);
  EXPECT_TRUE(fs::exists(options_.out + ".part"));

  options_.run.attempts = 12;
  Run();
  const DatasetReader again(options_.out);
  EXPECT_EQ(again.content_hash(), whole.content_hash());
  EXPECT_EQ(again.report(), whole.report());
}

// Episodes that cannot be read are left out as those that do not fit are; the last one is missed.
TEST_F(MimicCommandTest, DamagedSourcesAreSkippedUntilNoneIsLeft) {
  std::vector<Episode> demos = FakeDemos(task_, 3);
  Step& bad = demos[1].steps[4];
  bad.action.arms[0].gripper = bad.action_clean.arms[0].gripper = NAN;
  WriteTorn(folder_ / "torn.h5", demos, 0);
  options_.sources = {(folder_ / "torn.h5").string()};
  Watcher watcher;
  const MimicReport report = Run(watcher);
  ASSERT_EQ(report.skipped.size(), 2u);
  EXPECT_EQ(report.sources.size(), 1u);
  EXPECT_THAT(watcher.messages,
              testing::UnorderedElementsAre(
                  testing::AllOf(HasSubstr("skipped "), HasSubstr("torn.h5:demo_0: "),
                                 HasSubstr("is no pose")),
                  testing::AllOf(HasSubstr("torn.h5:demo_1: "), HasSubstr("is no number"))));

  demos[0].meta.success = false;
  WriteTorn(folder_ / "all.h5", demos, 2);
  options_.sources = {(folder_ / "all.h5").string()};
  options_.out = (folder_ / "none.h5").string();
  EXPECT_THAT([&] { Run(); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("all.h5:demo_0: not a success"),
                                                  HasSubstr("all.h5:demo_1: step 4"),
                                                  HasSubstr("all.h5:demo_2: "))));
  EXPECT_FALSE(fs::exists(options_.out + ".part"));
}

// Of hundreds of them a few are told.
TEST_F(MimicCommandTest, FewOfManySkippedSourcesAreTold) {
  std::vector<Episode> demos = FakeDemos(task_, 10);
  for (size_t i = 1; i < demos.size(); ++i) demos[i].meta.success = false;
  WriteSources(folder_ / "many.h5", demos);
  options_.sources = {(folder_ / "many.h5").string()};
  Watcher watcher;
  EXPECT_EQ(Run(watcher).skipped.size(), 9u);
  ASSERT_EQ(watcher.messages.size(), 6u);
  EXPECT_THAT(watcher.messages[4], HasSubstr("skipped "));
  EXPECT_EQ(watcher.messages[5], "and 4 more skipped sources: the report has them");
}

TEST_F(MimicCommandTest, LimitsTheSources) {
  options_.source_limit = 2;
  EXPECT_EQ(Run().sources.size(), 2u);
}

TEST_F(MimicCommandTest, LeavesOutNamedSources) {
  options_.leave_out = {"demo_1", options_.sources[0] + ":demo_3"};
  const MimicReport report = Run();
  ASSERT_EQ(report.sources.size(), 2u);
  EXPECT_THAT(report.sources[0].name, testing::EndsWith(":demo_0"));
  EXPECT_THAT(report.sources[1].name, testing::EndsWith(":demo_2"));
  options_.overwrite = true;
  // from another folder, and behind the limit
  options_.leave_out = {"elsewhere/sources.h5:demo_0", "sources.h5:demo_3"};
  options_.source_limit = 1;
  const MimicReport first = Run();
  ASSERT_EQ(first.sources.size(), 1u);
  EXPECT_THAT(first.sources[0].name, testing::EndsWith(":demo_1"));
  options_.source_limit = 0;
  options_.leave_out = {"elsewhere/other.h5:demo_0"};
  EXPECT_THAT([&] { Run(); },
              ThrowsMessage<Error>(HasSubstr("unknown source 'elsewhere/other.h5:demo_0'")));
  options_.leave_out = {"demo_7"};
  EXPECT_THAT([&] { Run(); },
              ThrowsMessage<Error>(HasSubstr("leave_out: unknown source 'demo_7'")));
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

TEST_F(MimicCommandTest, PlanTellsOfWeighingAndDoesNone) {
  const auto made = [&] {
    Watched simulators(FakeSimulatorFactory(task_, fake_));
    const MimicPlan plan = PlanMimic(options_, task_, simulators.factory());
    EXPECT_EQ(plan.weigh_attempts, options_.run.weigh_attempts);
    EXPECT_EQ(plan.ToJson().contains("weigh_attempts"), plan.weigh_attempts > 0);
    return simulators.made();
  };
  const int without = made();
  options_.run.weigh_attempts = 30;
  EXPECT_EQ(made(), without);
}

}  // namespace
}  // namespace understudy
