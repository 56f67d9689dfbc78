// Filtering, splitting and relabelling: which episodes, and that they stay what they were.

#include "data/store/edit/select.h"

#include <gmock/gmock.h>

#include <set>

#include "core/base/error.h"
#include "core/episode/motion.h"
#include "data/formats/formats.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/trim.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/support/cameras.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const EpisodeShape kSmall{.length = 6};

// 40 episodes: number i has i % 7 + 4 rows, failed where i % 4 == 3, and belongs with the three
// others of i / 4 as variants of one parent. Mask "old" names every second one.
fs::path WriteEpisodes(const fs::path& file, bool variants = true) {
  DatasetHeader header = HeaderFor(kSmall);
  header.cameras = {"agentview"};
  header.image_width = 6;
  header.image_height = 4;
  DatasetWriter writer(file, header);
  std::vector<std::string> old;
  for (uint64_t i = 0; i < 40; ++i) {
    EpisodeShape shape = kSmall;
    shape.length = 4 + i % 7;
    Episode episode = RandomEpisode(i, shape);
    episode.meta.success = i % 4 != 3;
    episode.meta.cause = i % 4 == 3 ? "dropped" : "";
    episode.meta.variant_index = static_cast<int>(i % 4);
    if (variants) episode.meta.parents = {MakeUuid("shown", RngKey{.seed = i / 4})};
    if (!variants) episode.meta.parents = episode.meta.sources;
    episode.meta.variation = {};
    if (i >= 10) {
      episode.meta.variation.edits.push_back(LightEdit{
          .light = "key", .diffuse = Eigen::Vector3d(0.02 * static_cast<double>(i), 0, 1)});
      episode.meta.variation.edits.push_back(HeadlightEdit{.ambient = Eigen::Vector3d(0.5, 0, 0)});
    }
    Rng rng(RngKey{.seed = i, .term = 9});
    std::vector<std::vector<Image>> images(1);
    for (size_t t = 0; t < shape.length; ++t) images[0].push_back(RandomImage(rng, 6, 4));
    writer.Append(episode, images, CamerasOf(header));
    if (i % 2 == 0) old.push_back("demo_" + std::to_string(i));
  }
  writer.WriteMask("old", old);
  writer.Finish();
  return file;
}

std::vector<std::string> Uuids(const fs::path& file) {
  std::vector<std::string> uuids;
  const DatasetReader reader(file);
  for (const EpisodeSummary& episode : reader.episodes()) {
    uuids.push_back(episode.uuid);
  }
  return uuids;
}

class SelectTest : public testing::Test {
 protected:
  SelectTest() : input_(WriteEpisodes(folder_ / "in.h5")) {}
  FilterReport Filter(const std::string& where, const std::vector<std::string>& drop = {}) {
    return FilterDataset(input_, folder_ / "out.h5",
                         {.where = where, .drop = drop, .overwrite = true}, quiet_);
  }
  // Numbers of the input's episodes that the output holds, by uuid.
  std::vector<size_t> Kept() const {
    const std::vector<std::string> all = Uuids(input_);
    std::vector<size_t> numbers;
    for (const std::string& uuid : Uuids(folder_ / "out.h5")) {
      numbers.push_back(static_cast<size_t>(std::find(all.begin(), all.end(), uuid) - all.begin()));
    }
    return numbers;
  }
  Folder folder_;
  fs::path input_;
  Progress quiet_;
};

TEST_F(SelectTest, EpisodesThatMeetTheConditionStayAsTheyWere) {
  const FilterReport report = Filter("success && steps < 9 && dr.key.diffuse.0 > 0.3", {"demo_16"});
  std::vector<size_t> expected;
  for (size_t i = 0; i < 40; ++i) {
    if (i % 4 != 3 && 4 + i % 7 < 9 && i > 15 && i != 16) expected.push_back(i);
  }
  EXPECT_EQ(Kept(), expected);
  EXPECT_EQ(report.kept, static_cast<int64_t>(expected.size()));
  EXPECT_EQ(report.kept + report.dropped, 40);
  EXPECT_TRUE(VerifyDataset(folder_ / "out.h5").faults.empty());

  // rows, pictures, masks and parents
  const DatasetReader in(input_), out(folder_ / "out.h5");
  std::set<std::string> old;
  for (const std::string& name : out.ReadMask("old")) old.insert(name);
  for (size_t k = 0; k < expected.size(); ++k) {
    ExpectSame(out.ReadEpisode(k, true), in.ReadEpisode(expected[k], true));
    EXPECT_EQ(out.ReadImage(k, "agentview", 3), in.ReadImage(expected[k], "agentview", 3));
    EXPECT_EQ(old.contains("demo_" + std::to_string(k)), expected[k] % 2 == 0);
  }
  EXPECT_EQ(out.header().parents, std::vector<std::string>{in.content_hash()});
}

