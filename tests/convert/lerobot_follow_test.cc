// What a copy of a LeRobot folder says of its episodes: tasks, splits, and why there is none left.

#include <fmt/format.h>

#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/video/video_writer.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SaidLines : public Progress {
 public:
  void Message(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

class LerobotFollowTest : public LerobotDamage {
 protected:
  // Episodes of the folder given `inputs` times, and what was said.
  std::vector<std::string> Edit(const CopyPlan& plan, size_t inputs = 1) {
    std::vector<std::unique_ptr<EpisodeSource>> sources;
    std::vector<const EpisodeSource*> readers;
    for (size_t i = 0; i < inputs; ++i) {
      readers.push_back(sources.emplace_back(OpenLerobotSource(folder_ / "out")).get());
    }
    SaidLines said;
    fs::remove_all(result_);
    EditLerobot(readers, plan, result_, {}, {}, said);
    return said.lines;
  }
  void Splits(const Json& splits) {
    EditJson(info(), [&](Json& json) { json["splits"] = splits; });
  }
  Json Splits() const { return LoadJson(result_ / "meta/info.json")["splits"]; }
  const fs::path result_ = folder_ / "edited";
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotFollowTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotFollowTest, SplitsFollowTheEpisodesThatStay) {
  Splits({{"train", "0:2"}, {"val", "2:3"}});
  EXPECT_THAT(Edit({.episodes = {{.episode = 1}, {.episode = 2}}}), IsEmpty());
  EXPECT_EQ(Splits(), Json({{"train", "0:1"}, {"val", "1:2"}}));
  EXPECT_THAT(Edit({.episodes = {{.episode = 0}, {.episode = 1}, {.episode = 2}}}), IsEmpty());
  EXPECT_EQ(Splits(), Json({{"train", "0:2"}, {"val", "2:3"}}));
  // one that has no episode any more
  EXPECT_THAT(Edit({.episodes = {{.episode = 0}}}),
              ElementsAre(AllOf(HasSubstr("lost: "), HasSubstr("split 'val'"))));
  EXPECT_EQ(Splits(), Json({{"train", "0:1"}}));
  EXPECT_THAT(Edit({.episodes = {{.episode = 2}}}), ElementsAre(HasSubstr("split 'train'")));
  EXPECT_EQ(Splits(), Json({{"val", "0:1"}})) << "what was val is no train";
}

TEST_P(LerobotFollowTest, SplitsOfSeveralFoldersAreRangesOrLeftOut) {
  CopyPlan twice;
  for (const size_t input : {0, 1}) {
    for (const size_t e : {0, 1, 2}) twice.episodes.push_back({.input = input, .episode = e});
  }
  EXPECT_THAT(Edit(twice, 2), IsEmpty());
  EXPECT_EQ(Splits(), Json({{"train", "0:6"}}));
  Splits({{"train", "0:2"}, {"val", "2:3"}});
  EXPECT_THAT(Edit(twice, 2),
              ElementsAre(HasSubstr("split 'train': its 4 episodes are no longer one range"),
                          HasSubstr("split 'val'")));
  EXPECT_EQ(Splits(), Json::object());
}

TEST_P(LerobotFollowTest, SplitsOfAConversionFollowToo) {
  Splits({{"train", "1:"}, {"val", ":1"}, {"odd", "50 %"}});
  EditRows([](auto& columns) { Values<float>(columns, "action")[0] = std::nanf(""); });
  const auto source = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
  ASSERT_EQ(source->episodes().size(), 2u);
  LerobotOptions options;
  options.version = GetParam();
  EXPECT_THAT(LostInCopy(*source, options),
              Contains(AllOf(HasSubstr("split 'odd' = \"50 %\""), HasSubstr("\"0:2\""))));
  CopyLerobot(*source, result_, options, {}, quiet_);
  EXPECT_EQ(Splits(), Json({{"train", "1:2"}, {"val", "0:1"}}));
}

TEST_P(LerobotFollowTest, AFolderWithoutASoundEpisodeIsRefusedWithTheReason) {
  EditAllRows([](auto& columns, size_t) { Values<float>(columns, "action")[8] = std::nanf(""); });
  if (v21()) {
    fs::copy_file(rows(), rows().parent_path() / "episode_000000.parquet",
                  fs::copy_options::overwrite_existing);
    fs::copy_file(rows(), rows().parent_path() / "episode_000002.parquet",
                  fs::copy_options::overwrite_existing);
  }
  const auto source = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
  ASSERT_THAT(source->episodes(), IsEmpty());
  const auto reason = testing::ThrowsMessage<Error>(
      AllOf(HasSubstr("no episode is left"), HasSubstr("demo_0: "), HasSubstr(".parquet")));
  EXPECT_THAT([&] { CopyLerobot(*source, result_, {}, {}, quiet_); }, reason);
  EXPECT_THAT([&] { WriteLerobot(*source, result_, {}, quiet_); }, reason);
  EXPECT_THAT([&] { EditLerobot({source.get()}, {}, result_, {}, {}, quiet_); }, reason);
  EXPECT_FALSE(fs::exists(result_));
}

// GR00T's annotations: one describes the task, others say something else.
TEST_P(LerobotFollowTest, NewInstructionsChangeTheTaskAlone) {
  if (v21()) return;  // WriteRows writes one file, and those of v2.1 hold one episode each
  const std::vector<std::string> texts{"move it", "another task", "valid", "unused"};
  ParquetWriter tasks(folder_ / "out/meta/tasks.parquet", "task");
  tasks.Append({{.name = "task_index", .values = std::vector<int64_t>{0, 1, 2, 3}},
                {.name = "task", .values = texts}});
  tasks.Finish();
  const std::string kDescription = "annotation.human.action.task_description",
                    kCopy = "annotation.copy", kValidity = "annotation.human.validity";
  EditJson(info(), [&](Json& json) {
    for (const std::string& name : {kDescription, kCopy, kValidity}) {
      json["features"][name] = {{"dtype", "int64"}, {"shape", {1}}, {"names", nullptr}};
    }
  });
  WriteRows([&](size_t e, std::vector<ParquetColumn>& columns) {
    const auto all = [&](int64_t v) { return std::vector<int64_t>(episodes_[e].length(), v); };
    columns.push_back({.name = kDescription, .values = all(e == 1 ? 1 : 0)});
    columns.push_back({.name = kCopy, .values = all(e == 1 ? 1 : 0)});
    columns.push_back({.name = kValidity, .values = all(2)});
  });
  CopyPlan plan;
  for (const size_t e : {0, 1, 2}) plan.episodes.push_back({.episode = e, .relabel = true});
  plan.instruction = "put it down";
  Edit(plan);
  const auto after = OpenLerobotSource(result_);
  const std::map<int64_t, std::string> listed = FolderOf(*after)->tasks;
  EXPECT_EQ(listed.size(), 3u) << "without the unused one";
  EXPECT_EQ(listed.at(2), "valid") << "under its number";
  for (size_t e = 0; e < 3; ++e) {
    EXPECT_EQ(after->ReadMeta(e).instruction, "put it down");
    for (const std::string& name : {std::string("task_index"), kDescription, kCopy, kValidity}) {
      for (const ColumnSpec& column : after->ListColumns()) {
        if (column.name != name) continue;
        const std::vector<std::vector<double>> values = after->ReadColumns(e, std::vector{column});
        for (const double v : values[0]) {
          EXPECT_EQ(listed.at(static_cast<int64_t>(v)), name == kValidity ? "valid" : "put it down")
              << name;
        }
      }
    }
  }
}

// Missing files, and films that are too short, are faults of the episodes that need them.
class LerobotMissingTest : public LerobotDamage {
 protected:
  // Without those of statistics: the tests film other pictures than these were made of.
  std::vector<std::string> FaultsIn(const fs::path& folder) {
    const VerifyReport report = VerifyLerobot(folder, {.extras = false}, quiet_);
    EXPECT_EQ(report.episodes, folder.filename() == "x" ? 2 : 3);
    std::vector<std::string> faults;
    for (const Fault& f : report.faults) {
      if (f.what.find("mean") == std::string::npos) faults.push_back(f.place + ": " + f.what);
    }
    return faults;
  }
  // Reading what `fault` is about names the option, which leaves out demo_<episode> alone.
  void ExpectOneFault(size_t episode, const std::string& fault) {
    EXPECT_THAT(FaultsIn(folder_ / "out"), ElementsAre(HasSubstr(fault)));
    const auto all = OpenLerobotSource(folder_ / "out");
    ASSERT_EQ(all->episodes().size(), 3u);
    EXPECT_THAT(
        [&] {
          EditLerobot({all.get()}, {.episodes = {{.episode = episode}}}, folder_ / "x", {}, {},
                      quiet_);
        },
        testing::ThrowsMessage<Error>(AllOf(HasSubstr(fault), HasSubstr("--skip-bad"))));
    const auto sound = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
    ASSERT_EQ(sound->episodes().size(), 2u);
    ASSERT_EQ(sound->skipped().size(), 1u);
    EXPECT_EQ(sound->skipped()[0].name, fmt::format("demo_{}", episode));
    EXPECT_THAT(sound->skipped()[0].reason, HasSubstr(fault));
    EditLerobot({sound.get()}, {.episodes = {{.episode = 0}, {.episode = 1}}}, folder_ / "x", {},
                {}, quiet_);
    EXPECT_THAT(FaultsIn(folder_ / "x"), IsEmpty());
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotMissingTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotMissingTest, FilesThatAreMissingAreFaultsOfTheirEpisodes) {
  if (!v21()) return;  // there all episodes are in one file
  fs::remove(film());
  ExpectOneFault(1, "episode_000001.mp4: is missing");
}

TEST_P(LerobotMissingTest, RowsThatAreMissingAreFaultsOfTheirEpisodes) {
  if (!v21()) return;
  fs::remove(rows());
  ExpectOneFault(1, "episode_000001.parquet: is missing");
}

TEST_P(LerobotMissingTest, AFilmThatEndsEarlyIsAFaultOfTheLastEpisode) {
  const int frames = v21() ? 7 : 23;
  VideoWriter writer(film(), {.fps = 20, .gop = 2});
  for (int k = 0; k < frames; ++k) writer.Add({Picture(1, 1, static_cast<size_t>(k))});
  writer.Finish();
  ExpectOneFault(v21() ? 1 : 2, fmt::format("holds {} frames", frames));
}

}  // namespace
}  // namespace understudy::store_test
