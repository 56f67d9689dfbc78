// Marks: nothing is lost, nothing of others is overwritten, and they follow their episodes.
#include "view/dataset/marks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>

#include "core/base/locks.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/select.h"
#include "tests/view/view_support.h"
#include "view/dataset/catalogue.h"

namespace understudy::view_test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Mark kNone = Mark::kNone, kKeep = Mark::kKeep, kDrop = Mark::kDrop;

class MarksTest : public testing::Test {
 protected:
  void SetUp() override { WritePlain(folder_ / "d.h5", 6); }
  std::vector<Mark> Read(const fs::path& dataset) const {
    return Marks(*OpenDataset(dataset), folder_ / "d.h5.marks.json").All();
  }
  Folder folder_;
};

// Whatever is marked in whatever order: a new reader of the file sees the last mark of each.
TEST_F(MarksTest, AreOnTheDiskAfterEveryChange) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder_ / "d.h5");
  const EpisodeSource& reader = *reader_source;
  Marks marks(reader);
  EXPECT_EQ(marks.file(), folder_ / "d.h5.marks.json");
  EXPECT_FALSE(fs::exists(marks.file()));
  std::vector<Mark> wanted(6, kNone);
  Rng rng(RngKey{.seed = 3});
  for (int change = 0; change < 60; ++change) {
    std::map<size_t, Mark> changes;
    for (uint64_t n = 0; n <= rng.UniformInt(uint64_t{3}); ++n) {
      changes[rng.UniformInt(uint64_t{6})] = static_cast<Mark>(rng.UniformInt(uint64_t{3}));
    }
    for (const auto& [episode, mark] : changes) wanted[episode] = mark;
    marks.Set(changes);
    ASSERT_EQ(marks.All(), wanted);
    ASSERT_EQ(Read(folder_ / "d.h5"), wanted);
  }
  EXPECT_EQ(marks.notice(), "");
}

// Two programs on one dataset: neither takes the other's marks away.
TEST_F(MarksTest, OfTwoProgramsAreBothKept) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder_ / "d.h5");
  const EpisodeSource& reader = *reader_source;
  Marks one(reader), two(reader);
  one.Set({{0, kKeep}});
  two.Set({{1, kDrop}});
  one.Set({{2, kDrop}});
  EXPECT_THAT(Read(folder_ / "d.h5"), ElementsAre(kKeep, kDrop, kDrop, kNone, kNone, kNone));
}

// The same where both save at the same moment, again and again: a process of its own each, with
// three episodes of its own, that finds its own marks on the disk after every change.
TEST_F(MarksTest, OfTwoProgramsAtTheSameMomentAreBothKept) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder_ / "d.h5");
  const EpisodeSource& reader = *reader_source;
  const auto keeps_its_marks = [&](size_t first) {
    Marks marks(reader);
    std::vector<Mark> own(3, kNone);
    for (size_t change = 0; change < 150; ++change) {
      own[change % 3] = static_cast<Mark>((change + change / 3) % 3);
      marks.Set({{first + change % 3, own[change % 3]}});
      const std::vector<Mark> all = Marks(reader).All();
      if (!std::equal(own.begin(), own.end(), all.begin() + static_cast<std::ptrdiff_t>(first)))
        return false;
    }
    return true;
  };
  std::vector<pid_t> programs;
  for (const size_t first : {0, 3}) {
    programs.push_back(fork());
    if (programs.back() != 0) continue;
    try {
      _exit(keeps_its_marks(first) ? 0 : 1);
    } catch (const std::exception&) {
      _exit(2);
    }
  }
  for (const pid_t program : programs) {
    int status = -1;
    ASSERT_EQ(waitpid(program, &status, 0), program);
    EXPECT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "1: marks were lost, 2: they could not be saved";
  }
}

