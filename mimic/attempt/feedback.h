#pragma once

#include <cstdint>
#include <vector>

#include "core/episode/episode.h"

namespace understudy {

// Leads hands along a segment to where the source's were: what made up for how that hand moved just
// then does so for ours (docs/decisions/0018). Of an attempt; one thread.
class Feedback {
 public:
  // `most`: GenerateOptions::feedback.
  Feedback(double most, size_t arms);

  // The source's command, moved by what `arm` is away from where the source's was in that row; but
  // by no more than brings its hand there in one step, and as it is where something blocked the arm
  // in the step before, which would press harder.
  ArmAction Led(size_t arm, const ArmAction& command, const Pose& X_WE_src, const Pose& X_WE) const;

  // How the arms followed the targets of `row`, for every row: whether something blocks them, and,
  // on bridges, what part of its way to its target an arm covers in a step.
  void Note(const Step& row, const Observation& after);

 private:
  double Share(size_t arm) const { return asked_[arm] > 0 ? covered_[arm] / asked_[arm] : 1; }

  double most_ = 1;
  std::vector<double> asked_, covered_;  // per arm, on bridges, m^2
  std::vector<uint8_t> blocked_;         // per arm, in the last step
};

}  // namespace understudy
