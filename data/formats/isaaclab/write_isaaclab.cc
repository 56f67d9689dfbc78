// Columns of Isaac Lab's files.
#include <fmt/format.h>

#include <algorithm>

#include "data/formats/family/foreign_columns.h"
#include "data/formats/family/write_dialect.h"
#include "data/formats/isaaclab/isaaclab.h"

namespace understudy::foreign {
namespace {

// One episode on its way into Isaac Lab's trees. Instant i of T+1; states are those *after* each
// step, the first one is the initial state.
class Writer {
 public:
  Writer(const Target& target, const Episode& episode)
      : target_(target),
        options_(target.options->isaaclab),
        episode_(episode),
        wxyz_(options_.quaternions == IsaacLabOrder::kWxyz),
        arms_(episode.steps[0].observation.arms.size()) {}

  std::vector<Column> Columns() {
    AddActions();
    AddArms();
    AddObjects();
    AddDatagenInfo();
    if (!options_.double_precision) {
      for (Column& column : columns_) column = ToFloat(column);
    }
    return std::move(columns_);
  }

 private:
  size_t length() const { return episode_.length(); }
  const Observation& At(size_t instant) const {
    return instant < length() ? episode_.steps[instant].observation : episode_.final_observation;
  }
  const SimState& StateAt(size_t instant) const {
    return instant < length() ? episode_.steps[instant].state : episode_.final_state;
  }
  std::string Arm(size_t a) const {
    const std::string theirs = target_.into->RobotName();
    return arms_ == 1 && !theirs.empty() ? theirs : episode_.meta.arms.at(a);
  }
  // Names of an only arm stand alone.
  std::string Observed(size_t a, const char* name) const {
    return arms_ == 1 ? fmt::format("obs/{}", name) : fmt::format("obs/{}_{}", Arm(a), name);
  }
  template <class F>
  void Add(const std::string& path, std::vector<size_t> dims, F put) {
    columns_.push_back(MakeRows(path, std::move(dims), length(), put));
  }
  // `put(column, instant)` at the first instant, then at the end of each step.
  template <class F>
  void AddState(const std::string& path, size_t size, F put) {
    columns_.push_back(MakeRows("initial_state/" + path, {size}, 1, put));
    columns_.push_back(
        MakeRows("states/" + path, {size}, length(), [&](Column& c, size_t k) { put(c, k + 1); }));
  }

  void AddActions() {
    const std::vector<Step>& steps = episode_.steps;
    const size_t arms = steps[0].action.arms.size();
    const double scale = options_.action_scale;
    // what a relative inverse-kinematics task of Isaac Lab takes; its grippers open at +1
    Add("actions", {7 * arms}, [&](Column& c, size_t k) {
      for (size_t a = 0; a < arms; ++a) {
        const ArmAction& command = steps[k].action.arms.at(a);
        const Pose X_WS = target_.into->Control(steps[k].observation.arms.at(a).X_WE);
        const Pose X_WS_cmd = target_.into->Control(command.X_WE_cmd);
        PutVector(c, (X_WS_cmd.translation() - X_WS.translation()) / scale);
        PutVector(c, RotationLog(X_WS_cmd.rotation() * X_WS.rotation().conjugate()) / scale);
        c.Push(-command.gripper);
      }
    });
    // what our controller consumed
    Add("processed_actions", {8 * arms}, [&](Column& c, size_t k) {
      for (const ArmAction& command : steps[k].action.arms) {
        PutPose(c, target_.into->Control(command.X_WE_cmd), wxyz_);
        c.Push(-command.gripper);
      }
    });
  }

