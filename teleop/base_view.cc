#include "teleop/base_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace understudy {
namespace {

constexpr double kSpeed = 0.5, kRise = 0.25;            // m/s at full deflection
constexpr double kTurn = std::numbers::pi / 8;          // rad per push to the side
constexpr double kDeadZone = 0.2;                       // a stick that is let go is seldom at 0
constexpr double kTurnsAbove = 0.8, kTurnsAgain = 0.4;  // deflection
constexpr double kLongest = 0.1;                        // s between samples
constexpr uint32_t kPositionKnown = 2;

// x and y of a hand's stick, 0 within the dead zone.
std::array<double, 2> StickOf(const RawHand& hand) {
  std::array<double, 2> stick{hand.stick_x, hand.stick_y};
  for (double& v : stick) {
    if (!hand.active || !(std::abs(v) >= kDeadZone && std::abs(v) <= 1)) v = 0;
  }
  return stick;
}

}  // namespace

bool BaseView::Follow(const RawSample& sample, bool held) {
  const double dt =
      last_ns_ < 0
          ? 0
          : std::clamp(1e-9 * static_cast<double>(sample.monotonic_ns - last_ns_), 0.0, kLongest);
  last_ns_ = sample.monotonic_ns;
  const auto [aside, ahead] = StickOf(sample.hands[0]);
  const auto [turn, up] = StickOf(sample.hands[1]);
  const bool turns = !turned_ && std::abs(turn) >= kTurnsAbove;
  if (std::abs(turn) >= kTurnsAbove) turned_ = true;
  if (std::abs(turn) <= kTurnsAgain) turned_ = false;
  if (held) return false;
  const OperatorPlacement before = placement_;
  // +x of the world is ahead at yaw 0
  const Eigen::Vector3d moved = dt * Eigen::Vector3d(kSpeed * ahead, -kSpeed * aside, kRise * up);
  if (!moved.isZero(0)) placement_.p_WT += RotationExp({0, 0, placement_.yaw}) * moved;
  if (turns) {
    const Eigen::Vector3d p_THead = sample.head_tracking & kPositionKnown
                                        ? sample.X_THead.translation()
                                        : Eigen::Vector3d::Zero();
    const Eigen::Vector3d p_WHead = TrackingInWorld(placement_) * p_THead;
    placement_.yaw =
        std::remainder(placement_.yaw - std::copysign(kTurn, turn), 2 * std::numbers::pi);
    placement_.p_WT += p_WHead - TrackingInWorld(placement_) * p_THead;
  }
  return !(placement_ == before);
}

}  // namespace understudy
