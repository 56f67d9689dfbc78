#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "train/run/trainer_options.h"
#include "train/torch/layers.h"

namespace understudy {

// The weights as one replica of a network sees them: leaves that share their values with those of
// the other replicas and collect gradients of their own.
struct ReplicaWeights {
  std::map<std::string, Tensor> leaves;  // by name
  Tensor gradients;                      // in the layout of FlatParameters::values

  // Requires that the weight was listed.
  const Tensor& operator[](const std::string& name) const;
};

// All weights of a network as views of one array, those with weight decay first: clipping, AdamW
// and averaging are then a handful of operations over two long vectors.
class FlatParameters {
 public:
  // First weights are functions of (seed, name).
  FlatParameters(std::vector<ParameterSpec> specs, uint64_t seed, at::Device device);

  ReplicaWeights MakeReplica() const;
  const std::vector<ParameterSpec>& specs() const { return specs_; }
  Tensor& values() { return values_; }
  int64_t offset(const std::string& name) const { return offset_.at(name); }
  int64_t decayed() const { return decayed_; }  // length of the part with weight decay
  int64_t count() const { return count_; }      // weights, without the gaps between them

  // Any array of the same layout, by name.
  TensorMap Split(const Tensor& flat, const std::string& prefix) const;
  // The other way; `what` names the map in messages. Throws Error(kBadInput) where a name is
  // missing or a shape differs; names without the prefix are not looked at.
  Tensor Join(const TensorMap& map, const std::string& prefix, const std::string& what) const;

 private:
  std::vector<ParameterSpec> specs_;
  std::map<std::string, int64_t> offset_;
  Tensor values_;
  int64_t decayed_ = 0, count_ = 0;
};

// Learning rate of update n (from 0): linear warm-up, then half a cosine.
double LearningRate(const TrainerOptions& options, int64_t n);

// What TrainerOptions::rates says of a weight; 1: nothing.
double RateOf(const TrainerOptions& options, const std::string& weight);

// AdamW with clipping and the average of the weights, on flat arrays.
class Optimizer {
 public:
  // Throws Error(kUsage) where a pattern of TrainerOptions::rates matches no weight.
  Optimizer(const TrainerOptions& options, FlatParameters& parameters);

  // One step from `gradients`, which it changes; returns their norm before clipping, on the device.
  // Weights that stay as they are (TrainerOptions::rates) do not count for it. Where the norm is no
  // number, no step is made.
  Tensor Step(Tensor& gradients);
  // The same for a step that is recorded (StepGraph): nothing in it waits for the device, and what
  // differs between steps lies there, written by BeforeStep. Where loss or norm is no number,
  // nothing changes; AfterStep counts the others.
  void BeforeStep();
  Tensor StepOnDevice(Tensor& gradients, const Tensor& loss);
  void AfterStep() { ++steps_; }
  int64_t steps() const { return steps_; }
  // The average where it is on, else the weights.
  const Tensor& acting() const { return options_.ema > 0 ? average_ : parameters_.values(); }
  void RestartAverage() { average_.copy_(parameters_.values()); }

  void Export(TensorMap& state) const;
  void Import(const TensorMap& state);

 private:
  TrainerOptions options_;
  FlatParameters& parameters_;
  struct Slow {
    int64_t begin = 0, size = 0;  // of the flat arrays
    double rate = 0;              // part of the learning rate; 0: stays as it is
  };
  std::vector<Slow> FindSlow() const;
  std::vector<Tensor> BeforeSlow(Tensor& gradients);
  void SlowDown(const std::vector<Tensor>& before);
  // One step of AdamW of all weights, with and without decay, at this rate (a number, or a tensor
  // on the device), counted by step_counts_; none where `no_number`, if it is defined, is 1.
  template <class Rate>
  void Adam(const Tensor& gradients, const Rate& rate, const Tensor& no_number = {});
  // Of the averaged weights behind step n, counted from 1.
  double AverageDecay(int64_t n) const;

  std::vector<Slow> slow_;
  Tensor first_, second_, average_;
  std::vector<Tensor> step_counts_;
  Tensor rate_, to_average_;  // of StepOnDevice
  int64_t steps_ = 0;
};

}  // namespace understudy
