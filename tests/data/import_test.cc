// Files of other programs become ours, and hostile ones an error.

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

Progress quiet;

class Import : public testing::Test {
 protected:
  void SetUp() override { own_ = WriteConvertible(folder_ / "own.h5"); }
  fs::path Foreign(Writer target) {
    const fs::path file = folder_ / "theirs.hdf5";
    ForeignWriteOptions options;
    options.overwrite = true;
    const bool isaaclab = target == &foreign::kIsaacLabWriter;
    Export(target, own_, file, options, names_.For(isaaclab ? kIsaacLabFamily : kRobosuiteFamily));
    return file;
  }
  ForeignReport Run(const fs::path& file, const ImportOptions& options = {}) {
    const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
    const EpisodeSource& reader = *reader_source;
    return ImportForeign(reader, out_, options, names_.For(reader.header().family), quiet);
  }

  const Folder folder_;
  fs::path own_, out_ = folder_ / "out.h5";
  const Names names_;
};

// There and back: the same rows but the last, whose result no file tells.
TEST_F(Import, GivesOurRowsAgain) {
  for (const Writer target : {&foreign::kMimicgenWriter, &foreign::kIsaacLabWriter}) {
    ImportOptions options;
    options.overwrite = true;
    const bool isaaclab = target == &foreign::kIsaacLabWriter;
    EXPECT_EQ(Run(Foreign(target), options).episodes, 3);
    const std::unique_ptr<EpisodeSource> ours_source = OpenDataset(own_);
    const EpisodeSource& ours = *ours_source;
    const std::unique_ptr<EpisodeSource> back_source = OpenDataset(out_);
    const EpisodeSource& back = *back_source;
    for (const Fault& fault : VerifyDataset(out_).faults) {
      ADD_FAILURE() << fault.place << ": " << fault.what;
    }
    EXPECT_FALSE(back.content_hash().empty());
    EXPECT_EQ(back.header().stage, "import");
    EXPECT_EQ(back.header().simulator.task, "stack");
    EXPECT_EQ(back.header().simulator.robot, "panda");
    EXPECT_EQ(back.ReadMask("train"), ours.ReadMask("train"));
    for (size_t i = 0; i < 3; ++i) {
      const Episode wanted = ours.ReadEpisode(i), got = back.ReadEpisode(i);
      ASSERT_EQ(got.length(), wanted.length() - 1);
      EXPECT_EQ(got.meta.uuid, wanted.meta.uuid);
      EXPECT_EQ(got.meta.objects, wanted.meta.objects);
      EXPECT_EQ(got.meta.signals, wanted.meta.signals);
      EXPECT_EQ(got.meta.arms, wanted.meta.arms);
      EXPECT_EQ(got.meta.limits, wanted.meta.limits);
      EXPECT_TRUE(got.meta.success);
      ExpectSameRows(wanted, got, isaaclab ? 1e-5 : 1e-7,
                     {.signals = true, .success = !isaaclab, .state = false, .objects = true});
      // no state is invented
      EXPECT_TRUE(got.steps[0].state.empty());
      EXPECT_TRUE(got.final_state.empty());
      ExpectNear(got.final_observation.arms[0].X_WE, wanted.steps[9].observation.arms[0].X_WE,
                 isaaclab ? 1e-5 : 1e-7);
      for (size_t k = 0; k < got.length(); ++k) {
        EXPECT_EQ(back.ReadImage(i, "wrist", k), ours.ReadImage(i, "wrist", k));
      }
    }
  }
}

