#include "teleop/operator/scripted_operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "core/base/error.h"
#include "core/base/names.h"
#include "core/seam/teleop_device.h"

namespace understudy {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kSqueezeSeconds = 0.06;  // finger travel
constexpr double kTriggerSeconds = 0.1;
constexpr double kPressSeconds = 0.15;       // of a button
constexpr double kGripSeconds = 0.25;        // from squeezing to trusting the clutch
constexpr double kOpenSeconds = 0.5;         // until the fingers have opened
constexpr double kFarTurn = kPi / 2 + 1e-6;  // rad: an equivalent grip that is too far to turn to
constexpr double kTremorLever = 0.1;         // m: tremor of position over it is tremor of rotation

// `X_OG` turned about G's own z.
Pose Turned(const Pose& X_OG, double turn) {
  return turn == 0 ? X_OG : X_OG * PoseFromYaw(turn, Eigen::Vector3d::Zero());
}

Eigen::Quaterniond Yaw(double turn) {
  return PoseFromYaw(turn, Eigen::Vector3d::Zero()).rotation();
}

double TurnAboutZ(const Eigen::Quaterniond& q) {
  return std::remainder(2 * std::atan2(q.z(), q.w()), 2 * kPi);
}

std::string Called(const OperatorPhase& phase) { return fmt::format("phase '{}'", phase.name); }

double Towards(double value, double goal, double step) {
  return value + std::clamp(goal - value, -step, step);
}

}  // namespace

Pose ScriptedOperator::Movement::At(double t_s) const {
  // minimum jerk: 10 s^3 - 15 s^4 + 6 s^5
  const double s = seconds <= 0 ? 1 : std::clamp((t_s - start_s) / seconds, 0.0, 1.0);
  const double share = s * s * s * (10 + s * (-15 + 6 * s));
  return Pose(RotationExp(share * rotvec_T) * X_TH_from.rotation(),
              X_TH_from.translation() + share * p_T);
}

ScriptedOperator::ScriptedOperator(const OperatorSpec& spec, const TaskSpec& task,
                                   const SimulatorInfo& info, const RngKey& key,
                                   const OperatorSkill& skill, bool starts)
    : spec_(spec),
      info_(info),
      skill_(skill),
      rng_(key),
      starts_(starts),
      misses_(spec.phases.size()) {
  Require(Validate(spec, task).empty(), "an operator works from a checked specification");
  Require(spec.arm < static_cast<int>(info.arms.size()), "the operator's arm exists");
  const auto order = [&](const std::string& object) {
    return object.empty() ? 1 : task.objects.at(object).symmetry;
  };
  for (const OperatorPhase& phase : spec.phases) {
    // turning the carried thing or the place by its symmetry looks the same; on one axis that is
    // one turn
    const int a = order(phase.object), b = order(phase.carried);
    const bool one_axis = phase.pose.translation().head<2>().isZero(0);
    names_.push_back({.object = IndexOf(info.objects, phase.object),
                      .carried = IndexOf(info.objects, phase.carried),
                      .signal = IndexOf(info.signals, phase.expect),
                      .await = IndexOf(info.signals, phase.await),
                      .symmetry = !one_axis          ? a
                                  : a == 0 || b == 0 ? 0
                                                     : std::lcm(a, b),
                      .own_symmetry = phase.carried.empty() ? info.gripper_symmetry
                                      : one_axis            ? 1
                                                            : b});
  }
  for (const std::string& object : info.objects) {
    radius_.push_back(task.objects.at(object).radius);
  }
  for (int axis = 0; axis < 3; ++axis) {
    for (int i = 0; i < 3; ++i) {
      tremor_hz_[axis][i] = Draw(spec.body.tremor_hz);
      tremor_phase_[axis][i] = rng_.Uniform(0, 2 * kPi);
    }
  }
  // the hand is never held twice in the same place
  const Eigen::Vector3d aside(rng_.Normal(), rng_.Normal(), rng_.Normal());
  X_TH_ =
      Pose(spec.body.X_TH_comfort.rotation(), spec.body.X_TH_comfort.translation() + 0.01 * aside);
}

