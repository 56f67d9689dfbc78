// Sessions of several sittings, operators and stations: datasets that are extended, and which
// starts are drawn.
#include <gmock/gmock.h>

#include <set>

#include "core/base/error.h"
#include "core/spec/reset_bins.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe_by.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/verify.h"
#include "teleop/starts.h"
#include "tests/teleop/sessions.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A dataset that is there is extended, by starts that it does not have.
TEST(RunTeleop, AppendAddsToWhatIsThere) {
  TeleopOptions options;
  options.demos = 2;
  options.out = FreshFolder() / "a.h5";
  {
    World world;
    ASSERT_TRUE(world.Session(options).complete);
  }
  const std::string before = DatasetReader(options.out).episodes()[1].uuid;
  options.demos = 3;
  {
    World world;
    EXPECT_THAT([&] { world.Session(options); },
                testing::ThrowsMessage<Error>(HasSubstr("exists: extend it with --append")));
  }
  options.append = true;
  World world;
  const TeleopReport report = world.Session(options);
  ASSERT_TRUE(report.complete) << report.stopped;
  EXPECT_EQ(report.demonstrations, 3);
  EXPECT_EQ(report.in_dataset, 5);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(DatasetReader(options.out).episodes()[1].uuid, before);
  EXPECT_TRUE(VerifyDataset(options.out).faults.empty());
  EXPECT_FALSE(fs::exists(options.out + ".episodes"));
  EXPECT_FALSE(fs::exists(options.out + ".longer"));
}

// The ends of earlier attempts stay known, and failures use up their starts.
TEST(RunTeleop, AppendKeepsHowEarlierAttemptsEnded) {
  TeleopOptions options;
  options.demos = 1;
  options.out = FreshFolder() / "a.h5";
  FakeOptions slippery;
  slippery.slip_after_steps = 3;
  options.max_attempts = 1;
  World clumsy(slippery);
  EXPECT_FALSE(clumsy.Session(options).complete);
  options.max_attempts = 0;
  World skilled;
  ASSERT_TRUE(skilled.Session(options).complete);
  options.append = true;
  World more;
  ASSERT_TRUE(more.Session(options).complete);
  const Json ends = DatasetReader(options.out).report()["attempts"];
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_EQ(ends[0]["success"], false);
  EXPECT_EQ(ends[2]["attempt"], 2);
  EXPECT_THAT(StartsOf(options.out), testing::ElementsAre(1, 2));
}

TEST(RunTeleop, AppendRefusesADatasetOfAnotherWorldBeforeAnythingIsRecorded) {
  TeleopOptions options;
  options.demos = 1;
  options.out = FreshFolder() / "a.h5";
  World world;
  ASSERT_TRUE(world.Session(options).complete);
  FakeOptions longer;
  longer.reach = 0.9;
  World other(longer);
  options.append = true;
  EXPECT_THAT([&] { other.Session(options); },
              testing::ThrowsMessage<Error>(HasSubstr(
                  "'what is recorded now' cannot stand in one dataset: workspace_radius is")));
  EXPECT_FALSE(fs::exists(options.out + ".episodes"));
  options.overwrite = true;
  EXPECT_THAT([&] { world.Session(options); },
              testing::ThrowsMessage<Error>(HasSubstr("--append keeps what --overwrite replaces")));
}

// A kill between the longer dataset and the end of the folder: nothing is added twice.
TEST(RunTeleop, AppendAfterAKillAddsNothingTwice) {
  const fs::path folder = FreshFolder();
  TeleopOptions options;
  options.demos = 2;
  options.out = folder / "a.h5";
  const fs::path episodes = options.out + ".episodes", copy = folder / "copy";
  {
    World world;
    ASSERT_TRUE(world.Session(options).complete);
  }
  options.append = true;
  {
    World world;
    StopAfter(world, episodes / "attempt_2.h5");
    EXPECT_FALSE(world.Session(options).complete);
    fs::copy(episodes, copy);
  }
  options.demos = 1;
  World world;
  ASSERT_TRUE(world.Session(options).complete);
  fs::copy(copy, episodes);
  World again;
  const TeleopReport report = again.Session(options);
  EXPECT_TRUE(report.complete);
  EXPECT_TRUE(report.attempts.empty());
  EXPECT_EQ(DatasetReader(options.out).episodes().size(), 3u);
}

