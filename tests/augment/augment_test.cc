// Datasets from datasets: what RunAugment asks for, and what it writes.
#include <gmock/gmock.h>

#include "augment/command.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/support/fake_renderer.h"
#include "tests/support/fake_simulator.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using testing::HasSubstr;

class AugmentTest : public testing::Test {
 protected:
  AugmentTest() {
    const TaskSpec task = FakeTask();
    const auto simulator = MakeFakeSimulator(task);
    DatasetHeader header;
    header.simulator = simulator->info();
    header.stage = "mimic";
    header.task = ToJson(task);
    DatasetWriter writer(folder_ / "in.h5", header);
    Episode episode = ScriptedStack(*simulator, task, "D0", RngKey{.seed = 1});
    episode.steps.resize(3);
    episode.meta.success = true;
    writer.Append(episode);
    writer.Finish();
    options_.inputs = {(folder_ / "in.h5").string()};
    options_.out = (folder_ / "out.h5").string();
    options_.cameras = {"agentview"};
    options_.width = options_.height = 16;
    options_.threads = 1;
  }
  AugmentReport Run() {
    return RunAugment(
        options_, [] { return std::make_unique<FakeRenderer>(); }, progress_);
  }

  OwnFolder folder_;
  AugmentOptions options_;
  Progress progress_;
};

// Drawn looks without randomizers would be the nominal look again.
TEST_F(AugmentTest, DrawnLooksNeedAPlan) {
  options_.variants = 2;
  for (const bool nominal : {true, false}) {
    options_.nominal = nominal;
    try {
      Run();
      FAIL() << "there is nothing to draw from";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), HasSubstr("variants = 2"));
      EXPECT_THAT(error.what(), HasSubstr("demo/randomised.yaml"));
      EXPECT_THAT(error.what(), HasSubstr("set variants = 0"));
    }
    EXPECT_THROW(PlanAugment(options_, [] { return std::make_unique<FakeRenderer>(); }), Error);
    EXPECT_FALSE(std::filesystem::exists(options_.out)) << "nothing was begun";
  }
  // the plan that the error names is there
  EXPECT_TRUE(std::filesystem::exists(UNDERSTUDY_SOURCE_DIR "/demo/randomised.yaml"));

  options_.nominal = true;
  options_.variants = 0;
  EXPECT_EQ(Run().episodes, 1);
}

TEST_F(AugmentTest, DrawnLooksDiffer) {
  options_.plan.randomizers["lamps"] = LightRandomizer{.position = 0.3};
  options_.variants = 2;
  EXPECT_EQ(Run().episodes, 3);
  const DatasetReader reader(options_.out);
  ASSERT_EQ(reader.episodes().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const EpisodeMeta meta = reader.ReadEpisode(i).meta;
    EXPECT_EQ(meta.variant_index, static_cast<int>(i));
    EXPECT_EQ(meta.variation.edits.size(), i == 0 ? 0u : 1u);
  }
  EXPECT_NE(ToJson(reader.ReadEpisode(1).meta.variation),
            ToJson(reader.ReadEpisode(2).meta.variation));
}

// Datasets without states cannot be rendered, wherever they come from.
TEST_F(AugmentTest, DatasetsNeedStates) {
  DatasetHeader header = DatasetReader(options_.inputs[0]).header();
  header.simulator.state_size = header.simulator.flat_state_size = 0;
  Episode episode = DatasetReader(options_.inputs[0]).ReadEpisode(0);
  for (Step& step : episode.steps) step.state.clear();
  episode.final_state.clear();
  options_.inputs = {(folder_ / "bare.h5").string()};
  DatasetWriter writer(options_.inputs[0], header);
  writer.Append(episode);
  writer.Finish();
  options_.variants = 0;
  EXPECT_THAT([&] { Run(); },
              testing::ThrowsMessage<Error>(testing::AllOf(
                  HasSubstr("bare.h5"), HasSubstr("holds no states of our simulator"))));
}

// How pictures are drawn stands in the settings where it is not the default.
TEST_F(AugmentTest, RenderingIsWrittenWhereItIsNotTheDefault) {
  options_.variants = 0;
  Run();
  EXPECT_FALSE(DatasetReader(options_.out).header().settings.contains("render"));
  options_.overwrite = true;
  options_.render.shadows = true;
  options_.render.samples = 4;
  options_.render.device = RenderDevice::kSoftware;
  Run();
  EXPECT_EQ(DatasetReader(options_.out).header().settings.at("render").dump(),
            R"({"shadows":true,"samples":4,"device":"software"})");
}

}  // namespace
}  // namespace understudy