size_t ScriptedOperator::PhaseNamed(const std::string& name) const {
  for (size_t i = 0; i < spec_.phases.size(); ++i) {
    if (!name.empty() && spec_.phases[i].name == name) return i;
  }
  return 0;
}

size_t ScriptedOperator::PhaseAt(const Observation& now, bool alone) const {
  const auto expects = [&](size_t phase, size_t signal) {
    return names_[phase].signal == static_cast<int>(signal);
  };
  const auto holds = [&](size_t phase) {
    const int signal = names_[phase].signal;
    return signal >= 0 && now.signals[static_cast<size_t>(signal)] != 0;
  };
  for (size_t last = names_.size(); last-- > 0;) {
    if (!holds(last)) continue;
    while (last > 0 && holds(last - 1)) --last;
    return last;
  }
  if (!alone) return 0;
  // signals stand in the order of the subtasks: the last one that holds is what is done
  size_t done = now.signals.size();
  while (done > 0 && now.signals[done - 1] == 0) --done;
  for (size_t signal = done; done > 0 && signal < now.signals.size(); ++signal) {
    for (size_t phase = 0; phase < names_.size(); ++phase) {
      if (expects(phase, signal)) return PhaseNamed(spec_.phases[phase].otherwise);
    }
  }
  return 0;
}

void ScriptedOperator::TakeOver(const Observation& now, bool alone) {
  Require(start_ns_ < 0, "an operator takes over before it moves");
  starts_ = false;
  phase_ = PhaseAt(now, alone);
  bool closed = false;
  for (size_t i = 0; i < phase_; ++i) {
    const TriggerUse use = spec_.phases[i].trigger;
    if (use != TriggerUse::kKeep) closed = use == TriggerUse::kClose;
  }
  trigger_ = trigger_goal_ = 1;
  opens_first_ = !closed;
}

HandTarget ScriptedOperator::Move(const Observation& observation, int64_t now_ns,
                                  bool others_done) {
  if (start_ns_ < 0) {
    start_ns_ = last_ns_ = now_ns;
    X_WE_seen_ = observation.arms[spec_.arm].X_WE;
    rest_looks_ = 2;
    Enter(Mode::kStart, Draw(spec_.body.start_delay));
  }
  Require(now_ns >= last_ns_, "the operator's time does not go back");
  const double t = 1e-9 * static_cast<double>(now_ns - start_ns_);
  const double dt = 1e-9 * static_cast<double>(now_ns - last_ns_);
  Look(observation);
  Act(observation, t, others_done);
  // fingers take their time
  squeeze_ = Towards(squeeze_, squeeze_goal_, dt / kSqueezeSeconds);
  trigger_ = Towards(trigger_, trigger_goal_, dt / kTriggerSeconds);

  HandTarget hand;
  const Eigen::Vector3d shake = spec_.body.tremor * Tremor(t);
  const Eigen::Vector3d wobble = spec_.body.tremor / kTremorLever * Tremor(t + 7.3);
  hand.X_TH = Pose(RotationExp(wobble) * X_TH_.rotation(), X_TH_.translation() + shake);
  hand.squeeze = squeeze_;
  hand.trigger = trigger_;
  hand.buttons = buttons_;
  if (dt > 0) {
    hand.v_TH = (hand.X_TH.translation() - last_.X_TH.translation()) / dt;
    hand.w_TH = RotationLog(hand.X_TH.rotation() * last_.X_TH.rotation().conjugate()) / dt;
  }
  last_ = hand;
  last_ns_ = now_ns;
  return hand;
}

void ScriptedOperator::Enter(Mode mode, double wait_until_s) {
  mode_ = mode;
  wait_until_s_ = wait_until_s;
}

void ScriptedOperator::Look(const Observation& observation) {
  // the world changes once per policy step
  if (observation.sim_time_s == seen_time_s_) return;
  const Pose& X_WE = observation.arms[spec_.arm].X_WE;
  const double moved = (X_WE.translation() - X_WE_seen_.translation()).norm();
  const double turned = AngleBetween(X_WE.rotation(), X_WE_seen_.rotation());
  if (seen_time_s_ >= 0) rest_looks_ = moved < 8e-4 && turned < 8e-3 ? rest_looks_ + 1 : 0;
  X_WE_seen_ = X_WE;
  seen_time_s_ = observation.sim_time_s;
}

