// Damage to LeRobot datasets: one clear error, nothing half converted, and never a crash.

#include <fmt/format.h>

#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/formats/parquet/parquet_reader.h"
#include "data/video/video_writer.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

class LerobotFaultsTest : public LerobotDamage {};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotFaultsTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotFaultsTest, RowsWrittenAnewAreSound) {
  EditRows([](auto&) {});
  EXPECT_EQ(Import().episodes, 3) << "the faults below are the only ones";
}

TEST_P(LerobotFaultsTest, VersionsThatAreNotKnown) {
  for (const char* version : {"v1.6", "v4.0", "v3.1", "", "3.0"}) {
    EditJson(info(), [&](Json& json) { json["codebase_version"] = version; });
    EXPECT_THAT(ImportError(),
                AllOf(HasSubstr("info.json"), HasSubstr(version), HasSubstr("v2.0, v2.1, v3.0")));
  }
  EditJson(info(), [&](Json& json) { json["codebase_version"] = 3; });
  EXPECT_THAT(ImportError(), HasSubstr("codebase_version"));
}

TEST_P(LerobotFaultsTest, FilesThatAreMissing) {
  for (const fs::path& file : {rows(), film(), info()}) {
    fs::rename(file, folder_ / "away");
    EXPECT_THAT(ImportError(), HasSubstr(file.filename().string())) << file;
    fs::rename(folder_ / "away", file);
  }
  const fs::path tasks = folder_ / (v21() ? "out/meta/tasks.jsonl" : "out/meta/tasks.parquet");
  fs::remove(tasks);
  EXPECT_THAT(ImportError(), HasSubstr(tasks.string()));
  fs::remove_all(folder_ / "out");
  EXPECT_THAT(ImportError(), HasSubstr("no such folder"));
}

TEST_P(LerobotFaultsTest, FilesThatAreTruncatedOrForeign) {
  for (const fs::path& file : {rows(), film(), info()}) {
    const std::string whole = Bytes(file);
    for (const std::string& bytes :
         {whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 9), std::string(),
          std::string("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n")}) {
      PutBytes(file, bytes);
      EXPECT_THAT(ImportError(), HasSubstr(file.filename().string()));
    }
    PutBytes(file, whole);
  }
  EXPECT_EQ(Import().episodes, 3);
}

// The checksums of Parquet pages tell.
TEST_P(LerobotFaultsTest, OneByteOfTheRows) {
  const std::string whole = Bytes(rows());
  std::string bytes = whole;
  bytes[300] = static_cast<char>(bytes[300] ^ 16);
  PutBytes(rows(), bytes);
  EXPECT_THAT(ImportError({.extras = false, .overwrite = true}),
              HasSubstr(rows().filename().string()));
}

TEST_P(LerobotFaultsTest, PathsThatLeadOutOfTheFolder) {
  const Json sound = LoadJson(info());
  for (const char* key : {"data_path", "video_path"}) {
    for (const char* path :
         {"../data/file.parquet", "/etc/passwd", "data/../../x", "a{episode", "{secret}/x",
          "data/{episode_index:99999d}", "", "{episode_index!r}"}) {
      EditJson(info(), [&](Json& json) { json[key] = path; });
      EXPECT_THAT(ImportError(), AllOf(HasSubstr("info.json"), HasSubstr(path))) << path;
      WriteTextAtomically(info(), sound.dump());
    }
  }
  EditJson(info(), [](Json& json) {
    json["features"]["../../x"] = json["features"]["observation.images.wrist"];
  });
  EXPECT_THAT(ImportError(), HasSubstr("'../../x'"));
}

