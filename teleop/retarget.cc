#include "teleop/retarget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/seam/teleop_device.h"

namespace understudy {
namespace {

// of RawHand::tracking: orientation and position, each known and tracked
constexpr uint32_t kTrackedFully = 1 | 2 | 4 | 8;

bool HandIsGood(const RawHand& hand) {
  return hand.active && (hand.tracking & kTrackedFully) == kTrackedFully &&
         hand.X_TH.translation().allFinite() && std::isfinite(hand.squeeze) &&
         std::isfinite(hand.trigger);
}

// What kind of loss a sample of an engaged hand is that is not good.
ClutchLoss LossOf(const RawSample& sample, bool focused) {
  if (sample.events & (kEventSessionLost | kEventExit)) return ClutchLoss::kDevice;
  if (sample.events & kEventRecentered) return ClutchLoss::kRecentered;
  if (sample.events & kEventProfileChanged) return ClutchLoss::kProfile;
  if (sample.events & kEventFocusLost || !focused) return ClutchLoss::kFocus;
  return ClutchLoss::kUntracked;
}

std::vector<Eigen::Vector3d> BasesOf(const SimulatorInfo& info) {
  std::vector<Eigen::Vector3d> p_WB;
  for (size_t arm = 0; arm < info.arms.size(); ++arm) p_WB.push_back(info.base(arm).translation());
  return p_WB;
}

}  // namespace

std::vector<std::string> Validate(const RetargetOptions& options) {
  std::vector<std::string> problems;
  if (options.clutch.release >= options.clutch.press) {
    problems.push_back(fmt::format("clutch.release = {}: must be less than clutch.press = {}",
                                   options.clutch.release, options.clutch.press));
  }
  if (!options.hand_scales.empty() && options.hand_scales.size() != 2) {
    problems.push_back(fmt::format(
        "hand_scales: has {} numbers: give two, of the left and of the right hand, or none",
        options.hand_scales.size()));
  }
  if (!options.placement.p_WT.allFinite()) {
    problems.push_back("placement.origin: must be finite");
  }
  return problems;
}

std::vector<int> HandsOfArms(const RetargetOptions& options, size_t arms) {
  std::vector<int> hands = options.hands;
  if (hands.empty()) hands = arms == 1 ? std::vector{1} : std::vector{1, 0};
  if (hands.size() != arms) {
    ThrowUsage(
        fmt::format("teleop: hands: the robot has {} arms, {} hands are given: name one "
                    "hand (0 left, 1 right) for each arm",
                    arms, hands.size()));
  }
  return hands;
}

double ScaleOf(const RetargetOptions& options, int hand) {
  return options.hand_scales.empty() ? options.clutch.scale
                                     : options.hand_scales.at(static_cast<size_t>(hand));
}

ArmsKinematics KinematicsOf(const Simulator& simulator) {
  ArmsKinematics arms;
  for (size_t i = 0; i < simulator.info().arms.size(); ++i) {
    arms.push_back(simulator.ArmKinematics(i));
  }
  return arms;
}

TeleopController::TeleopController(const RetargetOptions& options, const SimulatorInfo& info,
                                   const ArmsKinematics& kinematics)
    : options_(options),
      limits_(info.limits),
      p_WB_(BasesOf(info)),
      reach_(info.workspace_radius),
      kinematics_(kinematics),
      view_(options.placement) {
  const std::vector<std::string> problems = Validate(options);
  if (!problems.empty()) ThrowUsage(fmt::format("teleop: {}", fmt::join(problems, "; ")));
  hands_ = HandsOfArms(options, info.arms.size());
  for (size_t i = 0; i < hands_.size(); ++i) arms_.push_back(MakeArm(i));
}

TeleopController::Arm TeleopController::MakeArm(size_t arm) const {
  ClutchOptions clutch = options_.clutch;
  clutch.scale = ScaleOf(options_, hands_[arm]);
  std::optional<PostureGuard> posture;
  if (arm < kinematics_.size() && kinematics_[arm] != nullptr) {
    posture.emplace(options_.posture, kinematics_[arm]);
  }
  return {.clutch = Clutch(clutch, TrackingInWorld(view_.placement()).rotation()),
          .gripper = GripperSwitch(options_.clutch),
          .gate = OutlierGate(options_.limiter),
          .filter = PoseFilter(options_.filter),
          .limiter = Limiter(options_.limiter),
          .posture = std::move(posture)};
}

void TeleopController::Reset(const Observation& observation) {
  Require(observation.arms.size() == arms_.size(), "an observation has every arm");
  // what the sticks did before is not recorded
  view_ = BaseView(view_.placement());
  for (size_t i = 0; i < arms_.size(); ++i) {
    arms_[i] = MakeArm(i);
    arms_[i].limiter.Reset(observation.arms[i].X_WE);
    arms_[i].X_WE_wanted = observation.arms[i].X_WE;
  }
  focused_ = true;
}

void TeleopController::Follow(const Action& command) {
  Require(command.arms.size() == arms_.size(), "a command has every arm");
  for (size_t i = 0; i < arms_.size(); ++i) {
    Arm& arm = arms_[i];
    if (arm.clutch.engaged()) arm.clutch.Drop();
    arm.gripper.Set(command.arms[i].gripper);
    arm.limiter.Reset(command.arms[i].X_WE_cmd);
  }
}

void TeleopController::FollowSticks(const RawSample& sample) {
  const bool held = !focused_ || std::any_of(arms_.begin(), arms_.end(), [](const Arm& arm) {
    return arm.clutch.engaged() || arm.clutch.pending();
  });
  if (!view_.Follow(sample, held)) return;
  const Eigen::Quaterniond q_WT = TrackingInWorld(view_.placement()).rotation();
  for (Arm& arm : arms_) arm.clutch.SetAxes(q_WT);
}

bool TeleopController::Look(std::span<const RawSample> samples) {
  const OperatorPlacement before = view_.placement();
  for (const RawSample& sample : samples) FollowSticks(sample);
  return !(view_.placement() == before);
}

void TeleopController::Ingest(Arm& arm, const RawSample& sample, int hand_index) {
  const RawHand& hand = sample.hands[hand_index];
  const uint32_t breaks =
      kEventFocusLost | kEventRecentered | kEventSessionLost | kEventProfileChanged | kEventExit;
  const HandInput input{.good = focused_ && !(sample.events & breaks) && HandIsGood(hand),
                        .X_TH = hand.X_TH,
                        .squeeze = hand.squeeze,
                        .trigger = hand.trigger};
  if (arm.clutch.engaged() && !input.good) arm.lost = LossOf(sample, focused_);
  arm.clutch.Track(input);
  arm.gripper.Update(input);
  // every sample of an engaged hand runs through gate and filter, at its own time
  if (arm.clutch.engaged()) {
    const Pose X_WE_wanted = arm.clutch.Target(input.X_TH);
    if (arm.gate.Accepts(X_WE_wanted)) {
      arm.X_WE_wanted = X_WE_wanted;
      const double dt = 1e-9 * static_cast<double>(sample.monotonic_ns - arm.last_sample_ns);
      arm.filter.Update(arm.X_WE_wanted, arm.last_sample_ns < 0 ? 0 : dt);
    } else {
      // where the hand is now nobody knows: only a fresh squeeze says it
      arm.clutch.Drop();
      arm.lost = ClutchLoss::kJump;
    }
  }
  arm.last_sample_ns = sample.monotonic_ns;
}

const Commanded& TeleopController::Update(std::span<const RawSample> samples,
                                          const Observation& observation, int64_t now_ns,
                                          double dt_s) {
  Require(observation.arms.size() == arms_.size(), "an observation has every arm");
  Commanded& out = commanded_;
  out.arms.assign(arms_.size(), {});
  out.cues.assign(arms_.size(), {});
  out.action.arms.resize(arms_.size());
  for (Arm& arm : arms_) arm.lost = ClutchLoss::kNone;

  // clutches see every sample: a hand lost between two policy steps is a lost hand
  uint32_t events = 0;
  for (const RawSample& sample : samples) {
    events |= sample.events;
    if (sample.events & (kEventFocusLost | kEventSessionLost)) focused_ = false;
    if (sample.events & kEventFocusGained) focused_ = true;
    for (size_t i = 0; i < arms_.size(); ++i) Ingest(arms_[i], sample, hands_[i]);
    FollowSticks(sample);
  }
  const bool stale =
      samples.empty() ||
      1e-9 * static_cast<double>(now_ns - samples.back().monotonic_ns) > options_.max_sample_age;

  for (size_t i = 0; i < arms_.size(); ++i) {
    Arm& arm = arms_[i];
    TeleopArmStep& step = out.arms[i];
    if (stale) {
      if (arm.clutch.engaged()) arm.lost = ClutchLoss::kStale;
      arm.clutch.Drop();
    }
    // the step that engages repeats the command, whatever the hand does in it
    const Pose command = arm.limiter.last();
    if (arm.clutch.pending()) {
      arm.clutch.Engage(samples.back().hands[hands_[i]].X_TH, command);
      arm.gate.Reset(command);
      arm.filter.Reset(command);
      arm.X_WE_wanted = command;
      out.cues[i].engaged = true;
    }
    LimitedTarget limited{.X_WE_cmd = command};
    if (arm.clutch.engaged()) {
      const ArmBounds bounds{observation.arms[i].X_WE,
                             limits_,
                             p_WB_[i],
                             reach_,
                             arm.posture ? &*arm.posture : nullptr,
                             &observation.arms[i].joint_q};
      limited = arm.limiter.Limit(arm.filter.value(), bounds, dt_s);
    } else {
      arm.limiter.Hold();
      arm.X_WE_wanted = command;
    }
    // what happened, in bits
    const bool good = !stale && focused_ && HandIsGood(samples.back().hands[hands_[i]]);
    if (arm.clutch.engaged()) step.flags |= kClutchEngaged;
    if (good) step.flags |= kTracked;
    if (limited.linear_clamped) step.flags |= kLinearClamped;
    if (limited.angular_clamped) step.flags |= kAngularClamped;
    if (arm.lost == ClutchLoss::kJump) step.flags |= kRejected;
    if (!focused_) step.flags |= kFocusLost;
    if (events & kEventRecentered) step.flags |= kRecentered;
    const bool trouble = limited.linear_clamped || limited.angular_clamped;
    out.cues[i].clamped = trouble && !arm.in_trouble;
    arm.in_trouble = trouble;
    out.cues[i].lost = arm.lost;
    step.X_WE_wanted = arm.X_WE_wanted;
    if (options_.filter.enabled) {
      step.X_WE_filtered = arm.clutch.engaged() ? arm.filter.value() : command;
    }
    step.X_WE_limited = limited.X_WE_cmd;
    out.action.arms[i] = {limited.X_WE_cmd, arm.gripper.command()};
  }
  return out;
}

int TeleopController::engagements() const {
  int sum = 0;
  for (const Arm& arm : arms_) sum += arm.clutch.engagements();
  return sum;
}

std::vector<Commanded> Retarget(const Episode& episode, const RetargetOptions& options,
                                const SimulatorInfo& info, const ArmsKinematics& kinematics) {
  TeleopController controller(options, info, kinematics);
  std::vector<Commanded> commands;
  if (episode.steps.empty()) return commands;
  controller.Reset(episode.steps.front().observation);
  const std::span<const RawSample> stream(episode.raw.samples);
  size_t begin = 0;
  for (const Step& step : episode.steps) {
    // the samples that the step saw: up to the one that it used
    size_t end = begin;
    while (end < stream.size() && stream[end].id <= step.teleop.sample_id) ++end;
    commands.push_back(controller.Update(stream.subspan(begin, end - begin), step.observation,
                                         step.teleop.monotonic_ns, 1 / info.control_hz));
    begin = end;
  }
  return commands;
}

}  // namespace understudy
