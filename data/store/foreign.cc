#include "data/store/foreign.h"

#include <fmt/format.h>

#include <cmath>

#include "data/base/error.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

using enum ColumnType;
using V3 = Eigen::Vector3d;

// A column of `rows` rows, empty where the file has none of that name or it is no array of numbers
// of that shape (other programs use the same names for other things).
Column Optional(const h5::Group& demo, const std::string& name, size_t rows,
                const std::vector<int64_t>& dims) {
  if (!demo.Has(name)) return {};
  Column column = demo.Read(name, kF64, dims);
  if (column.rows != rows) {
    h5::FailReading(demo.Place(name), fmt::format("has {} rows, must have {}", column.rows, rows));
  }
  return column;
}

Eigen::VectorXd Vector(const Column& c, size_t k) {
  if (c.rows == 0) return {};
  Eigen::VectorXd v(static_cast<Eigen::Index>(c.row_size()));
  for (Eigen::Index i = 0; i < v.size(); ++i) v[i] = c.At<double>(k, static_cast<size_t>(i));
  return v;
}

V3 Point(const Column& c, size_t k, size_t i) {
  return V3(c.At<double>(k, i), c.At<double>(k, i + 1), c.At<double>(k, i + 2));
}

Pose CheckedPose(const h5::Group& demo, const std::string& name, size_t k,
                 const Eigen::Quaterniond& q, const V3& p) {
  if (!p.allFinite() || !std::isfinite(q.norm()) || q.norm() < 1e-6) {
    h5::FailReading(fmt::format("{}[{}]", demo.Place(name), k), "is no pose");
  }
  return Pose(q, p);
}

Pose PoseOfMatrix(const h5::Group& demo, const Column& c, size_t k) {
  Eigen::Matrix3d R;
  for (size_t r = 0; r < 3; ++r) {
    for (size_t i = 0; i < 3; ++i) {
      R(static_cast<int>(r), static_cast<int>(i)) = c.At<double>(k, 4 * r + i);
    }
  }
  const V3 p(c.At<double>(k, 3), c.At<double>(k, 7), c.At<double>(k, 11));
  if (!R.allFinite() || (R * R.transpose() - Eigen::Matrix3d::Identity()).norm() > 1e-3) {
    h5::FailReading(fmt::format("{}[{}]", demo.Place(c.path), k), "is no pose matrix");
  }
  return CheckedPose(demo, c.path, k, Eigen::Quaterniond(R), p);
}

size_t CountArms(const h5::Group& demo) {
  size_t arms = 0;
  while (demo.Has(fmt::format("obs/robot{}_eef_pos", arms)) && arms < 16) ++arms;
  return arms;
}

std::vector<std::string> NamesIn(const h5::Group& demo, const std::string& name) {
  return demo.Has(name) ? demo.Open(name).Names() : std::vector<std::string>{};
}

void ReadObservations(const h5::Group& demo, const DatasetHeader& header, Episode& episode) {
  const size_t length = episode.length();
  const size_t arms = CountArms(demo);
  for (size_t a = 0; a < arms; ++a) {
    const auto get = [&](const char* name, const std::vector<int64_t>& dims) {
      return Optional(demo, fmt::format("obs/robot{}_{}", a, name), length, dims);
    };
    const Column pos = get("eef_pos", {3}), quat = get("eef_quat", {4});
    const Column q = get("joint_pos", {-1}), v = get("joint_vel", {-1});
    const Column gripper_q = get("gripper_qpos", {-1}), gripper_v = get("gripper_qvel", {-1});
    for (size_t k = 0; k < length; ++k) {
      ArmObservation arm;
      // robosuite's quaternions are xyzw
      const Eigen::Quaterniond q_WE =
          quat.rows == 0 ? Eigen::Quaterniond::Identity()
                         : Eigen::Quaterniond(quat.At<double>(k, 3), quat.At<double>(k, 0),
                                              quat.At<double>(k, 1), quat.At<double>(k, 2));
      arm.X_WE = CheckedPose(demo, pos.path, k, q_WE, Point(pos, k, 0));
      arm.joint_q = Vector(q, k);
      arm.joint_v = Vector(v, k);
      arm.gripper_q = Vector(gripper_q, k);
      arm.gripper_v = Vector(gripper_v, k);
      episode.steps[k].observation.arms.push_back(std::move(arm));
    }
  }
  for (const std::string& object : header.simulator.objects) {
    const Column poses = Optional(demo, "datagen_info/object_poses/" + object, length, {4, 4});
    for (size_t k = 0; k < poses.rows; ++k) {
      episode.steps[k].observation.X_WO.push_back(PoseOfMatrix(demo, poses, k));
    }
  }
  for (const std::string& signal : header.simulator.signals) {
    const Column values = Optional(demo, "datagen_info/subtask_term_signals/" + signal, length, {});
    for (size_t k = 0; k < values.rows; ++k) {
      episode.steps[k].observation.signals.push_back(values.At<double>(k) != 0);
    }
  }
}

