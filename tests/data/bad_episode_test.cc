// One bad episode is one bad episode: it is named with its place, and the others are read. Numbers
// that cannot be computed are absent.

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/episode/motion.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

class BadEpisode : public testing::Test {
 protected:
  fs::path Write(Writer target) {
    const fs::path own = WriteConvertible(folder_ / "own.h5"), file = folder_ / "theirs.hdf5";
    ForeignWriteOptions options;
    options.overwrite = true;
    options.isaaclab.double_precision = true;
    Export(target, own, file, options, Translation());
    fs::remove(own);
    return file;
  }
  // A file of the raw layout: /data/demo_<i> with `actions`.
  fs::path Bare(const std::vector<hsize_t>& rows, hsize_t width) {
    const fs::path file = folder_ / "bare.hdf5";
    Surgeon s(file, true);
    s.Group("data");
    for (size_t e = 0; e < rows.size(); ++e) {
      const std::string demo = "/data/demo_" + std::to_string(e);
      s.Array((demo + "/actions").c_str(), {rows[e], width});
      s.Array((demo + "/states").c_str(), {rows[e], 45});
    }
    return file;
  }
  static std::string Faults(const fs::path& file) {
    Progress quiet;
    std::string all;
    for (const Fault& fault : VerifyApart(file, {}, {}, quiet).faults) {
      all += fault.place + ": " + fault.what + "\n";
    }
    return all;
  }
  static std::string RefusalOf(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }
  // Verify, info and conversion name the place, and go on with the other episodes.
  void ExpectNamed(const fs::path& file, const std::string& place) {
    Progress quiet;
    const VerifyReport report = VerifyApart(file, {}, {}, quiet);
    EXPECT_FALSE(report.crashed);
    EXPECT_EQ(report.episodes, 3);
    ASSERT_THAT(report.faults, SizeIs(1)) << Faults(file);
    EXPECT_THAT(report.faults[0].place + ": " + report.faults[0].what,
                HasSubstr("/data/demo_1/" + place));
    const Json motion = DescribeDataset(*OpenDataset(file))["motion"];
    ASSERT_THAT(motion["unreadable"], SizeIs(1));
    EXPECT_THAT(motion["unreadable"]["demo_1"].get<std::string>(), HasSubstr(place));
    const std::string refusal = RefusalOf(
        [&] { ImportForeign(*OpenDataset(file), folder_ / "o.h5", {}, Translation(), quiet); });
    EXPECT_THAT(refusal, HasSubstr("/data/demo_1/" + place));
    EXPECT_THAT(refusal, HasSubstr("--skip-bad"));
    EXPECT_FALSE(fs::exists(folder_ / "o.h5"));

    // without it everything goes on
    const auto sound = OpenDataset(file, {.skip_bad = true});
    ASSERT_THAT(sound->episodes(), SizeIs(2));
    EXPECT_EQ(sound->episodes()[1].name, "demo_2");
    ASSERT_THAT(sound->skipped(), SizeIs(1));
    EXPECT_EQ(sound->skipped()[0].name, "demo_1");
    EXPECT_THAT(sound->skipped()[0].reason, HasSubstr(place));
    EXPECT_THAT(sound->skipped()[0].reason, Not(HasSubstr("--skip-bad")));
    EXPECT_THAT(sound->ReadMask("valid"), IsEmpty());
    EXPECT_EQ(DescribeDataset(*sound)["skipped"]["count"], 1);
    ImportForeign(*sound, folder_ / "o.h5", {}, Translation(), quiet);
    EXPECT_EQ(OpenDataset(folder_ / "o.h5")->episodes().size(), 2u);
    fs::remove(folder_ / "o.h5");
  }

  Folder folder_;
};