TEST_P(LerobotFaultsTest, InfoThatContradicts) {
  const Json sound = LoadJson(info());
  const auto with = [&](const std::function<void(Json&)>& edit) {
    EditJson(info(), edit);
    const std::string error = ImportError();
    WriteTextAtomically(info(), sound.dump());
    return error;
  };
  EXPECT_THAT(with([](Json& j) { j["total_episodes"] = 4; }),
              AllOf(HasSubstr("total_episodes = 4"), HasSubstr("3 episodes")));
  EXPECT_THAT(with([](Json& j) { j["total_frames"] = 23; }), HasSubstr("total_frames = 23"));
  EXPECT_THAT(with([](Json& j) { j["fps"] = 0; }), HasSubstr("fps"));
  EXPECT_THAT(with([](Json& j) { j["fps"] = "fast"; }), HasSubstr("fps"));
  EXPECT_THAT(with([](Json& j) { j["fps"] = 10; }), AnyOf(HasSubstr("frame"), HasSubstr("10")));
  EXPECT_THAT(with([](Json& j) { j.erase("features"); }), HasSubstr("'features' is missing"));
  EXPECT_THAT(with([](Json& j) { j["features"] = Json::array(); }), HasSubstr("features"));
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "{\"a\":";
  WriteTextAtomically(info(), deep);
  EXPECT_THAT(ImportError(), HasSubstr("nested deeper"));
  WriteTextAtomically(info(), sound.dump());
  EXPECT_THAT(with([](Json& j) { j["features"]["action"]["shape"] = {6}; }), HasSubstr("'action'"));
  EXPECT_THAT(with([](Json& j) {
                j["features"]["action"]["shape"] = {1e6, 1e6};
              }),
              HasSubstr("more than"));
  EXPECT_THAT(with([](Json& j) { j["features"]["action"]["shape"] = {-1}; }), HasSubstr("action"));
  EXPECT_THAT(with([](Json& j) { j["features"].erase("action"); }), HasSubstr("'action'"));
  EXPECT_THAT(with([](Json& j) {
                j["features"]["ghost"] = {{"dtype", "float32"}, {"shape", {2}}};
              }),
              HasSubstr("no column 'ghost'"));
}

TEST_P(LerobotFaultsTest, NumbersThatAreNone) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    EditRows([&](auto& columns) { Values<float>(columns, "action")[2 * 7 + 3] = bad; });
    EXPECT_THAT(ImportError(),
                AllOf(HasSubstr(rows().filename().string()), HasSubstr("episode 1, row 2: action"),
                      HasSubstr("no number")));
  }
}

TEST_P(LerobotFaultsTest, NumbersThatAreMissing) {
  for (const char* json : {"[1, null, 3, 4, 5, 6, 7]", "null"}) {
    PutJson(rows(), "action", (v21() ? 0 : 6) + 2, json);
    EXPECT_THAT(ImportError({.extras = false}),
                AllOf(HasSubstr(rows().string()), HasSubstr("episode 1, row 2: action"),
                      HasSubstr("lacks a value"), HasSubstr("--skip-bad")));
  }
}

TEST_P(LerobotFaultsTest, IndicesThatDoNotCountUp) {
  for (const char* name : {"index", "frame_index", "episode_index"}) {
    EditRows([&](auto& columns) { Values<int64_t>(columns, name)[3] += 1; });
    EXPECT_THAT(ImportError(), HasSubstr(fmt::format("episode 1, row 3: {} = ", name)));
  }
  EditRows([&](auto& columns) { Values<int64_t>(columns, "task_index")[0] = 17; });
  EXPECT_THAT(ImportError(), HasSubstr("task_index = 17"));
  EditRows([&](auto& columns) { Values<float>(columns, "timestamp")[5] += 0.01f; });
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("row 5: timestamp"), HasSubstr("tolerance-s")));
  EXPECT_EQ(Import({.tolerance_s = 0.1}).episodes, 3);
}

TEST_P(LerobotFaultsTest, RowsThatAreTooFew) {
  episodes_[1].steps.pop_back();
  EditRows([](auto&) {});
  EXPECT_THAT(ImportError(), AllOf(HasSubstr(rows().string()), HasSubstr("rows")));
}

TEST_P(LerobotFaultsTest, ColumnsThatAreMissingOrOfAnotherType) {
  EditAllRows([](auto& columns, size_t) { columns.erase(columns.begin() + 1); });
  EXPECT_THAT(ImportError(), HasSubstr("no column 'action'"));
  EditAllRows([](auto& columns, size_t rows) {
    columns[1].values = std::vector<std::string>(rows, "right");
    columns[1].dims = {};
  });
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("'action'"), HasSubstr("must hold")));
  EditAllRows([](auto& columns, size_t rows) {
    std::get<std::vector<float>>(columns[1].values).resize(rows * 6);
    columns[1].dims = {6};
  });
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("'action'"), HasSubstr("7 per row")));
}

// Films of another length, and of frames that are not at their times.
TEST_P(LerobotFaultsTest, FilmsThatDoNotFitTheRows) {
  for (const int frames : {23, 7}) {
    if ((frames > 10) == v21()) continue;
    VideoWriter writer(film(), {.fps = 20, .gop = 2});
    for (int k = 0; k < frames; ++k) writer.Add({Picture(1, 1, static_cast<size_t>(k))});
    writer.Finish();
    EXPECT_THAT(ImportError(),
                AllOf(HasSubstr(film().string()), HasSubstr(fmt::format("holds {} frames", frames)),
                      HasSubstr(rows().string())));
  }
  VideoWriter slow(film(), {.fps = 10, .gop = 2});
  for (int k = 0; k < (v21() ? 8 : 24); ++k) slow.Add({Picture(1, 1, static_cast<size_t>(k))});
  slow.Finish();
  EXPECT_THAT(ImportError(), AllOf(HasSubstr(film().string()), HasSubstr("frame 1 is shown at")));
  VideoWriter large(film(), {.fps = 20, .gop = 2});
  for (int k = 0; k < (v21() ? 8 : 24); ++k) large.Add({Image(64, 48)});
  large.Finish();
  EXPECT_THAT(ImportError(), AllOf(HasSubstr(film().string()), HasSubstr("64 x 48")));
}

