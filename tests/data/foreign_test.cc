// robomimic, MimicGen and Isaac Lab: what is written is read back, with every option.

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Faults(const fs::path& file) {
  std::string all;
  for (const Fault& fault : VerifyDataset(file).faults)
    all += fault.place + ": " + fault.what + "\n";
  return all;
}

void ExpectPictures(const EpisodeSource& ours, const EpisodeSource& theirs) {
  ASSERT_EQ(theirs.header().cameras, ours.header().cameras);
  for (size_t e = 0; e < theirs.episodes().size(); ++e) {
    for (const std::string& camera : ours.header().cameras) {
      for (size_t k = 0; k < theirs.episodes()[e].length; ++k) {
        EXPECT_EQ(ours.ReadImage(e, camera, k), theirs.ReadImage(e, camera, k));
      }
    }
  }
}

struct Way {
  Writer target;
  RobosuiteVersion version;
  bool next_obs;
  IsaacLabOrder order;
  bool doubles;
  size_t arms;
  bool named;  // the task and the robot are known by other names and frames
};

class ForeignRoundTrip : public testing::TestWithParam<Way> {};

TEST_P(ForeignRoundTrip, ReadsWhatWasWritten) {
  const Way& way = GetParam();
  const bool isaaclab = way.target == &foreign::kIsaacLabWriter;
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5", way.arms);
  const fs::path file = folder / "theirs.hdf5";
  ForeignWriteOptions options;
  options.robosuite = {way.version, way.next_obs};
  options.isaaclab.quaternions = way.order;
  options.isaaclab.double_precision = way.doubles;
  const Names names;
  const std::string family = isaaclab ? kIsaacLabFamily : kRobosuiteFamily;
  const Translation translation = way.named ? names.For(family) : Translation();
  const ForeignReport report = Export(way.target, own, file, options, translation);
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.frames, report.frames_copied) << "pictures are not compressed again";
  EXPECT_FALSE(fs::exists(folder / "theirs.hdf5.part"));
  EXPECT_EQ(Faults(file), "");

  const std::unique_ptr<EpisodeSource> ours_source = OpenDataset(own);
  const EpisodeSource& ours = *ours_source;
  const std::unique_ptr<EpisodeSource> theirs_source = OpenDataset(file);
  const EpisodeSource& theirs = *theirs_source;
  EXPECT_TRUE(theirs.content_hash().empty());
  EXPECT_EQ(theirs.header().family, family);
  EXPECT_EQ(theirs.MaskNames(), ours.MaskNames());
  EXPECT_EQ(theirs.ReadMask("train"), ours.ReadMask("train"));
  EXPECT_NEAR(theirs.header().simulator.control_hz, 20, 1e-12);
  ExpectPictures(ours, theirs);
  const double tolerance = isaaclab && !way.doubles ? 1e-5 : 1e-7;
  for (size_t i = 0; i < 3; ++i) {
    const Episode wanted = ours.ReadEpisode(i);
    Episode got = theirs.ReadEpisode(i);
    translation.ToOurs(&got);
    EXPECT_EQ(got.length(), wanted.length());
    EXPECT_EQ(got.meta.uuid, wanted.meta.uuid);
    EXPECT_EQ(got.meta.seed, wanted.meta.seed);
    EXPECT_EQ(got.meta.success, wanted.meta.success);
    EXPECT_EQ(theirs.episodes()[i].uuid, wanted.meta.uuid);
    EXPECT_TRUE(theirs.episodes()[i].success);
    if (way.named) {
      EXPECT_EQ(got.meta.task, "stack");
      if (way.target != &foreign::kRobomimicWriter) {
        EXPECT_EQ(got.meta.objects, wanted.meta.objects);
        EXPECT_EQ(got.meta.signals, wanted.meta.signals);
      }
      if (!isaaclab || way.arms == 1) {
        EXPECT_EQ(got.meta.robot, "panda");
      }
      if (!isaaclab) {
        EXPECT_EQ(got.meta.variant, "D1");
      }
    }
    if (way.version == RobosuiteVersion::kV15 && !isaaclab) {
      EXPECT_EQ(got.meta.instruction, wanted.meta.instruction);
    }
    const bool robomimic = way.target == &foreign::kRobomimicWriter;
    ExpectSameRows(
        wanted, got, tolerance,
        {.signals = !robomimic, .success = !isaaclab, .state = !isaaclab, .objects = !robomimic});
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, ForeignRoundTrip,
    testing::Values(
        Way{&foreign::kRobomimicWriter, RobosuiteVersion::kV14, false, {}, false, 1, false},
        Way{&foreign::kRobomimicWriter, RobosuiteVersion::kV15, true, {}, false, 1, true},
        Way{&foreign::kRobomimicWriter, RobosuiteVersion::kV15, true, {}, false, 2, true},
        Way{&foreign::kMimicgenWriter, RobosuiteVersion::kV14, false, {}, false, 1, true},
        Way{&foreign::kMimicgenWriter, RobosuiteVersion::kV15, true, {}, false, 2, true},
        Way{&foreign::kMimicgenWriter, RobosuiteVersion::kV14, false, {}, false, 2, false},
        Way{&foreign::kIsaacLabWriter, {}, false, IsaacLabOrder::kXyzw, false, 1, true},
        Way{&foreign::kIsaacLabWriter, {}, false, IsaacLabOrder::kWxyz, true, 1, true},
        Way{&foreign::kIsaacLabWriter, {}, false, IsaacLabOrder::kWxyz, false, 2, false}));

