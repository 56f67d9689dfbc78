#pragma once

#include <string>

#include "core/base/json.h"
#include "core/base/rng.h"
#include "core/episode/episode.h"
#include "core/seam/simulator.h"

namespace understudy {

// How a person ends an episode before its time.
enum class TakeoverEnd {
  kNone,
  kDiscarded,  // the episode is not saved
  kGivenUp,    // it is saved as a failure
  kStopped,    // it is not saved, and no other one follows
};

// What a person does in one policy step.
struct TakeoverStep {
  TakeoverEnd end = TakeoverEnd::kNone;
  std::string cause;  // why it ends, in words
  bool acts = false;  // the person acts in this step, by `action`; else the policy does
  Action action;      // limited targets, not resolved
  TeleopStep teleop;  // of the row, whoever acts
};

// What is stored of an episode besides its rows.
struct TakeoverRecord {
  RawStream raw;
  int takeovers = 0;               // times that the person took over
  Json settings = Json::object();  // for EpisodeMeta::settings
};

// A person beside a running policy, who decides at every step which of the two acts (HG-DAgger:
// Kelly et al., "HG-DAgger: Interactive imitation learning with human experts", ICRA 2019). All
// arms change hands together. One thread; one episode at a time.
class Takeover {
 public:
  virtual ~Takeover() = default;
  // An episode begins where the simulator stands, under the policy. `key` is the episode's.
  virtual void Begin(const Simulator& simulator, const RngKey& key) = 0;
  // The step that comes next, seeing `simulator`; waits for its moment where time is real. `last`
  // is the command of the step before, at first what holds the arms: a person who takes over goes
  // on from it, and repeats it, bit for bit, in the first step. Valid until the next call.
  virtual const TakeoverStep& Next(const Simulator& simulator, const Action& last) = 0;
  // The episode has ended, in success or by `cause`.
  virtual TakeoverRecord End(bool success, const std::string& cause) = 0;
};

}  // namespace understudy