// Deleted episodes leave such frames behind.
TEST_P(LerobotFaultsTest, FramesOfNoRowAreANote) {
  VideoWriter writer(film(), {.fps = 20, .gop = 2});
  for (int k = 0; k < (v21() ? 11 : 27); ++k) writer.Add({Picture(1, 1, static_cast<size_t>(k))});
  writer.Finish();
  const LerobotImportReport report = Import({.extras = false, .overwrite = true});
  EXPECT_EQ(report.episodes, 3);
  EXPECT_THAT(report.not_understood,
              testing::Contains(HasSubstr(v21() ? "frames 8 to 10 belong to no row"
                                                : "frames 24 to 26 belong to no row")));
}

// A film of another rate with a frame for every row: the option that the message names lets it
// pass.
TEST_P(LerobotFaultsTest, FilmsThatDriftPassUnderTheTolerance) {
  VideoWriter slow(film(), {.fps = 19, .gop = 2});
  for (int k = 0; k < (v21() ? 8 : 24); ++k) slow.Add({Picture(1, 1, static_cast<size_t>(k))});
  slow.Finish();
  if (!v21()) {
    EXPECT_THAT(ImportError({.extras = false, .overwrite = true}),
                AllOf(HasSubstr("is shown at"), HasSubstr("--lerobot-import.tolerance-s 0.08")));
  }
  EXPECT_EQ(Import({.extras = false, .tolerance_s = 0.08, .overwrite = true}).episodes, 3);
}

TEST_P(LerobotFaultsTest, PointersOfGitLfsAreNamed) {
  for (const fs::path& file : {rows(), film(), info()}) {
    const std::string whole = Bytes(file);
    PutBytes(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n");
    EXPECT_THAT(ImportError({.extras = false, .overwrite = true}),
                AllOf(HasSubstr(file.string()), HasSubstr("git lfs pull")));
    PutBytes(file, whole);
  }
}

TEST_P(LerobotFaultsTest, ListsOfEpisodesWithGaps) {
  if (!v21()) {
    // one row too few: the row groups' numbers do not fit any more
    fs::remove_all(folder_ / "out/meta/episodes");
    EXPECT_THAT(ImportError(), HasSubstr("meta/episodes"));
    return;
  }
  const fs::path list = folder_ / "out/meta/episodes.jsonl";
  const auto line = [](int number, int length) {
    return fmt::format("{{\"episode_index\": {}, \"tasks\": [], \"length\": {}}}\n", number,
                       length);
  };
  // a gap is read, and told with the next step
  WriteTextAtomically(list, line(0, 6) + line(2, 10));
  const LerobotImportReport gap = Import({.extras = false, .overwrite = true});
  EXPECT_EQ(gap.frames, 16);
  EXPECT_THAT(gap.not_understood, testing::Contains(AllOf(HasSubstr("episodes.jsonl"),
                                                          HasSubstr("episode 1 is missing"),
                                                          HasSubstr("--to lerobot21"))));
  fs::remove(folder_ / "back.h5");
  WriteTextAtomically(list, line(0, 6) + line(1, 8) + line(1, 8) + line(2, 10));
  EXPECT_THAT(ImportError(), HasSubstr("episode 1 stands there twice"));
  WriteTextAtomically(list, line(0, 6) + line(1, 9) + line(2, 9));
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("episode 1"), HasSubstr("8")));
  EXPECT_THAT(ImportError({.extras = false}),
              HasSubstr("has 8 rows, its episodes in meta/ have 9"));
  WriteTextAtomically(list, line(0, 6) + "{\"episode_index\": 1\n");
  EXPECT_THAT(ImportError(), HasSubstr("episodes.jsonl:2"));
  WriteTextAtomically(list, "");
  EXPECT_THAT(ImportError(), HasSubstr("names no episode"));
}

