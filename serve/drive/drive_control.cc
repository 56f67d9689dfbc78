#include "serve/drive/drive_control.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace understudy {
namespace {

// How far an arm may be from its command to begin there: gravity, friction, a load.
constexpr double kNear = 0.05, kNearTurn = 0.2, kNearJoints = 0.15;  // m, rad, rad

ChunkOptions ChunksOf(const DriveOptions& options, int execute) {
  return {.execute = options.execute > 0 ? options.execute : std::max(1, execute),
          .delay = 0,
          .stitching = options.stitching,
          .ensemble_decay = options.ensemble_decay};
}

}  // namespace

DriveControl::DriveControl(const Robot& robot, int horizon, int execute, int max_delay,
                           const DriveOptions& options)
    : robot_(robot),
      options_(options),
      max_delay_(max_delay),
      dt_(1 / robot.info().control_hz),
      player_(ChunksOf(options, execute)) {
  if (options.execute > horizon) {
    ThrowBadInput(fmt::format("execute = {}: a chunk of this policy has {} actions",
                              options.execute, horizon));
  }
  if (options.stitching == Stitching::kRtc && max_delay == 0) {
    ThrowBadInput(
        "stitching = rtc: the policy was not trained to be given actions "
        "(policy.rtc_training_max_delay)");
  }
  const SimulatorInfo& info = robot.info();
  for (size_t a = 0; a < info.arms.size(); ++a) {
    guards_.emplace_back(info.safety, GuardedArmOf(info, a, robot.ArmKinematics(a)), dt_);
  }
}

void DriveControl::Reset(const Action& hold, const Observation& now) {
  Require(hold.arms.size() == guards_.size() && now.arms.size() == guards_.size(),
          "one target per arm");
  state_ = State::kHolding;
  started_ = false;
  command_ = wanted_ = hold;
  ++run_;
  moving_steps_ = clipped_ = 0;
  guarded_ = {};
  brakes_ = {};
  player_.Reset(hold);
}

std::vector<Action> DriveControl::Committed(int delay) const {
  if (options_.stitching != Stitching::kRtc || !has_chunk_) return {};
  return player_.Committed(std::clamp(delay, 0, max_delay_));
}

bool DriveControl::Arrive(int64_t run, int64_t step, std::vector<Action>* chunk) {
  if (run != run_ || state_ != State::kMoving) return false;
  player_.Arrive(step, chunk);
  has_chunk_ = true;
  return true;
}

// An arm that is elsewhere, since commands were lost or somebody moved it, is not to jump back.
void DriveControl::StayNear(const Observation& now) {
  for (size_t a = 0; a < command_.arms.size(); ++a) {
    ArmAction& command = command_.arms[a];
    const ArmObservation& arm = now.arms[a];
    const Pose& X_WE = command.X_WE_cmd;
    const bool joints = command.q_cmd.size() > 0;
    const bool near = joints ? (command.q_cmd - arm.joint_q).cwiseAbs().maxCoeff() < kNearJoints
                             : (X_WE.translation() - arm.X_WE.translation()).norm() < kNear &&
                                   X_WE.rotation().angularDistance(arm.X_WE.rotation()) < kNearTurn;
    if (near) continue;
    command.X_WE_cmd = arm.X_WE;
    if (joints) command.q_cmd = arm.joint_q;
  }
}

void DriveControl::Start(const Observation& now) {
  state_ = State::kMoving;
  started_ = true;
  StayNear(now);
  ++run_;
  has_chunk_ = false;
  player_.Reset(command_);
  for (size_t a = 0; a < guards_.size(); ++a) {
    guards_[a].SetPace(options_.start_pace);
    guards_[a].Reset(command_.arms[a], now.arms[a].joint_q);
  }
}

void DriveControl::Brake(BrakeCause cause) {
  state_ = State::kBraking;
  ++brakes_[static_cast<size_t>(cause)];
}

void DriveControl::Begin(const Observation& now, double age_s, bool may_move, bool ending) {
  const bool fresh = age_s <= options_.stale;
  if (state_ == State::kHolding && fresh && may_move && !ending) Start(now);
  if (state_ != State::kMoving) return;
  if (ending) {
    Brake(BrakeCause::kStopped);
  } else if (!may_move) {
    Brake(BrakeCause::kReleased);
  } else if (!fresh) {
    Brake(BrakeCause::kStale);
  }
}

const Action& DriveControl::Step(const Observation& now) {
  if (state_ == State::kMoving && has_chunk_ && !player_.Reaches()) {
    Brake(BrakeCause::kLatePolicy);
  }
  if (state_ == State::kMoving) Follow(now);
  if (state_ == State::kBraking) {
    bool rests = true;
    for (size_t a = 0; a < guards_.size(); ++a) {
      command_.arms[a] = guards_[a].Hold();
      rests = rests && guards_[a].Resting();
    }
    if (rests) state_ = State::kHolding;
  }
  return command_;
}

void DriveControl::Follow(const Observation& now) {
  const double begun = options_.start_seconds > 0
                           ? static_cast<double>(player_.step()) * dt_ / options_.start_seconds
                           : 1;
  const double pace = options_.start_pace + (1 - options_.start_pace) * std::min(1.0, begun);
  player_.Next(&wanted_);
  std::array<bool, kSafetyStops> stops{};
  bool clipped = false;
  for (size_t a = 0; a < guards_.size(); ++a) {
    // what is no number is the filter's to stop
    const bool sound = IsFinite(wanted_.arms[a]);
    if (sound) wanted_.arms[a] = robot_.Resolve(a, wanted_.arms[a]);
    ArmAction target = wanted_.arms[a];
    if (sound && options_.clip_targets) {
      const ArmAction inside = ClipTarget(now.arms[a].X_WE, target, robot_.info().limits);
      if (!(inside == target)) {
        target = robot_.Resolve(a, inside);
        clipped = true;
      }
    }
    guards_[a].SetPace(pace);
    const SafeCommand command = guards_[a].Limit(target, now.arms[a].joint_q);
    command_.arms[a] = command.action;
    for (size_t i = 0; i < kSafetyStops; ++i) stops[i] = stops[i] || command.stops[i];
  }
  ++moving_steps_;
  clipped_ += clipped;
  for (size_t i = 0; i < kSafetyStops; ++i) guarded_[i] += stops[i];
}

}  // namespace understudy
