#include "mimic/attempt/part_motion.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/error.h"

namespace understudy {
namespace {

// what counts as moved, and as along the joint
constexpr double kMoved = 0.01, kOff = 0.003;         // m
constexpr double kTurned = 0.09, kOffAngle = 0.03;    // rad
constexpr double kSame = 0.001, kSameAngle = 0.0087;  // m, rad: as in the source

bool IsSmall(const Pose& motion, double distance, double angle) {
  return motion.translation().norm() < distance && RotationLog(motion.rotation()).norm() < angle;
}

// How much of `whole` a motion is, by its turn where the whole turns, else by its way.
double ShareIn(const Pose& motion, const Pose& whole) {
  const Eigen::Vector3d turn = RotationLog(whole.rotation());
  if (turn.norm() >= kTurned) {
    return RotationLog(motion.rotation()).dot(turn) / turn.squaredNorm();
  }
  const Eigen::Vector3d& way = whole.translation();
  return motion.translation().dot(way) / way.squaredNorm();
}

}  // namespace

Pose ShareOfMotion(const Pose& motion, double share) {
  const Eigen::Vector3d turn = RotationLog(motion.rotation());
  const double angle = turn.norm();
  const Eigen::Vector3d& p = motion.translation();
  if (angle < 1e-9) return Pose(Eigen::Quaterniond::Identity(), share * p);
  const Eigen::Vector3d axis = turn / angle;
  const Eigen::Vector3d along = axis * axis.dot(p), across = p - along;
  // a point that stays on the axis
  const Eigen::Vector3d c = (across + axis.cross(across) / std::tan(angle / 2)) / 2;
  const Eigen::Quaterniond R = RotationExp(share * turn);
  return Pose(R, c - R * c + share * along);
}

std::vector<Pose> LeadPart(const SourceDemo& demo, int start, int end, int part, int base,
                           const Pose& X_WO_now, const Pose& X_WB_now) {
  Require(start >= 0 && start < end && end <= demo.length(), "a segment lies in its source");
  const std::vector<Pose>& X_WO = demo.X_WO.at(static_cast<size_t>(part));
  const auto X_WB = [&](int t) {
    return base < 0 ? Pose() : demo.X_WO.at(static_cast<size_t>(base)).at(static_cast<size_t>(t));
  };
  const auto row = [&](int t) -> const Pose& { return X_WO.at(static_cast<size_t>(t)); };
  // as seen from what it hangs from, since the start
  const Pose X_BO = X_WB(start).Inverse() * row(start);
  const auto moved = [&](int t) { return X_BO.Inverse() * X_WB(t).Inverse() * row(t); };
  const Pose whole = moved(end - 1);
  if (IsSmall(whole, kMoved, kTurned)) return {};
  const Pose ahead = X_BO.Inverse() * X_WB_now.Inverse() * X_WO_now;
  if (IsSmall(ahead, kSame, kSameAngle)) return {};
  const double share = ShareIn(ahead, whole);
  if (!IsSmall(ShareOfMotion(whole, share).Inverse() * ahead, kOff, kOffAngle)) return {};

  std::vector<Pose> X_now_src;
  for (int t = start; t < end; ++t) {
    const double gone = std::clamp(ShareIn(moved(t), whole), 0.0, 1.0);
    X_now_src.push_back(X_WB_now * X_WB(t).Inverse() * row(t) *
                        ShareOfMotion(whole, share * (1 - gone)) * row(t).Inverse());
  }
  return X_now_src;
}

}  // namespace understudy
