#pragma once

#include <utility>
#include <vector>

#include "core/seam/policy.h"
#include "train/samples/normalizer.h"
#include "train/samples/training_set.h"

namespace understudy {

// Policies that learn nothing from a dataset but repeat it: a trained one must beat them.

// Repeats one demonstration, which the key chooses, from its first command to its last, whatever it
// sees.
class ReplayPolicy : public Policy {
 public:
  // Requires an embodiment of arms.
  explicit ReplayPolicy(TrainingSet set);

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override;
  TrainingSet set_;
  PolicyInfo info_;
};

// Looks up the row whose state, and objects where all rows know them, are nearest to what it sees,
// and does what was done there, seen from where it is. Each number counts as normalised: by its
// range, of objects by its deviation.
class NearestPolicy : public Policy {
 public:
  // The same.
  explicit NearestPolicy(TrainingSet set);

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override;
  // State and objects, normalised.
  std::vector<float> Numbers(const float* state_S, const float* labels_O) const;

  TrainingSet set_;
  PolicyInfo info_;
  Normalizer state_, objects_;
  std::vector<float> rows_RN_;                       // of all rows
  std::vector<std::pair<size_t, size_t>> places_R_;  // their episode and row
};

}  // namespace understudy
