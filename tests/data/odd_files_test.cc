// Files of other programs with one odd part: the rest is read, and nothing is lost in silence.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "core/base/error.h"
#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/growing_file.h"
#include "tests/data/foreign_support.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

using namespace store_test;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class OddFile : public testing::Test {
 protected:
  fs::path Write(Writer target) {
    const fs::path own = WriteConvertible(folder_ / "own.h5"), file = folder_ / "theirs.hdf5";
    ForeignWriteOptions options;
    options.overwrite = true;
    Export(target, own, file, options, Translation());
    fs::remove(own);
    return file;
  }
  std::string Faults(const fs::path& file) {
    std::string all;
    for (const Fault& fault : VerifyApart(file, {}, {}, quiet_).faults) {
      all += fault.place + ": " + fault.what + "\n";
    }
    return all;
  }
  Folder folder_;
  Progress quiet_;
};

// An action of ours has one number for a hand: a hand of several is not cut down to its first.
TEST_F(OddFile, HandsOfSeveralFingersAreNoGrippers) {
  const fs::path file = Write(&foreign::kMimicgenWriter);
  {
    Surgeon surgeon(file);
    for (const char* demo : {"demo_0", "demo_1", "demo_2"}) {
      const std::string place = std::string("/data/") + demo;
      const auto rows = h5::OpenForReading(file).Open("data").Open(demo).Int("num_samples");
      const auto n = static_cast<hsize_t>(rows);
      surgeon.Delete((place + "/datagen_info/gripper_action").c_str());
      surgeon.Array((place + "/datagen_info/gripper_action").c_str(), {n, 6});
      surgeon.Delete((place + "/actions").c_str());
      surgeon.Array((place + "/actions").c_str(), {n, 12});
      surgeon.Delete((place + "/actions_abs").c_str());
    }
  }
  const auto source = OpenDataset(file);
  const Episode episode = source->ReadEpisode(0);
  EXPECT_THAT(episode.steps[0].action.arms, IsEmpty());
  EXPECT_EQ(episode.meta.settings["target_from"], "nothing");
  // its columns are all there
  EXPECT_THAT(ErrorOf([&] { ImportForeign(*source, folder_ / "o.h5", {}, Translation(), quiet_); },
                      ErrorKind::kBadInput),
              HasSubstr("actions"));
}

TEST_F(OddFile, ADemonstrationOfOtherActionsIsOneBadEpisode) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  {
    Surgeon surgeon(file);
    const auto rows = h5::OpenForReading(file).Open("data").Open("demo_1").Int("num_samples");
    surgeon.Delete("/data/demo_1/actions");
    surgeon.Array("/data/demo_1/actions", {static_cast<hsize_t>(rows), 9});
  }
  EXPECT_THAT(Faults(file),
              HasSubstr("actions: has 9 numbers per row, where other episodes have 7"));
  const auto sound = OpenDataset(file, {.skip_bad = true});
  ASSERT_THAT(sound->skipped(), SizeIs(1));
  EXPECT_EQ(sound->skipped()[0].name, "demo_1");
}

TEST_F(OddFile, AFilterKeyOfAnotherKindIsAFaultOfItsOwn) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  {
    Surgeon surgeon(file);
    surgeon.Array("/mask/flags", {3}, H5T_NATIVE_UINT8);
    surgeon.Array("/mask/table", {3, 2});
    surgeon.Group("/mask/group");
  }
  const auto source = OpenDataset(file);
  EXPECT_THAT(source->MaskNames(), testing::Not(Contains(HasSubstr("flags"))));
  EXPECT_EQ(DescribeDataset(*source)["episodes"], 3);
  for (const char* key : {"flags", "table", "group"}) {
    EXPECT_THAT(Faults(file), HasSubstr(std::string("/mask/") + key)) << key;
  }
  FilterAny(file, folder_ / "f.hdf5", {.where = "steps > 0"}, quiet_);
  EXPECT_EQ(OpenDataset(folder_ / "f.hdf5")->episodes().size(), 3u);
  EXPECT_THAT(Faults(folder_ / "f.hdf5"), IsEmpty());
}