TEST_F(BadEpisode, NumbersThatAreNotFiniteAreNamedWithColumnAndRow) {
  struct Case {
    Writer target;
    const char* column;
    size_t width;
  };
  for (const auto& [target, column, width] :
       std::vector<Case>{{&foreign::kRobomimicWriter, "actions", 7},
                         {&foreign::kRobomimicWriter, "actions_abs", 7},
                         {&foreign::kRobomimicWriter, "states", 31},
                         {&foreign::kRobomimicWriter, "rewards", 1},
                         {&foreign::kRobomimicWriter, "obs/robot0_eef_pos", 3},
                         {&foreign::kRobomimicWriter, "obs/robot0_eef_quat", 4},
                         {&foreign::kRobomimicWriter, "obs/robot0_joint_pos", 7},
                         {&foreign::kRobomimicWriter, "obs/object", 14},
                         {&foreign::kMimicgenWriter, "datagen_info/eef_pose", 16},
                         {&foreign::kMimicgenWriter, "datagen_info/target_pose", 16},
                         {&foreign::kMimicgenWriter, "datagen_info/gripper_action", 1},
                         {&foreign::kMimicgenWriter, "datagen_info/object_poses/cube1", 16},
                         {&foreign::kIsaacLabWriter, "actions", 7},
                         {&foreign::kIsaacLabWriter, "obs/eef_quat", 4},
                         {&foreign::kIsaacLabWriter, "obs/datagen_info/object_pose/cube0", 16},
                         {&foreign::kIsaacLabWriter, "states/rigid_object/cube0/root_pose", 7}}) {
    for (const double bad : {kNan, -kInf}) {
      SCOPED_TRACE(std::string(column) + " " + std::to_string(bad));
      const fs::path file = Write(target);
      { Surgeon(file).Poke((std::string("/data/demo_1/") + column).c_str(), 4 * width, bad); }
      ExpectNamed(file, std::string(column) + "[4]");
      if (HasFailure()) return;
    }
  }
}

TEST_F(BadEpisode, APoseTooFarAwayToCountWithIsAFaultOfTheFile) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  { Surgeon(file).Poke("/data/demo_1/obs/robot0_eef_pos", 12, 1e308); }
  ExpectNamed(file, "obs/robot0_eef_pos[4]");
}

TEST_F(BadEpisode, WhatTheProgramItselfDoesWrongIsNoDamageOfTheFile) {
  EXPECT_THROW(RunApart([]() -> VerifyReport { throw ContractError("a bug"); }), ContractError);
  EXPECT_THROW(RunApart([]() -> VerifyReport { throw Error(ErrorKind::kUsage, "x"); }), Error);
}

TEST_F(BadEpisode, AnEmptyDemonstrationStopsNothing) {
  for (const Writer target : {&foreign::kRobomimicWriter, &foreign::kIsaacLabWriter}) {
    const fs::path file = Write(target);
    const std::string format = OpenDataset(file)->header().stage;
    const std::string camera = OpenDataset(file)->header().cameras.at(0);
    const Image last = OpenDataset(file)->ReadImage(2, camera, 3);
    ASSERT_NE(last, OpenDataset(file)->ReadImage(1, camera, 3));
    {
      Surgeon s(file);
      s.Delete("/data/demo_0");
      s.Group("/data/demo_0");
      s.Int("/data/demo_0", "num_samples", 0);
      s.Int("/data", "total", 20);
    }
    EXPECT_EQ(OpenDataset(file)->header().stage, format);
    EXPECT_THAT(Faults(file), HasSubstr("/data/demo_0: is empty (num_samples = 0)"));
    const Json info = DescribeDataset(*OpenDataset(file));
    EXPECT_EQ(info["episodes"], 3);
    EXPECT_EQ(info["steps"], 20);
    EXPECT_EQ(info["length"]["min"], 10);
    EXPECT_THAT(info["motion"]["unreadable"]["demo_0"].get<std::string>(), HasSubstr("is empty"));
    const auto rest = OpenDataset(file, {.skip_bad = true});
    ASSERT_EQ(rest->episodes().size(), 2u);
    EXPECT_EQ(rest->ReadImage(1, camera, 3), last) << "an episode keeps its pictures";
    fs::remove(file);
  }
}

