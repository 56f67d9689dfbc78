#pragma once

#include <array>
#include <cstdint>
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
// Where the delay is simulated, Add is called with the answer at once, which takes effect `delay`
// steps later; where it is real, Ask is called with the observation and Arrive with the answer.
// Not thread-safe. Next and Arrive allocate nothing once a chunk has arrived.
class ChunkPlayer {
 public:
  // Requires execute >= 1 and delay >= 0.
  explicit ChunkPlayer(const ChunkOptions& options);

  // How many actions a chunk must have: delay + the steps from one observation to the next.
  static int NeededHorizon(const ChunkOptions& options);

  // Begins an episode at step 0; `hold` is done until the first chunk has come.
  void Reset(const Action& hold);
  int64_t step() const { return step_; }

  // Whether an observation is to be taken at the present step.
  bool WantsChunk() const { return step_ >= next_observation_; }
  // What is done from the present step on for `delay` steps, until the chunk that is wanted takes
  // effect, from what has arrived so far. Requires no kEnsemble.
  std::vector<Action> Committed() const { return Committed(options_.delay); }
  std::vector<Action> Committed(int delay) const;

  // The chunk for the observation of the present step. Requires WantsChunk() and an action.
  void Add(std::vector<Action> chunk);

  // The observation of the present step is being answered; the next one is wanted `execute` steps
  // later.
  void Ask();
  // The chunk for the observation of step `observed` is there, and takes effect now. Older than one
  // that has arrived: it is dropped. What it held before is left in `chunk`. Requires an action.
  void Arrive(int64_t observed, std::vector<Action>* chunk);
  // Whether the newest chunk that has arrived reaches the present step: else its last action is
  // held.
  bool Reaches() const;

  // The action of the present step, which ends with it. Of chunks that are too short the last
  // action is held.
  Action Next();
  void Next(Action* action);

 private:
  struct Chunk {
    int64_t observed = 0, due = 0;  // steps
    std::vector<Action> actions;
  };
  static const Action& ActionOf(const Chunk& chunk, int64_t step);
  static int64_t End(const Chunk& chunk) {
    return chunk.observed + static_cast<int64_t>(chunk.actions.size());
  }
  void Put(int64_t observed, int64_t due, std::vector<Action>* actions);
  // The newest that takes effect at `step` or before; null: none.
  const Chunk* NewestAt(int64_t step) const;
  void Mean(Action* mean) const;

  ChunkOptions options_;
  int64_t step_ = 0, next_observation_ = 0;
  std::vector<Chunk> chunks_;  // by the step of their observation
  std::vector<Chunk> spare_;   // their memory
  Action hold_;
};

}  // namespace understudy