// The lock is the one that works on every file system, and names its holder.
TEST_F(MarksTest, AreSavedOnceAnotherProgramLetsGo) {
  Marks marks(*OpenDataset(folder_ / "d.h5"));
  auto held = std::make_unique<OutputLock>(marks.file());
  std::future<void> saved = std::async(std::launch::async, [&] { marks.Set({{0, kKeep}}); });
  EXPECT_EQ(saved.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  EXPECT_FALSE(fs::exists(marks.file()));
  held.reset();
  saved.get();
  EXPECT_EQ(Read(folder_ / "d.h5")[0], kKeep);
  EXPECT_FALSE(fs::exists(LockFileOf(marks.file()))) << "it is held while marks are saved only";
}

// Marks go by uuid: they find their episodes in other files, and those that are not there wait.
TEST_F(MarksTest, FollowTheirEpisodesIntoOtherDatasets) {
  {
    Marks marks(*OpenDataset(folder_ / "d.h5"));
    marks.Set({{1, kDrop}, {4, kKeep}});
  }
  Progress quiet;
  FilterDataset(folder_ / "d.h5", folder_ / "few.h5", {.where = "number >= 3"}, quiet);
  const std::unique_ptr<EpisodeSource> few_source = OpenDataset(folder_ / "few.h5");
  const EpisodeSource& few = *few_source;
  Marks marks(few, folder_ / "d.h5.marks.json");
  EXPECT_THAT(marks.All(), ElementsAre(kNone, kKeep, kNone));
  EXPECT_THAT(marks.notice(), HasSubstr("was written for other content"));
  EXPECT_THAT(marks.notice(), HasSubstr("1 of its 2 marked episodes are here"));
  marks.Set({{0, kDrop}});
  EXPECT_THAT(Read(folder_ / "d.h5"), ElementsAre(kNone, kDrop, kNone, kDrop, kKeep, kNone));
}

TEST_F(MarksTest, RefuseFilesThatAreNoneAndLeaveThemAlone) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(folder_ / "d.h5");
  const EpisodeSource& reader = *reader_source;
  const fs::path file = folder_ / "d.h5.marks.json";
  const std::string uuid = reader.episodes()[0].uuid;
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"{\"keep\": {", "not valid JSON"},
           {"[]", "does not hold marks"},
           {"{\"other\": 1}", "does not hold marks"},
           {R"({"understudy_marks": 2})", "is of version 2"},
           {R"({"understudy_marks": 1, "keep": []})", "'keep' must be a mapping"},
           {R"({"understudy_marks": 1, "drop": {"a": 1}})", "drop.a must be text"},
           {R"({"understudy_marks": 1, "keep": {"a": "x"}, "drop": {"a": "x"}})",
            "a is in both keep and drop"}}) {
    std::ofstream(file) << text;
    const std::string error = ErrorOf([&] { Marks marks(reader); }, ErrorKind::kBadInput);
    EXPECT_THAT(error, HasSubstr(why)) << text;
    EXPECT_THAT(error, HasSubstr("d.h5.marks.json"));
    EXPECT_THAT(error, HasSubstr("move it away, or name another file with --marks"));
    EXPECT_EQ(ReadText(file), text);
  }
  // what somebody else made of it meanwhile is not overwritten either
  fs::remove(file);
  Marks marks(reader);
  std::ofstream(file) << "mine";
  EXPECT_THAT(ErrorOf([&] { marks.Set({{0, kKeep}}); }, ErrorKind::kBadInput), HasSubstr("JSON"));
  EXPECT_EQ(ReadText(file), "mine");
  EXPECT_THAT(marks.All(), ElementsAre(kNone, kNone, kNone, kNone, kNone, kNone));
}

TEST_F(MarksTest, ThatCannotBeWrittenAreNotMade) {
  Marks marks(*OpenDataset(folder_ / "d.h5"), folder_ / "nowhere" / "marks.json");
  EXPECT_THAT(ErrorOf([&] { marks.Set({{0, kKeep}}); }, ErrorKind::kFailed), HasSubstr("nowhere"));
  EXPECT_EQ(marks.All()[0], kNone);
}