TEST_F(BadEpisode, ARawRecordingIsNamedForWhatItIs) {
  const fs::path file = Bare({5, 8}, 7);
  {
    Surgeon s(file);
    s.Text("/data", "env", "Stack");
    s.Text("/data", "env_info",
           R"({"robots": "Panda", "controller_configs": {"type": "BASIC", "body_parts": )"
           R"({"right": {"type": "OSC_POSE", "input_type": "delta"}}}})");
  }
  EXPECT_EQ(Faults(file), "");
  const Json info = DescribeDataset(*OpenDataset(file));
  EXPECT_THAT(info["format"].get<std::string>(), HasSubstr("raw recording"));
  EXPECT_EQ(info["episodes"], 2);
  EXPECT_EQ(info["steps"], 13);
  EXPECT_EQ(info["robot"], "Panda");
  EXPECT_EQ(info["tasks"]["Stack"], 2);
  Progress quiet;
  const std::string refusal = RefusalOf([&] {
    ImportForeign(*OpenDataset(file), folder_ / "o.h5", {.control_hz = 20}, Translation(), quiet);
  });
  EXPECT_THAT(refusal, HasSubstr("convert_robosuite.py"));
  EXPECT_THAT(refusal, HasSubstr("dataset_states_to_obs.py"));
}

TEST_F(BadEpisode, WithoutActionsTheirLookAlikesAreNamed) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  {
    Surgeon s(file);
    s.Delete("/data/demo_1/actions");
    s.Array("/data/demo_1/actions_joints", {10, 14});
  }
  EXPECT_THAT(Faults(file), HasSubstr("actions_joints (10, 14)"));
  EXPECT_EQ(DescribeDataset(*OpenDataset(file))["motion"]["steps"]["min"], 10);
}

TEST_F(BadEpisode, ADemonstrationWithoutDatagenInfoIsAFault) {
  for (const char* demo : {"demo_0", "demo_2"}) {
    const fs::path file = Write(&foreign::kMimicgenWriter);
    { Surgeon(file).Delete((std::string("/data/") + demo + "/datagen_info").c_str()); }
    EXPECT_THAT(OpenDataset(file)->header().stage, HasSubstr("MimicGen"));
    EXPECT_THAT(Faults(file), HasSubstr(std::string(demo) + "/datagen_info: no such group"));
    EXPECT_EQ(VerifyDataset(file).faults.size(), 1u);
    EXPECT_TRUE(DescribeDataset(*OpenDataset(file))["motion"]["unreadable"].contains(demo));
  }
}

