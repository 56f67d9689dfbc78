#include "sim/gripper_settling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr double kStill = 1e-5;     // rad/s or m/s: slower is at rest
constexpr double kQuiet = 0.1;      // s that it must stay so slow
constexpr double kRestless = 1e-3;  // rad/s or m/s: what is faster in the end does not settle
constexpr double kCreep = 0.05;     // of its way: less to go in as long again has all but arrived
constexpr double kDrag = 5;         // 1/s: joints without damping come to rest too
constexpr double kHeld = 10;        // kg or kg m^2 of what is held: more, and the solver gets lax

int QposCount(int type) { return type == mjJNT_FREE ? 7 : type == mjJNT_BALL ? 4 : 1; }
int DofCount(int type) { return type == mjJNT_FREE ? 6 : type == mjJNT_BALL ? 3 : 1; }

bool Has(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Infinite for what went bad.
double Speed(double v) {
  return std::isfinite(v) ? std::abs(v) : std::numeric_limits<double>::infinity();
}

}  // namespace

GripperSettling::GripperSettling(const mjModel& model, std::vector<int> joints,
                                 std::vector<int> actuators)
    : joints_(std::move(joints)),
      actuators_(std::move(actuators)),
      model_(mj_copyModel(nullptr, &model)),
      data_(mj_makeData(&model)) {
  if (model_ == nullptr || data_ == nullptr) ThrowFailed("MuJoCo: no memory for a gripper's model");
  model_->opt.disableflags |= mjDSBL_CONTACT | mjDSBL_GRAVITY;
  for (int joint = 0; joint < model_->njnt; ++joint) {
    const int type = model_->jnt_type[joint];
    const bool own = Has(joints_, joint);
    for (int i = 0; own && i < QposCount(type); ++i) {
      qpos_.push_back(model_->jnt_qposadr[joint] + i);
    }
    for (int i = 0; i < DofCount(type); ++i) {
      const int dof = model_->jnt_dofadr[joint] + i;
      if (own) {
        dofs_.push_back(dof);
      } else {
        model_->dof_armature[dof] = kHeld;
      }
    }
    if (!own) model_->jnt_limited[joint] = 0;
  }
  for (int actuator = 0; actuator < model_->nu; ++actuator) {
    if (Has(actuators_, actuator)) continue;
    std::fill_n(model_->actuator_gainprm + mjNGAIN * actuator, mjNGAIN, 0);
    std::fill_n(model_->actuator_biasprm + mjNBIAS * actuator, mjNBIAS, 0);
  }
}

GripperRest GripperSettling::Under(const std::vector<double>& command) {
  mj_resetData(model_.get(), data_.get());
  for (size_t i = 0; i < actuators_.size(); ++i) data_->ctrl[actuators_[i]] = command[i];
  std::vector<mjtNum> q(qpos_.size()), v(dofs_.size());
  double fastest = 0, fast_until = 0;
  do {
    mj_step(model_.get(), data_.get());
    // the gripper's joints go on, everything else goes back
    for (size_t i = 0; i < q.size(); ++i) q[i] = data_->qpos[qpos_[i]];
    for (size_t i = 0; i < v.size(); ++i) v[i] = data_->qvel[dofs_[i]];
    std::copy(model_->qpos0, model_->qpos0 + model_->nq, data_->qpos);
    std::fill_n(data_->qvel, model_->nv, 0);
    for (size_t i = 0; i < q.size(); ++i) data_->qpos[qpos_[i]] = q[i];
    fastest = 0;
    for (size_t i = 0; i < v.size(); ++i) {
      data_->qvel[dofs_[i]] = v[i] * (1 - kDrag * model_->opt.timestep);
      fastest = std::max(fastest, Speed(v[i]));
    }
    if (fastest > kStill) fast_until = data_->time;
  } while (std::isfinite(fastest) && data_->time < kSettlingTime &&
           data_->time - fast_until < kQuiet);

  GripperRest rest;
  for (const int address : qpos_) rest.qpos[address] = data_->qpos[address];
  if (fastest <= kRestless) return rest;
  double fastest_joint = 0;
  for (const int joint : joints_) {
    double speed = 0;
    const int dofs = DofCount(model_->jnt_type[joint]), address = model_->jnt_qposadr[joint];
    for (int i = 0; i < dofs; ++i) {
      speed = std::max(speed, Speed(data_->qvel[model_->jnt_dofadr[joint] + i]));
    }
    // `frictionloss` lets joints creep
    const double way = std::abs(data_->qpos[address] - model_->qpos0[address]);
    if (dofs == 1 && speed * kSettlingTime < kCreep * way) continue;
    if (speed < fastest_joint) continue;
    fastest_joint = speed;
    rest.restless = joint;
  }
  if (fastest_joint <= kRestless) rest.restless = -1;
  return rest;
}

}  // namespace understudy
