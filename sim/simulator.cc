#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/base/error.h"
#include "sim/arm_chain.h"
#include "sim/arm_drive.h"
#include "sim/clutter.h"
#include "sim/kinematics.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/mujoco_pose.h"
#include "sim/osc.h"
#include "sim/predicates.h"
#include "sim/reset.h"
#include "sim/scene.h"
#include "sim/shapes.h"
#include "sim/world.h"

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Between calls the world stands past mj_step1: positions, contacts, mass matrix and bias forces
// belong to qpos and qvel. So observing is free, the controller needs no forward pass of its own,
// and each substep is mj_step2 of the old state, then mj_step1 of the new.
class MujocoSimulator final : public Simulator {
 public:
  explicit MujocoSimulator(std::shared_ptr<const Scene> scene) : nominal_(std::move(scene)) {
    InstallMujocoHandlers();
    Enter(nominal_);
  }

 private:
  // Builds everything on the model of this scene, the arms at home.
  void Enter(std::shared_ptr<const Scene> scene) {
    std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(scene->model()));
    if (data == nullptr) ThrowFailed("MuJoCo: no memory for the simulation's data");
    drives_.clear();
    predicates_.reset();
    data_ = std::move(data);
    scene_ = std::move(scene);
    model_ = scene_->model();
    Problems problems;
    index_ = IndexModel(*model_, scene_->task(), scene_->robot(), &problems);
    Require(problems.empty(), "a compiled scene has been checked");
    owners_ = FindOwners();
    for (const ArmIndex& arm : index_.arms) {
      drives_.push_back(MakeArmDrive(*model_, arm, scene_->robot()));
    }
    gripper_commands_.assign(index_.arms.size(), -1);
    predicates_ = std::make_unique<PredicateEvaluator>(*model_, index_, scene_->task());
    signals_.clear();
    for (const std::string& signal : info().signals) {
      signals_.push_back(predicates_->IndexOf(signal));
    }
    success_ = predicates_->IndexOf(scene_->task().success);
    integration_size_ = static_cast<size_t>(mj_stateSize(model_, mjSTATE_INTEGRATION));
    held_substeps_ = std::min(
        info().substeps - 1,
        static_cast<int>(std::lround(scene_->parts().delay / scene_->task().physics_timestep)));
    part_geoms_ = PartGeoms(*model_, index_);
    PrepareObservation();
    StandAtHome(nullptr);
    Refresh(/*advance=*/true);
  }

  const SimulatorInfo& DoInfo() const override { return scene_->info(); }
  const PhysicsInventory& DoInventory() const override { return nominal_->inventory(); }
  void DoSetWorld(const PhysicsVariation& variation) override {
    std::shared_ptr<const Scene> scene = Scene::Vary(nominal_, variation);
    if (scene != scene_) Enter(std::move(scene));
  }
  SimulatorTimes DoTimes() const override { return times_; }
  std::string DoModelText() const override { return scene_->model_text(); }
  const std::vector<SceneFile>& DoSceneFiles() const override { return scene_->files(); }

  void DoReset(const std::string& variant, const RngKey& key) override {
    const std::vector<std::optional<Pose>> X_WO = DrawPlacement(scene_->task(), variant, key);
    Rng noise(key.WithTerm("joint_noise"));
    StandAtHome(&noise);
    for (size_t i = 0; i < X_WO.size(); ++i) {
      if (X_WO[i]) PlaceObject(index_.objects[i], *X_WO[i]);
    }
    for (const auto& [joint, start] : DrawJoints(scene_->task(), variant, key)) {
      data_->qpos[index_.started_joints.at(joint)] = start;
    }
    PlaceClutter(*model_, index_, info(), scene_->parts().clutter, key, data_.get());
    Refresh(/*advance=*/true);
    if (held_substeps_ > 0) HoldPosture();
  }

  void DoRestore(const SimState& state) override {
    if (unusable_) mj_resetData(model_, data_.get());
    unusable_ = false;
    mj_setState(model_, data_.get(), state.data(), mjSTATE_INTEGRATION);
    const double* rest = state.data() + integration_size_;
    gripper_commands_.assign(rest, rest + gripper_commands_.size());
    predicates_->set_counters(rest + gripper_commands_.size());
    ForgetWarnings();
    Refresh(/*advance=*/false);
  }

  std::string DoRevisit(const SimState& state, const std::vector<std::optional<Pose>>& X_WO,
                        bool first) override {
    const size_t flat = info().flat_state_size, exact = info().state_size - predicates_->count();
    const bool whole = state.size() >= exact;
    if (!whole && state.size() != flat) {
      return fmt::format("states of {} numbers where this scene's have {}, or {} and more",
                         state.size(), flat, exact);
    }
    for (size_t i = 0; i < X_WO.size(); ++i) {
      if (whole || index_.objects[i].mocap < 0 || X_WO[i]) continue;
      return fmt::format(
          "'{}' has no joint, so that [time, qpos, qvel] does not determine its pose",
          index_.objects[i].name);
    }
    if (first || unusable_) mj_resetData(model_, data_.get());
    if (first) predicates_->ClearCounters();
    unusable_ = false;
    if (whole) {
      mj_setState(model_, data_.get(), state.data(), mjSTATE_INTEGRATION);
      const double* commands = state.data() + integration_size_;
      gripper_commands_.assign(commands, commands + gripper_commands_.size());
    } else {
      mj_setState(model_, data_.get(), state.data(), mjSTATE_TIME | mjSTATE_QPOS | mjSTATE_QVEL);
      for (size_t i = 0; i < X_WO.size(); ++i) {
        if (index_.objects[i].mocap >= 0) PlaceObject(index_.objects[i], *X_WO[i]);
      }
    }
    ForgetWarnings();
    Refresh(/*advance=*/true);
    return "";
  }

  void DoSave(SimState* state) const override {
    state->resize(info().state_size);
    mj_getState(model_, data_.get(), state->data(), mjSTATE_INTEGRATION);
    auto rest = std::copy(gripper_commands_.begin(), gripper_commands_.end(),
                          state->begin() + static_cast<std::ptrdiff_t>(integration_size_));
    std::copy(predicates_->counters().begin(), predicates_->counters().end(), rest);
  }

  const Observation& DoObserve() const override {
    if (!observed_ && !unusable_) FillObservation();
    return observation_;
  }

  std::unique_ptr<Kinematics> DoArmKinematics(size_t arm) const override {
    return MakeKinematics(scene_, {}, arm);
  }

  Pose DoNearest(size_t arm, const Pose& X_WE) const override {
    const ArmChain chain(*model_, *data_, index_.arms[arm]);
    return chain.Forward(chain.NearestOfAll(X_WE));
  }

  std::vector<PartShape> DoParts() const override {
    std::vector<PartShape> parts;
    for (const int geom : part_geoms_) {
      parts.push_back(
          {BoxOfGeom(*model_, *data_, geom), model_->body_rootid[model_->geom_bodyid[geom]]});
    }
    return parts;
  }

  ArmAction DoResolve(size_t arm, const ArmAction& action) const override {
    const ArmChain chain(*model_, *data_, index_.arms[arm]);
    ArmAction resolved = action;
    if (resolved.q_cmd.size() == 0) resolved.q_cmd = chain.Nearest(action.X_WE_cmd, chain.q0());
    resolved.X_WE_cmd = chain.Forward(resolved.q_cmd);
    return resolved;
  }

  StepOutcome DoStep(const Action& action) override {
    StepOutcome outcome;
    const Clock::time_point start = Clock::now();
    const int substeps = info().substeps;
    // the whole way of a policy step, in what a delay leaves of it
    const double gripper_step = scene_->robot().gripper.speed / (substeps - held_substeps_);
    try {
      for (size_t a = 0; a < drives_.size(); ++a) {
        drives_[a]->Begin(*data_, action.arms[a]);
      }
      for (int i = 0; i < substeps && !unusable_; ++i) {
        const int held = held_substeps_;  // so long nothing reaches the actuators
        for (size_t a = 0; i >= held && a < index_.arms.size(); ++a) {
          const double share = static_cast<double>(i + 1 - held) / (substeps - held);
          drives_[a]->Drive(*data_, share, data_->ctrl);
          DriveGripper(a, action.arms[a].gripper, gripper_step);
        }
        const Clock::time_point before = Clock::now();
        mj_step2(model_, data_.get());
        mj_step1(model_, data_.get());
        times_.physics_s += Seconds(Clock::now() - before);
        ++times_.substeps;
        Watch(&outcome);
      }
    } catch (const Error& error) {
      unusable_ = true;
      problem_ = error.what();
    }
    ++times_.steps;
    if (unusable_) {
      outcome.unstable = true;
      outcome.problem = problem_;
    } else {
      observed_ = false;
      predicates_->Evaluate(*data_, /*advance=*/true);
      SeeHands(&outcome);
    }
    times_.total_s += Seconds(Clock::now() - start);
    return outcome;
  }

  // Gives the actuators the commands that keep the arms where they are: what they hold until the
  // first ones arrive.
  void HoldPosture() {
    for (size_t a = 0; a < drives_.size(); ++a) {
      drives_[a]->Begin(*data_, {ControlPose(*model_, *data_, index_.arms[a]), -1});
      drives_[a]->Drive(*data_, 1, data_->ctrl);
    }
  }

  // as robosuite's gripper: the command moves slowly towards the sign of the wanted one
  void DriveGripper(size_t arm, double asked, double step) {
    double& command = gripper_commands_[arm];
    command = std::clamp(command + (asked > 0 ? step : asked < 0 ? -step : 0), -1.0, 1.0);
    SetFingers(index_.arms[arm], command);
  }

  void SetFingers(const ArmIndex& arm, double command) {
    for (const auto& [actuator, closed, open] : arm.gripper.actuators) {
      data_->ctrl[actuator] = closed + (open - closed) * (1 - command) / 2;
    }
  }

  // Of the body of a geom; what belongs to the world goes by its own name.
  std::string TouchedName(int geom) const {
    if (geom < 0) return "something soft";
    const int body = model_->geom_bodyid[geom];
    const char* own = mj_id2name(model_, mjOBJ_GEOM, geom);
    if (body == 0 && own != nullptr) return own;
    return NameOfBody(*model_, body);
  }

  // What hands hold and arms touch now.
  void SeeHands(StepOutcome* outcome) const {
    for (size_t a = 0; a < index_.arms.size(); ++a) {
      const auto arm = static_cast<int>(a);
      uint64_t objects[2] = {0, 0};  // that a side touches
      bool others[2] = {false, false};
      for (int c = 0; c < data_->ncon; ++c) {
        const mjContact& contact = data_->contact[c];
        for (int side = 0; side < 2 && contact.exclude == 0; ++side) {
          if (contact.geom[side] < 0 || contact.geom[1 - side] < 0) continue;
          const GeomRole& role = index_.geoms[static_cast<size_t>(contact.geom[side])];
          if (role.finger_of != arm && role.link_of != arm) continue;
          const int body = model_->geom_bodyid[contact.geom[1 - side]];
          const int owner = owners_[static_cast<size_t>(body)];
          outcome->touches_stand |= owner == kStands;
          for (int pad = 0; pad < 2; ++pad) {
            if ((pad == 0 ? role.left_pad_of : role.right_pad_of) != arm) continue;
            others[pad] |= owner == kLoose;
            if (owner >= 0 && owner < 64) objects[pad] |= uint64_t{1} << owner;
          }
        }
      }
      outcome->held_objects |= objects[0] & objects[1];
      outcome->holds_other |= others[0] && others[1];
    }
  }

  // Whose every body is: number of the object, or one of these.
  static constexpr int kStands = -1, kOfArm = -2, kLoose = -3;
  std::vector<int> FindOwners() const {
    std::vector<int> owners;
    for (int body = 0; body < model_->nbody; ++body) {
      int owner = model_->body_weldid[body] == 0 ? kStands : kLoose;
      for (const ArmIndex& arm : index_.arms) {
        if (InSubtree(*model_, body, arm.base_body)) owner = kOfArm;
      }
      for (size_t i = 0; i < index_.objects.size(); ++i) {
        if (InSubtree(*model_, body, index_.objects[i].body)) owner = static_cast<int>(i);
      }
      owners.push_back(owner);
    }
    return owners;
  }

  // Collects the events of one substep for the policy step.
  void Watch(StepOutcome* outcome) {
    for (const ArmIndex& arm : index_.arms) {
      for (size_t i = 0; i < arm.joints.size(); ++i) {
        const mjtNum q = data_->qpos[arm.qpos[i]];
        const mjtNum* range = model_->jnt_range + 2 * arm.joints[i];
        if (model_->jnt_limited[arm.joints[i]] && (q <= range[0] || q >= range[1])) {
          outcome->joint_limit = true;
        }
      }
    }
    for (int c = 0; c < data_->ncon && !outcome->collision; ++c) {
      const mjContact& contact = data_->contact[c];
      for (int side = 0; side < 2 && contact.exclude == 0 && !outcome->collision; ++side) {
        const int geom = contact.geom[side], other = contact.geom[1 - side];
        if (geom < 0 || index_.geoms[geom].link_of < 0) continue;
        outcome->collision = true;
        outcome->touching = fmt::format("{} touched {}", TouchedName(geom), TouchedName(other));
      }
    }
    for (int w = 0; w < mjNWARNING; ++w) {
      if (data_->warning[w].number == 0) continue;
      unusable_ = true;
      problem_ = fmt::format("MuJoCo: {} at simulation time {:.3f} s",
                             mju_warningText(w, data_->warning[w].lastinfo), data_->time);
    }
  }

  // Arms at home (with noise), grippers open, nothing moving, time zero.
  void StandAtHome(Rng* noise) {
    mj_resetData(model_, data_.get());
    unusable_ = false;
    for (size_t a = 0; a < index_.arms.size(); ++a) {
      const ArmIndex& arm = index_.arms[a];
      const auto& start = scene_->parts().start;
      const std::vector<double>& home = start.empty() || start[a].empty() ? arm.home : start[a];
      for (size_t i = 0; i < arm.joints.size(); ++i) {
        const double offset = noise == nullptr ? 0 : scene_->robot().home_noise * noise->Normal();
        const mjtNum* range = model_->jnt_range + 2 * arm.joints[i];
        const double q = home[i] + offset;
        data_->qpos[arm.qpos[i]] =
            model_->jnt_limited[arm.joints[i]] ? std::clamp(q, range[0], range[1]) : q;
        if (arm.is_servo) data_->ctrl[arm.actuators[i]] = data_->qpos[arm.qpos[i]];
      }
      for (const auto& [address, q] : arm.gripper.open_qpos) data_->qpos[address] = q;
      gripper_commands_[a] = -1;
      SetFingers(arm, -1);
    }
    predicates_->ClearCounters();
    ForgetWarnings();
  }

  void PlaceObject(const ObjectIndex& object, const Pose& X_WO) {
    mjtNum* position =
        object.qpos >= 0 ? data_->qpos + object.qpos : data_->mocap_pos + 3 * object.mocap;
    mjtNum* rotation =
        object.qpos >= 0 ? data_->qpos + object.qpos + 3 : data_->mocap_quat + 4 * object.mocap;
    PutPose(X_WO, position, rotation);
  }

  // Brings everything that follows from qpos and qvel up to date.
  void Refresh(bool advance) {
    mj_step1(model_, data_.get());
    predicates_->Evaluate(*data_, advance);
    observed_ = false;
  }

  void ForgetWarnings() {
    for (mjWarningStat& warning : data_->warning) warning = {};
  }

  void PrepareObservation() {
    observation_.arms.resize(index_.arms.size());
    for (size_t a = 0; a < index_.arms.size(); ++a) {
      observation_.arms[a].joint_q.resize(static_cast<Eigen::Index>(index_.arms[a].qpos.size()));
      observation_.arms[a].joint_v = observation_.arms[a].joint_q;
      observation_.arms[a].gripper_q.resize(
          static_cast<Eigen::Index>(index_.arms[a].finger_qpos.size()));
      observation_.arms[a].gripper_v = observation_.arms[a].gripper_q;
    }
    observation_.X_WO.resize(index_.objects.size());
    observation_.signals.resize(signals_.size());
  }

  void FillObservation() const {
    observation_.sim_time_s = data_->time;
    for (size_t a = 0; a < index_.arms.size(); ++a) {
      const ArmIndex& arm = index_.arms[a];
      ArmObservation& seen = observation_.arms[a];
      seen.X_WE = ControlPose(*model_, *data_, arm);
      for (size_t i = 0; i < arm.qpos.size(); ++i) {
        seen.joint_q[static_cast<Eigen::Index>(i)] = data_->qpos[arm.qpos[i]];
        seen.joint_v[static_cast<Eigen::Index>(i)] = data_->qvel[arm.dofs[i]];
      }
      for (size_t i = 0; i < arm.finger_qpos.size(); ++i) {
        seen.gripper_q[static_cast<Eigen::Index>(i)] = data_->qpos[arm.finger_qpos[i]];
        seen.gripper_v[static_cast<Eigen::Index>(i)] = data_->qvel[arm.finger_dofs[i]];
      }
    }
    for (size_t i = 0; i < index_.objects.size(); ++i) {
      observation_.X_WO[i] = BodyPose(*data_, index_.objects[i].body);
    }
    for (size_t i = 0; i < signals_.size(); ++i) {
      observation_.signals[i] = predicates_->value(signals_[i]);
    }
    observation_.success = predicates_->value(success_);
    if (const auto& noise = scene_->parts().noise) {
      AddNoise(*noise, std::lround(data_->time * info().control_hz), &observation_);
    }
    observed_ = true;
  }

  const std::shared_ptr<const Scene> nominal_;
  std::shared_ptr<const Scene> scene_;  // of the world that it stands in
  const mjModel* model_ = nullptr;      // of scene_
  ModelIndex index_;
  std::vector<int> owners_;  // by body
  std::unique_ptr<mjData, MujocoDeleter> data_;
  std::vector<std::unique_ptr<ArmDrive>> drives_;  // by arm
  std::unique_ptr<PredicateEvaluator> predicates_;
  std::vector<int> signals_;
  int success_ = -1;
  std::vector<int> part_geoms_;  // of Parts()
  size_t integration_size_ = 0;
  int held_substeps_ = 0;                 // of a policy step, for which actuators keep commands
  std::vector<double> gripper_commands_;  // [-1, 1] per arm, where the creeping command stands
  bool unusable_ = false;                 // until the next Reset or Restore
  std::string problem_;
  SimulatorTimes times_;
  mutable bool observed_ = false;
  mutable Observation observation_;
};

}  // namespace

std::unique_ptr<Simulator> MakeSimulator(std::shared_ptr<const Scene> scene) {
  Require(scene != nullptr, "a simulator needs a scene");
  return std::make_unique<MujocoSimulator>(std::move(scene));
}

}  // namespace understudy