void ScriptedOperator::Anchor() {
  X_TH_anchor_ = X_TH_;
  X_WE_anchor_ = X_WE_seen_;
}

void ScriptedOperator::Act(const Observation& observation, double t_s, bool others_done) {
  const bool due = t_s >= wait_until_s_;
  switch (mode_) {
    case Mode::kStart:
      // press start, then take hold
      if (due && starts_) buttons_ = kButtonStart;
      if (t_s >= wait_until_s_ + kPressSeconds) {
        buttons_ = 0;
        Enter(Mode::kGrip, t_s + kGripSeconds + Draw(spec_.body.reaction));
      }
      return;
    case Mode::kGrip:
      if (squeeze_goal_ == 0) ++regrips_;
      squeeze_goal_ = 1;
      if (!due) return;
      Anchor();
      if (std::exchange(opens_first_, false)) {
        trigger_goal_ = 0;
        return Enter(Mode::kThink, t_s + kOpenSeconds);
      }
      return Enter(Mode::kThink, t_s + Draw(spec_.body.reaction));
    case Mode::kThink:
      if (!due) return;
      if (const int await = names_[phase_].await; !phase_begun_ && await >= 0) {
        if (!observation.signals[await]) return;
        if (AtRest()) Anchor();  // what it was doing has ended long ago
      }
      return PlanMovement(observation, t_s);
    case Mode::kMove:
      X_TH_ = movement_.At(t_s);
      if (movement_.Over(t_s)) Enter(Mode::kSettle, t_s + spec_.body.drift_patience);
      return;
    case Mode::kSettle:
      return Judge(observation, t_s);
    case Mode::kTrigger:
      if (!due) return;
      if (spec_.phases[phase_].trigger == TriggerUse::kClose) trigger_goal_ = 1;
      if (spec_.phases[phase_].trigger == TriggerUse::kOpen) trigger_goal_ = 0;
      return Enter(Mode::kDwell, t_s + spec_.phases[phase_].dwell);
    case Mode::kDwell:
      if (due) EndPhase(observation, t_s);
      return;
    case Mode::kReturn:
      // let go first, then bring the hand back
      if (!due) return;
      X_TH_ = movement_.At(t_s);
      if (movement_.Over(t_s)) {
        Enter(Mode::kGrip, t_s + kGripSeconds + Draw(spec_.body.reaction));
      }
      return;
    case Mode::kDone:
      if (!others_done) wait_until_s_ = t_s + spec_.body.success_patience;
      if (due && others_done && !observation.success) {
        given_up_ = "the task's success did not hold after the last phase" + NotHeld(observation);
        Enter(Mode::kGaveUp, t_s);
      }
      return;
    case Mode::kGaveUp:
      buttons_ = kButtonDiscard;
      return;
  }
}

std::string ScriptedOperator::NotHeld(const Observation& observation) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < info_.signals.size(); ++i) {
    if (!observation.signals[i]) names.push_back("'" + info_.signals[i] + "'");
  }
  return names.empty() ? "" : fmt::format(", nor did {}", fmt::join(names, ", "));
}

