// Datasets from datasets: what RunAugment asks for, and what it writes.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>

#include "augment/command.h"
#include "core/base/version.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/repair.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/reader.h"
#include "data/store/shown_pictures.h"
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
    EXPECT_EQ(meta.program_version, ProgramVersion()) << "of what made the looks";
  }
  EXPECT_NE(ToJson(reader.ReadEpisode(1).meta.variation),
            ToJson(reader.ReadEpisode(2).meta.variation));
}

// Stored states are those of their world: a plan that varies it is for Mimic.
TEST_F(AugmentTest, PhysicsIsRefusedOrLeftOut) {
  options_.plan.randomizers["lamps"] = LightRandomizer{.position = 0.3};
  options_.plan.randomizers["slippery"] = FrictionRandomizer{};
  EXPECT_THAT([&] { Run(); },
              testing::ThrowsMessage<Error>(testing::AllOf(
                  HasSubstr("slippery (friction)"), HasSubstr("understudy mimic --plan-file"),
                  HasSubstr("--looks-only"))));
  EXPECT_FALSE(std::filesystem::exists(options_.out));
  options_.looks_only = true;
  EXPECT_EQ(Run().episodes, 2);
  const EpisodeMeta meta = DatasetReader(options_.out).ReadEpisode(1).meta;
  EXPECT_EQ(meta.variation.edits.size(), 1u);
  EXPECT_TRUE(meta.physics.edits.empty());
  options_.plan.randomizers.erase("lamps");
  options_.overwrite = true;
  EXPECT_THAT([&] { Run(); },
              testing::ThrowsMessage<Error>(HasSubstr("the plan has no randomizer of looks")));
}

// Looks change no state, action or outcome.
TEST_F(AugmentTest, LooksKeepStatesAndActions) {
  options_.plan.randomizers["lamps"] = LightRandomizer{.position = 0.3};
  options_.variants = 2;
  Run();
  const Episode source = DatasetReader(options_.inputs[0]).ReadEpisode(0);
  const DatasetReader reader(options_.out);
  for (size_t i = 0; i < 3; ++i) {
    const Episode episode = reader.ReadEpisode(i);
    ASSERT_EQ(episode.length(), source.length());
    EXPECT_EQ(episode.final_state, source.final_state);
    EXPECT_EQ(episode.meta.success, source.meta.success);
    for (size_t t = 0; t < source.length(); ++t) {
      EXPECT_EQ(episode.steps[t].state, source.steps[t].state);
      EXPECT_EQ(episode.steps[t].action.arms, source.steps[t].action.arms);
    }
  }
}

// ---- pictures of looks -------------------------------------------------------------------------

// Three pictures, and how often each was decoded.
FoundPictures ThreePictures() {
  FoundPictures found{.looked = true, .hash = "three"};
  for (int i = 0; i < 3; ++i) {
    const std::string name = fmt::format("wood/{}", i);
    found.choices.push_back({name, [name, i] {
                               Image image(20 + i, 10);
                               image.rgb.assign(image.rgb.size(), static_cast<uint8_t>(60 * i));
                               return MakeShownPicture(name, image);
                             }});
  }
  return found;
}

class PicturesOfLooks : public AugmentTest {
 protected:
  PicturesOfLooks() {
    TextureRandomizer paint;
    paint.images = {"wood/*"};
    paint.images_hash = "three";
    paint.found = ThreePictures();
    options_.plan.randomizers["paint"] = paint;
    SkyRandomizer sky;
    sky.images = {"sky/*"};
    sky.images_hash = "three";
    sky.found = ThreePictures();
    options_.plan.randomizers["sky"] = sky;
    options_.variants = 12;
  }
  static std::vector<std::string> Stored(const std::string& file) {
    return StoredPictures(h5::OpenForReading(file).Open("understudy"));
  }
  // Every picture of a dataset is the one of its hash, with nothing but the file; their number.
  static int Shown(const std::string& file) {
    const DatasetReader reader(file);
    int shown = 0;
    for (size_t i = 0; i < reader.episodes().size(); ++i) {
      const EpisodeMeta meta = reader.ReadMeta(i);
      EachPicture(meta.variation, [&](const ShownPicture& picture) {
        EXPECT_EQ(PixelHash(*picture.Pixels()), picture.hash);
        EXPECT_EQ(picture.Pixels()->height, 10);
        ++shown;
      });
    }
    return shown;
  }
};

TEST_F(PicturesOfLooks, AreStoredOnceByTheirHash) {
  Run();
  EXPECT_EQ(Stored(options_.out).size(), 3u);
  EXPECT_EQ(Shown(options_.out), 24);
  EXPECT_TRUE(VerifyOwn(options_.out).faults.empty());
  const DatasetReader reader(options_.out);
  EXPECT_EQ(reader.header().settings["plan"]["randomizers"]["paint"]["images_hash"], "three");
  // a look that is read gives the same pixels, and itself again
  const EpisodeMeta meta = reader.ReadMeta(5);
  const auto& edit = std::get<TextureEdit>(meta.variation.edits.at(0));
  EXPECT_EQ(edit.image.name.substr(0, 5), "wood/");
}