TEST_F(OddFile, AFilterKeyThatNamesAnEpisodeTwiceHoldsItOnce) {
  const fs::path file = Write(&foreign::kRobomimicWriter), copy = folder_ / "copy.hdf5";
  {
    h5::GrowingFile edited = h5::GrowingFile::Open(file);
    edited.root().WriteTexts("mask/twice", {"demo_2", "demo_0", "demo_2"});
    edited.Close();
  }
  EXPECT_THAT(Faults(file), HasSubstr("/mask/twice: names 'demo_2' twice"));
  EXPECT_THAT(OpenDataset(file)->ReadMask("twice"), ElementsAre("demo_2", "demo_0"));
  FilterAny(file, copy, {.where = "steps > 0"}, quiet_);
  EXPECT_THAT(Faults(copy), IsEmpty());
}

TEST_F(OddFile, PythonsNanInAttributesIsNoDamage) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  std::string env = h5::OpenForReading(file).Open("data").Text("env_args");
  env.insert(env.find('{') + 1, "\"floor\": NaN, \"far\": -Infinity, \"name\": \"NaN\", ");
  {
    Surgeon surgeon(file);
    surgeon.Text("/data", "env_args", env);
    surgeon.Text("/data/demo_1", "ep_meta", "{\"lang\": \"lift it\", \"x\": Infinity}");
  }
  const auto source = OpenDataset(file);
  EXPECT_EQ(source->header().settings["env_args"]["name"], "NaN");
  EXPECT_EQ(source->ReadMeta(1).instruction, "lift it");
  EXPECT_THAT(Faults(file), IsEmpty());
}

TEST_F(OddFile, AttributesInLatin1AreRead) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  {
    Surgeon surgeon(file);
    std::string env = h5::OpenForReading(file).Open("data").Text("env_args");
    env.insert(env.find('{') + 1,
               "\"room\": \"K\xFC"
               "che\", ");
    surgeon.Text("/data", "env_args", env);
    surgeon.Text("/data/demo_1", "ep_meta",
                 "{\"lang\": \"\xF6"
                 "ffne den Ofen\"}");
  }
  const auto source = OpenDataset(file);
  EXPECT_EQ(source->header().settings["env_args"]["room"], "Küche");
  EXPECT_EQ(source->ReadMeta(1).instruction, "öffne den Ofen");
  EXPECT_THAT(Faults(file), IsEmpty());
}

// What its numbers say is kept, and a copy can be had without the attribute.
TEST_F(OddFile, AnEpisodesJsonThatIsNoneIsNamedAndRepaired) {
  const fs::path file = Write(&foreign::kRobomimicWriter), repaired = folder_ / "repaired.hdf5";
  Surgeon(file).Text("/data/demo_1", "ep_meta", "{\"lang\": \"open \xF6");
  EXPECT_THAT(Faults(file),
              AllOf(HasSubstr("/data/demo_1"), HasSubstr("attribute 'ep_meta': not valid JSON"),
                    HasSubstr("understudy data repair")));
  {
    const auto rest = OpenDataset(file, {.skip_bad = true});
    ASSERT_THAT(rest->skipped(), SizeIs(1));
    EXPECT_EQ(rest->skipped()[0].name, "demo_1");
    EXPECT_NO_THROW(Json(rest->skipped()[0].reason).dump()) << "is UTF-8";
  }
  const RepairReport report = RepairAny(file, repaired, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 3);
  EXPECT_THAT(report.mended,
              ElementsAre(AllOf(HasSubstr("demo_1: attribute 'ep_meta'"), HasSubstr("left out"))));
  EXPECT_THAT(Faults(repaired), IsEmpty());
  EXPECT_EQ(OpenDataset(repaired)->ReadMeta(1).instruction,
            OpenDataset(repaired)->header().simulator.instruction);
  // an empty one says nothing
  Surgeon(file).Text("/data/demo_1", "ep_meta", "");
  EXPECT_THAT(Faults(file), IsEmpty());
}

// Some programs write the JSON text of a JSON text.
TEST_F(OddFile, JsonWithinJsonIsRead) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  const std::string env = h5::OpenForReading(file).Open("data").Text("env_args");
  const double rate = OpenDataset(file)->header().simulator.control_hz;
  Surgeon(file).Text("/data", "env_args", Json(env).dump());
  {
    const auto source = OpenDataset(file);
    EXPECT_EQ(source->header().settings["env_args"], Json::parse(env));
    EXPECT_EQ(source->header().simulator.control_hz, rate);
  }
  Surgeon(file).Text("/data", "env_args", "[\"Lift\"]");
  EXPECT_THAT(Faults(file), HasSubstr("attribute 'env_args': not valid JSON: must be an object, is "
                                      "[\"Lift\"]"));
}