void ReadActions(const h5::Group& demo, const DeltaLimits& limits, Episode& episode) {
  const size_t length = episode.length();
  const Column actions = Optional(demo, "actions", length, {-1});
  const Column absolute = Optional(demo, "actions_abs", length, {-1});
  if (actions.rows == 0) h5::FailReading(demo.Place("actions"), "no such dataset");
  // only robosuite's seven numbers per arm are understood
  const size_t arms = actions.row_size() % 7 == 0 ? actions.row_size() / 7 : 0;
  for (size_t k = 0; k < length; ++k) {
    Step& step = episode.steps[k];
    for (size_t a = 0; a < arms; ++a) {
      DeltaAction delta;
      for (size_t i = 0; i < 7; ++i) {
        delta.value[static_cast<Eigen::Index>(i)] = actions.At<double>(k, 7 * a + i);
      }
      if (!delta.value.allFinite()) {
        h5::FailReading(fmt::format("{}[{}]", demo.Place("actions"), k), "is not finite");
      }
      step.delta.push_back(delta);
      if (absolute.rows > 0 && absolute.row_size() == 7 * arms) {
        // robomimic's: position, rotation vector, gripper
        const V3 p = Point(absolute, k, 7 * a), r = Point(absolute, k, 7 * a + 3);
        const double angle = r.norm();
        Eigen::Quaterniond q = Eigen::Quaterniond::Identity();
        if (angle > 0) q = Eigen::AngleAxisd(angle, r / angle);
        step.action.arms.push_back(
            {CheckedPose(demo, "actions_abs", k, q, p), absolute.At<double>(k, 7 * a + 6)});
      } else if (a < step.observation.arms.size()) {
        step.action.arms.push_back(
            TargetFromDelta(step.observation.arms[a].X_WE, delta.value, limits));
      }
    }
    step.action_clean = step.action;
  }
}

}  // namespace

DatasetHeader ForeignHeader(const h5::Group& root) {
  const h5::Guard guard;
  DatasetHeader header;
  header.stage = "foreign";
  SimulatorInfo& info = header.simulator;
  const h5::Group data = root.Open("data");
  if (data.HasAttribute("env_args")) {
    const Json env = ParseJson(data.Text("env_args"), data.Place() + ": attribute 'env_args'");
    if (env.is_object()) {
      if (env.contains("env_name") && env["env_name"].is_string()) info.task = env["env_name"];
      header.settings = env;
      const Json kwargs = env.value("env_kwargs", Json::object());
      if (kwargs.is_object() && kwargs.contains("control_freq") &&
          kwargs["control_freq"].is_number()) {
        info.control_hz = kwargs["control_freq"];
      }
    }
  }
  const std::vector<std::string> names = EpisodeNames(data);
  if (names.empty()) return header;
  const h5::Group demo = data.Open(names[0]);
  header.model_text = demo.Text("model_file", "");
  for (size_t a = 0; a < CountArms(demo); ++a) info.arms.push_back(fmt::format("robot{}", a));
  info.objects = NamesIn(demo, "datagen_info/object_poses");
  info.signals = NamesIn(demo, "datagen_info/subtask_term_signals");
  constexpr std::string_view kSuffix = "_image";
  for (const std::string& name : NamesIn(demo, "obs")) {
    if (name.size() <= kSuffix.size() || !name.ends_with(kSuffix)) continue;
    const auto dims = demo.Info("obs/" + name).dims;
    if (dims.size() != 4 || dims[1] > kMaxImageSide || dims[2] > kMaxImageSide) continue;
    header.cameras.push_back(name.substr(0, name.size() - kSuffix.size()));
    header.image_height = static_cast<int>(dims[1]);
    header.image_width = static_cast<int>(dims[2]);
  }
  info.cameras = header.cameras;
  if (demo.Has("states")) {
    const auto dims = demo.Info("states").dims;
    if (dims.size() == 2) info.state_size = info.flat_state_size = dims[1];
  }
  return header;
}

Episode ReadForeignEpisode(const h5::Group& demo, const DatasetHeader& header) {
  const h5::Guard guard;
  Episode episode;
  const size_t length = ReadLength(demo);
  // the actions must be there before memory is taken for the claimed number of steps
  if (!demo.Has("actions")) h5::FailReading(demo.Place("actions"), "no such dataset");
  const auto dims = demo.Info("actions").dims;
  if (dims.size() != 2 || dims[0] != length) {
    h5::FailReading(demo.Place("actions"), fmt::format("has shape ({}), must have {} rows",
                                                       fmt::join(dims, ", "), length));
  }
  episode.steps.resize(length);
  const Column states = Optional(demo, "states", length, {-1});
  for (size_t k = 0; k < states.rows; ++k) {
    SimState& state = episode.steps[k].state;
    state.resize(states.row_size());
    for (size_t i = 0; i < state.size(); ++i) state[i] = states.At<double>(k, i);
    if (!state.empty()) episode.steps[k].observation.sim_time_s = state[0];
  }
  ReadObservations(demo, header, episode);
  ReadActions(demo, header.simulator.limits, episode);
  EpisodeMeta& meta = episode.meta;
  meta.task = header.simulator.task;
  meta.control_hz = header.simulator.control_hz;
  meta.limits = header.simulator.limits;
  meta.arms = header.simulator.arms;
  meta.objects = header.simulator.objects;
  meta.signals = header.simulator.signals;
  meta.cameras = header.cameras;
  meta.success = demo.Bool("success", false);
  if (demo.HasAttribute("seed")) meta.seed = static_cast<uint64_t>(demo.Int("seed"));
  return episode;
}

}  // namespace understudy