TEST_F(SelectTest, EveryFactCanBeAskedFor) {
  const std::pair<const char*, std::function<bool(size_t)>> cases[] = {
      {"number < 3 || name == 'demo_9'", [](size_t i) { return i < 3 || i == 9; }},
      {"cause == 'dropped'", [](size_t i) { return i % 4 == 3; }},
      {"variant_index == 2", [](size_t i) { return i % 4 == 2; }},
      {"mask.old", [](size_t i) { return i % 2 == 0; }},
      {"dr.headlight.ambient.0 == 0.5", [](size_t i) { return i >= 10; }},
      {"dr.key.diffuse.2 == null", [](size_t i) { return i < 10; }},
      {"quality.overruns == 3 && robot == 'panda' && variant == 'D1'", [](size_t) { return true; }},
      {"contains(instruction, 'red cube') && attempt > 37", [](size_t i) { return i > 37; }},
  };
  for (const auto& [where, expected] : cases) {
    Filter(where);
    std::vector<size_t> numbers;
    for (size_t i = 0; i < 40; ++i) {
      if (expected(i)) numbers.push_back(i);
    }
    EXPECT_EQ(Kept(), numbers) << where;
  }
  // what rows tell is read from the rows
  Filter("motion.path_m > 20");
  const DatasetReader in(input_);
  std::vector<size_t> far;
  for (size_t i = 0; i < 40; ++i) {
    if (MeasureMotion(in.ReadEpisode(i)).path_m > 20) far.push_back(i);
  }
  EXPECT_EQ(Kept(), far);
  EXPECT_FALSE(far.empty());
  EXPECT_LT(far.size(), 40u);
}