void ScriptedOperator::BeginPhase(const Observation& observation) {
  const OperatorPhase& phase = spec_.phases[phase_];
  const Names& names = names_[phase_];
  phase_begun_ = true;
  corrections_ = 0;
  const Pose& X_WE = X_WE_seen_;
  X_WE_fixed_ =
      Pose(phase.pose.rotation() * X_WE.rotation(), X_WE.translation() + phase.pose.translation());
  if (names.object < 0) return;
  // of all equivalent goals, the one with the least turn from now
  const bool carries = names.carried >= 0;
  const Eigen::Quaterniond& q_WO = observation.X_WO[names.object].rotation();
  const Eigen::Quaterniond& q_now =
      carries ? observation.X_WO[names.carried].rotation() : X_WE.rotation();
  struct Alike {
    double yaw = 0, own_turn = 0, turn = 0;
  };
  std::vector<Alike> goals;
  const double unit = names.symmetry > 0 ? 2 * kPi / names.symmetry : 0;
  const int own_turns = std::max(1, names.own_symmetry);
  for (int own = 0; own < own_turns; ++own) {
    Alike goal{.own_turn = 2 * kPi * own / own_turns};
    const Eigen::Quaterniond q_OG = Turned(phase.pose, goal.own_turn).rotation();
    const double nearest = TurnAboutZ(q_WO.conjugate() * q_now * q_OG.conjugate());
    for (int i = 0; i < std::max(1, names.symmetry); ++i) {
      const int k = i % 2 == 1 ? (i + 1) / 2 : -i / 2;
      goal.yaw = unit > 0 ? std::round(nearest / unit) * unit + k * unit : nearest;
      // of two names of one pose the hand that is not turned
      goal.turn = std::abs(std::remainder(goal.yaw - nearest, 2 * kPi)) + 1e-9 * own;
      if (names.own_symmetry == 0) {
        // round: it stays as it is in the hand
        const Eigen::Quaterniond q_WG = q_WO * Yaw(goal.yaw) * phase.pose.rotation();
        goal.own_turn = TurnAboutZ(q_WG.conjugate() * q_now);
        goal.turn = AngleBetween(q_WG * Yaw(goal.own_turn), q_now);
      }
      goals.push_back(goal);
    }
  }
  std::stable_sort(goals.begin(), goals.end(),
                   [](const Alike& a, const Alike& b) { return a.turn < b.turn; });

  // beyond the arm's reach, or where a finger would come down on something, the next one that is
  // not far to turn to
  const auto choose = [&](const Alike& goal) {
    yaw_ = goal.yaw;
    own_turn_ = goal.own_turn;
  };
  if (unit == 0) return choose(goals[0]);
  for (const Alike& goal : goals) {
    // what is carried is turned as far as it takes
    if (goal.turn > kFarTurn && !carries) break;
    choose(goal);
    const Pose X_WE_goal = Goal(observation);
    if (info_.Reaches(X_WE_goal.translation(), 0, static_cast<size_t>(spec_.arm)) &&
        (carries || FingersFree(observation, X_WE_goal))) {
      return;
    }
  }
  choose(goals[0]);
}

bool ScriptedOperator::FingersFree(const Observation& observation, const Pose& X_WE) const {
  const Eigen::Vector2d& fingers = spec_.body.fingers;
  for (size_t i = 0; i < observation.X_WO.size(); ++i) {
    const int own = names_[phase_].object;
    if (own >= 0 && info_.HangTogether(i, static_cast<size_t>(own))) continue;
    const Eigen::Vector3d p_EO = X_WE.Inverse() * observation.X_WO[i].translation();
    // objects at another height are not in the way
    if (std::abs(p_EO.z()) > 0.1 + radius_[i]) continue;
    if (std::abs(p_EO.x()) < fingers.x() + radius_[i] &&
        std::abs(p_EO.y()) < fingers.y() + radius_[i]) {
      return false;
    }
  }
  return true;
}

Pose ScriptedOperator::Goal(const Observation& observation) const {
  const OperatorPhase& phase = spec_.phases[phase_];
  const Names& names = names_[phase_];
  if (names.object < 0) return X_WE_fixed_;
  const Pose X_WG = observation.X_WO[names.object] * PoseFromYaw(yaw_, Eigen::Vector3d::Zero()) *
                    Turned(phase.pose, own_turn_);
  if (names.carried < 0) return X_WG;
  // the carried thing goes to G, and E with it, as it lies in the hand now
  const Pose X_CE = observation.X_WO[names.carried].Inverse() * X_WE_seen_;
  return X_WG * X_CE;
}

bool ScriptedOperator::Arrived(const Observation& observation, double slack) const {
  const OperatorPhase& phase = spec_.phases[phase_];
  const Pose X_WE_goal = Goal(observation);
  return (X_WE_goal.translation() - X_WE_seen_.translation()).norm() <= slack * phase.tolerance &&
         AngleBetween(X_WE_goal.rotation(), X_WE_seen_.rotation()) <= slack * phase.turn_tolerance;
}

