#pragma once

#include <memory>
#include <vector>

#include "train/run/update_engine.h"

namespace understudy {

// One pass without an update.
struct Differentiated {
  double loss = 0;
  std::vector<float> answer;  // of the network
  TensorMap gradients;
};

class StepGraph;  // train/torch/step_graph.h

// Training of a network on LibTorch.
class Learner : public UpdateEngine {
 public:
  // Loss and gradients of a batch in one piece: for checks against other implementations.
  virtual Differentiated Differentiate(const Batch& batch) = 0;
  // Replaces weights (and their average) by name, before the first update. Throws Error(kBadInput)
  // where names or shapes differ from the network's.
  virtual void SetWeights(const TensorMap& weights) = 0;
  // Steps go by `graph` from now on: those of one process, or of several up to the sum of their
  // gradients; `rest` is what several do behind it. Requires that no update was made.
  virtual void UseGraphs(std::unique_ptr<StepGraph> graph, std::unique_ptr<StepGraph> rest) = 0;
};

}  // namespace understudy
