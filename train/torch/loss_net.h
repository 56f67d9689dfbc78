#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "train/torch/layers.h"
#include "train/torch/learner.h"

namespace understudy {

struct BatchPart;

// Numbers of a part in main memory; an undefined tensor is none. It is kept, and called again for
// later parts: what it gives depends on the part alone.
using MakeInputs = std::function<std::vector<Tensor>(const BatchPart& part)>;

// How they get to the device, other than by a copy at once.
class InputPath {
 public:
  virtual ~InputPath() = default;
  virtual std::vector<Tensor> Take(const BatchPart& part, at::Device device,
                                   const MakeInputs& make) = 0;
};

// Some samples of a batch, to be differentiated together.
struct BatchPart {
  const Batch& batch;        // B samples
  const BatchTotals& whole;  // of the whole batch: what losses divide by
  int64_t update = 0;        // its number
  bool bfloat16 = false;
  bool learns = true;  // false: the loss is only measured: nothing is dropped
  InputPath* inputs = nullptr;
};

// What `make` gives for the part, on the device. A loss takes all that differs between batches so:
// of a captured step (StepGraph) only these functions run again.
std::vector<Tensor> TakeInputs(const BatchPart& part, at::Device device, const MakeInputs& make);

// What a network makes of a part.
struct PartLoss {
  Tensor loss;    // the losses of all parts add up to that of the batch
  Tensor sums_N;  // numbers for the report, which add up likewise
  Tensor answer;  // what the network said, for checks against other implementations
};

// A network and its loss as functions of the weights of one replica. Called by one thread at a
// time; replicas run at the same time.
class LossNet {
 public:
  virtual ~LossNet() = default;
  // All randomness is a function of the seed, the number of the update and Batch::sample_B.
  virtual PartLoss Loss(const BatchPart& part) const = 0;
};

// What is a policy's own in its training.
struct LearntPolicy {
  // Takes every weight once, in a fixed order.
  std::function<std::unique_ptr<LossNet>(at::Device device, const TakeParameter& take)> make_net;
  int64_t sums = 0;  // N of PartLoss
  // Writes parts and by_step from the sums of all updates since the last report.
  std::function<void(std::span<const double> sums_N, LossReport& report)> report;
  Json config;
  // Whether the operations of a part and their shapes are the same for every part of one size.
  bool fixed_shapes = false;
  std::string training_only;  // weights whose names begin so do not act; empty: none
};

// Training of any network. A batch is differentiated in microbatches, whose gradients are summed as
// a binary tree: the sums, and so the weights, do not depend on the number of replicas that share
// the work, each a thread with one core. Throws Error(kBadInput) for a device that is not there,
// and what `policy` throws.
std::unique_ptr<Learner> MakeLearner(LearntPolicy policy, const TrainerOptions& trainer);

}  // namespace understudy
