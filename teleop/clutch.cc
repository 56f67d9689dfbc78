#include "teleop/clutch.h"

#include "core/base/error.h"

namespace understudy {

EdgeDetector::Edge EdgeDetector::Update(double level) {
  if (!known_) {
    known_ = true;
    // between the thresholds the first sample counts as pressed, so that only a full press is an
    // edge
    pressed_ = level > release_;
    return Edge::kNone;
  }
  if (!pressed_ && level >= press_) {
    pressed_ = true;
    return Edge::kRising;
  }
  if (pressed_ && level <= release_) {
    pressed_ = false;
    return Edge::kFalling;
  }
  return Edge::kNone;
}

Clutch::Clutch(const ClutchOptions& options, const Eigen::Quaterniond& q_WT)
    : options_(options), q_WT_(q_WT), squeeze_(options.press, options.release) {
  Require(options.release < options.press, "a clutch lets go below the level at which it presses");
}

void Clutch::SetAxes(const Eigen::Quaterniond& q_WT) {
  Require(!engaged_, "the axes of a clutch that holds stay as they are");
  q_WT_ = q_WT;
}

void Clutch::Track(const HandInput& hand) {
  if (!hand.good) return Drop();
  ++good_count_;
  switch (squeeze_.Update(hand.squeeze)) {
    case EdgeDetector::Edge::kRising:
      pending_ = true;
      break;
    case EdgeDetector::Edge::kFalling:
      pending_ = engaged_ = false;
      break;
    case EdgeDetector::Edge::kNone:
      break;
  }
}

void Clutch::Drop() {
  good_count_ = 0;
  pending_ = engaged_ = false;
  squeeze_.Forget();
}

void Clutch::Engage(const Pose& X_TH, const Pose& X_WE_cmd) {
  Require(pending(), "a clutch engages only when a fresh squeeze is pending");
  X_TH0_ = X_TH;
  X_WE_cmd0_ = X_WE_cmd;
  pending_ = false;
  engaged_ = true;
  ++engagements_;
}

Pose Clutch::Target(const Pose& X_TH) const {
  Require(engaged_, "only an engaged clutch has a target");
  // an unmoved hand must not change a bit of the command
  if (X_TH == X_TH0_) return X_WE_cmd0_;
  const Eigen::Vector3d moved_T = X_TH.translation() - X_TH0_.translation();
  const Eigen::Quaterniond turned_T = X_TH.rotation() * X_TH0_.rotation().conjugate();
  const Eigen::Quaterniond turned_W = q_WT_ * turned_T * q_WT_.conjugate();
  return Pose(turned_W * X_WE_cmd0_.rotation(),
              X_WE_cmd0_.translation() + options_.scale * (q_WT_ * moved_T));
}

double GripperSwitch::Update(const HandInput& hand) {
  if (!hand.good) {
    trigger_.Forget();
    return command_;
  }
  const EdgeDetector::Edge edge = trigger_.Update(hand.trigger);
  if (edge == EdgeDetector::Edge::kRising) command_ = 1;
  if (edge == EdgeDetector::Edge::kFalling) command_ = -1;
  return command_;
}

}  // namespace understudy