TEST_F(OddFile, AFilesJsonThatIsNoneIsNamedAndRepaired) {
  const fs::path file = Write(&foreign::kRobomimicWriter), repaired = folder_ / "repaired.hdf5";
  const size_t columns = OpenDataset(file)->ListColumns().size();
  const std::string env = h5::OpenForReading(file).Open("data").Text("env_args");
  Surgeon(file).Text("/data", "env_args", env.substr(0, env.size() / 2));
  const auto named =
      AllOf(HasSubstr("attribute 'env_args': not valid JSON"), HasSubstr("understudy data repair"));
  EXPECT_THAT(Faults(file), named);
  const auto source = OpenDataset(file);
  EXPECT_EQ(source->ListColumns().size(), columns) << "the columns are all there";
  EXPECT_THAT(DescribeDataset(*source)["wrong_in_file"], ElementsAre(named));
  EXPECT_THAT(LostOfFile(source->header(), nullptr, {}), Contains(named));
  const RepairReport report = RepairAny(file, repaired, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 3);
  EXPECT_THAT(report.mended, ElementsAre(HasSubstr("attribute 'env_args'")));
  EXPECT_THAT(Faults(repaired), IsEmpty());
}

TEST_F(OddFile, ASuccessThatIsNoneIsLeftOutByRepair) {
  const fs::path file = folder_ / "s.hdf5", repaired = folder_ / "repaired.hdf5";
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t e, size_t) {
    demo.SetText("success", e == 0 ? "maybe" : "True");
  };
  WriteStranger(file, options);
  EXPECT_THAT(Faults(file), HasSubstr("attribute 'success' = 'maybe' must be true or false"));
  const RepairReport report = RepairAny(file, repaired, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 2);
  EXPECT_THAT(report.mended, ElementsAre(AllOf(HasSubstr("demo_0: attribute 'success' = 'maybe'"),
                                               HasSubstr(": left out"))));
  EXPECT_THAT(Faults(repaired), IsEmpty());
  EXPECT_FALSE(OpenDataset(repaired)->episodes()[0].success_known);
  EXPECT_TRUE(OpenDataset(repaired)->episodes()[1].success);
}

TEST_F(OddFile, TasksOfFewerRowsAreAFault) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  {
    h5::GrowingFile out = h5::GrowingFile::Open(file);
    for (const char* demo : {"demo_0", "demo_1", "demo_2"}) {
      const h5::Group group = out.root().Open("data").Open(demo);
      const auto rows = static_cast<size_t>(group.Int("num_samples"));
      const size_t texts = std::string_view(demo) == "demo_1" ? rows - 3 : rows;
      group.WriteTexts("lerobot/tasks", std::vector<std::string>(texts, "lift"));
    }
    out.Close();
  }
  EXPECT_THAT(Faults(file), HasSubstr("demo_1/lerobot/tasks"));
}

TEST_F(OddFile, WhatStandsInPlaceOfAFileIsNamed) {
  const fs::path file = folder_ / "x.hdf5";
  std::ofstream(file) << "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file); }, ErrorKind::kBadInput), HasSubstr("git lfs pull"));
  std::ofstream(file, std::ios::trunc).close();
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file); }, ErrorKind::kBadInput),
              HasSubstr("is no HDF5 file but empty"));
  std::ofstream(file) << "text";
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file); }, ErrorKind::kBadInput),
              HasSubstr("is no HDF5 file"));
}

TEST_F(OddFile, AnEpisodeWithADamagedPictureIsLeftOut) {
  for (const bool own : {false, true}) {
    const fs::path file =
        own ? WriteConvertible(folder_ / "own.h5") : Write(&foreign::kRobomimicWriter);
    const std::string camera = OpenDataset(file)->header().cameras.at(0);
    {
      // a stored chunk of another camera's size
      h5::GrowingFile out = h5::GrowingFile::Open(file);
      const h5::Group demo = out.root().Open("data/demo_1");
      const std::string path = "obs/" + camera + "_image";
      const auto dims = demo.Info(path).dims;
      demo.Delete(path);
      Column shorter(path, ColumnType::kU8, {dims[1], dims[2], dims[3]});
      shorter.rows = dims[0] - 1;
      shorter.bytes.resize(shorter.rows * shorter.row_size());
      demo.Write(shorter);
      out.Close();
    }
    const auto sound = OpenDataset(file, {.skip_bad = true});
    EXPECT_EQ(sound->episodes().size(), 2u) << own;
    ASSERT_THAT(sound->skipped(), SizeIs(1)) << own;
    EXPECT_EQ(sound->skipped()[0].name, "demo_1");
    EXPECT_THAT(sound->skipped()[0].reason, HasSubstr(camera));
  }
}

