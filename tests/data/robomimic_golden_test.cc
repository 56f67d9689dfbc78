// Files of robomimic: one that robosuite recorded and robomimic's own tools converted, split and
// filled with observations (tests/golden/make_robomimic_golden.py made it, and
// robomimic_stack.json: what robosuite's simulator says of chosen rows), and one that h5py wrote in
// robomimic's layout.

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/reader.h"
#include "tests/data/foreign_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;

Eigen::Vector3d PointOf(const Json& json) {
  return Eigen::Vector3d(json.at(0).get<double>(), json.at(1).get<double>(),
                         json.at(2).get<double>());
}

// Which episodes a filter key holds, by their place in the file.
std::vector<size_t> PlacesOf(const EpisodeSource& reader, const std::string& key) {
  const std::vector<std::string> names = reader.ReadMask(key);
  std::vector<size_t> places;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    if (std::find(names.begin(), names.end(), reader.episodes()[i].name) != names.end()) {
      places.push_back(i);
    }
  }
  return places;
}

class RobomimicGolden : public testing::Test {
 protected:
  const fs::path root_{UNDERSTUDY_SOURCE_DIR};
  const fs::path file_ = root_ / "tests/golden/robomimic_stack.h5";
  const Json facts_ = LoadJson(root_ / "tests/golden/robomimic_stack.json");
  const TaskSpec task_ = LoadTaskSpec("stack", root_ / "sim/tasks");
  const RobotSpec robot_ = LoadRobotSpec(task_.robot, root_ / "sim/robots");
  Progress quiet_;
  const Translation names_{kRobosuiteFamily, &task_, &robot_};

  // Each chosen row of each episode, with what the simulator says of it.
  void EachRow(const EpisodeSource& reader,
               const std::function<void(size_t episode, size_t row, const Json& fact)>& check) {
    for (size_t i = 0; i < reader.episodes().size(); ++i) {
      for (const Json& fact : facts_["demos"][reader.episodes()[i].name]["rows"]) {
        SCOPED_TRACE(reader.episodes()[i].name + " row " + fact["row"].dump());
        check(i, fact["row"], fact);
      }
    }
  }
  // Of robosuite's site, which its controller moves.
  Pose SiteOf(const Json& fact) const {
    Eigen::Matrix3d R;
    for (int i = 0; i < 9; ++i) R(i / 3, i % 3) = fact["site_R"][static_cast<size_t>(i)];
    return Pose(Eigen::Quaterniond(R), PointOf(fact["site_p"]));
  }
};

TEST_F(RobomimicGolden, IsReadAsTheirToolsWroteIt) {
  for (const Fault& fault : VerifyDataset(file_).faults) {
    ADD_FAILURE() << fault.place << ": " << fault.what;
  }
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file_);
  const EpisodeSource& reader = *reader_source;
  const SimulatorInfo& info = reader.header().simulator;
  EXPECT_EQ(reader.header().stage, "robomimic");
  EXPECT_EQ(info.task, "Stack");
  EXPECT_EQ(info.robot, "Panda");
  EXPECT_EQ(info.control_hz, 20);
  EXPECT_EQ(info.limits, (DeltaLimits{0.05, 0.5}));
  EXPECT_THAT(reader.header().cameras, ElementsAre("agentview", "robot0_eye_in_hand"));
  ASSERT_EQ(reader.episodes().size(), 2u);
  for (const auto& [key, names] : facts_["masks"].items()) {
    EXPECT_EQ(reader.ReadMask(key), names.get<std::vector<std::string>>()) << key;
  }
  EachRow(reader, [&](size_t i, size_t k, const Json& fact) {
    ASSERT_EQ(reader.episodes()[i].length, facts_["demos"][reader.episodes()[i].name]["length"]);
    const Episode e = reader.ReadEpisode(i);
    EXPECT_TRUE(e.meta.success);
    const Step& step = e.steps[k];
    for (size_t n = 0; n < 7; ++n) {
      EXPECT_EQ(step.delta.at(0).value[static_cast<Eigen::Index>(n)], fact["action"][n]);
      EXPECT_EQ(step.observation.arms.at(0).joint_q[static_cast<Eigen::Index>(n)],
                fact["joints"][n]);
    }
    // time, seven joints, two fingers, then the cubes
    ASSERT_EQ(step.state.size(), 45u);
    for (size_t n = 0; n < 3; ++n) {
      EXPECT_NEAR(step.state[10 + n], fact["cubeA_p"][n].get<double>(), 1e-12);
      EXPECT_NEAR(step.state[17 + n], fact["cubeB_p"][n].get<double>(), 1e-12);
    }
    const Image image = reader.ReadImage(i, "agentview", k);
    const size_t line = 3 * static_cast<size_t>(image.width);
    for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
      int sum = 0;
      for (size_t x = 0; x < line; ++x) sum += image.rgb[y * line + x];
      EXPECT_EQ(sum, fact["lines"][y]) << "line " << y;
    }
  });
}