// A missing column must not move the others up.
TEST_F(BadEpisode, ObjectsAndSignalsAreMatchedByName) {
  struct Case {
    Writer target;
    const char *group, *name;
  };
  for (const auto& [target, group, name] : std::vector<Case>{
           {&foreign::kMimicgenWriter, "datagen_info/object_poses/", "cube0"},
           {&foreign::kMimicgenWriter, "datagen_info/subtask_term_signals/", "signal0"},
           {&foreign::kIsaacLabWriter, "obs/datagen_info/subtask_term_signals/", "signal0"}}) {
    const std::string place = std::string(group) + name;
    const fs::path file = Write(target);
    { Surgeon(file).Delete(("/data/demo_1/" + place).c_str()); }
    ExpectNamed(file, place);
  }
  // renamed: both names are said
  const fs::path file = Write(&foreign::kMimicgenWriter);
  {
    Surgeon s(file);
    H5Lmove(s.id(), "/data/demo_1/datagen_info/object_poses/cube0", s.id(),
            "/data/demo_1/datagen_info/object_poses/lid", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_THAT(RefusalOf([&] { OpenDataset(file)->ReadEpisode(1); }), HasSubstr("'cube0'"));
  EXPECT_THAT(Faults(file), HasSubstr("object_poses/cube0"));
}

TEST_F(BadEpisode, AMaskThatNamesAMissingEpisodeIsReportedAndNotCopied) {
  const fs::path file = Write(&foreign::kRobomimicWriter), out = folder_ / "out.hdf5";
  { Surgeon(file).Delete("/data/demo_2"); }
  const auto reader = OpenDataset(file);
  EXPECT_THAT(reader->ReadMask("train"), ElementsAre("demo_0"));
  const Json info = DescribeDataset(*reader);
  EXPECT_EQ(info["masks"]["train"], 1);
  EXPECT_EQ(info["missing_in_masks"]["train"], Json({"demo_2"}));
  Export(&foreign::kRobomimicWriter, file, out, {}, Translation());
  EXPECT_THAT(OpenDataset(out)->ReadMask("train"), ElementsAre("demo_0"));
  EXPECT_THAT(Faults(out), Not(HasSubstr("mask")));
}

TEST_F(BadEpisode, ColumnsThatATargetCannotHoldAreSaid) {
  const fs::path file = Write(&foreign::kRobomimicWriter);
  { Surgeon(file).Array("/data/demo_0/next_obs/robot0_eef_pos", {10, 3}); }
  const auto reader = OpenDataset(file);
  const auto said = [&](const std::vector<std::string>& lost) {
    std::string all;
    for (const std::string& line : lost) all += line + "\n";
    return all;
  };
  for (const std::string& lost :
       {said(LostIn(foreign::kRobomimicWriter, *reader, {}, Translation())),
        said(LostIn(foreign::kIsaacLabWriter, *reader, {}, Translation())),
        said(LostInImport(*reader, Translation()))}) {
    EXPECT_THAT(lost, HasSubstr("next_obs/robot0_eef_pos"));
    EXPECT_THAT(lost, HasSubstr("obs/object"));
  }
  // with the option it is written again
  EXPECT_THAT(said(LostIn(foreign::kRobomimicWriter, *reader, {.robosuite = {.next_obs = true}},
                          Translation())),
              Not(HasSubstr("next_obs/robot0_eef_pos")));
}

TEST_F(BadEpisode, ActionsBelongIntoTheBoxOnlyWhereTheControllerSaysSo) {
  const fs::path delta = Write(&foreign::kRobomimicWriter);
  { Surgeon(delta).Poke("/data/demo_1/actions", 28, 1.5); }
  EXPECT_THAT(Faults(delta), HasSubstr("actions[4]: = 1.5 must lie in [-1, 1]"));
  // what is repaired has no fault that verify would find
  Progress quiet;
  const RepairReport repaired = RepairAny(delta, folder_ / "mended.hdf5", false, {}, quiet);
  ASSERT_THAT(repaired.dropped, SizeIs(1));
  EXPECT_THAT(repaired.dropped[0].what, HasSubstr("actions[4]: = 1.5 must lie in [-1, 1]"));
  EXPECT_EQ(Faults(folder_ / "mended.hdf5"), "");
  const fs::path degrees = Bare({5, 8}, 6);
  { Surgeon(degrees).Poke("/data/demo_1/actions", 3, 95); }
  EXPECT_EQ(Faults(degrees), "");
}

TEST_F(BadEpisode, FiguresAreAbsentWhereTheyCannotBeComputed) {
  const fs::path file = Bare({10, 12}, 6);
  {
    Surgeon s(file);
    for (size_t k = 0; k < 10; ++k) s.Poke("/data/demo_0/actions", 6 * k, static_cast<double>(k));
  }
  const Json info = DescribeDataset(*OpenDataset(file)), motion = info["motion"];
  EXPECT_EQ(info["length"]["median"], 11);
  EXPECT_EQ(motion["steps"]["median"], 11);
  EXPECT_FALSE(motion.contains("path_m"));
  EXPECT_FALSE(motion.contains("jerk_rms"));
  // of the actions: all differ in one episode, none in the other
  EXPECT_EQ(motion["idle_share_by_episode"]["min"], 0);
  EXPECT_NEAR(motion["idle_share"], 11.0 / 22, 1e-12);

  Episode episode;
  episode.steps.resize(5);
  const MotionStatistics none = MeasureMotion(episode);
  EXPECT_TRUE(std::isnan(none.path_m) && std::isnan(none.jerk_rms) && std::isnan(none.idle_share));
  EXPECT_EQ(none.idle_head, 0);
  EXPECT_EQ(MotionToJson(none), Json({{"missing", 0}}));
}

}  // namespace
}  // namespace understudy