// A pendulum, or a gripper alone: one number per row is a column like any other.
TEST_F(OddFile, ActionsOfOneNumber) {
  for (const bool flat : {false, true}) {
    for (const bool flags : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", flat, flags));
      const fs::path file = folder_ / "one.hdf5", copy = folder_ / "copy.hdf5";
      fs::remove(file);
      WriteStranger(file, {.also = [&](const h5::Group& demo, size_t, size_t rows) {
                      demo.Delete("actions");
                      const std::vector<size_t> dims =
                          flat ? std::vector<size_t>{} : std::vector<size_t>{1};
                      Column column("actions", flags ? ColumnType::kBool : ColumnType::kF64, dims);
                      column.rows = rows;
                      for (size_t k = 0; k < rows; ++k) {
                        if (flags) column.Push(static_cast<uint8_t>(k % 2));
                        if (!flags) column.Push(0.1 * static_cast<double>(k));
                      }
                      demo.Write(column);
                    }});
      EXPECT_THAT(Faults(file), IsEmpty());
      const auto source = OpenDataset(file);
      EXPECT_EQ(source->ReadEpisode(0).length(), 5u);
      const auto actions = source->ReadStoredActions(0);
      ASSERT_TRUE(actions);
      EXPECT_THAT(*actions, SizeIs(5));
      EXPECT_THAT((*actions)[3], ElementsAre(flags ? 1 : 0.1 * 3));
      const Json info = DescribeDataset(*source);
      EXPECT_FALSE(info["motion"].contains("unreadable")) << info["motion"];
      TrimAny(file, copy, {.overwrite = true}, quiet_);
      EXPECT_THAT(Faults(copy), IsEmpty());
    }
  }
}

// Episodes of other names than demo_<i> are episodes; groups that hold none are not.
TEST_F(OddFile, EpisodesOfOtherNames) {
  const fs::path file = folder_ / "names.hdf5";
  WriteStranger(file, {.episodes = 4});
  {
    h5::GrowingFile edited = h5::GrowingFile::Open(file);
    const h5::Group data = edited.root().Open("data");
    data.Move("demo_1", "episode_10");
    data.Move("demo_2", "episode_9");
    data.Move("demo_3", "pick");
    data.Create("notes");
    edited.Close();
  }
  const auto names = [](const fs::path& dataset) {
    const auto source = OpenDataset(dataset);
    std::vector<std::string> names;
    for (const EpisodeSummary& episode : source->episodes()) names.push_back(episode.name);
    return names;
  };
  EXPECT_THAT(names(file), ElementsAre("demo_0", "episode_9", "episode_10", "pick"));
  EXPECT_EQ(VerifyApart(file, {}, {}, quiet_).episodes, 4);
  const fs::path kept = folder_ / "kept.hdf5";
  FilterAny(file, kept, {.where = "steps > 5"}, quiet_);
  EXPECT_THAT(names(kept), ElementsAre("episode_9", "episode_10", "pick"));
}

// A column that is a link to what is gone is a fault, and named as lost by what copies the rest.
TEST_F(OddFile, LinksToNothingAreFaults) {
  const fs::path file = folder_ / "links.hdf5";
  WriteStranger(file, {.also = [](const h5::Group& demo, size_t, size_t) {
                  demo.Open("obs").LinkExternal("far", "gone.h5", "/x");
                }});
  EXPECT_THAT(Faults(file), HasSubstr("/data/demo_0/obs/far: "));
  const auto source = OpenDataset(file);
  EXPECT_THAT(FormatNamed("robomimic").Lost(*source, ConvertRequest{}),
              Contains(HasSubstr("obs/far")));
}

