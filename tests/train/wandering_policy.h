#pragma once

#include <string>

#include "core/base/hash.h"
#include "train/evaluate/baselines.h"

namespace understudy {

// Wanders by its key and, where it has cameras, by the pixels; grips now and then. Good enough to
// depend on everything that evaluation hands over.
class WanderingPolicy : public Policy {
 public:
  explicit WanderingPolicy(const SimulatorInfo& simulator) : info_(InfoFor(simulator)) {
    info_.name = "wanderer";
    info_.cameras = {"agentview"};
    info_.image_width = info_.image_height = 8;
    info_.horizon = 12;
    info_.execute = 5;
  }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    Rng rng(key.WithTerm(key.term ^ HashOf(std::string(input.images.at(0).rgb.begin(),
                                                       input.images.at(0).rgb.end()))));
    ActionChunk chunk;
    Action action;
    for (const ArmObservation& arm : input.arms) action.arms.push_back({arm.X_WE, -1});
    for (int k = 0; k < info_.horizon; ++k) {
      for (ArmAction& arm : action.arms) {
        const Eigen::Vector3d step(rng.Normal(), rng.Normal(), rng.Normal());
        arm = {Pose(arm.X_WE_cmd.rotation(), arm.X_WE_cmd.translation() + 0.03 * step),
               rng.Uniform() < 0.5 ? -1.0 : 1.0};
      }
      chunk.push_back(action);
    }
    return chunk;
  }
  PolicyInfo info_;
};

}  // namespace understudy
