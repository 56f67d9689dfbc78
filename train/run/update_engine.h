#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "train/run/ranks.h"
#include "train/run/trainer_options.h"
#include "train/samples/batch.h"
#include "train/tensors/tensor_blob.h"

namespace understudy {

// Mean losses since they were last taken.
struct LossReport {
  int64_t updates = 0;
  double loss = 0;
  std::vector<std::pair<std::string, double>> parts;  // of the loss, as the policy names them
  double gradient_norm = 0;
  double learning_rate = 0;
  std::vector<double> by_step;  // mean squared error of each step of the chunk
};

// What an update costs, by the usual count: the matrix products, convolutions and attention of one
// pass forward, three times (backward is two). Zeros: not known.
struct ComputeCost {
  double flops_per_sample = 0;
  double peak_flops_per_s = 0;  // of a large matrix product in the same precision, on all replicas
};

// One network in training with its optimizer. One thread.
class UpdateEngine {
 public:
  virtual ~UpdateEngine() = default;
  // Before the first update: batches are this rank's share from now on (Batch::whole), gradients
  // and losses those of all ranks. `ranks` must outlive the engine. Throws Error(kUsage) for a
  // network that cannot.
  virtual void Join(Ranks& ranks) {
    ThrowUsage(
        fmt::format("this network is trained by one process, and {} were started", ranks.size()));
  }
  // One optimizer update. All randomness (noise, time, dropout) is a function of the seed in the
  // trainer options, the number of the update and Batch::sample_B. Throws NotFinite, on all ranks,
  // where loss or gradient is no number.
  virtual void Update(const Batch& batch) = 0;
  // Whether an update is quicker where the batch behind it was announced.
  virtual bool TakesAhead() const { return false; }
  // The batch that the update behind the next one has; it must live until then.
  virtual void Announce(const Batch& /*next*/) {}
  virtual LossReport TakeLosses() = 0;
  // The loss of the weights that act, which learn nothing from it: the same for the same batch and
  // weights. Throws Error(kUsage) for a network that has none.
  virtual double HeldOutLoss(const Batch& /*batch*/) {
    ThrowUsage("held_out: this network has no loss without an update; leave it out");
  }
  virtual int64_t updates() const = 0;
  // Of this process; measured in the first update.
  virtual ComputeCost cost() const { return {}; }
  // Everything that the next update depends on; importing it into a fresh engine of the same
  // options continues bit for bit (same thread count).
  virtual TensorMap ExportState() const = 0;
  virtual void ImportState(const TensorMap& state) = 0;
  // The weights to act with (EMA where it is on), and the policy's resolved configuration.
  virtual TensorMap ExportPolicy() const = 0;
  virtual Json PolicyConfig() const = 0;
  // For people: parameters, precision, threads, device.
  virtual Json Describe() const = 0;
};

// `type` is a listed policy (train/policies/policies.h), `layout` what it asked for; `trainer`
// names steps and seed.
using EngineFactory = std::function<std::unique_ptr<UpdateEngine>(
    const std::string& type, const SampleLayout& layout, int vocabulary, const Json& policy_config,
    const TrainerOptions& trainer)>;

}  // namespace understudy