// Success as a text or a number is read; what is neither is a fault, and not taken for a failure.
TEST_F(OddFile, SuccessOfEveryType) {
  const fs::path file = folder_ / "success.hdf5";
  WriteStranger(file, {.episodes = 4, .also = [](const h5::Group& demo, size_t e, size_t) {
                         if (e == 0) demo.SetText("success", "True");
                         if (e == 1) demo.SetText("success", "false");
                         if (e == 2) demo.SetDouble("success", 1);
                         if (e == 3) demo.SetText("success", "maybe");
                       }});
  const auto source = OpenDataset(file);
  const std::vector<EpisodeSummary>& episodes = source->episodes();
  EXPECT_TRUE(episodes[0].success && episodes[0].success_known);
  EXPECT_TRUE(!episodes[1].success && episodes[1].success_known);
  EXPECT_TRUE(episodes[2].success && episodes[2].success_known);
  EXPECT_FALSE(episodes[3].success_known);
  EXPECT_THAT(Faults(file), HasSubstr("/data/demo_3: attribute 'success' = 'maybe' must be"));
}

// A rate that is none is not taken for robosuite's usual one.
TEST_F(OddFile, NoRateIsMadeUp) {
  const fs::path file = folder_ / "rate.hdf5";
  for (const char* rate : {"-20", "0", "null", "\"abc\""}) {
    WriteStranger(file);
    {
      h5::GrowingFile edited = h5::GrowingFile::Open(file);
      const h5::Group data = edited.root().Open("data");
      data.SetText("env_args", std::string("{\"env_name\": \"Lift\", \"type\": 1, \"env_kwargs\": "
                                           "{\"control_freq\": ") +
                                   rate + "}}");
      edited.Close();
    }
    EXPECT_EQ(OpenDataset(file)->header().simulator.control_hz, 0) << rate;
    EXPECT_EQ(OpenDataset(file, {.control_hz = 30})->header().simulator.control_hz, 30) << rate;
    EXPECT_THAT(Faults(file), HasSubstr(std::string("control_freq = ") + rate + " is no rate"));
    fs::remove(file);
  }
}

// Suites are folders of files, each a dataset.
TEST_F(OddFile, AFolderOfFilesIsNamed) {
  fs::create_directories(folder_ / "suite");
  for (const char* name : {"b_demo.hdf5", "a_demo.hdf5"}) WriteStranger(folder_ / "suite" / name);
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder_ / "suite"); }, ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("is a folder of 2 HDF5 files, each a dataset of its own"),
                             HasSubstr("such as a_demo.hdf5"), HasSubstr("data merge")));
  fs::create_directories(folder_ / "none");
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder_ / "none"); }, ErrorKind::kBadInput),
              AllOf(HasSubstr("is not a file"), HasSubstr("meta/info.json")));
  fs::create_directories(folder_ / "sets/cups/meta");
  std::ofstream(folder_ / "sets/cups/meta/info.json") << "{}";
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder_ / "sets"); }, ErrorKind::kBadInput),
              AllOf(HasSubstr("a folder of 1 LeRobot datasets"), HasSubstr("sets/cups")));
}

TEST_F(OddFile, FilesOfANewerHdf5AreNamed) {
  EXPECT_THAT(h5::NewerFormatHint("HDF5: bad version number for layout message"),
              testing::AllOf(HasSubstr("newer HDF5"), HasSubstr("Files of a newer HDF5")));
  EXPECT_EQ(h5::NewerFormatHint("HDF5: inflate failed"), "");
}

// A position without its rotation is no pose, of no episode and of none alone.
TEST_F(OddFile, APositionAloneIsNoPose) {
  const fs::path file = folder_ / "s.hdf5";
  StrangerOptions options;
  options.episodes = 3;
  WriteStranger(file, options);
  EXPECT_TRUE(OpenDataset(file)->ReadEpisode(0).steps[0].observation.arms.empty());
  options.also = [](const h5::Group& demo, size_t e, size_t rows) {
    if (e == 0) return;
    Column quat("obs/robot0_eef_quat", ColumnType::kF64, {4});
    quat.rows = rows;
    for (size_t i = 0; i < 4 * rows; ++i) quat.Push(i % 4 == 3 ? 1.0 : 0.0);
    demo.Write(quat);
  };
  WriteStranger(file, options);
  EXPECT_EQ(OpenDataset(file)->ReadEpisode(1).steps[0].observation.arms.size(), 1u);
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file)->ReadEpisode(0); }, ErrorKind::kBadInput),
              HasSubstr("/data/demo_0/obs/robot0_eef_quat: no such dataset: other episodes have "
                        "poses of the arm 'robot0'"));
  EXPECT_EQ(OpenDataset(file, {.skip_bad = true})->episodes().size(), 2u);
  const RepairReport repaired = RepairAny(file, folder_ / "r.hdf5", false, {}, quiet_);
  EXPECT_EQ(repaired.episodes_kept, 2);
  EXPECT_TRUE(VerifyDataset(folder_ / "r.hdf5").faults.empty());
}

