// What a run stores of its options.
#include "mimic/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/error.h"
#include "core/seam/dataset_header.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "mimic/command.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Two subtasks with their options of today.
constexpr const char* kSubtasks =
    R"("subtasks":[{"object":"cubeA","signal":"grasp","end_offset":[2,4],"replay_within":0.0,)"
    R"("selection":{"type":"nearest_object","k":3,"position_scale":0.1,"rotation_scale":1.0},)"
    R"("action_noise":0.05,"bridge_steps":5,"bridge_speed":0.03,"bridge_turn":0.2,)"
    R"("bridge_noise":false,"arrival_tolerance":0.015,"arrival_timeout":10,"check":"grasp",)"
    R"("instruction":""},{"object":"cubeB","signal":"","end_offset":[0,0],"replay_within":0.0,)"
    R"("selection":{"type":"nearest_object","k":3,"position_scale":0.1,"rotation_scale":1.0},)"
    R"("action_noise":0.05,"bridge_steps":5,"bridge_speed":0.03,"bridge_turn":0.2,)"
    R"("bridge_noise":false,"arrival_tolerance":0.015,"arrival_timeout":10,"check":"",)"
    R"("instruction":""}])";
constexpr const char* kGenerate =
    R"("generate":{"noise_scale":1.0,"bridge_tolerance":0.02,"bridge_timeout":15,)"
    R"("arrival_angle":0.15,"check_patience":10,"drop_patience":5,"success_patience":30,)"
    R"("reach_margin":0.02,"max_steps":0)";

// A user's own options on top of a run's.
struct MoreOptions : MimicOptions {
  int extra = 3;
  int jobs = 1;
  std::string log;

  template <class V>
  void Visit(V& v) {
    MimicOptions::Visit(v);
    v("extra", extra, "states no effect, and so changes results");
    v("jobs", jobs, "changes speed", Effect::kSpeed);
    v("log", log, "says where", kOutput);
  }
};

class MimicSettingsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("mimic_settings_" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  DatasetHeader Header() const {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.model_text = simulator->ModelText();
    return header;
  }
  Json AttemptsOf(const StoredOptions& options) const {
    return AttemptSettings(options, task_, Header().simulator);
  }
  // Of an output that was begun with the header's settings.
  void Begin(const StoredOptions& options) const {
    DatasetHeader header = Header();
    header.settings = RunSettings(options, AttemptsOf(options), {});
    DatasetWriter(folder_ / "out.h5", header, {.resume = true});
  }

  TaskSpec task_ = FakeTask();
  fs::path folder_;
};

// Uuids hash the settings of attempts, and a resume compares those of the run: both keep their
// bytes.
TEST_F(MimicSettingsTest, StoredSettingsKeepTheirBytes) {
  {
    DatasetWriter writer(folder_ / "sources.h5", Header());
    for (const Episode& episode : FakeDemos(task_, 4)) writer.Append(episode);
    writer.Finish();
  }
  MimicOptions options;
  options.sources = {folder_ / "sources.h5"};
  const auto expect_stored = [&](const Json& robot, const std::string& attempts,
                                 const std::string& rest, const std::string& uuid) {
    Progress quiet;
    RunMimic(options, task_, {FakeSimulatorFactory(task_), {}, robot}, quiet);
    const DatasetReader reader(options.out);
    const EpisodeMeta meta = reader.ReadEpisode(0).meta;
    EXPECT_EQ(meta.settings.dump(), "{" + attempts + "}");
    EXPECT_EQ(meta.uuid, uuid);
    EXPECT_EQ(reader.header().settings.dump(), "{" + attempts + "," + rest + "}");
  };
  options.out = folder_ / "defaults.h5";
  options.run.attempts = 3;
  expect_stored(
      {}, std::string(R"("variant":"D0","seed":1,"debounce":3,)") + kGenerate + "}," + kSubtasks,
      R"("source_mask":"","source_limit":0,"keep_failed":false)",
      "2bdb7556-1bd8-87a9-a040-ef6eb2b8ef59");

  options.out = folder_ / "chosen.h5";
  options.transfer = true;
  options.debounce = 2;
  options.source_limit = 3;
  options.run.seed = UINT64_MAX;
  options.run.keep_failed = true;
  options.run.attempts = 0;
  options.run.demos = 2;
  options.run.balance = 1.5;
  options.run.weigh_attempts = 2;
  options.run.coverage_bins = 4;
  options.run.generate.gates.max_speed = 5;
  expect_stored({{"name", "fake"}},
                std::string(R"("robot":"fake","variant":"D0","seed":18446744073709551615,)"
                            R"("debounce":2,)") +
                    kGenerate +
                    R"(,"gates":{"max_speed":5.0,"max_jerk":0.0,"max_touching":-1}},)"
                    R"("weigh_attempts":2,)" +
                    kSubtasks,
                R"("source_mask":"","source_limit":3,"keep_failed":true,)"
                R"("robot_spec":{"name":"fake"},"balance":{"share":1.5,"bins":3,"demos":2})",
                "5dac9964-592d-89fb-92de-76f23fc3cdd9");
}

// Listing an option is all that it takes.
TEST_F(MimicSettingsTest, AnAddedOptionIsStoredIfItChangesResults) {
  MoreOptions options;
  const std::string unused = AttemptsOf(StoredOptions(options)).dump();
  EXPECT_EQ(unused, AttemptsOf(StoredOptions(MimicOptions{})).dump());
  options.jobs = 8;
  options.log = "log.txt";
  options.run.threads = 7;
  options.out = "elsewhere.h5";
  options.overwrite = true;
  EXPECT_EQ(AttemptsOf(StoredOptions(options)).dump(), unused);
  options.extra = 4;
  const Json used = AttemptsOf(StoredOptions(options));
  EXPECT_EQ(used.at("extra"), 4);
  EXPECT_FALSE(used.contains("jobs") || used.contains("log"));
}

TEST_F(MimicSettingsTest, AnAddedOptionBlocksAResumeIfItChangesResults) {
  MoreOptions options;
  Begin(StoredOptions(options));
  options.jobs = 8;
  options.log = "log.txt";
  options.run.attempts = 50;  // bounds may move
  Begin(StoredOptions(options));
  options.extra = 4;
  EXPECT_THAT([&] { Begin(StoredOptions(options)); },
              ThrowsMessage<Error>(HasSubstr("was begun with other settings")));
}

// How sources are read belongs to the run, and not to the uuids of its attempts.
TEST_F(MimicSettingsTest, OtherReadingBlocksAResume) {
  MimicOptions options;
  const std::string attempts = AttemptsOf(StoredOptions(options)).dump();
  Begin(StoredOptions(options));
  options.read.quaternions = QuaternionOrder::kXyzw;
  EXPECT_EQ(AttemptsOf(StoredOptions(options)).dump(), attempts);
  EXPECT_THAT([&] { Begin(StoredOptions(options)); },
              ThrowsMessage<Error>(HasSubstr("was begun with other settings")));
}

}  // namespace
}  // namespace understudy