void ScriptedOperator::PlanMovement(const Observation& observation, double t_s) {
  if (!phase_begun_) BeginPhase(observation);
  const OperatorPhase& phase = spec_.phases[phase_];
  // aim, a little beside; corrections are finer
  const double spread = corrections_ == 0 ? phase.spread : 0.3 * phase.spread;
  const Eigen::Vector3d beside(rng_.Normal(), rng_.Normal(), rng_.Normal());
  const Pose X_WE_goal = Goal(observation);
  const Eigen::Vector3d way_W =
      X_WE_goal.translation() + spread * beside - X_WE_anchor_.translation();
  const Eigen::Quaterniond turn_W = X_WE_goal.rotation() * X_WE_anchor_.rotation().conjugate();

  // what the hand must do for it, from where hand and arm last belonged together
  const Eigen::Quaterniond q_TW = skill_.q_WT.conjugate();
  const Eigen::Vector3d p_TH_goal = X_TH_anchor_.translation() + q_TW * way_W / skill_.scale;
  const Eigen::Quaterniond q_TH_goal = q_TW * turn_W * skill_.q_WT * X_TH_anchor_.rotation();
  movement_.X_TH_from = X_TH_;
  movement_.p_T = p_TH_goal - X_TH_.translation();
  movement_.rotvec_T = RotationLog(q_TH_goal * X_TH_.rotation().conjugate());
  movement_.start_s = t_s;

  // the arm does not reach that far: bring the hand back, or go as far as it reaches
  const Eigen::Vector3d& box = spec_.body.reach_box;
  const Eigen::Vector3d from = X_TH_.translation() - spec_.body.X_TH_comfort.translation();
  double share = 1;
  for (int i = 0; i < 3; ++i) {
    const double room = std::max(0.0, box[i] - std::copysign(1.0, movement_.p_T[i]) * from[i]);
    const double way = std::abs(movement_.p_T[i]);
    if (way > room) share = std::min(share, room / way);
  }
  partial_ = share < 1;
  if (partial_ && from.norm() > 0.05) return GoBack(t_s);
  movement_.p_T *= share;
  movement_.rotvec_T *= share;

  const double seconds =
      std::max({corrections_ == 0 ? 0.3 : 0.2, movement_.p_T.norm() * skill_.scale / phase.speed,
                movement_.rotvec_T.norm() / phase.turn_speed});
  movement_.seconds = seconds * std::exp(spec_.body.speed_spread * rng_.Normal());
  X_WE_at_plan_ = X_WE_seen_;
  Enter(Mode::kMove, t_s);
}

void ScriptedOperator::GoBack(double t_s) {
  squeeze_goal_ = 0;
  const double release_s = t_s + 2 * kSqueezeSeconds + Draw(spec_.body.reaction);
  movement_.X_TH_from = X_TH_;
  movement_.p_T = spec_.body.X_TH_comfort.translation() - X_TH_.translation();
  movement_.rotvec_T =
      RotationLog(spec_.body.X_TH_comfort.rotation() * X_TH_.rotation().conjugate());
  movement_.start_s = release_s;
  movement_.seconds = std::max(0.4, movement_.p_T.norm() / 0.4);
  Enter(Mode::kReturn, release_s);
}

void ScriptedOperator::Judge(const Observation& observation, double t_s) {
  const OperatorPhase& phase = spec_.phases[phase_];
  const bool still = phase.trigger == TriggerUse::kKeep || AtRest();
  if (still && !partial_ && Arrived(observation, 1)) {
    // the trigger does not change: nothing to wait for
    if (phase.trigger == TriggerUse::kKeep && phase.dwell == 0) return EndPhase(observation, t_s);
    return Enter(Mode::kTrigger,
                 phase.trigger == TriggerUse::kKeep ? t_s : t_s + Draw(spec_.body.late_trigger));
  }
  if (!AtRest() && t_s < wait_until_s_) return;
  // the arm has stopped elsewhere: use the measured pose from here on
  if (!partial_ && ++corrections_ > spec_.body.corrections) {
    if (Arrived(observation, 2)) return Enter(Mode::kTrigger, t_s);
    return Retry("not reached", Distance(observation), t_s);
  }
  // it did not follow at all: the clutch has let go, take hold again
  const double planned = movement_.p_T.norm() * skill_.scale;
  const double moved = (X_WE_seen_.translation() - X_WE_at_plan_.translation()).norm();
  if (planned > 0.01 && moved < 0.2 * planned) return GoBack(t_s);
  Anchor();
  Enter(Mode::kThink, t_s + Draw(spec_.body.reaction));
}