// An episode of length 0 is one bad episode, wherever it stands.
TEST_P(LerobotFaultsTest, AnEpisodeWithoutRowsIsOneBadEpisode) {
  ListEpisodes({6, 0, 10}, {});
  const VerifyReport report = VerifyLerobot(folder_ / "out", {.extras = false}, quiet_);
  std::vector<std::string> faults;
  for (const Fault& fault : report.faults) faults.push_back(fault.place + ": " + fault.what);
  const std::string list = v21() ? "meta/episodes.jsonl" : "meta/episodes";
  EXPECT_THAT(faults, testing::Contains(list + ": episode 1: length 0: it has no row"));
  EXPECT_EQ(report.steps, 16);
  EXPECT_THAT(ImportError({.extras = false}),
              AllOf(HasSubstr("episode 1: length 0"), HasSubstr("--skip-bad")));
  const LerobotImportReport rest = Import({.extras = false, .skip_bad = true});
  EXPECT_EQ(rest.frames, 16);
  ASSERT_EQ(rest.skipped.size(), 1u);
  EXPECT_EQ(rest.skipped[0].name, "demo_1");
  EXPECT_THAT(rest.skipped[0].reason, HasSubstr("length 0"));
  // the pictures are those of the others
  const auto source = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
  ASSERT_EQ(source->episodes().size(), 2u);
  EXPECT_EQ(source->episodes()[1].name, "demo_2");
  const Image picture = source->ReadImage(1, "wrist", 9), wanted = Picture(2, 1, 9);
  EXPECT_LT(Distance(picture, wanted), 4);
}

TEST_P(LerobotFaultsTest, AnEpisodeWithoutRowsInTheListMayHaveSomeInTheData) {
  ListEpisodes({6, 0, 10}, {.with_rows = true});
  EXPECT_THAT(ImportError({.extras = false}),
              AllOf(HasSubstr(v21() ? "length 0" : "its length in meta/ is 0"),
                    HasSubstr("understudy data repair")));
}

// Damage to the extras does not pass under new hashes.
TEST_P(LerobotFaultsTest, ExtrasWithFaults) {
  const fs::path extras = folder_ / "out/extras/understudy.h5";
  std::string bytes = Bytes(extras);
  // a number of the first episode's states
  double value = episodes_[0].steps[2].state[5];
  const std::string wanted(reinterpret_cast<const char*>(&value), sizeof(value));
  const size_t at = bytes.find(wanted);
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  PutBytes(extras, bytes);
  EXPECT_THAT(ImportError(), AllOf(HasSubstr("understudy.h5"), HasSubstr("faults")));
  EXPECT_EQ(Import({.extras = false}).episodes, 3);
  fs::remove(folder_ / "back.h5");
  PutBytes(extras, "nothing");
  EXPECT_THAT(ImportError(), HasSubstr("understudy.h5"));
}

// Bytes changed at random, anywhere: an Error or a dataset, never a crash or half a file.
TEST_P(LerobotFaultsTest, MutatedFilesNeverCrash) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Rng rng(RngKey{.seed = 20});
  int refused = 0;
  for (int i = 0; i < 80; ++i) {
    const fs::path& file = files[rng.UniformInt(files.size())];
    const std::string whole = Bytes(file);
    std::string bytes = whole;
    const int flips = 1 + static_cast<int>(rng.UniformInt(uint64_t{8}));
    for (int n = 0; n < flips; ++n) {
      bytes[rng.UniformInt(bytes.size())] = static_cast<char>(rng.NextU32());
    }
    if (rng.Uniform() < 0.2) bytes.resize(rng.UniformInt(bytes.size()));
    PutBytes(file, bytes);
    fs::remove(folder_ / "back.h5");
    try {
      Import({.extras = i % 2 == 0});
      EXPECT_TRUE(fs::exists(folder_ / "back.h5"));
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput) << file << ": " << error.what();
      EXPECT_THAT(error.what(), HasSubstr("out")) << "names the file";
      EXPECT_FALSE(fs::exists(folder_ / "back.h5"));
      EXPECT_FALSE(fs::exists(folder_ / "back.h5.part"));
    }
    PutBytes(file, whole);
  }
  EXPECT_GT(refused, 30);
}

TEST(FillTemplate, FillsPythonsFields) {
  EXPECT_EQ(FillTemplate("data/chunk-{chunk_index:03d}/f{file_index}.parquet",
                         {{"chunk_index", 7}, {"file_index", 1234}}, "", "here"),
            "data/chunk-007/f1234.parquet");
  EXPECT_EQ(FillTemplate("videos/{video_key}/x.mp4", {}, "a.b", "here"), "videos/a.b/x.mp4");
}

}  // namespace
}  // namespace understudy::store_test
