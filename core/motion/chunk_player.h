#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/base/options.h"
#include "core/episode/action.h"

namespace understudy {

// How one chunk of a policy follows the other.
enum class Stitching { kSwitch, kEnsemble, kRtc };
template <>
struct EnumNames<Stitching> {
  static constexpr std::array kNames{"switch", "ensemble", "rtc"};
};

struct ChunkOptions {
  int execute = 8;  // steps from one observation to the next
  int delay = 0;    // steps from an observation to the first action that it leads to
  Stitching stitching = Stitching::kSwitch;
  double ensemble_decay = 0.01;  // of kEnsemble
};

// Which action is done when chunks arrive later than the observations that they answer. Step k of a
// chunk is meant for k steps after its observation, so that one that comes late is entered where it
// stands by then. Until the first has come, the arms hold.
//
// kSwitch: the newest chunk that has arrived is followed. kEnsemble: the weighted mean of all
// chunks that have arrived and reach this step, with weights exp(-decay i), i = 0 for the oldest
// (Zhao et al., "Learning fine-grained bimanual manipulation", RSS 2023, section IV). kRtc: as
// kSwitch, with chunks that go on from the actions which are done until they come (Committed()):
// real-time chunking, for policies that were trained for it (PolicyInfo::max_delay).
//
// Evaluation simulates the delay; a robot's loop has it. Not thread-safe.
class ChunkPlayer {
 public:
  // Requires execute >= 1 and delay >= 0.
  explicit ChunkPlayer(const ChunkOptions& options);

  // How many actions a chunk must have: delay + the steps from one observation to the next.
  static int NeededHorizon(const ChunkOptions& options);

  // Begins an episode at step 0; `hold` is done until the first chunk has come.
  void Reset(const Action& hold);

  // Whether an observation is to be taken at the present step; its chunk is handed to Add at once
  // and takes effect when it is due.
  bool WantsChunk() const { return step_ >= next_observation_; }
  // What is done from the present step on until the chunk that is wanted takes effect, `delay`
  // actions. Requires WantsChunk() and no kEnsemble.
  std::vector<Action> Committed() const;
  // Requires WantsChunk() and at least one action.
  void Add(std::vector<Action> chunk);

  // The action of the present step, which ends with it. Of chunks that are too short the last
  // action is held.
  Action Next();

 private:
  struct Arrived {
    int64_t observed = 0;  // step
    std::vector<Action> actions;
  };
  const Action& ActionOf(const Arrived& chunk, int64_t step) const;
  Action Mean(const std::vector<const Arrived*>& chunks) const;

  ChunkOptions options_;
  int64_t step_ = 0, next_observation_ = 0;
  std::deque<Arrived> chunks_;  // by the step of their observation
  Action hold_;
};

}  // namespace understudy