// Whatever is made of a dataset shows its looks too.
TEST_F(PicturesOfLooks, GoAlongWithTheirEpisodes) {
  Run();
  // one picture is shown in one of these
  options_.plan.randomizers.erase("sky");
  options_.variants = 1;
  options_.nominal = false;
  options_.seed = 5;
  const std::string first = options_.out, second = (folder_ / "second.h5").string(),
                    merged = (folder_ / "merged.h5").string(),
                    linked = (folder_ / "linked.h5").string();
  options_.out = second;
  Run();
  EXPECT_EQ(Stored(second).size(), 1u);
  MergeDatasets({first, second}, merged, false, false);
  EXPECT_EQ(Stored(merged).size(), 3u);
  EXPECT_EQ(Shown(merged), 25);
  MergeDatasets({second, first}, linked, true, false);
  EXPECT_EQ(Shown(linked), 25);
  for (const std::string& file : {merged, linked}) {
    EXPECT_TRUE(VerifyOwn(file).faults.empty()) << file;
  }
  const std::string repaired = (folder_ / "repaired.h5").string();
  EXPECT_TRUE(RepairDataset(first, repaired, false).dropped.empty());
  EXPECT_EQ(Shown(repaired), 24);
  EXPECT_EQ(DatasetReader(repaired).content_hash(), DatasetReader(first).content_hash());
}

TEST_F(PicturesOfLooks, DamageIsFound) {
  Run();
  const std::string hash = Stored(options_.out).front();
  {
    const h5::GrowingFile file = h5::GrowingFile::Open(options_.out);
    const h5::Group pictures = file.root().Open("understudy/pictures");
    pictures.Delete(hash);
    pictures.WritePacked(hash, ToPpm(Image(2, 2)));
  }
  const auto faults = [&] {
    std::string all;
    for (const Fault& fault : VerifyOwn(options_.out).faults) {
      all += fault.place + ": " + fault.what + "\n";
    }
    return all;
  };
  EXPECT_THAT(faults(), HasSubstr("differs from its hash"));
  EXPECT_THAT([&] { Shown(options_.out); },
              testing::ThrowsMessage<Error>(HasSubstr("differs from its hash")));
  {
    const h5::GrowingFile file = h5::GrowingFile::Open(options_.out);
    file.root().Open("understudy/pictures").Delete(hash);
  }
  EXPECT_THAT(faults(), HasSubstr("is missing"));
  // the episodes themselves are whole
  const std::string repaired = (folder_ / "repaired.h5").string();
  const RepairReport report = RepairDataset(options_.out, repaired, false);
  EXPECT_EQ(report.episodes_kept, 13);
  EXPECT_TRUE(report.dropped.empty());
  EXPECT_THAT(report.mended, testing::Contains(HasSubstr("lacks a picture of its look")));
}

// Counts how often it is shown which world.
class WorldRenderer : public FakeRenderer {
 public:
  explicit WorldRenderer(std::map<std::string, int>* worlds) : worlds_(*worlds) {}

 private:
  void DoSetWorld(const PhysicsVariation& variation) override {
    ++worlds_[ToJson(variation)["edits"].dump()];
  }
  std::map<std::string, int>& worlds_;
};

// States are shown in the world that they belong to, which goes along.
TEST_F(AugmentTest, EpisodesAreShownInTheirWorld) {
  const DatasetReader source(options_.inputs[0]);
  Episode episode = source.ReadEpisode(0);
  episode.meta.physics.edits = {MassEdit{"cubeA", 2}};
  episode.meta.model_text = "<mujoco model=\"heavy\"/>";
  options_.inputs = {(folder_ / "worlds.h5").string()};
  DatasetWriter writer(options_.inputs[0], source.header());
  writer.Append(episode);
  writer.Finish();
  options_.variants = 0;
  std::map<std::string, int> worlds;
  RunAugment(
      options_, [&] { return std::make_unique<WorldRenderer>(&worlds); }, progress_);
  EXPECT_EQ(worlds.size(), 1u);
  EXPECT_EQ(worlds[ToJson(episode.meta.physics)["edits"].dump()], 1);
  const EpisodeMeta meta = DatasetReader(options_.out).ReadMeta(0);
  EXPECT_EQ(ToJson(meta.physics), ToJson(episode.meta.physics));
  EXPECT_EQ(meta.model_text, episode.meta.model_text);
  // one that shows no other world says so
  options_.overwrite = true;
  EXPECT_THAT([&] { Run(); },
              testing::ThrowsMessage<Error>(HasSubstr("knows the nominal world only")));
}

TEST_F(AugmentTest, TheContactSheetShowsTwelveLooks) {
  options_.plan.randomizers["lamps"] = LightRandomizer{.position = 0.3};
  options_.cameras = {"agentview", "wrist"};
  const auto renderers = [] { return std::make_unique<FakeRenderer>(); };
  const Image sheet = ContactSheet(options_, renderers);
  EXPECT_EQ(sheet.width, 4 * 20 - 4);
  EXPECT_EQ(sheet.height, 3 * 2 * 20 - 4);
  EXPECT_EQ(ContactSheet(options_, renderers), sheet);
  // the first is the nominal look of the row that is shown
  FakeRenderer renderer;
  const Episode episode = DatasetReader(options_.inputs[0]).ReadEpisode(0);
  std::vector<Image> images;
  renderer.Render(episode.steps[1].state, options_.cameras, 16, 16, &images);
  for (int row = 0; row < 16; ++row) {
    for (int byte = 0; byte < 3 * 16; ++byte) {
      ASSERT_EQ(sheet.rgb[static_cast<size_t>(3 * row * sheet.width + byte)],
                images[0].rgb[static_cast<size_t>(3 * row * 16 + byte)]);
    }
  }
  std::set<std::vector<uint8_t>> tiles;
  for (int tile = 0; tile < 24; ++tile) {
    std::vector<uint8_t> first_row;
    const int x = tile % 4 * 20, y = tile / 4 * 20;
    for (int byte = 0; byte < 3 * 16; ++byte) {
      first_row.push_back(sheet.rgb[static_cast<size_t>(3 * (y * sheet.width + x) + byte)]);
    }
    tiles.insert(first_row);
  }
  EXPECT_EQ(tiles.size(), 24u);
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