TEST_F(MarksTest, BecomeFilterKeysOfANewDataset) {
  const fs::path input = folder_ / "d.h5";
  const std::string before = FileHash(input);
  std::vector<Mark> marks{kKeep, kDrop, kNone, kKeep, kNone, kDrop};
  for (const bool by_reference : {false, true}) {
    const fs::path output = folder_ / (by_reference ? "links.h5" : "copy.h5");
    const ApplyReport report = ApplyMarks(input, marks, output, {.by_reference = by_reference});
    EXPECT_EQ(report.episodes, 6);
    EXPECT_EQ(report.kept, 2);
    EXPECT_EQ(report.dropped, 2);
    const std::unique_ptr<EpisodeSource> in_source = OpenDataset(input);
    const EpisodeSource& in = *in_source;
    const std::unique_ptr<EpisodeSource> out_source = OpenDataset(output);
    const EpisodeSource& out = *out_source;
    EXPECT_THAT(out.ReadMask("keep"), ElementsAre("demo_0", "demo_3"));
    EXPECT_THAT(out.ReadMask("drop"), ElementsAre("demo_1", "demo_5"));
    for (size_t i = 0; i < 6; ++i) ExpectSame(out.ReadEpisode(i), in.ReadEpisode(i));
    EXPECT_TRUE(VerifyDataset(output).faults.empty());
    // other commands understand them
    Progress quiet;
    FilterDataset(output, folder_ / "kept.h5", {.where = "!mask.drop", .overwrite = true}, quiet);
    EXPECT_EQ(OpenDataset(folder_ / "kept.h5")->episodes().size(), 4u);
  }
  EXPECT_EQ(OpenDataset(folder_ / "copy.h5")->content_hash(),
            OpenDataset(folder_ / "links.h5")->content_hash());
  ApplyMarks(input, marks, folder_ / "rest.h5",
             {.keep_key = "good", .drop_key = "bad", .unmarked = kKeep});
  EXPECT_THAT(OpenDataset(folder_ / "rest.h5")->ReadMask("good"),
              ElementsAre("demo_0", "demo_2", "demo_3", "demo_4"));
  EXPECT_EQ(FileHash(input), before);

  // a list without members is one
  ApplyMarks(input, std::vector<Mark>(6, kKeep), folder_ / "all.h5", {});
  EXPECT_TRUE(OpenDataset(folder_ / "all.h5")->ReadMask("drop").empty());
  EXPECT_TRUE(VerifyDataset(folder_ / "all.h5").faults.empty());

  const auto refused = [&](const std::vector<Mark>& some, const ApplyOptions& options,
                           const std::string& output) {
    return ErrorOf([&] { ApplyMarks(input, some, folder_ / output, options); }, ErrorKind::kUsage);
  };
  EXPECT_THAT(refused(std::vector<Mark>(6, kNone), {}, "x.h5"), HasSubstr("no episode is marked"));
  EXPECT_THAT(refused(marks, {.keep_key = "a/b"}, "x.h5"), HasSubstr("filter key 'a/b'"));
  EXPECT_THAT(refused(marks, {.keep_key = "drop"}, "x.h5"), HasSubstr("need two"));
  EXPECT_THAT(refused(marks, {}, "copy.h5"), HasSubstr("exists already"));
  EXPECT_THAT(refused(marks, {.overwrite = true}, "d.h5"), HasSubstr("input and output"));
  EXPECT_FALSE(fs::exists(folder_ / "x.h5"));
}

