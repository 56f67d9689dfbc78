#pragma once

// Datasets of ours for conversion: random numbers in which every column is what it claims to be.

#include "core/base/progress.h"
#include "data/formats/family/foreign_writer.h"
#include "data/formats/family/import.h"
#include "data/formats/formats.h"
#include "data/formats/isaaclab/isaaclab.h"
#include "data/formats/robosuite/robosuite.h"
#include "data/store/writer.h"
#include "tests/data/surgeon.h"
#include "tests/support/cameras.h"

namespace understudy::store_test {

inline const DeltaLimits kLimits{0.05, 0.5};

// Poses, targets and deltas that agree; states whose qpos hold the objects' poses.
inline Episode ConvertibleEpisode(uint64_t seed, const EpisodeShape& shape) {
  Episode e = RandomEpisode(seed, shape);
  Rng rng(RngKey{.seed = seed + 1000});
  e.meta.task = "stack";
  e.meta.robot = "panda";
  e.meta.variant = "D1";
  e.meta.limits = kLimits;
  e.meta.success = true;
  e.meta.cause = "";
  for (size_t k = 0; k < e.length(); ++k) {
    Step& step = e.steps[k];
    step.source = static_cast<int32_t>(k < 4 ? 0 : 1);
    step.subtask = k < 4 ? 0 : 1;
    for (size_t a = 0; a < shape.arms; ++a) {
      const Pose& X_WE = step.observation.arms[a].X_WE;
      // within the box of one step
      const Pose X_WE_cmd(RotationExp(0.2 * RandomVector(rng, 3).normalized()) * X_WE.rotation(),
                          X_WE.translation() + 0.02 * RandomVector(rng, 3).normalized());
      step.action.arms[a] = {X_WE_cmd, rng.Uniform(-1, 1)};
      step.delta[a] = DeltaFromTarget(X_WE, step.action.arms[a], kLimits);
    }
    step.action_clean = step.action;
  }
  // time, qpos: an arm of 2 joints, then the objects; qvel: 2, then six per object
  for (size_t i = 0; i <= e.length(); ++i) {
    const bool last = i == e.length();
    const Observation& o = last ? e.final_observation : e.steps[i].observation;
    SimState& state = last ? e.final_state : e.steps[i].state;
    state[0] = o.sim_time_s;
    for (size_t n = 0; n < shape.objects; ++n) {
      const auto& p = o.X_WO[n].translation();
      const auto& q = o.X_WO[n].rotation();
      const double pose[] = {p.x(), p.y(), p.z(), q.w(), q.x(), q.y(), q.z()};
      std::copy(std::begin(pose), std::end(pose), state.begin() + 3 + 7 * static_cast<long>(n));
    }
  }
  return e;
}

// State: 1 + nq + nv, nq = 2 + 7 O, nv = 2 + 6 O, and four numbers that only we know.
inline EpisodeShape ConvertibleShape(size_t arms = 1) {
  EpisodeShape shape{.length = 10, .arms = arms, .objects = 2, .signals = 2};
  shape.state = 1 + 2 + 7 * 2 + 2 + 6 * 2 + 4;
  return shape;
}

inline DatasetHeader ConvertibleHeader(const EpisodeShape& shape) {
  DatasetHeader header = HeaderFor(shape);
  header.simulator.limits = kLimits;
  header.simulator.flat_state_size = shape.state - 4;
  header.model_text =
      "<mujoco><body name=\"a\"><freejoint/></body><body name=\"b\"><joint type=\"free\"/></body>"
      "</mujoco>";
  header.cameras = {"agentview", "wrist"};
  header.image_width = 16;
  header.image_height = 8;
  return header;
}

// `second`: rows of the second episode; 0: as many as the others have.
inline std::filesystem::path WriteConvertible(const std::filesystem::path& file, size_t arms = 1,
                                              size_t second = 0) {
  EpisodeShape shape = ConvertibleShape(arms);
  const size_t usual = shape.length;
  const DatasetHeader header = ConvertibleHeader(shape);
  Rng rng(RngKey{.seed = 5});
  DatasetWriter writer(file, header);
  for (uint64_t e = 0; e < 3; ++e) {
    shape.length = e == 1 && second > 0 ? second : usual;
    std::vector<std::vector<Image>> images(2);
    for (auto& list : images) {
      for (size_t k = 0; k < shape.length; ++k) list.push_back(RandomImage(rng, 16, 8));
    }
    writer.Append(ConvertibleEpisode(e, shape), images, CamerasOf(header));
  }
  writer.WriteMask("train", {"demo_0", "demo_2"});
  writer.WriteMask("valid", {"demo_1"});
  writer.Finish();
  return file;
}

// The stack task and the panda as other programs call them, with frames that are not ours.
struct Names {
  TaskSpec task;
  RobotSpec robot;
  Names() {
    task.name = "stack";
    task.instruction = "stack the cubes";
    // their names stand in another order than ours
    task.objects = {{"cube0", {}}, {"cube1", {}}};
    task.subtasks = {{.object = "cube0", .signal = "signal0"},
                     {.object = "cube1", .signal = "signal1"}};
    ForeignTask robosuite;
    robosuite.names = {"Stack", "Stack_D0", "Stack_D1"};
    robosuite.variants = {{"D0", "Stack_D0"}, {"D1", "Stack_D1"}};
    robosuite.interface = "MG_Stack";
    robosuite.objects = {{"cube0", "cubeA"}};
    robosuite.signals = {{"signal1", "grasp"}};  // before signal0
    task.foreign[kRobosuiteFamily] = robosuite;
    robot.name = "panda";
    Rng rng(RngKey{.seed = 11});
    // some centimetres away, turned by anything
    const auto frame = [&] {
      return Pose(RandomPose(rng).rotation(), 0.02 * RandomVector(rng, 3));
    };
    robot.foreign[kRobosuiteFamily] = {{"Panda"}, frame(), Pose(frame().rotation(), {0, 0, 0})};
    robot.foreign[kIsaacLabFamily] = {{"franka"}, frame(), Pose()};
  }
  Translation For(const std::string& family) const { return Translation(family, &task, &robot); }
};

using Writer = const foreign::WriteDialect*;

inline ForeignReport Export(Writer target, const std::filesystem::path& from,
                            const std::filesystem::path& to, const ForeignWriteOptions& options,
                            const Translation& into) {
  Progress quiet;
  return WriteForeign(*target, *OpenDataset(from), to, options, Translation(), into, quiet);
}

// All numbers of a dataset, and its shape (empty where there is none), by plain HDF5.
inline std::vector<double> Numbers(const std::filesystem::path& file, const std::string& name,
                                   std::vector<hsize_t>* shape = nullptr) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t d = H5Dopen2(opened, name.c_str(), H5P_DEFAULT);
  std::vector<double> all;
  if (d >= 0) {
    const hid_t space = H5Dget_space(d);
    std::vector<hsize_t> dims(static_cast<size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, dims.data(), nullptr);
    if (shape) *shape = dims;
    all.resize(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
    H5Dread(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
    H5Sclose(space);
    H5Dclose(d);
  }
  H5Fclose(opened);
  return all;
}
inline std::vector<hsize_t> Shape(const std::filesystem::path& file, const std::string& name) {
  std::vector<hsize_t> shape;
  Numbers(file, name, &shape);
  return shape;
}

inline void ExpectNear(const Pose& a, const Pose& b, double tolerance) {
  EXPECT_LT((a.translation() - b.translation()).norm(), tolerance);
  EXPECT_LT(AngleBetween(a.rotation(), b.rotation()), tolerance);
}

// The rows [0, length) of `theirs` say what ours do, to `tolerance`.
struct Compared {
  bool signals = true, success = true, state = true, objects = true;
};
inline void ExpectSameRows(const Episode& ours, const Episode& theirs, double tolerance,
                           const Compared& what = {}) {
  for (size_t k = 0; k < theirs.length(); ++k) {
    const Step &x = ours.steps[k], &y = theirs.steps[k];
    ASSERT_EQ(x.observation.arms.size(), y.observation.arms.size());
    ASSERT_EQ(x.action.arms.size(), y.action.arms.size());
    for (size_t a = 0; a < x.action.arms.size(); ++a) {
      const ArmObservation &p = x.observation.arms[a], &q = y.observation.arms[a];
      ExpectNear(p.X_WE, q.X_WE, tolerance);
      EXPECT_TRUE(p.joint_q.isApprox(q.joint_q, tolerance));
      EXPECT_TRUE(p.gripper_q.isApprox(q.gripper_q, tolerance));
      ExpectNear(x.action.arms[a].X_WE_cmd, y.action.arms[a].X_WE_cmd, tolerance);
      EXPECT_NEAR(x.action.arms[a].gripper, y.action.arms[a].gripper, tolerance);
      for (int i = 0; i < 7; ++i) {
        EXPECT_NEAR(x.delta[a].value[i], y.delta[a].value[i], 100 * tolerance);
      }
    }
    if (what.objects) {
      ASSERT_EQ(x.observation.X_WO.size(), y.observation.X_WO.size());
      for (size_t o = 0; o < x.observation.X_WO.size(); ++o) {
        ExpectNear(x.observation.X_WO[o], y.observation.X_WO[o], tolerance);
      }
    }
    if (what.signals) {
      EXPECT_EQ(x.observation.signals, y.observation.signals);
    }
    if (what.success && k > 0) {
      EXPECT_EQ(x.observation.success, y.observation.success);
    }
    if (what.state) {
      ASSERT_LE(y.state.size(), x.state.size());
      for (size_t i = 0; i < y.state.size(); ++i) EXPECT_EQ(x.state[i], y.state[i]);
    }
  }
}

}  // namespace understudy::store_test
