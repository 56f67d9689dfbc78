#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/episode/observation.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "teleop/operator/operator_spec.h"

namespace understudy {

// What the operator does with one controller at one instant, in the tracking space T (+y up).
struct HandTarget {
  Pose X_TH;
  double trigger = 0, squeeze = 0;                 // [0, 1]
  Eigen::Vector3d v_TH = Eigen::Vector3d::Zero();  // m/s, in T
  Eigen::Vector3d w_TH = Eigen::Vector3d::Zero();  // rad/s, in T
  uint32_t buttons = 0;                            // ButtonBit
};

// What the operator has learned about the set-up: which way the arm goes when the hand goes.
struct OperatorSkill {
  Eigen::Quaterniond q_WT = Eigen::Quaterniond(0.5, 0.5, -0.5, -0.5);
  double scale = 1;                  // arm metres per hand metre
  std::vector<double> scale_of_arm;  // by arm; empty: `scale` for every one
};

// A hand of a skilled person with its controller, one attempt long. Sees the scene and the gripper,
// moves the hand: minimum-jerk movements (Flash & Hogan 1985, J. Neurosci. 5:1688) towards goals in
// object frames, physiological tremor, a pause before each movement, a finger later than the hand,
// small corrections while the gripper is not yet where it should be, a new grip on the clutch when
// the hand leaves its comfortable reach. Presses start first, and discard after giving up. Knows
// nothing of the recorder: works through any device that carries the hand. One thread; all draws
// come from `key`.
class ScriptedOperator {
 public:
  // Leads spec.arm. Requires Validate(spec, task) to be empty and `info` to belong to `task`. Only
  // a hand that `starts` presses start.
  ScriptedOperator(const OperatorSpec& spec, const TaskSpec& task, const SimulatorInfo& info,
                   const RngKey& key, const OperatorSkill& skill = {}, bool starts = true);

  // Goes on with a task that somebody else has begun, and presses no start. Signals say where it
  // is: where a signal that phases expect holds, with the first of these phases; else, where this
  // hand does all of the task (`alone`) and a signal holds that no phase expects, with what leads
  // to the next one that is expected; else with the first phase. It takes hold with the trigger
  // pressed, and then opens the fingers where nothing is carried. To be called before the first
  // Move.
  void TakeOver(const Observation& now, bool alone);

  // The hand at `now_ns` (any clock, not going back), seeing `observation`. While another hand is
  // still at work (`others_done`), a hand that has finished does not give up.
  HandTarget Move(const Observation& observation, int64_t now_ns, bool others_done = true);

  bool gave_up() const { return mode_ == Mode::kGaveUp; }
  bool finished() const { return mode_ == Mode::kDone; }
  // Why it gave up; before that what it is at, and how far it is from there. In words.
  std::string Account(const Observation& observation) const;
  size_t phase() const { return phase_; }   // index; number of phases when finished
  int regrips() const { return regrips_; }  // of the clutch, the first grip included

 private:
  enum class Mode {
    kStart,
    kGrip,
    kThink,
    kMove,
    kSettle,
    kTrigger,
    kDwell,
    kReturn,
    kDone,
    kGaveUp
  };

  // A straight minimum-jerk movement of the hand with a turn about one axis.
  struct Movement {
    Pose X_TH_from;
    Eigen::Vector3d p_T = Eigen::Vector3d::Zero();       // way
    Eigen::Vector3d rotvec_T = Eigen::Vector3d::Zero();  // turn, left-composed
    double start_s = 0, seconds = 0;
    Pose At(double t_s) const;
    bool Over(double t_s) const { return t_s >= start_s + seconds; }
  };

  void Act(const Observation& observation, double t_s, bool others_done);
  size_t PhaseAt(const Observation& now, bool alone) const;
  size_t PhaseNamed(const std::string& name) const;  // 0: none has that name
  void Enter(Mode mode, double wait_until_s);
  void BeginPhase(const Observation& observation);
  void EndPhase(const Observation& observation, double t_s);
  void Judge(const Observation& observation, double t_s);
  void Retry(const std::string& missed, const std::string& by, double t_s);
  std::string Missed(size_t phase) const;
  std::string MissedBefore(size_t but) const;
  std::string Distance(const Observation& observation) const;
  void PlanMovement(const Observation& observation, double t_s);
  void GoBack(double t_s);
  Pose Goal(const Observation& observation) const;  // X_WE
  // ", nor did 'grasp'": signals that do not hold, in words.
  std::string NotHeld(const Observation& observation) const;
  bool FingersFree(const Observation& observation, const Pose& X_WE) const;
  bool Arrived(const Observation& observation, double slack) const;
  bool AtRest() const { return rest_looks_ >= 2; }
  void Look(const Observation& observation);
  void Anchor();
  Eigen::Vector3d Tremor(double t_s) const;  // in [-1, 1] per axis, about
  double Draw(const std::array<double, 2>& range) { return rng_.Uniform(range[0], range[1]); }

  OperatorSpec spec_;
  SimulatorInfo info_;
  OperatorSkill skill_;
  Rng rng_;
  bool starts_;
  bool opens_first_ = false;  // the fingers, once it has taken hold
  // per phase: indices into the observation's lists, -1 for none; orders of symmetry of the goal
  // about the object's axis and about that of what is brought there (0: round)
  struct Names {
    int object = -1, carried = -1, signal = -1, await = -1, symmetry = 1, own_symmetry = 1;
  };
  std::vector<Names> names_;
  std::vector<double> radius_;  // m, of each object

  Mode mode_ = Mode::kStart;
  double wait_until_s_ = 0;
  size_t phase_ = 0;
  bool phase_begun_ = false;
  int corrections_ = 0, retries_ = 0, regrips_ = 0;
  struct Misses {
    int count = 0;
    std::string what, by;  // the last time, and by how much
  };
  std::vector<Misses> misses_;  // of each phase
  std::string given_up_;        // why
  bool partial_ = false;        // the movement ends at the edge of the reach box
  Movement movement_;
  Pose X_WE_at_plan_;
  Pose X_TH_;  // without tremor
  double squeeze_ = 0, trigger_ = 0, squeeze_goal_ = 0, trigger_goal_ = 0;
  uint32_t buttons_ = 0;

  // a moment at which hand and arm belonged together: what planning goes by
  Pose X_TH_anchor_, X_WE_anchor_;
  // which of the goals that look alike is meant, as a turn about the object's z
  double yaw_ = 0;
  // rad, about the z of E, or of what is carried: which of the poses that look alike
  double own_turn_ = 0;
  Pose X_WE_fixed_;  // goal of a move from here

  // what was seen
  double seen_time_s_ = -1;
  Pose X_WE_seen_;
  int rest_looks_ = 0;
  int64_t start_ns_ = -1, last_ns_ = -1;
  HandTarget last_;
  std::array<std::array<double, 3>, 3> tremor_hz_{}, tremor_phase_{};  // [axis][component]
};

}  // namespace understudy