// A file of another program has no uuids and no place for ours: its copy gets the keys, the rest
// stays as it is.
TEST_F(MarksTest, GoIntoCopiesOfOtherProgramsFiles) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(ForeignFile());
  const EpisodeSource& reader = *reader_source;
  const fs::path sidecar = folder_ / "foreign.json";
  {
    Marks marks(reader, sidecar);
    marks.Set({{0, kKeep}, {2, kDrop}});
    // the uuid that readers make of an episode's content
    EXPECT_THAT(ReadText(sidecar), HasSubstr(reader.episodes()[0].uuid));
  }
  const Marks marks(reader, sidecar);
  EXPECT_EQ(marks.notice(), "");
  ApplyMarks(ForeignFile(), marks.All(), folder_ / "out.h5", {});
  const std::unique_ptr<EpisodeSource> out_source = OpenDataset(folder_ / "out.h5");
  const EpisodeSource& out = *out_source;
  EXPECT_THAT(out.ReadMask("keep"), ElementsAre("demo_0"));
  EXPECT_THAT(out.ReadMask("drop"), ElementsAre("demo_10"));
  EXPECT_EQ(out.ReadMask("train"), reader.ReadMask("train"));
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    ExpectSame(out.ReadEpisode(i), reader.ReadEpisode(i));
    for (size_t k = 0; k < reader.episodes()[i].length; ++k) {
      EXPECT_EQ(out.ReadImage(i, "agentview", k), reader.ReadImage(i, "agentview", k));
    }
  }
  EXPECT_FALSE(fs::exists(folder_ / "out.h5.part"));
  EXPECT_THAT(ErrorOf([&] { ApplyMarks(ForeignFile(), marks.All(), folder_ / "out.h5", {}); },
                      ErrorKind::kUsage),
              HasSubstr("exists already"));
  EXPECT_THAT(
      ErrorOf(
          [&] { ApplyMarks(ForeignFile(), marks.All(), folder_ / "l.h5", {.by_reference = true}); },
          ErrorKind::kUsage),
      HasSubstr("copied, not linked"));
}

// What the list flags is what `data info` names.
TEST(Catalogue, FlagsWhatDataInfoNames) {
  Folder folder;
  const fs::path file = WritePlain(folder / "d.h5", 12);
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  const Catalogue catalogue(reader);
  catalogue.WaitUntilRead();
  const Json rows = catalogue.Rows(0), motion = DescribeDataset(*OpenDataset(file))["motion"];
  ASSERT_EQ(rows["rows"].size(), 12u);
  for (const auto& [figure, described] :
       std::vector<std::pair<std::string, std::string>>{{"steps", "steps"},
                                                        {"path_m", "path_m"},
                                                        {"jerk_rms", "jerk_rms"},
                                                        {"idle_share", "idle_share_by_episode"}}) {
    std::set<std::string> names, wanted;
    for (const Json& place : rows["outliers"][figure]["episodes"]) {
      names.insert(reader.episodes().at(place.get<size_t>()).name);
    }
    for (const auto& [name, value] : motion[described]["outliers"].items()) wanted.insert(name);
    EXPECT_EQ(names, wanted) << figure;
    EXPECT_EQ(rows["outliers"][figure]["median"], motion[described]["median"]);
  }
  // the trembling one and the long one are among them
  EXPECT_THAT(rows["outliers"]["jerk_rms"]["episodes"], testing::Contains(3));
  EXPECT_THAT(rows["outliers"]["steps"]["episodes"], testing::Contains(5));
  EXPECT_EQ(rows["outliers"]["idle_share"]["episodes"], Json::array());
  EXPECT_EQ(rows["rows"][7]["cause"], "dropped the cube");

  std::vector<Mark> marks(12, kNone);
  marks[2] = kKeep;
  EXPECT_THAT(catalogue.Where("mark == 'keep'", marks), ElementsAre(2));
  EXPECT_THAT(catalogue.Where("!success", marks), ElementsAre(7));
  EXPECT_THAT(catalogue.Where("steps > 300 && motion.path_m > 0", marks), ElementsAre(5));
  EXPECT_THAT(ErrorOf([&] { catalogue.Where("sucess", marks); }, ErrorKind::kUsage),
              HasSubstr("did you mean 'success'?"));
}

}  // namespace
}  // namespace understudy::view_test
