#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/episode/episode.h"
#include "core/motion/filter.h"
#include "core/motion/limiter.h"
#include "core/motion/posture_guard.h"
#include "core/seam/simulator.h"
#include "teleop/base_view.h"
#include "teleop/clutch.h"
#include "teleop/frames.h"

namespace understudy {

// From hand to command: all of it changes results.
struct RetargetOptions {
  OperatorPlacement placement;
  ClutchOptions clutch;
  PoseFilterOptions filter;
  LimiterOptions limiter;
  PostureOptions posture;
  std::vector<int> hands;
  std::vector<double> hand_scales;
  double max_sample_age = 0.2;
  static constexpr std::array kUnwritten{"posture", "hand_scales"};  // same settings, same text
  template <class V>
  void Visit(V& v) {
    v("placement", placement, "where the operator stands");
    v("clutch", clutch, "when the hand moves the arm");
    v("filter", filter, "smoothing of the target");
    v("limiter", limiter, "what a command may be");
    v("posture", posture, "how near a command may come to what the arm cannot follow");
    v("hands", hands, "hand of each arm, 0 left, 1 right; empty: right, then left", Limits{0, 1});
    v("hand_scales", hand_scales,
      "clutch.scale of the left and of the right hand; empty: the same for both", Limits{0.05, 5});
    v("max_sample_age", max_sample_age, "s; an older sample is a lost hand", Limits{0.001, 10});
  }
};

// The hand of each of `arms` arms, 0 left, 1 right. Throws Error(kUsage) if another number of
// hands is given.
std::vector<int> HandsOfArms(const RetargetOptions& options, size_t arms);

// Arm metres per metre of a hand (0 left, 1 right).
double ScaleOf(const RetargetOptions& options, int hand);

// Violations that the limits of Visit cannot express; empty if valid.
std::vector<std::string> Validate(const RetargetOptions& options);

// What drops an engaged clutch besides its own button.
enum class ClutchLoss {
  kNone,
  kUntracked,
  kStale,
  kFocus,
  kRecentered,
  kProfile,
  kDevice,
  kJump,
};
template <>
struct EnumNames<ClutchLoss> {
  static constexpr std::array kNames{
      "",           "not tracked",        "no samples",         "the headset shows something else",
      "recentered", "another controller", "the device is gone", "the tracking jumped",
  };
};

// What began in this step for one hand.
struct HandCue {
  bool engaged = false;                 // the clutch took hold
  ClutchLoss lost = ClutchLoss::kNone;  // the clutch was dropped, for however short a time
  bool clamped = false;                 // clamping began
};

struct Commanded {
  Action action;  // limited targets
  std::vector<TeleopArmStep> arms;
  std::vector<HandCue> cues;
};

// The kinematics of every arm; null, or no entry, where they are not known.
using ArmsKinematics = std::vector<std::shared_ptr<Kinematics>>;
ArmsKinematics KinematicsOf(const Simulator& simulator);

// Clutch, gate, filter and limiter of every arm, and the view that the operator has. A value: copy
// it to replay it. The same samples, observations and options give the same actions bit for bit.
class TeleopController {
 public:
  // `info` gives arms, limits, reach. Throws Error(kUsage) if `options` are invalid.
  TeleopController(const RetargetOptions& options, const SimulatorInfo& info,
                   const ArmsKinematics& kinematics = {});

  // Before an attempt begins only the sticks count. Says whether the view has moved.
  bool Look(std::span<const RawSample> samples);

  // A new attempt: commands start at the measured poses, grippers open, every clutch needs a fresh
  // squeeze.
  void Reset(const Observation& observation);

  // Somebody else commands the arms, last by `command`: a hand that takes hold next goes on from
  // it. A clutch that holds lets go, and takes hold again by a fresh squeeze only.
  void Follow(const Action& command);

  // One policy step: all samples since the step before, in order; the newest decides. `now_ns` is
  // the device's clock, `dt_s` the policy step. No samples count as a lost hand. The result is
  // valid until the next call; nothing is allocated from the second call on.
  const Commanded& Update(std::span<const RawSample> samples, const Observation& observation,
                          int64_t now_ns, double dt_s);

  int hand(size_t arm) const { return hands_[arm]; }
  // Where the operator stands now.
  const OperatorPlacement& placement() const { return view_.placement(); }
  int engagements() const;  // of all clutches since Reset

 private:
  struct Arm {
    Clutch clutch;
    GripperSwitch gripper;
    OutlierGate gate;
    PoseFilter filter;
    Limiter limiter;
    std::optional<PostureGuard> posture;
    Pose X_WE_wanted;
    ClutchLoss lost = ClutchLoss::kNone;  // in this step
    bool in_trouble = false;              // clamped in the step before
    int64_t last_sample_ns = -1;
  };
  Arm MakeArm(size_t arm) const;
  void FollowSticks(const RawSample& sample);
  void Ingest(Arm& arm, const RawSample& sample, int hand);

  RetargetOptions options_;
  DeltaLimits limits_;
  std::vector<Eigen::Vector3d> p_WB_;  // of each arm
  double reach_;
  ArmsKinematics kinematics_;
  BaseView view_;
  std::vector<int> hands_;
  std::vector<Arm> arms_;
  bool focused_ = true;
  Commanded commanded_;
};

// Runs the raw stream of a recorded episode through `options` again, against its recorded
// observations. With the settings of the recording, which its meta has, the result is what was
// commanded then, bit for bit; with others, what they would have commanded at those poses.
std::vector<Commanded> Retarget(const Episode& episode, const RetargetOptions& options,
                                const SimulatorInfo& info, const ArmsKinematics& kinematics = {});

}  // namespace understudy