  void AddArms() {
    for (size_t a = 0; a < arms_; ++a) {
      const ArmObservation& first = At(0).arms[a];
      const auto joined = [&](size_t instant, auto arm, auto fingers) {
        const ArmObservation& o = At(instant).arms.at(a);
        Eigen::VectorXd all((o.*arm).size() + (o.*fingers).size());
        all << o.*arm, o.*fingers;
        return all;
      };
      const auto q = [&](size_t instant) {
        return joined(instant, &ArmObservation::joint_q, &ArmObservation::gripper_q);
      };
      const auto v = [&](size_t instant) {
        return joined(instant, &ArmObservation::joint_v, &ArmObservation::gripper_v);
      };
      const std::string path = fmt::format("articulation/{}/", arms_ == 1 ? "robot" : Arm(a));
      const auto joints = static_cast<size_t>(q(0).size()),
                 speeds = static_cast<size_t>(v(0).size());
      if (joints > 0) {
        AddState(path + "joint_position", joints, [&](Column& c, size_t i) { PutVector(c, q(i)); });
        Add(Observed(a, "joint_pos"), {joints}, [&](Column& c, size_t k) { PutVector(c, q(k)); });
      }
      if (speeds > 0) {
        AddState(path + "joint_velocity", speeds, [&](Column& c, size_t i) { PutVector(c, v(i)); });
        Add(Observed(a, "joint_vel"), {speeds}, [&](Column& c, size_t k) { PutVector(c, v(k)); });
      }
      // the base of an arm of ours is known, and bolted down
      const SimulatorInfo& simulator = target_.header.simulator;
      if (target_.own && a < simulator.X_WB.size()) {
        const Pose& X_WB = simulator.base(a);
        AddState(path + "root_pose", 7, [&](Column& c, size_t) { PutPose(c, X_WB, wxyz_); });
        AddState(path + "root_velocity", 6,
                 [](Column& c, size_t) { PutVector(c, Eigen::VectorXd::Zero(6)); });
      }
      const auto X_WH = [&](size_t k) { return target_.into->Observed(At(k).arms.at(a).X_WE); };
      Add(Observed(a, "eef_pos"), {3},
          [&](Column& c, size_t k) { PutVector(c, X_WH(k).translation()); });
      Add(Observed(a, "eef_quat"), {4},
          [&](Column& c, size_t k) { PutQuaternion(c, X_WH(k).rotation(), wxyz_); });
      const auto fingers = static_cast<size_t>(first.gripper_q.size());
      if (fingers > 0) {
        Add(Observed(a, "gripper_pos"), {fingers},
            [&](Column& c, size_t k) { PutVector(c, At(k).arms.at(a).gripper_q); });
      }
    }
  }

  std::string Object(size_t o) const {
    return target_.into->ObjectName(episode_.meta.objects.at(o));
  }
  Pose Theirs(size_t o, const Observation& observation) const {
    return target_.into->Object(episode_.meta.objects.at(o), observation.X_WO.at(o));
  }
  size_t objects() const { return At(0).X_WO.size(); }

  void AddObjects() {
    const std::map<size_t, FreeJoint> joints =
        target_.own ? FindFreeJoints(episode_, StateSizesOf(episode_.meta, target_.header).flat,
                                     target_.header.model_text)
                    : std::map<size_t, FreeJoint>();
    for (size_t o = 0; o < objects(); ++o) {
      const std::string path = "rigid_object/" + Object(o) + "/";
      AddState(path + "root_pose", 7,
               [&](Column& c, size_t i) { PutPose(c, Theirs(o, At(i)), wxyz_); });
      const auto found = joints.find(o);
      if (found == joints.end()) continue;
      // MuJoCo's free joint: linear in the world's axes, angular in the body's
      AddState(path + "root_velocity", 6, [&](Column& c, size_t i) {
        const SimState& state = StateAt(i);
        const auto triple = [&](size_t at) {
          return Eigen::Vector3d(state.at(at), state.at(at + 1), state.at(at + 2));
        };
        const Pose& X_WO = At(i).X_WO.at(o);
        const Eigen::Vector3d w_W = X_WO.rotation() * triple(found->second.qvel + 3);
        const Eigen::Vector3d lever = Theirs(o, At(i)).translation() - X_WO.translation();
        PutVector(c, triple(found->second.qvel) + w_W.cross(lever));
        PutVector(c, w_W);
      });
    }
    if (objects() == 0) return;
    Add("obs/object", {7 * objects()}, [&](Column& c, size_t k) {
      for (size_t o = 0; o < objects(); ++o) PutPose(c, Theirs(o, At(k)), wxyz_);
    });
  }

