#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/rng.h"
#include "core/episode/observation.h"

namespace understudy {

// Keeps the recording loop in step with time. Each policy step is divided into equal ticks, one
// sample of the device each; the policy step runs right after its last tick. One thread.
class Pacer {
 public:
  virtual ~Pacer() = default;
  // An attempt begins: ticks count from now. `key` belongs to the attempt.
  virtual void Begin(const RngKey& key, const Observation& observation, int64_t step_ns,
                     int ticks_per_step) = 0;
  // Returns at the next tick. False: it was already over; later ticks are then counted from now, so
  // that the loop never runs twice to catch up.
  virtual bool Tick(const Observation& observation) = 0;
  // Whether a second of it is a second of the clock on the wall.
  virtual bool real_time() const { return false; }
  // What whoever moves the hand says of the attempt that ends with `observation`: why it was given
  // up, or how far it came. Empty: nothing, as of a person in a headset.
  virtual std::string Account(const Observation& /*observation*/) const { return ""; }
};

// Absolute deadlines of CLOCK_MONOTONIC.
class RealPacer : public Pacer {
 public:
  void Begin(const RngKey& key, const Observation& observation, int64_t step_ns,
             int ticks_per_step) override;
  bool Tick(const Observation& observation) override;
  bool real_time() const override { return true; }

 private:
  int64_t start_ns_ = 0, step_ns_ = 0, tick_ = 0;
  int ticks_per_step_ = 1;
};

// Lock-step with a virtual clock: at every tick the operator looks at the world and moves the hand,
// then the clock advances. Never late.
class VirtualPacer : public Pacer {
 public:
  struct Hooks {
    std::function<int64_t()> now_ns;  // of the virtual clock
    std::function<void(int64_t)> advance_ns;
    // An attempt begins; may be empty.
    std::function<void(const RngKey&, const Observation&)> begin;
    // Sets the hand for the time `at_ns`, to which the clock is advanced next.
    std::function<void(const Observation&, int64_t at_ns)> move;
    // As Pacer::Account; may be empty.
    std::function<std::string(const Observation&)> account;
  };
  explicit VirtualPacer(Hooks hooks);
  void Begin(const RngKey& key, const Observation& observation, int64_t step_ns,
             int ticks_per_step) override;
  bool Tick(const Observation& observation) override;
  std::string Account(const Observation& observation) const override;

 private:
  Hooks hooks_;
  int64_t start_ns_ = 0, step_ns_ = 0, tick_ = 0;
  int ticks_per_step_ = 1;
};

}  // namespace understudy