// Our task and robot know the file: its hand and targets become those of our frame E, wherever the
// simulator saw its site.
TEST_F(RobomimicGolden, BecomesOurStack) {
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file_);
  const EpisodeSource& reader = *reader_source;
  const Pose X_SE = robot_.foreign.at(kRobosuiteFamily).X_SE;
  EachRow(reader, [&](size_t i, size_t k, const Json& fact) {
    Episode e = reader.ReadEpisode(i);
    names_.ToOurs(&e);
    EXPECT_EQ(e.meta.task, "stack");
    EXPECT_EQ(e.meta.robot, "panda");
    const Pose X_WS = SiteOf(fact);
    ExpectNear(e.steps[k].observation.arms.at(0).X_WE, X_WS * X_SE, 1e-6);
    Eigen::Matrix<double, 7, 1> delta;
    for (size_t n = 0; n < 7; ++n) delta[static_cast<Eigen::Index>(n)] = fact["action"][n];
    const ArmAction target = TargetFromDelta(X_WS, delta, reader.header().simulator.limits);
    ExpectNear(e.steps[k].action.arms.at(0).X_WE_cmd, target.X_WE_cmd * X_SE, 1e-6);
    EXPECT_EQ(e.steps[k].action.arms[0].gripper, fact["action"][6]);
    // obs/object names nothing: our task knows what stands in it
    ASSERT_THAT(e.meta.objects, ElementsAre("cubeA", "cubeB"));
    EXPECT_TRUE(e.unnamed_objects.numbers.empty());
    const std::vector<Pose>& X_WO = e.steps[k].observation.X_WO;
    const SimState& state = e.steps[k].state;
    for (size_t o = 0; o < 2; ++o) {
      const double* q = state.data() + 13 + 7 * o;
      ExpectNear(X_WO.at(o),
                 Pose(Eigen::Quaterniond(q[0], q[1], q[2], q[3]),
                      PointOf(fact[o == 0 ? "cubeA_p" : "cubeB_p"])),
                 1e-6);
    }
  });
  DatasetHeader header = reader.header();
  names_.ToOurs(&header);
  EXPECT_THAT(header.simulator.objects, ElementsAre("cubeA", "cubeB"));
}

// There and back: what robomimic wrote is what it would read again.
TEST_F(RobomimicGolden, GoesThereAndBack) {
  const Folder folder;
  const fs::path ours = folder / "ours.h5", back = folder / "back.hdf5";
  ImportForeign(*OpenDataset(file_), ours, {}, names_, quiet_);
  EXPECT_TRUE(VerifyDataset(ours).faults.empty());
  Export(&foreign::kRobomimicWriter, ours, back, {}, names_);
  EXPECT_TRUE(VerifyDataset(back).faults.empty());
  const std::unique_ptr<EpisodeSource> theirs_source = OpenDataset(file_);
  const EpisodeSource& theirs = *theirs_source;
  const std::unique_ptr<EpisodeSource> again_source = OpenDataset(back);
  const EpisodeSource& again = *again_source;
  // theirs begin with demo_1
  EXPECT_EQ(PlacesOf(again, "train"), PlacesOf(theirs, "train"));
  EXPECT_EQ(PlacesOf(again, "valid"), PlacesOf(theirs, "valid"));
  for (size_t i = 0; i < 2; ++i) {
    const std::string demo = "data/" + theirs.episodes()[i].name + "/";
    const std::string demo_again = "data/" + again.episodes()[i].name + "/";
    // the last action has no known result
    const size_t length = theirs.episodes()[i].length - 1;
    ASSERT_EQ(again.episodes()[i].length, length);
    for (const auto& [column, width] :
         std::vector<std::pair<std::string, size_t>>{{"actions", 7},
                                                     {"rewards", 1},
                                                     {"obs/robot0_eef_pos", 3},
                                                     {"obs/robot0_joint_pos", 7},
                                                     {"obs/robot0_joint_vel", 7},
                                                     {"obs/robot0_gripper_qpos", 2},
                                                     {"obs/robot0_gripper_qvel", 2}}) {
      const std::vector<double> wanted = Numbers(file_, demo + column);
      const std::vector<double> got = Numbers(back, demo_again + column);
      ASSERT_EQ(got.size(), length * width) << column;
      for (size_t n = 0; n < got.size(); ++n) {
        ASSERT_NEAR(got[n], wanted[n], 1e-6) << demo << column << " number " << n;
      }
    }
    // q and -q are one rotation
    const std::vector<double> wanted = Numbers(file_, demo + "obs/robot0_eef_quat");
    const std::vector<double> got = Numbers(back, demo_again + "obs/robot0_eef_quat");
    for (size_t k = 0; k < length; ++k) {
      double dot = 0;
      for (size_t n = 4 * k; n < 4 * k + 4; ++n) dot += wanted[n] * got[n];
      ASSERT_NEAR(std::abs(dot), 1, 1e-9) << demo << " row " << k;
      for (const std::string& camera : theirs.header().cameras) {
        ASSERT_EQ(again.ReadImage(i, camera, k), theirs.ReadImage(i, camera, k));
      }
    }
  }
}

