#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/seam/simulator.h"

namespace understudy {

// Another simulator, of which a test changes what it is about.
class SimulatorAround : public Simulator {
 public:
  explicit SimulatorAround(std::unique_ptr<Simulator> inner) : inner_(std::move(inner)) {}

 protected:
  Simulator& inner() const { return *inner_; }
  const SimulatorInfo& DoInfo() const override { return inner_->info(); }
  const PhysicsInventory& DoInventory() const override { return inner_->inventory(); }
  void DoSetWorld(const PhysicsVariation& variation) override { inner_->SetWorld(variation); }
  void DoReset(const std::string& variant, const RngKey& key) override {
    inner_->Reset(variant, key);
  }
  void DoRestore(const SimState& state) override { inner_->Restore(state); }
  void DoSave(SimState* state) const override { inner_->Save(state); }
  std::string DoRevisit(const SimState& state, const std::vector<std::optional<Pose>>& X_WO,
                        bool first) override {
    return inner_->Revisit(state, X_WO, first);
  }
  const Observation& DoObserve() const override { return inner_->Observe(); }
  StepOutcome DoStep(const Action& action) override { return inner_->Step(action); }
  SimulatorTimes DoTimes() const override { return inner_->times(); }
  std::string DoModelText() const override { return inner_->ModelText(); }
  const std::vector<SceneFile>& DoSceneFiles() const override { return inner_->SceneFiles(); }

 private:
  std::unique_ptr<Simulator> inner_;
};

}  // namespace understudy
