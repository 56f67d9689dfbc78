#pragma once

#include <cstdint>
#include <string>

#include "core/base/json.h"
#include "train/samples/columns.h"
#include "train/samples/training_set.h"

namespace understudy {

struct TrainOptions;  // train/run/train_loop.h

// What a training keeps in memory, in MiB, as far as it can be counted before it begins.
// Activations come on top: those of an update are measured.
struct MemoryEstimate {
  bool on_device = false;  // the network's part lies on a graphics card
  double weights = 0;      // and their average
  double optimizer = 0;    // moments
  double gradients = 0;    // of all replicas, and sums that wait
  double rows = 0;         // numbers of the data
  double pictures = 0;     // decoded, as far as they are kept
  double batches = 0;      // that wait
  double network() const { return weights + optimizer + gradients; }
  double data() const { return rows + pictures + batches; }
  Json ToJson() const;
};
// `engine` is what the engine says of itself; `options` by Resolve.
MemoryEstimate EstimateMemory(const Json& engine, const TrainingSets& sets,
                              const SampleLayout& layout, const TrainOptions& options);

// Of this process since ForgetPeakMemory, and free on the machine; 0 where the system does not say
// it.
double PeakMemoryMib();
void ForgetPeakMemory();
double FreeMemoryMib();

// One line for a user; with what to reduce where the machine has less.
std::string DescribeMemory(const MemoryEstimate& estimate, double free_mib);

}  // namespace understudy