// tests/golden/make_h5py_golden.py says what stands in it.
TEST(StoreGolden, FileOfH5py) {
  const fs::path file = fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden/h5py_robomimic.h5";
  const std::unique_ptr<EpisodeSource> reader_source = OpenDataset(file);
  const EpisodeSource& reader = *reader_source;
  EXPECT_TRUE(reader.content_hash().empty());
  EXPECT_EQ(reader.header().simulator.task, "Stack_D0");
  EXPECT_EQ(reader.header().cameras, (std::vector<std::string>{"agentview", "wrist"}));
  ASSERT_EQ(reader.episodes().size(), 3u);
  // by number, not by letter
  EXPECT_EQ(reader.episodes()[1].name, "demo_2");
  EXPECT_EQ(reader.episodes()[2].name, "demo_10");
  EXPECT_EQ(reader.ReadMask("train"), (std::vector<std::string>{"demo_0", "demo_10"}));
  const Episode e = reader.ReadEpisode(2);
  ASSERT_EQ(e.length(), 4u);
  for (size_t k = 0; k < 4; ++k) {
    const double t = static_cast<double>(k);
    EXPECT_NEAR(e.steps[k].delta[0].value[3], 0.1 * t - 0.2 + 0.03, 1e-15);
    EXPECT_NEAR(e.steps[k].state[8], 0.05 * t + 8 * 11, 1e-12);
    EXPECT_EQ(e.steps[k].observation.arms[0].X_WE.translation().x(), 0.01 * t);
    EXPECT_NEAR(e.steps[k].observation.arms[0].X_WE.rotation().z(), std::sqrt(0.5), 1e-15);
    EXPECT_EQ(e.steps[k].observation.X_WO[0].translation().x(), 0.1 * t);
    EXPECT_EQ(e.steps[k].observation.signals[0], k >= 2);
    // the absolute target follows from pose and delta: x moves by 0.05 m times the number
    EXPECT_NEAR(e.steps[k].action.arms[0].X_WE_cmd.translation().x(),
                0.01 * t + 0.05 * (0.1 * t - 0.2), 1e-15);
  }
  for (size_t i = 0; i < 3; ++i) {
    const int number = std::stoi(reader.episodes()[i].name.substr(5));
    for (size_t k = 0; k < reader.episodes()[i].length; ++k) {
      const Image a = reader.ReadImage(i, "agentview", k), w = reader.ReadImage(i, "wrist", k);
      for (int y = 0; y < 24; ++y) {
        for (int x = 0; x < 32; ++x) {
          for (int c = 0; c < 3; ++c) {
            const int want = (7 * number + 5 * static_cast<int>(k) + 3 * y + x + 11 * c) % 256;
            const size_t at = static_cast<size_t>((y * 32 + x) * 3 + c);
            ASSERT_EQ(a.rgb[at], want);
            ASSERT_EQ(w.rgb[at], 255 - want);
          }
        }
      }
    }
  }
  EXPECT_TRUE(VerifyDataset(file).faults.empty());
}

}  // namespace
}  // namespace understudy
