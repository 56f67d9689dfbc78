#pragma once

#include "core/seam/policy.h"
#include "train/run/policy_config.h"

namespace understudy {

// Policies that have learnt next to nothing: what a trained one must beat. A broken pipeline shows
// when it does not.

// Stays where it is with open grippers. Looks at nothing.
class HoldPolicy : public Policy {
 public:
  // `info` gives robot, rates and arms; cameras and objects are dropped.
  explicit HoldPolicy(PolicyInfo info);

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override;
  PolicyInfo info_;
};

// The mean chunk of the training set, whatever it sees.
class MeanChunkPolicy : public Policy {
 public:
  explicit MeanChunkPolicy(const PolicyConfig& config);

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override;
  PolicyInfo info_;
  Embodiment embodiment_;
  std::vector<float> mean_chunk_;
};

// The info of a policy that fits a simulator, for HoldPolicy.
PolicyInfo InfoFor(const SimulatorInfo& simulator);

}  // namespace understudy