void ScriptedOperator::EndPhase(const Observation& observation, double t_s) {
  const int signal = names_[phase_].signal;
  if (signal >= 0 && !observation.signals[signal]) {
    return Retry(fmt::format("'{}' did not hold", spec_.phases[phase_].expect), "", t_s);
  }
  // at rest, eyes and hand agree again
  if (AtRest()) Anchor();
  ++phase_;
  phase_begun_ = false;
  if (phase_ == spec_.phases.size()) {
    return Enter(Mode::kDone, t_s + spec_.body.success_patience);
  }
  Enter(Mode::kThink, t_s + Draw(spec_.body.reaction));
}

void ScriptedOperator::Retry(const std::string& missed, const std::string& by, double t_s) {
  misses_[phase_] = {misses_[phase_].count + 1, missed, by};
  if (++retries_ > spec_.body.retries) {
    given_up_ = Missed(phase_) + MissedBefore(phase_);
    return Enter(Mode::kGaveUp, t_s);
  }
  // open the hand and begin again where the phase says
  phase_ = PhaseNamed(spec_.phases[phase_].otherwise);
  phase_begun_ = false;
  trigger_goal_ = 0;
  Anchor();
  Enter(Mode::kThink, t_s + kOpenSeconds);
}

// How far it is from the goal where that is more than the phase tolerates.
std::string ScriptedOperator::Distance(const Observation& observation) const {
  const OperatorPhase& phase = spec_.phases[phase_];
  const Pose X_WE_goal = Goal(observation);
  const double away = (X_WE_goal.translation() - X_WE_seen_.translation()).norm();
  const double turned = AngleBetween(X_WE_goal.rotation(), X_WE_seen_.rotation());
  std::string text;
  if (away > phase.tolerance) {
    text += fmt::format(": {:.3g} m away, tolerance {:g} m", away, phase.tolerance);
  }
  if (turned > phase.turn_tolerance) {
    text += fmt::format("{} {:.2g} rad turned away, tolerance {:g} rad", text.empty() ? ":" : ";",
                        turned, phase.turn_tolerance);
  }
  if (!info_.Reaches(X_WE_goal.translation(), 0, static_cast<size_t>(spec_.arm))) {
    text += fmt::format("{} the goal is beyond the arm's reach of {:g} m", text.empty() ? ":" : ";",
                        info_.workspace_radius);
  }
  return text;
}

std::string ScriptedOperator::Missed(size_t phase) const {
  const auto& [count, what, by] = misses_[phase];
  const std::string tries = count > 1 ? fmt::format(" after {} tries", count) : "";
  return fmt::format("{}: {}{}{}", Called(spec_.phases[phase]), what, tries, by);
}

std::string ScriptedOperator::MissedBefore(size_t but) const {
  std::string text;
  for (size_t i = 0; i < misses_.size(); ++i) {
    if (i != but && misses_[i].count > 0) text += "; before that " + Missed(i);
  }
  return text;
}

std::string ScriptedOperator::Account(const Observation& observation) const {
  if (gave_up()) return given_up_;
  if (finished()) return "the wait for the task's success after the last phase";
  const int await = names_[phase_].await;
  std::string text = Called(spec_.phases[phase_]);
  if (phase_begun_) {
    text += Distance(observation);
  } else if (await >= 0 && !observation.signals[static_cast<size_t>(await)]) {
    text += fmt::format(": waiting for '{}'", spec_.phases[phase_].await);
  }
  return text + MissedBefore(spec_.phases.size());
}

Eigen::Vector3d ScriptedOperator::Tremor(double t_s) const {
  Eigen::Vector3d shake = Eigen::Vector3d::Zero();
  for (int axis = 0; axis < 3; ++axis) {
    for (int i = 0; i < 3; ++i) {
      shake[axis] += std::sin(2 * kPi * tremor_hz_[axis][i] * t_s + tremor_phase_[axis][i]);
    }
  }
  return shake / std::sqrt(3.0);
}

}  // namespace understudy
