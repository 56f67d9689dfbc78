#pragma once

#include <cstdint>

#include "core/base/options.h"
#include "core/geometry/pose.h"

namespace understudy {

// All of it changes results.
struct ClutchOptions {
  double press = 0.6;
  double release = 0.4;
  int good_frames = 3;
  double scale = 1;
  template <class V>
  void Visit(V& v) {
    v("press", press, "squeeze or trigger above it counts as pressed", Limits{0.05, 1});
    v("release", release, "below it as let go; less than press", Limits{0, 0.95});
    v("good_frames", good_frames, "tracked samples in a row before the clutch may engage",
      Limits{1, 1000});
    v("scale", scale, "arm metres per hand metre; rotation is always 1:1", Limits{0.05, 5});
  }
};

// One sample of one hand. `good`: active, all four location bits set, numbers finite, in focus.
struct HandInput {
  bool good = false;
  Pose X_TH;
  double squeeze = 0, trigger = 0;  // [0, 1]
};

// A button with hysteresis that reports edges only: its first sample after construction or Forget
// sets the state and is never an edge.
class EdgeDetector {
 public:
  enum class Edge { kNone, kRising, kFalling };
  EdgeDetector(double press, double release) : press_(press), release_(release) {}
  Edge Update(double level);
  void Forget() { known_ = false; }
  bool pressed() const { return known_ && pressed_; }

 private:
  double press_, release_;
  bool known_ = false, pressed_ = false;
};

// Engage-relative clutch of one hand. While it is engaged, the arm's target is the command at the
// moment of engaging, moved by what the hand has moved since:
//   p = p_cmd0 + scale R_WT (p_TH - p_TH0),   R = (R_WT R_TH R_TH0^-1 R_WT^-1) R_cmd0.
// It starts from the last command, not the measured pose: a soft arm would otherwise sag with each
// engagement. A rising edge of the squeeze makes it pending; it engages once `good_frames` samples
// in a row were good; one bad sample drops it, and only a fresh squeeze brings it back.
class Clutch {
 public:
  // Requires release < press. `q_WT` turns tracking axes into world axes.
  Clutch(const ClutchOptions& options, const Eigen::Quaterniond& q_WT);

  // Other axes from the next engagement on. Requires !engaged().
  void SetAxes(const Eigen::Quaterniond& q_WT);
  // Takes one sample, in order of time.
  void Track(const HandInput& hand);
  // Loses the hand: as a bad sample, and also used for focus loss, recentering, stale samples.
  void Drop();

  bool pending() const { return pending_ && good_count_ >= options_.good_frames; }
  bool engaged() const { return engaged_; }
  int engagements() const { return engagements_; }

  // Latches hand and command. Requires pending().
  void Engage(const Pose& X_TH, const Pose& X_WE_cmd);
  // Where the hand wants the arm. Requires engaged(); the latched hand pose gives the latched
  // command bit for bit.
  Pose Target(const Pose& X_TH) const;

 private:
  ClutchOptions options_;
  Eigen::Quaterniond q_WT_;
  EdgeDetector squeeze_;
  int good_count_ = 0;
  bool pending_ = false, engaged_ = false;
  int engagements_ = 0;
  Pose X_TH0_, X_WE_cmd0_;
};

// Trigger to gripper command: closes (+1) on a press, opens (-1) on a release, and holds through
// lost tracking. Where the trigger was let go unseen, the gripper stays as it was until the next
// edge: an arm must not drop what it holds because a camera lost the hand.
class GripperSwitch {
 public:
  explicit GripperSwitch(const ClutchOptions& options) : trigger_(options.press, options.release) {}
  double Update(const HandInput& hand);
  // Goes on from a command that another one gave.
  void Set(double command) { command_ = command; }
  double command() const { return command_; }

 private:
  EdgeDetector trigger_;
  double command_ = -1;
};

}  // namespace understudy
