#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/motion/chunk_player.h"
#include "core/motion/safety_filter.h"
#include "core/seam/robot.h"

namespace understudy {

struct DriveOptions {
  int execute = 0;
  Stitching stitching = Stitching::kSwitch;
  double ensemble_decay = 0.01;
  bool clip_targets = true;
  double start_pace = 0.2;
  double start_seconds = 2;
  double stale = 0.15;
  double lost = 2;
  double picture_age = 0.5;
  template <class V>
  void Visit(V& v) {
    v("execute", execute,
      "control steps from one observation to the next, at least; 0: the policy's", Limits{0, 4096});
    v("stitching", stitching,
      "of chunks that follow one another: switch to the newest; ensemble, the weighted mean of all "
      "that reach a step; rtc, real-time chunking (of policies trained with "
      "rtc_training_max_delay)");
    v("ensemble_decay", ensemble_decay, "weight exp(-decay i) of the i-th chunk, the oldest first",
      Limits{0, 100});
    v("clip_targets", clip_targets, "clip targets to the controller's box per control step");
    v("start_pace", start_pace, "share of the robot's speed limits at which motion begins",
      Limits{0.01, 1});
    v("start_seconds", start_seconds, "s until all of it is allowed", Limits{0, 3600});
    v("stale", stale, "s without a newer reading after which the arms brake", Limits{0.01, 60});
    v("lost", lost, "s without a reading that end a trial", Limits{0.01, 3600});
    v("picture_age", picture_age, "s: older pictures are not shown to the policy",
      Limits{0.01, 60});
  }
};

// Why arms that were moving began to brake.
enum class BrakeCause {
  kReleased,    // the dead-man input was let go
  kStopped,     // the trial is to end
  kStale,       // no reading has come for DriveOptions::stale
  kLatePolicy,  // the last chunk is over, and no next one has come
};
template <>
struct EnumNames<BrakeCause> {
  static constexpr std::array kNames{"released", "stopped", "stale", "late_policy"};
};
inline constexpr size_t kBrakeCauses = EnumNames<BrakeCause>::kNames.size();

// The commands of a robot that follows a policy, step by step, without a clock or a thread: which
// action of which chunk is due, within the limits of the robot (SafetyFilter), from a slow start;
// arms brake, rest and start slowly again as they may move or not. One thread; once it moves, Step
// allocates nothing but what the robot's kinematics do.
class DriveControl {
 public:
  enum class State { kHolding, kMoving, kBraking };

  // `horizon` actions have the chunks of the policy; `execute` is the policy's own. `max_delay` as
  // PolicyInfo's. `robot` must outlive this. Throws Error(kBadInput) where options ask for more
  // than chunks hold or the policy was trained for.
  DriveControl(const Robot& robot, int horizon, int execute, int max_delay,
               const DriveOptions& options);

  // A trial begins: the arms rest, and `hold` is what they are commanded.
  void Reset(const Action& hold, const Observation& now);

  State state() const { return state_; }
  // Counts starts of motion: an answer to what was asked before the last one means nothing.
  int64_t run() const { return run_; }
  int64_t step() const { return player_.step(); }  // of this run

  // A control step begins: whether it moves or brakes. `age_s` of the reading that `now` is from;
  // `may_move`: a person allows it; `ending`: the trial is over.
  void Begin(const Observation& now, double age_s, bool may_move, bool ending);

  // Whether the policy is to be asked with the present observation, and what it is given.
  bool WantsChunk() const { return state_ == State::kMoving && player_.WantsChunk(); }
  // The targets of the next `delay` steps, as the policy said them; empty unless stitching is kRtc.
  // At most as many as it was trained for.
  std::vector<Action> Committed(int delay) const;
  void Ask() { player_.Ask(); }
  // The chunk that answers the observation of `step` of run `run`; its memory is exchanged. False:
  // that run is over.
  bool Arrive(int64_t run, int64_t step, std::vector<Action>* chunk);

  // The command of this control step, which ends with it.
  const Action& Step(const Observation& now);

  // What the policy wanted in the last step, in full, before clipping and the filter.
  const Action& wanted() const { return wanted_; }
  // Whether it has moved since Reset, so that commands are to be sent.
  bool started() const { return started_; }
  // Steps of motion: in all, with a clipped target, and by what the filter stopped.
  int64_t moving_steps() const { return moving_steps_; }
  int64_t clipped() const { return clipped_; }
  const std::array<int64_t, kSafetyStops>& guarded() const { return guarded_; }
  const std::array<int64_t, kBrakeCauses>& brakes() const { return brakes_; }

 private:
  void Start(const Observation& now);
  void StayNear(const Observation& now);
  void Brake(BrakeCause cause);
  void Follow(const Observation& now);

  const Robot& robot_;
  DriveOptions options_;
  int max_delay_;
  double dt_;
  ChunkPlayer player_;
  std::vector<SafetyFilter> guards_;
  State state_ = State::kHolding;
  Action command_, wanted_;
  bool has_chunk_ = false;  // of this run
  bool started_ = false;
  int64_t run_ = 0, moving_steps_ = 0, clipped_ = 0;
  std::array<int64_t, kSafetyStops> guarded_{};
  std::array<int64_t, kBrakeCauses> brakes_{};
};

}  // namespace understudy