  void AddDatagenInfo() {
    const std::string group = "obs/datagen_info/";
    const std::vector<Step>& steps = episode_.steps;
    for (size_t a = 0; a < arms_; ++a) {
      Add(group + "eef_pose/" + Arm(a), {4, 4},
          [&](Column& c, size_t k) { PutMatrix(c, target_.into->Control(At(k).arms.at(a).X_WE)); });
      Add(group + "target_eef_pose/" + Arm(a), {4, 4}, [&](Column& c, size_t k) {
        PutMatrix(c, target_.into->Control(steps[k].action.arms.at(a).X_WE_cmd));
      });
    }
    for (size_t o = 0; o < objects(); ++o) {
      Add(group + "object_pose/" + Object(o), {4, 4},
          [&](Column& c, size_t k) { PutMatrix(c, Theirs(o, At(k))); });
    }
    const EpisodeMeta& meta = episode_.meta;
    for (size_t s = 0; s < meta.signals.size() && s < At(0).signals.size(); ++s) {
      std::vector<uint8_t> values;
      for (const Step& step : steps) values.push_back(step.observation.signals.at(s) != 0);
      columns_.push_back(Flags(
          group + "subtask_term_signals/" + target_.into->SignalName(meta.signals[s]), values));
    }
  }

  const Target& target_;
  const IsaacLabWriteOptions& options_;
  const Episode& episode_;
  const bool wxyz_;
  const size_t arms_;
  std::vector<Column> columns_;
};

Json IsaacLabArguments(const Target& target, const std::string& variant) {
  const SimulatorInfo& info = target.header.simulator;
  std::string name = target.options->isaaclab.env_name;
  if (name.empty()) name = target.into->TaskName(variant);
  if (name.empty()) name = info.task;
  Json arguments{{"env_name", name}, {"type", 2}};
  if (info.control_hz > 0 && info.substeps > 0) {
    arguments["sim_args"] = {{"dt", 1 / (info.control_hz * info.substeps)},
                             {"decimation", info.substeps},
                             {"render_interval", info.substeps},
                             {"num_envs", 1}};
  }
  return arguments;
}

std::vector<Column> IsaacLabColumns(const Target& target, const Episode& episode) {
  return Writer(target, episode).Columns();
}

void WriteIsaacLabRoot(const Target& target, const h5::Group& root) {
  if (target.options->isaaclab.quaternions == IsaacLabOrder::kXyzw) {
    root.SetInt("format_version", 1);
  }
}

std::string IsaacLabPictures(const std::string& camera) { return "obs/" + camera; }

std::vector<std::string> LostInIsaacLab(const WrittenFacts& facts) {
  std::vector<std::string> lost;
  const auto say = [&](bool when, const char* what) {
    if (when) lost.push_back(what);
  };
  say(facts.own, "states of the simulator as such, and the model: joints and poses are kept");
  say(facts.generated, "which source demonstration a row was made from");
  say(facts.instructed, "the instruction");
  say(!facts.final_known,
      "the last row of every episode: where its action led is not known, and states are those "
      "after an action");
  say(!facts.options->isaaclab.double_precision,
      "digits: numbers become float32, as Isaac Lab stores them (--isaaclab.double-precision)");
  say(!facts.header->simulator.objects.empty() && !facts.velocities,
      "velocities of objects (root_velocity): not known here");
  say(!facts.own, "poses and velocities of the robot's base: not known here");
  say(true, "normalised actions: `actions` are metres and radians over action_scale");
  return lost;
}

}  // namespace

const WriteDialect kIsaacLabWriter{.arguments = IsaacLabArguments,
                                   .root = WriteIsaacLabRoot,
                                   .columns = IsaacLabColumns,
                                   .pictures = IsaacLabPictures,
                                   .states_after_actions = true,
                                   .lost = LostInIsaacLab};

}  // namespace understudy::foreign