TEST(ForeignRobomimic, HoldsWhatItsLoaderAsksFor) {
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5"), file = folder / "r.hdf5";
  ForeignWriteOptions options;
  options.robosuite.next_obs = true;
  Export(&foreign::kRobomimicWriter, own, file, options, Names().For(kRobosuiteFamily));
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  const Json env = reader.header().settings["env_args"];
  EXPECT_EQ(env["env_name"], "Stack_D1");
  EXPECT_EQ(env["type"], 1);
  EXPECT_EQ(env["env_kwargs"]["robots"], Json({"Panda"}));
  EXPECT_EQ(env["env_kwargs"]["controller_configs"]["type"], "OSC_POSE");
  EXPECT_EQ(reader.header().stage, "robomimic");
  EXPECT_EQ(reader.header().model_text, OpenDataset(own)->header().model_text);
  // next_obs of a row is obs of the next
  for (const char* name : {"robot0_eef_pos", "robot0_eef_quat", "object", "robot0_gripper_qpos"}) {
    const std::string obs = std::string("data/demo_1/obs/") + name;
    const std::vector<double> now = Numbers(file, obs);
    std::vector<double> next = Numbers(file, "data/demo_1/next_obs/" + std::string(name));
    ASSERT_EQ(now.size(), next.size());
    const size_t width = now.size() / 10;
    EXPECT_TRUE(std::equal(now.begin() + static_cast<long>(width), now.end(), next.begin()));
    // the last one is the state after the last action, not the row again
    EXPECT_FALSE(std::equal(next.end() - static_cast<long>(width), next.end(),
                            now.end() - static_cast<long>(width)));
  }
  // pictures too, but the last one: nobody looked after the last action
  std::vector<double> seen = Numbers(file, "data/demo_0/obs/wrist_image");
  const std::vector<double> next = Numbers(file, "data/demo_0/next_obs/wrist_image");
  const long frame = 8 * 16 * 3;
  ASSERT_EQ(seen.size(), static_cast<size_t>(10 * frame));
  seen.erase(seen.begin(), seen.begin() + frame);
  seen.insert(seen.end(), seen.end() - frame, seen.end());
  EXPECT_EQ(next, seen);
  EXPECT_EQ(Shape(file, "data/demo_0/actions_abs"), (std::vector<hsize_t>{10, 7}));
  EXPECT_EQ(Shape(file, "data/demo_0/states"), (std::vector<hsize_t>{10, 31}));
  const Episode e = OpenDataset(own)->ReadEpisode(0);
  const std::vector<double> rewards = Numbers(file, "data/demo_0/rewards");
  for (size_t k = 0; k + 1 < 10; ++k) {
    EXPECT_EQ(rewards[k], e.steps[k + 1].observation.success ? 1 : 0);
  }
  EXPECT_EQ(rewards[9], e.final_observation.success ? 1 : 0);
  EXPECT_EQ(Numbers(file, "data/demo_0/dones"),
            (std::vector<double>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  // robosuite's quaternions are xyzw, of the frame that it observes
  const Pose X_WH = Names().For(kRobosuiteFamily).Observed(e.steps[3].observation.arms[0].X_WE);
  const std::vector<double> quat = Numbers(file, "data/demo_0/obs/robot0_eef_quat");
  const Eigen::Quaterniond q(quat[4 * 3 + 3], quat[4 * 3], quat[4 * 3 + 1], quat[4 * 3 + 2]);
  EXPECT_LT(AngleBetween(q, X_WH.rotation()), 1e-7);
}

TEST(ForeignMimicgen, KnowsSourcesByTheirPlace) {
  const Folder folder;
  const EpisodeShape shape = ConvertibleShape();
  DatasetHeader header = ConvertibleHeader(shape);
  header.cameras.clear();
  const fs::path own = folder / "own.h5", file = folder / "m.hdf5";
  {
    DatasetWriter writer(own, header);
    for (uint64_t e = 0; e < 2; ++e) {
      Episode episode = ConvertibleEpisode(e, shape);
      episode.meta.sources =
          e == 0 ? std::vector<std::string>{"z", "b"} : std::vector<std::string>{"b", "z"};
      writer.Append(episode);
      // places in the list that mimic generated from
      writer.AppendAttempt(
          {.attempt = static_cast<int64_t>(e),
           .success = true,
           .sources = e == 0 ? std::vector<int32_t>{7, 2} : std::vector<int32_t>{2, 7}});
    }
    writer.Finish();
  }
  const Translation into = Names().For(kRobosuiteFamily);
  Export(&foreign::kMimicgenWriter, own, file, {}, into);
  EXPECT_EQ(OpenDataset(file)->header().stage, "MimicGen generated");
  EXPECT_EQ(Numbers(file, "data/demo_0/src_demo_inds"), (std::vector<double>{7, 2}));
  EXPECT_EQ(Numbers(file, "data/demo_1/src_demo_inds"), (std::vector<double>{2, 7}));
  EXPECT_EQ(Numbers(file, "data/demo_0/src_demo_labels"),
            (std::vector<double>{7, 7, 7, 7, 2, 2, 2, 2, 2, 2}));
  EXPECT_EQ(Shape(file, "data/demo_0/src_demo_labels"), (std::vector<hsize_t>{10, 1}));
  EXPECT_EQ(Shape(file, "data/demo_0/datagen_info/object_poses/cubeA"),
            (std::vector<hsize_t>{10, 4, 4}));
  EXPECT_EQ(Shape(file, "data/demo_0/datagen_info/subtask_term_signals/grasp"),
            (std::vector<hsize_t>{10}));
  {
    const Surgeon surgeon(file);
    const hid_t info = H5Gopen2(surgeon.id(), "data/demo_0/datagen_info", H5P_DEFAULT);
    EXPECT_GT(H5Aexists(info, "env_interface_name"), 0);
    EXPECT_GT(H5Aexists(info, "env_interface_type"), 0);
    H5Gclose(info);
  }
  // without the table of attempts the order of uuids counts
  const fs::path merged = folder / "merged.h5";
  std::vector<DatasetReader> readers;
  readers.emplace_back(own);
  {
    DatasetWriter writer(merged, header);
    for (uint64_t e = 0; e < 2; ++e) writer.Append(readers[0].ReadEpisode(e));
    writer.Finish();
  }
  Export(&foreign::kMimicgenWriter, merged, folder / "n.hdf5", {}, into);
  EXPECT_EQ(Numbers(folder / "n.hdf5", "data/demo_0/src_demo_inds"), (std::vector<double>{1, 0}));
}

// A prepared source file of MimicGen: no observations, no attribute of success.
TEST(ForeignMimicgen, SourcesNeedNoObservations) {
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5"), file = folder / "m.hdf5";
  Export(&foreign::kMimicgenWriter, own, file, {}, Translation());
  {
    Surgeon surgeon(file);
    for (int i = 0; i < 3; ++i) {
      const std::string demo = "data/demo_" + std::to_string(i);
      for (const char* name :
           {"/obs", "/rewards", "/dones", "/actions_abs", "/src_demo_inds", "/src_demo_labels"}) {
        surgeon.Delete((demo + name).c_str());
      }
      for (const char* name : {"success", "seed", "uuid"}) {
        H5Adelete_by_name(surgeon.id(), demo.c_str(), name, H5P_DEFAULT);
      }
    }
  }
  const std::unique_ptr<EpisodeSource> theirs_source = OpenDataset(file);
  const EpisodeSource& theirs = *theirs_source;
  EXPECT_EQ(theirs.header().stage, "MimicGen source");
  EXPECT_EQ(Faults(file), "");
  for (size_t i = 0; i < 3; ++i) {
    const Episode wanted = OpenDataset(own)->ReadEpisode(i), got = theirs.ReadEpisode(i);
    ASSERT_EQ(got.length(), wanted.length());
    EXPECT_EQ(got.meta.settings["pose_from"], "datagen_info");
    EXPECT_EQ(got.meta.settings["target_from"], "datagen_info");
    EXPECT_EQ(got.meta.settings["success_from"], "MimicGen keeps successes only");
    EXPECT_TRUE(got.meta.success);
    for (size_t k = 0; k < got.length(); ++k) {
      ExpectNear(got.steps[k].observation.arms[0].X_WE, wanted.steps[k].observation.arms[0].X_WE,
                 1e-7);
      ExpectNear(got.steps[k].action.arms[0].X_WE_cmd, wanted.steps[k].action.arms[0].X_WE_cmd,
                 1e-7);
      EXPECT_EQ(got.steps[k].observation.signals, wanted.steps[k].observation.signals);
    }
  }
  const Json info = DescribeDataset(*OpenDataset(file));
  EXPECT_EQ(info["format"], "MimicGen source");
  EXPECT_EQ(info["success_from"]["MimicGen keeps successes only"], 3);
}

// The same episode has the same uuid in another file and under another name.
TEST(ForeignUuid, GoesWithTheContent) {
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5");
  for (const Writer target : {&foreign::kRobomimicWriter, &foreign::kIsaacLabWriter}) {
    const fs::path file = folder / "a.hdf5", other = folder / "b.hdf5";
    fs::remove(file);
    Export(target, own, file, {}, Translation());
    {
      Surgeon surgeon(file);
      for (const char* demo : {"data/demo_0", "data/demo_1", "data/demo_2"}) {
        H5Adelete_by_name(surgeon.id(), demo, "uuid", H5P_DEFAULT);
      }
    }
    fs::copy_file(file, other, fs::copy_options::overwrite_existing);
    {
      const Surgeon surgeon(other);
      ASSERT_GE(H5Lmove(surgeon.id(), "data/demo_0", surgeon.id(), "data/demo_9", H5P_DEFAULT,
                        H5P_DEFAULT),
                0);
    }
    std::string uuid;
    {
      const std::unique_ptr<EpisodeSource> a_source = OpenDataset(file);
      const EpisodeSource& a = *a_source;
      const std::unique_ptr<EpisodeSource> b_source = OpenDataset(other);
      const EpisodeSource& b = *b_source;
      uuid = a.episodes()[0].uuid;
      EXPECT_EQ(uuid.size(), 36u);
      EXPECT_EQ(uuid, b.episodes()[2].uuid);
      EXPECT_EQ(uuid, b.ReadEpisode(2).meta.uuid);
      EXPECT_NE(uuid, a.episodes()[1].uuid);
    }
    // other actions, another episode
    if (target == &foreign::kRobomimicWriter) {
      { Surgeon(other).Poke("data/demo_9/actions", 3, 0.5); }
      EXPECT_NE(OpenDataset(other)->episodes()[2].uuid, uuid);
    }
  }
}

TEST(ForeignSuccess, IsTakenFromRewardsWhereNoAttributeTells) {
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5"), file = folder / "r.hdf5";
  Export(&foreign::kRobomimicWriter, own, file, {}, Translation());
  {
    Surgeon surgeon(file);
    for (const char* demo : {"data/demo_0", "data/demo_1"}) {
      H5Adelete_by_name(surgeon.id(), demo, "success", H5P_DEFAULT);
    }
    for (size_t k = 0; k < 10; ++k) {
      surgeon.Poke("data/demo_0/rewards", k, 0.9);  // shaped, and never there
      surgeon.Poke("data/demo_1/rewards", k, k == 8 ? 1 : 0);
    }
  }
  {
    const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
    const EpisodeSource& reader = *reader_source;
    EXPECT_FALSE(reader.episodes()[0].success);
    EXPECT_TRUE(reader.episodes()[1].success);
    const Episode e = reader.ReadEpisode(1);
    EXPECT_EQ(e.meta.settings["success_from"], "a reward of 1");
    for (size_t k = 0; k < 10; ++k) EXPECT_EQ(e.steps[k].observation.success, k == 9);
    EXPECT_FALSE(e.final_observation.success);
  }
  { Surgeon(file).Delete("data/demo_0/rewards"); }
  EXPECT_FALSE(OpenDataset(file)->episodes()[0].success);
  EXPECT_THAT(OpenDataset(file)->ReadEpisode(0).meta.settings["success_from"].get<std::string>(),
              HasSubstr("not told"));
}

// robosuite's controllers wherever its versions put them; absolute actions; other limits.
TEST(ForeignRobosuite, ReadsWhatActionsMean) {
  const Folder folder;
  const fs::path own = WriteConvertible(folder / "own.h5"), file = folder / "r.hdf5";
  Export(&foreign::kRobomimicWriter, own, file, {}, Translation());
  {
    Surgeon surgeon(file);
    for (int i = 0; i < 3; ++i) {
      surgeon.Delete(("data/demo_" + std::to_string(i) + "/actions_abs").c_str());
    }
  }
  const auto read = [&](const Json& config) {
    const Json env{{"env_name", "Lift"},
                   {"type", 1},
                   {"env_kwargs",
                    {{"robots", "Sawyer"}, {"control_freq", 10}, {"controller_configs", config}}}};
    { Surgeon(file).Text("data", "env_args", env.dump()); }
    const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
    const EpisodeSource& reader = *reader_source;
    EXPECT_EQ(reader.header().simulator.robot, "Sawyer");
    EXPECT_EQ(reader.header().simulator.control_hz, 10);
    return reader.ReadEpisode(0);
  };
  const Json high{0.1, 0.1, 0.1, 0.2, 0.2, 0.2};
  for (const Json& config :
       {Json{{"type", "OSC_POSE"}, {"output_max", high}},
        Json{{"type", "BASIC"},
             {"body_parts", {{"right", {{"type", "OSC_POSE"}, {"output_max", high}}}}}},
        Json{{"type", "HYBRID"},
             {"body_parts", {{"arms", {{"right", {{"type", "OSC_POSE"}, {"output_max", high}}}}}}}},
        Json::array({Json{{"type", "OSC_POSE"}, {"output_max", high}}})}) {
    const Episode e = read(config);
    EXPECT_EQ(e.meta.limits, (DeltaLimits{0.1, 0.2})) << config;
    EXPECT_EQ(e.meta.settings["target_from"], "actions");
    const Step& step = e.steps[2];
    EXPECT_NEAR(step.action.arms[0].X_WE_cmd.translation().y(),
                step.observation.arms[0].X_WE.translation().y() + 0.1 * step.delta[0].value[1],
                1e-12);
  }
  // absolute: position, rotation vector, gripper
  for (const Json& config : {Json{{"type", "OSC_POSE"}, {"control_delta", false}},
                             Json{{"type", "OSC_POSE"}, {"input_type", "absolute"}}}) {
    const Episode e = read(config);
    EXPECT_EQ(e.meta.settings["target_from"], "actions, absolute");
    const std::vector<double> actions = Numbers(file, "data/demo_0/actions");
    EXPECT_EQ(e.steps[1].action.arms[0].X_WE_cmd.translation().x(), actions[7]);
    const Eigen::Vector3d r(actions[10], actions[11], actions[12]);
    EXPECT_LT((RotationLog(e.steps[1].action.arms[0].X_WE_cmd.rotation()) - r).norm(), 1e-12);
  }
  // joint velocities are no targets of the hand
  const Episode e = read({{"type", "JOINT_VELOCITY"}});
  EXPECT_TRUE(e.steps[0].action.arms.empty());
  EXPECT_EQ(e.meta.settings["target_from"], "nothing");
  Progress quiet;
  EXPECT_THAT(ErrorOf(
                  [&] {
                    WriteForeign(foreign::kMimicgenWriter, *OpenDataset(file), folder / "x.hdf5",
                                 {}, Translation(), Translation(), quiet);
                  },
                  ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("demo_0"), HasSubstr("no actions that are understood")));
  EXPECT_FALSE(fs::exists(folder / "x.hdf5"));
  EXPECT_FALSE(fs::exists(folder / "x.hdf5.part"));
  EXPECT_FALSE(fs::exists(folder / "x.hdf5.part.new"));
  // untold, seven numbers may be the velocities of joints
  EXPECT_EQ(read(Json()).meta.settings["target_from"], "nothing");
}

}  // namespace
}  // namespace understudy