TEST_F(SelectTest, SlipsAreNamedAndNothingIsWritten) {
  const fs::path out = folder_ / "out.h5";
  EXPECT_THAT([&] { Filter("stesp < 3"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("in.h5"), HasSubstr("did you mean 'steps'"))));
  EXPECT_THAT([&] { Filter("steps < 'a'"); }, ThrowsMessage<Error>(HasSubstr("two numbers")));
  EXPECT_THAT([&] { Filter("", {"demo_40"}); },
              ThrowsMessage<Error>(HasSubstr("unknown episode 'demo_40'")));
  EXPECT_THAT([&] { Filter("steps > 1000"); },
              ThrowsMessage<Error>(HasSubstr("none of its 40 episodes")));
  EXPECT_FALSE(fs::exists(out));
  EXPECT_FALSE(fs::exists(folder_ / "out.h5.part"));
  EXPECT_THAT([&] { FilterDataset(input_, input_, {.overwrite = true}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("input and output")));
  Filter("true");
  EXPECT_THAT([&] { FilterDataset(input_, out, {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("exists already")));
}

// Parts share no parent, meet their shares, and follow the seed and the uuids alone.
TEST_F(SelectTest, PartsKeepVariantsTogether) {
  const SplitOptions options{
      .parts = {{"train", 0.7}, {"valid", 0.3}}, .percent = {20, 50}, .seed = 3};
  const auto counts = SplitDataset(input_, folder_ / "split.h5", options);
  EXPECT_EQ(counts.at("train"), 28);
  EXPECT_EQ(counts.at("valid"), 12);
  EXPECT_EQ(counts.at("20_percent"), 8);
  const DatasetReader reader(folder_ / "split.h5");
  EXPECT_EQ(reader.episodes().size(), 40u);
  std::map<std::string, std::set<size_t>> groups;
  for (const std::string& key : reader.MaskNames()) {
    for (const std::string& name : reader.ReadMask(key)) {
      groups[key].insert(static_cast<size_t>(std::stoi(name.substr(5))) / 4);
    }
  }
  EXPECT_EQ(reader.ReadMask("old").size(), 20u);
  for (const size_t group : groups["valid"]) EXPECT_FALSE(groups["train"].contains(group));
  EXPECT_EQ(groups["train"].size() + groups["valid"].size(), 10u);
  // smaller shares lie inside larger ones and inside their part
  EXPECT_TRUE(std::includes(groups["50_percent"].begin(), groups["50_percent"].end(),
                            groups["20_percent"].begin(), groups["20_percent"].end()));
  EXPECT_TRUE(std::includes(groups["train"].begin(), groups["train"].end(),
                            groups["50_percent_train"].begin(), groups["50_percent_train"].end()));

  // another order of the same episodes gives the same parts, another seed others
  const auto valid_of = [&](const fs::path& file, uint64_t seed) {
    SplitDataset(file, folder_ / "again.h5",
                 {.parts = options.parts, .seed = seed, .overwrite = true});
    const DatasetReader again(folder_ / "again.h5");
    std::set<std::string> uuids;
    for (const std::string& name : again.ReadMask("valid")) {
      uuids.insert(again.episodes()[static_cast<size_t>(std::stoi(name.substr(5)))].uuid);
    }
    return uuids;
  };
  Filter("number >= 20");
  FilterDataset(input_, folder_ / "low.h5", {.where = "number < 20"}, quiet_);
  MergeDatasets({folder_ / "out.h5", folder_ / "low.h5"}, folder_ / "turned.h5", false, false);
  EXPECT_NE(Uuids(folder_ / "turned.h5"), Uuids(input_));
  EXPECT_EQ(valid_of(folder_ / "turned.h5", 3), valid_of(input_, 3));
  EXPECT_NE(valid_of(input_, 4), valid_of(input_, 3));
}

TEST_F(SelectTest, PartsBecomeFiles) {
  SplitDataset(input_, folder_ / "x.h5", {.files = true, .by_reference = true});
  const std::vector<std::string> train = Uuids(folder_ / "x.train.h5"),
                                 valid = Uuids(folder_ / "x.valid.h5");
  EXPECT_EQ(train.size(), 36u);
  EXPECT_EQ(valid.size(), 4u);
  EXPECT_TRUE(VerifyDataset(folder_ / "x.valid.h5").faults.empty());
  std::set<std::string> all(train.begin(), train.end());
  all.insert(valid.begin(), valid.end());
  EXPECT_EQ(all.size(), 40u);
}

// Generated episodes of one source demonstration are no variants of each other.
TEST_F(SelectTest, GeneratedEpisodesAreDrawnOneByOne) {
  const fs::path generated = WriteEpisodes(folder_ / "generated.h5", false);
  const auto counts = SplitDataset(generated, folder_ / "split.h5",
                                   {.parts = {{"train", 0.975}, {"valid", 0.025}}});
  EXPECT_EQ(counts.at("valid"), 1);
}

TEST_F(SelectTest, SharesThatMakeNoSenseAreAllNamed) {
  const auto refused = [&](const SplitOptions& options, const std::string& what) {
    EXPECT_THAT([&] { SplitDataset(input_, folder_ / "split.h5", options); },
                ThrowsMessage<Error>(HasSubstr(what)));
    EXPECT_FALSE(fs::exists(folder_ / "split.h5"));
  };
  refused({.parts = {{"train", 0.9}, {"valid", 0.2}}}, "more than 1");
  refused({.parts = {{"train", 0.0}}, .percent = {0}}, "percent = 0");
  refused({.parts = {{"train", 0.0}}, .percent = {0}}, "parts.train = 0");
  refused({.parts = {{"train", 0.9}, {"valid", 0.01}}}, "of 10 episodes with their variants");
}

TEST_F(SelectTest, RelabelledEpisodesKeepUuidAndRows) {
  RelabelOptions options{.where = "cause == 'dropped'",
                         .instruction = "stack: the cubes",
                         .cause = "late",
                         .success = false};
  EXPECT_EQ(RelabelDataset(input_, folder_ / "out.h5", options, quiet_), 10);
  const VerifyReport report = VerifyDataset(folder_ / "out.h5");
  EXPECT_TRUE(report.faults.empty()) << report.faults[0].place << ": " << report.faults[0].what;
  EXPECT_EQ(Uuids(folder_ / "out.h5"), Uuids(input_));
  const DatasetReader in(input_), out(folder_ / "out.h5");
  for (size_t i = 0; i < 40; ++i) {
    Episode expected = in.ReadEpisode(i, true);
    if (i % 4 == 3) {
      expected.meta.instruction = "stack: the cubes";
      expected.meta.cause = "late";
    }
    ExpectSame(out.ReadEpisode(i, true), expected);
  }
  EXPECT_NE(in.content_hash(), out.content_hash());
  EXPECT_THAT([&] { RelabelDataset(input_, folder_ / "y.h5", {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("nothing to change")));
}

// An episode of `rows` rows that commands one target, then moves from row `head` to row `end`.
Episode Idling(uint64_t seed, size_t rows, size_t head, size_t end) {
  EpisodeShape shape = kSmall;
  shape.length = rows;
  Episode episode = RandomEpisode(seed, shape);
  for (size_t k = 0; k < rows; ++k) {
    if (k < head) episode.steps[k].action = episode.steps[0].action;
    if (k >= end) episode.steps[k].action = episode.steps[end - 1].action;
  }
  return episode;
}

TEST(TrimDataset, LeavesIdleEndsOutAndTheRestAsItWas) {
  Folder folder;
  DatasetHeader header = HeaderFor(kSmall);
  header.cameras = {"wrist"};
  header.image_width = 6;
  header.image_height = 4;
  const std::vector<Episode> episodes{Idling(1, 50, 20, 40), Idling(2, 50, 3, 49),
                                      Idling(3, 30, 25, 26)};
  Rng rng(RngKey{7});
  {
    DatasetWriter writer(folder / "in.h5", header);
    for (const Episode& episode : episodes) {
      std::vector<std::vector<Image>> images(1);
      for (size_t k = 0; k < episode.length(); ++k) images[0].push_back(RandomImage(rng, 6, 4));
      writer.Append(episode, images, CamerasOf(header));
    }
    writer.WriteMask("all", {"demo_0", "demo_2"});
    writer.Finish();
  }
  Progress quiet;
  const TrimReport report = TrimDataset(folder / "in.h5", folder / "out.h5", {.margin = 4}, quiet);
  EXPECT_EQ(report.trimmed, 1);
  EXPECT_EQ(report.rows, 130);
  // rows 0 … 19 ask one thing, 39 … 49 another: 4 of the 19 and of the 10 idle ones stay
  EXPECT_EQ(report.rows_dropped, 15 + 6);
  const VerifyReport verified = VerifyDataset(folder / "out.h5");
  EXPECT_TRUE(verified.faults.empty()) << verified.faults[0].place << verified.faults[0].what;
  const DatasetReader in(folder / "in.h5"), out(folder / "out.h5");
  EXPECT_EQ(out.ReadMask("all"), (std::vector<std::string>{"demo_0", "demo_2"}));
  const Episode cut = out.ReadEpisode(0, true);
  ASSERT_EQ(cut.length(), 29u);
  for (size_t k = 0; k < 29; ++k) {
    EXPECT_EQ(cut.steps[k].state, episodes[0].steps[15 + k].state);
    EXPECT_EQ(cut.steps[k].action, episodes[0].steps[15 + k].action);
    EXPECT_EQ(out.ReadImage(0, "wrist", k), in.ReadImage(0, "wrist", 15 + k));
  }
  // what followed the last row is what follows it still
  EXPECT_EQ(cut.final_state, episodes[0].steps[44].state);
  EXPECT_EQ(cut.meta.parents, std::vector<std::string>{episodes[0].meta.uuid});
  EXPECT_NE(cut.meta.uuid, episodes[0].meta.uuid);
  for (const size_t same : {1, 2}) {
    ExpectSame(out.ReadEpisode(same, true), in.ReadEpisode(same, true));
  }

  // trimmed again: the same uuid, and only the side that is asked for
  TrimDataset(folder / "in.h5", folder / "again.h5", {.margin = 4}, quiet);
  EXPECT_EQ(Uuids(folder / "again.h5"), Uuids(folder / "out.h5"));
  EXPECT_EQ(TrimDataset(folder / "in.h5", folder / "head.h5", {.margin = 4, .tail = false}, quiet)
                .rows_dropped,
            15);
}

// Numbers by hand: a hand that waits, goes 1 cm per row for ten rows, and waits again.
TEST(MeasureMotion, SaysHowTheHandMoved) {
  Episode episode;
  episode.meta.control_hz = 20;
  for (int k = 0; k < 20; ++k) {
    Step step;
    const double x = 0.01 * std::clamp(k - 4, 0, 10);
    const Pose X_WE = PoseFromYaw(0.1 * std::clamp(k - 4, 0, 10), {x, 0, 0});
    step.observation.arms.push_back({X_WE, {}, {}, {}, {}});
    step.action.arms.push_back({X_WE, 1.0});
    step.delta.resize(1);
    step.delta[0].clipped = k == 7;
    episode.steps.push_back(step);
  }
  MotionStatistics motion = MeasureMotion(episode);
  EXPECT_DOUBLE_EQ(motion.seconds, 1);
  EXPECT_NEAR(motion.path_m, 0.1, 1e-12);
  EXPECT_NEAR(motion.turn_rad, 1, 1e-9);
  EXPECT_EQ(motion.idle_head, 4);
  EXPECT_EQ(motion.idle_tail, 5);
  EXPECT_DOUBLE_EQ(motion.idle_share, 9.0 / 20);
  EXPECT_DOUBLE_EQ(motion.clipped_share, 1.0 / 20);
  EXPECT_EQ(motion.missing, 0);
  // third differences of a ramp's two corners: 1 -1 and -1 1, of 1 cm and 20 Hz
  EXPECT_NEAR(motion.jerk_rms, 0.01 * 8000 * std::sqrt(4.0 / 17), 1e-9);
  episode.steps[3].observation.arms[0].joint_q = Eigen::VectorXd::Constant(1, std::nan(""));
  EXPECT_EQ(MeasureMotion(episode).missing, 1);
  EXPECT_EQ(MeasureMotion(Episode{}).missing, 0);
}

}  // namespace
}  // namespace understudy::store_test