// Whoever is named stands in every episode, and draws starts of their own.
TEST(RunTeleop, OperatorAndStationAreStoredAndHaveStartsOfTheirOwn) {
  const fs::path folder = FreshFolder();
  const auto record = [&](const std::string& who, const std::string& where) {
    TeleopOptions options;
    options.demos = 2;
    options.operator_name = who;
    options.station = where;
    options.out = folder / (who + where + ".h5");
    World world;
    EXPECT_TRUE(world.Session(options).complete);
    return options.out;
  };
  const std::string a = record("ada", "lab1"), b = record("bo", "lab1"), c = record("", "");
  const auto first = [](const std::string& file) {
    return DatasetReader(file).ReadEpisode(0).steps[0].state;
  };
  EXPECT_NE(first(a), first(b));
  EXPECT_NE(first(a), first(c));
  const EpisodeMeta meta = DatasetReader(a).ReadMeta(1);
  EXPECT_EQ(meta.settings["operator"], "ada");
  EXPECT_EQ(meta.settings["station"], "lab1");
  EXPECT_FALSE(DatasetReader(c).ReadMeta(1).settings.contains("operator"));

  // joined, each has their own figures
  const fs::path all = folder / "all.h5";
  MergeDatasets({a, b, c}, all, false, false);
  const Json by = DescribeBy(DatasetReader(all), GroupBy::kOperator);
  ASSERT_EQ(by.size(), 3u) << by;
  EXPECT_EQ(by["ada"]["episodes"], 2);
  EXPECT_EQ(by["bo"]["attempts"]["succeeded"], 2);
  EXPECT_EQ(by["ada"]["untracked_share"], 0.0);
  EXPECT_GT(by["ada"]["per_hour"], 0.0);
  EXPECT_EQ(by[""]["episodes"], 2);
  EXPECT_EQ(DescribeBy(DatasetReader(all), GroupBy::kStation)["lab1"]["episodes"], 4);
}

// Starts come first from parts of the reset range in which nothing was recorded yet.
TEST(RunTeleop, CoverDrawsStartsFromPartsWithoutDemonstrations) {
  const fs::path folder = FreshFolder();
  TeleopOptions options;
  options.demos = 9;
  options.out = folder / "plain.h5";
  const auto parts = [&](const std::string& file) {
    const TaskSpec task = FakeTask();
    const ResetBins bins(VariantOf(task, "D0"), "cubeA", 3);
    const size_t object = 0;
    std::set<size_t> found;
    for (const Start& start : StartsOfDemonstrations(file, {"cubeA", "cubeB"}))
      found.insert(bins.BinOf(start[object]));
    return found.size();
  };
  {
    World world;
    ASSERT_TRUE(world.Session(options).complete);
  }
  EXPECT_LT(parts(options.out), 9u);
  options.cover = 3;
  options.out = folder / "even.h5";
  {
    World world;
    ASSERT_TRUE(world.Session(options).complete);
  }
  EXPECT_EQ(parts(options.out), 9u);

  // a session that was stopped goes on with the starts that it would have had
  const std::string whole = options.out;
  options.out = folder / "parts.h5";
  {
    World world;
    StopAfter(world, options.out + ".episodes/attempt_3.h5");
    EXPECT_FALSE(world.Session(options).complete);
  }
  World world;
  ASSERT_TRUE(world.Session(options).complete);
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(DatasetReader(options.out).episodes()[i].uuid,
              DatasetReader(whole).episodes()[i].uuid);
  }
  // what others have recorded counts: the first start is taken, and another part comes first
  options.demos = 1;
  options.out = folder / "first.h5";
  World first;
  ASSERT_TRUE(first.Session(options).complete);
  options.covered = {options.out};
  options.out = folder / "further.h5";
  World further;
  ASSERT_TRUE(further.Session(options).complete);
  EXPECT_THAT([&] { StartsOfDemonstrations(options.out, {"mug"}); },
              testing::ThrowsMessage<Error>(HasSubstr("its objects are cubeA, cubeB and not mug")));
  EXPECT_NE(StartsOfDemonstrations(options.out, {"cubeA", "cubeB"})[0][0],
            StartsOfDemonstrations(options.covered[0], {"cubeA", "cubeB"})[0][0]);

  // the start that a stopped session was at stays, whatever others record meanwhile
  options.demos = 3;
  options.out = folder / "meanwhile.h5";
  {
    World stopped;
    StopAfter(stopped, options.out + ".episodes/attempt_0.h5");
    EXPECT_FALSE(stopped.Session(options).complete);
  }
  const Json chosen = LoadJson(options.out + ".episodes/starts.json");
  fs::copy_file(whole, options.covered[0], fs::copy_options::overwrite_existing);
  World resumed;
  ASSERT_TRUE(resumed.Session(options).complete);
  EXPECT_EQ(DatasetReader(options.out).ReadMeta(1).settings["candidate"], chosen.at("1"));
  // where all parts are one, the first draw is as good as any
  const std::vector<Start> one = StartsOfDemonstrations(whole, {"cubeA", "cubeB"});
  EXPECT_EQ(ChooseStart(*resumed.simulator, VariantOf(FakeTask(), "D0"), "D0", RngKey{3}, 1, one),
            0);
}

}  // namespace
}  // namespace understudy