// Pictures that one episode lacks, and columns, are its fault alone: also of the first.
TEST_F(OddFile, AnEpisodeWithoutACameraIsLeftOut) {
  for (const size_t odd : {0u, 2u}) {
    const fs::path file = folder_ / "s.hdf5";
    StrangerOptions options;
    options.episodes = 3;
    options.also = [&](const h5::Group& demo, size_t e, size_t rows) {
      if (e != odd) demo.Write(Ramp("obs/front_image", ColumnType::kU8, {16, 16, 3}, rows));
    };
    WriteStranger(file, options);
    EXPECT_EQ(OpenDataset(file)->header().cameras, std::vector<std::string>{"front"});
    const auto sound = OpenDataset(file, {.skip_bad = true});
    ASSERT_EQ(sound->skipped().size(), 1u);
    EXPECT_EQ(sound->skipped()[0].name, fmt::format("demo_{}", odd));
    EXPECT_THAT(sound->skipped()[0].reason,
                HasSubstr("obs/front_image: no such dataset: other episodes have its pictures"));
    EXPECT_EQ(RepairAny(file, folder_ / "r.hdf5", true, {}, quiet_).episodes_kept, 2);
  }
}

// Joints and fingers that one episode lacks, or has others of, are missed by every writer.
TEST_F(OddFile, AnEpisodeWithOtherJointsIsNamed) {
  for (const char* column : {"obs/robot0_joint_pos", "obs/robot0_gripper_qpos"}) {
    for (const int64_t width : {0, 1}) {
      const fs::path file = Write(&foreign::kRobomimicWriter);
      {
        Surgeon surgeon(file);
        const std::string path = std::string("/data/demo_1/") + column;
        surgeon.Delete(path.c_str());
        if (width > 0) surgeon.Array(path.c_str(), {10, 1});
      }
      const auto why = AllOf(HasSubstr("demo_1: has "),
                             HasSubstr("the episodes before it 7 joints"), HasSubstr("--skip-bad"));
      EXPECT_THAT(
          ErrorOf([&] { ImportForeign(*OpenDataset(file), folder_ / "o.h5", {}, {}, quiet_); },
                  ErrorKind::kBadInput),
          why);
      EXPECT_THAT(
          ErrorOf([&] { Export(&foreign::kMimicgenWriter, file, folder_ / "o.hdf5", {}, {}); },
                  ErrorKind::kBadInput),
          why);
      EXPECT_FALSE(fs::exists(folder_ / "o.hdf5") || fs::exists(folder_ / "o.h5"));
      const auto sound = OpenDataset(file, {.skip_bad = true});
      EXPECT_EQ(sound->episodes().size(), 2u);
      ImportForeign(*sound, folder_ / "o.h5", {.overwrite = true}, {}, quiet_);
      EXPECT_EQ(OpenDataset(folder_ / "o.h5")->episodes().size(), 2u);
      fs::remove(folder_ / "o.h5");
    }
  }
}

// Without poses of an arm both ways out are named; chunks of actions are told by their shape.
TEST_F(OddFile, RefusalsNameTheNextStep) {
  const fs::path file = folder_ / "s.hdf5";
  WriteStranger(file);
  EXPECT_THAT(ErrorOf([&] { ImportForeign(*OpenDataset(file), folder_ / "o.h5", {}, {}, quiet_); },
                      ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("holds no poses of an arm"), HasSubstr("--map-template"),
                             HasSubstr("`--to lerobot`")));
  {
    Surgeon surgeon(file);
    surgeon.Delete("/data/demo_0/actions");
    surgeon.Array("/data/demo_0/actions", {5, 2, 3});
  }
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file)->ReadEpisode(0); }, ErrorKind::kBadInput),
              HasSubstr("has shape (5, 2, 3), must have 5 rows: (5, numbers of an action)"));
}

}  // namespace
}  // namespace understudy
