#pragma once

#include <utility>
#include <vector>

#include "core/geometry/pose.h"

namespace understudy {

// Rotation by `turn` (rad) about the object's own z axis: what a symmetric object looks the same
// under.
Pose SymmetricTurn(double turn);

// The turn by which X_WO_src * SymmetricTurn(turn) comes nearest in orientation to X_WO_now, among
// those that leave an object of `symmetry` alike: multiples of 2 pi / symmetry; any where 0. In
// (-pi, pi]. (The twist about z of R_src^T R_now, rounded: the rest is the swing, which no turn
// changes.)
double BestTurn(const Pose& X_WO_src, const Pose& X_WO_now, int symmetry);

// Carries a source segment to where its object is now (Mandlekar et al., "MimicGen", CoRL 2023,
// section 4.2): X_WE' = X_WO_now * X_WO_src^-1 * X_WE, with the object's pose at the start of the
// segment in the source, turned by a symmetry. Where the object did not move it changes no bit.
class SegmentTransform {
 public:
  SegmentTransform() = default;  // no object: as it was in the world
  SegmentTransform(const Pose& X_WO_now, const Pose& X_WO_src, double turn);

  // Row `first` and those behind it go by poses of their own (world of the source -> world now):
  // LeadPart.
  void LeadRows(int first, std::vector<Pose> X_now_src) {
    first_ = first;
    rows_ = std::move(X_now_src);
  }

  Pose operator()(const Pose& X_WE_src) const {
    return identity_ ? X_WE_src : X_now_src_ * X_WE_src;
  }
  // Of row `t` of the source.
  Pose operator()(const Pose& X_WE_src, int t) const {
    return rows_.empty() ? (*this)(X_WE_src) : rows_.at(static_cast<size_t>(t - first_)) * X_WE_src;
  }
  bool identity() const { return identity_; }

 private:
  bool identity_ = true;
  Pose X_now_src_;  // world of the source -> world now
  int first_ = 0;
  std::vector<Pose> rows_;
};

// Our hand in the frame of the source's hand (S), where both hold the same object H of `symmetry`:
// a hand that follows X_WS * X_SE brings H where the source's hand brought it, up to the turn of H
// that leaves the two hands nearest in orientation. X_SE = X_SH * Turn * X_HE.
Pose HandChange(const Pose& X_SH, const Pose& X_EH, int symmetry);

// Where our hand of `arm` goes when the source's is at X_WS in row `t`. `X_SE`: our hands in the
// source's, per arm; empty: the same, which changes no bit.
inline Pose CarryHand(const SegmentTransform& transform, const std::vector<Pose>& X_SE,
                      const Pose& X_WS, size_t arm, int t) {
  return X_SE.empty() ? transform(X_WS, t) : transform(X_WS, t) * X_SE[arm];
}

}  // namespace understudy