TEST_F(Import, AnEpisodeOfOneRowIsLeftOutWhereItsEndIsWanted) {
  own_ = WriteConvertible(folder_ / "short.h5", 1, 1);
  const fs::path file = Foreign(&foreign::kRobomimicWriter);
  EXPECT_THAT([&] { Run(file); },
              testing::ThrowsMessage<Error>(HasSubstr(
                  "demo_1 has a single row and no state after it: --skip-bad leaves such")));
  const auto source = LeaveOutUnwritable(OpenDataset(file), OwnFormat());
  ASSERT_EQ(source->skipped().size(), 1u);
  EXPECT_EQ(source->skipped()[0].name, "demo_1");
  EXPECT_EQ(source->skipped()[0].reason, "has a single row and no state after it");
  const ForeignReport report =
      ImportForeign(*source, out_, {}, names_.For(source->header().family), quiet);
  EXPECT_EQ(report.episodes, 2);
  const DatasetReader back(out_);
  EXPECT_EQ(back.ReadMask("train").size(), 2u);
  EXPECT_TRUE(back.ReadMask("valid").empty());
  // whoever stores rows alone takes it
  const DatasetFormat& robomimic = FormatNamed("robomimic");
  EXPECT_EQ(LeaveOutUnwritable(OpenDataset(file), robomimic)->episodes().size(), 3u);
  EXPECT_EQ(LeaveOutUnwritable(OpenDataset(own_), OwnFormat())->episodes().size(), 3u);
}

// Where the file does not say how an episode ended, neither does the dataset, until its user does.
TEST_F(Import, UnknownSuccessStaysUnknown) {
  const fs::path file = Foreign(&foreign::kRobomimicWriter);
  {
    h5::GrowingFile edited = h5::GrowingFile::Open(file);
    for (const char* demo : {"data/demo_0", "data/demo_2"}) {
      const h5::Group group = edited.root().Open(demo);
      if (group.HasAttribute("success")) group.RemoveAttribute("success");
      group.Delete("rewards");
    }
    edited.Close();
  }
  Run(file);
  const auto known = [](const fs::path& dataset, const ReadOptions& options = {}) {
    std::vector<bool> known;
    const auto source = OpenDataset(dataset, options);
    for (const EpisodeSummary& episode : source->episodes()) {
      known.push_back(episode.success_known);
    }
    return known;
  };
  EXPECT_THAT(known(out_), testing::ElementsAre(false, true, false));
  // without the index
  EXPECT_THAT(known(out_, {.skip_bad = true}), testing::ElementsAre(false, true, false));
  EXPECT_TRUE(VerifyDataset(out_).faults.empty());
  const fs::path told = folder_ / "told.h5", kept = folder_ / "kept.h5";
  RelabelAny(out_, told, {.where = "name == 'demo_2'", .success = true}, quiet);
  EXPECT_THAT(known(told), testing::ElementsAre(false, true, true));
  EXPECT_TRUE(VerifyDataset(told).faults.empty());
  FilterAny(told, kept, {.where = "name != 'demo_1'"}, quiet);
  EXPECT_THAT(known(kept), testing::ElementsAre(false, true));
  EXPECT_TRUE(VerifyDataset(kept).faults.empty());
}

TEST_F(Import, SaysWhatItLosesAndAssumes) {
  const std::unique_ptr<EpisodeSource> reader_source =
      OpenDataset(Foreign(&foreign::kRobomimicWriter));
  const EpisodeSource& reader = *reader_source;
  const std::vector<std::string> lost = LostInImport(reader, Translation(kRobosuiteFamily, {}, {}));
  EXPECT_THAT(lost, Contains(HasSubstr("states of the other program's simulator")));
  EXPECT_THAT(lost, Contains(HasSubstr("nothing is known here of the task 'Stack_D1'")));
  EXPECT_THAT(lost, Contains(HasSubstr("poses of objects")));
  EXPECT_THAT(lost, Contains(HasSubstr("success from attribute (3 episodes)")));
  EXPECT_THAT(lost, Contains(HasSubstr("targets from actions_abs (3 episodes)")));
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(Import, RefusesWhatIsOursAlreadyAndWhatDoesNotTellItsRate) {
  EXPECT_THAT(ErrorOf([&] { Run(own_); }, ErrorKind::kUsage), HasSubstr("already"));
  const fs::path file = Foreign(&foreign::kIsaacLabWriter);
  { Surgeon(file).Text("data", "env_args", R"({"env_name": "stack", "type": 2})"); }
  EXPECT_THAT(ErrorOf([&] { Run(file); }, ErrorKind::kUsage), HasSubstr("--control-hz"));
  ImportOptions options;
  options.control_hz = 30;
  Run(file, options);
  EXPECT_EQ(OpenDataset(out_)->ReadMeta(0).control_hz, 30);
  EXPECT_EQ(OpenDataset(out_)->ReadEpisode(0).steps[3].observation.sim_time_s, 0.1);
  EXPECT_THAT(ErrorOf([&] { Run(file, options); }, ErrorKind::kUsage), HasSubstr("--overwrite"));
}

TEST_F(Import, RefusesAnEpisodeThatStandsThereTwice) {
  const fs::path file = Foreign(&foreign::kMimicgenWriter);
  {
    const Surgeon surgeon(file);
    H5Ocopy(surgeon.id(), "data/demo_0", surgeon.id(), "data/demo_7", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_THAT(ErrorOf([&] { Run(file); }, ErrorKind::kBadInput),
              AllOf(HasSubstr("demo_7"), HasSubstr("the same episode as demo_0")));
  EXPECT_FALSE(fs::exists(out_));
  EXPECT_FALSE(fs::exists(out_.string() + ".part"));
}

// Each is one clear error with file and object, found by verify too, and nothing is left behind.
TEST_F(Import, InjuredFilesGiveOneErrorAndNoFile) {
  struct Case {
    Writer target;
    std::string place, what;
    std::function<void(Surgeon&)> injure;
  };
  const double nan = std::nan("");
  const Writer mimicgen = &foreign::kMimicgenWriter, isaaclab = &foreign::kIsaacLabWriter;
  const std::vector<Case> cases{
      {mimicgen, "demo_1/datagen_info/eef_pose[2]", "not finite",
       [&](Surgeon& s) { s.Poke("data/demo_1/datagen_info/eef_pose", 2 * 16 + 1, nan); }},
      {mimicgen, "demo_1/datagen_info/eef_pose[0]", "no pose matrix",
       [&](Surgeon& s) {
         // a mirror
         for (size_t i = 0; i < 3; ++i) {
           const double e[] = {-1, 1, 1};
           for (size_t j = 0; j < 3; ++j) {
             s.Poke("data/demo_1/datagen_info/eef_pose", 4 * i + j, i == j ? e[i] : 0);
           }
         }
       }},
      {mimicgen, "demo_1/datagen_info/object_poses/cubeA", "must have (rows, 4, 4)",
       [](Surgeon& s) {
         s.Delete("data/demo_1/datagen_info/object_poses/cubeA");
         s.Array("data/demo_1/datagen_info/object_poses/cubeA", {10, 4, 3});
       }},
      {mimicgen, "demo_1/datagen_info/object_poses/cubeA", "more than",
       [](Surgeon& s) {
         s.Delete("data/demo_1/datagen_info/object_poses/cubeA");
         s.Array("data/demo_1/datagen_info/object_poses/cubeA", {10, 4, 25'000'000'000});
       }},
      {mimicgen, "demo_1/datagen_info/subtask_term_signals/grasp", "has 4 rows, must have 10",
       [](Surgeon& s) {
         s.Delete("data/demo_1/datagen_info/subtask_term_signals/grasp");
         s.Array("data/demo_1/datagen_info/subtask_term_signals/grasp", {4}, H5T_NATIVE_INT64);
       }},
      {mimicgen, "demo_1/actions", "must have 10 rows",
       [](Surgeon& s) {
         s.Delete("data/demo_1/actions");
         s.Array("data/demo_1/actions", {1'000'000'000'000, 7});
       }},
      {mimicgen, "demo_1/actions", "no such dataset",
       [](Surgeon& s) { s.Delete("data/demo_1/actions"); }},
      {mimicgen, "demo_1", "ep_meta",
       [](Surgeon& s) { s.Text("data/demo_1", "ep_meta", "{no json"); }},
      {mimicgen, "demo_1/datagen_info/gripper_action", "must hold numbers",
       [](Surgeon& s) {
         s.Delete("data/demo_1/datagen_info/gripper_action");
         s.Array("data/demo_1/datagen_info/gripper_action", {10, 1}, H5T_C_S1);
       }},
      {isaaclab, "demo_1/obs/datagen_info/eef_pose/franka", "no such dataset",
       [](Surgeon& s) {
         s.Delete("data/demo_1/obs/datagen_info/eef_pose/franka");
         s.Delete("data/demo_1/obs/eef_pos");
       }},
      {isaaclab, "demo_1/states/rigid_object/cube1/root_pose", "must have 10",
       [](Surgeon& s) {
         s.Delete("data/demo_1/states/rigid_object/cube1/root_pose");
         s.Array("data/demo_1/states/rigid_object/cube1/root_pose", {9, 7});
       }},
      {isaaclab, "demo_1/obs/datagen_info/target_eef_pose/franka[4]", "not finite",
       [&](Surgeon& s) { s.Poke("data/demo_1/obs/datagen_info/target_eef_pose/franka", 64, nan); }},
      {isaaclab, "demo_1/actions[3]", "not finite",
       [&](Surgeon& s) { s.Poke("data/demo_1/actions", 3 * 7 + 6, nan); }},
      {isaaclab, "demo_1/obs/datagen_info/object_pose/cube0", "no such dataset",
       [](Surgeon& s) {
         // a loop of links
         s.Delete("data/demo_1/obs/datagen_info/object_pose/cube0");
         s.Delete("data/demo_1/states/rigid_object/cube0");
         H5Lcreate_soft("/data/demo_1/obs/datagen_info/object_pose/cube0", s.id(),
                        "data/demo_1/obs/datagen_info/object_pose/cube0", H5P_DEFAULT, H5P_DEFAULT);
       }},
  };
  for (const Case& c : cases) {
    const fs::path file = Foreign(c.target);
    {
      Surgeon surgeon(file);
      c.injure(surgeon);
    }
    const std::string error = ErrorOf([&] { Run(file); }, ErrorKind::kBadInput);
    EXPECT_THAT(error, AllOf(HasSubstr(file.string()), HasSubstr(c.place), HasSubstr(c.what)));
    EXPECT_FALSE(fs::exists(out_)) << c.place;
    EXPECT_FALSE(fs::exists(out_.string() + ".part")) << c.place;
    std::string all;
    for (const Fault& fault : VerifyDataset(file).faults) all += fault.place + fault.what + "\n";
    EXPECT_THAT(all, AllOf(HasSubstr("demo_1"), HasSubstr(c.what))) << c.place;
  }
}

TEST_F(Import, NamesMustBeText) {
  const fs::path file = Foreign(&foreign::kMimicgenWriter);
  {
    const Surgeon surgeon(file);
    H5Lmove(surgeon.id(), "data/demo_0/datagen_info/object_poses/cubeA", surgeon.id(),
            "data/demo_0/datagen_info/object_poses/c\xA8", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_THAT(ErrorOf([&] { OpenDataset(file); }, ErrorKind::kBadInput),
              AllOf(HasSubstr("datagen_info/object_poses"), HasSubstr("UTF-8")));
}

TEST_F(Import, VerifyFindsWhatReadingDoesNotNeed) {
  const auto faults = [&](Writer target, std::function<void(Surgeon&)> injure) {
    const fs::path file = Foreign(target);
    {
      Surgeon surgeon(file);
      injure(surgeon);
    }
    std::string all;
    for (const Fault& fault : VerifyDataset(file).faults) {
      all += fault.place + ": " + fault.what + "\n";
    }
    return all;
  };
  const Writer robomimic = &foreign::kRobomimicWriter;
  EXPECT_EQ(faults(robomimic, [](Surgeon&) {}), "");
  EXPECT_THAT(faults(robomimic, [](Surgeon& s) { s.Poke("data/demo_0/actions", 8, 2); }),
              HasSubstr("/data/demo_0/actions[1]: = 2 must lie in [-1, 1]"));
  EXPECT_THAT(
      faults(robomimic, [](Surgeon& s) { s.Poke("data/demo_0/obs/object", 14, std::nan("")); }),
      HasSubstr("/data/demo_0/obs/object[1]: is not finite"));
  EXPECT_THAT(faults(robomimic,
                     [](Surgeon& s) {
                       s.Array("data/demo_0/next_obs/robot0_eef_pos", {3, 3});
                     }),
              HasSubstr("next_obs/robot0_eef_pos: has shape (3, 3), must have 10 rows"));
  EXPECT_THAT(faults(robomimic,
                     [](Surgeon& s) {
                       s.Delete("data/demo_0/obs/wrist_image");
                       s.Array("data/demo_0/obs/wrist_image", {4, 8, 16, 3}, H5T_NATIVE_UINT8);
                     }),
              HasSubstr("wrist_image"));
  EXPECT_THAT(faults(robomimic, [](Surgeon& s) { s.Int("data", "total", 4); }),
              HasSubstr("'total' = 4"));
  // Isaac Lab's actions have no box
  EXPECT_EQ(
      faults(&foreign::kIsaacLabWriter, [](Surgeon& s) { s.Poke("data/demo_0/actions", 8, 2); }),
      "");
}

TEST_F(Import, AnotherWritersFileIsLeftAlone) {
  const fs::path file = Foreign(&foreign::kMimicgenWriter);
  DatasetWriter other(out_, ConvertibleHeader(ConvertibleShape()));
  EXPECT_THAT(ErrorOf([&] { Run(file); }, ErrorKind::kFailed), HasSubstr("out.h5.part"));
  EXPECT_THAT(ErrorOf([&] { Export(&foreign::kRobomimicWriter, own_, out_, {}, Translation()); },
                      ErrorKind::kFailed),
              HasSubstr("out.h5.part"));
  other.Append(ConvertibleEpisode(1, ConvertibleShape()));
  other.Finish();
  EXPECT_TRUE(VerifyDataset(out_).faults.empty());
}

TEST_F(Import, OutputsAreNotReplacedNorWrittenOverTheirInput) {
  const fs::path file = Foreign(&foreign::kRobomimicWriter);
  const auto write = [&](const fs::path& out) {
    return ErrorOf(
        [&] {
          WriteForeign(foreign::kRobomimicWriter, *OpenDataset(own_), out, {}, Translation(),
                       Translation(), quiet);
        },
        ErrorKind::kUsage);
  };
  EXPECT_THAT(write(file), HasSubstr("--overwrite"));
  EXPECT_THAT(write(own_), HasSubstr("is input and output"));
  EXPECT_TRUE(VerifyDataset(own_).faults.empty());
}

// Names mean the same episodes in both files, with gaps too, and so do filter keys; what cannot
// keep its name is said.
TEST_F(Import, KeepsTheNamesOfEpisodes) {
  const fs::path file = Foreign(&foreign::kMimicgenWriter);
  {
    Surgeon surgeon(file);
    const auto rename = [&](const char* from, const char* to) {
      H5Lmove(surgeon.id(), from, surgeon.id(), to, H5P_DEFAULT, H5P_DEFAULT);
    };
    rename("/data/demo_2", "/data/demo_9");
    rename("/data/demo_1", "/data/demo_4");
    rename("/data/demo_0", "/data/episode_1");
    surgeon.Delete("/mask");
  }
  {
    h5::GrowingFile growing = h5::GrowingFile::Open(file);
    growing.root().WriteTexts("mask/train", {"demo_9", "episode_1"});
    growing.Close();
  }
  const ForeignReport report = Run(file);
  const auto ours = OpenDataset(out_);
  std::vector<std::string> names;
  for (const EpisodeSummary& episode : ours->episodes()) names.push_back(episode.name);
  EXPECT_THAT(names, testing::ElementsAre("demo_4", "demo_9", "demo_10"));
  EXPECT_THAT(ours->ReadMask("train"), testing::UnorderedElementsAre("demo_9", "demo_10"));
  EXPECT_EQ(ToJson(report)["renamed"], Json({{"episode_1", "demo_10"}}));
}

}  // namespace
}  // namespace understudy
