#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/spec/task_spec.h"

namespace understudy {

enum class TriggerUse { kKeep, kClose, kOpen };
template <>
struct EnumNames<TriggerUse> {
  static constexpr std::array kNames{"keep", "close", "open"};
};

// One stretch of the operator's work: bring something somewhere, then perhaps use the trigger.
struct OperatorPhase {
  std::string name;
  std::string await;
  std::string object;   // frame O of the goal; empty: relative to where E is now
  std::string carried;  // what is brought there; empty: the control frame E
  Pose pose;            // X_OE or X_O,carried; no object: p from E and turn of E, in W
  double tolerance = 0.01;
  double turn_tolerance = 0.15;
  double speed = 0.13;
  double turn_speed = 0.8;
  double spread = 0.001;
  TriggerUse trigger = TriggerUse::kKeep;
  double dwell = 0;
  std::string expect;
  std::string otherwise;
  template <class V>
  void Visit(V& v) {
    v("name", name, "of the phase");
    v("await", await, "signal to wait for before it begins, such as what the other hand does");
    v("object", object, "object in whose frame the goal stands; empty: a move from here");
    v("carried", carried, "object that is brought there; empty: the gripper");
    v("pose", pose, "goal in the object's frame, or the move in world axes");
    v("tolerance", tolerance, "m, arrived", Limits{1e-4, 1});
    v("turn_tolerance", turn_tolerance, "rad, arrived", Limits{1e-3, 3.2});
    v("speed", speed, "m/s, mean of a movement; the peak is 1.9 times as much", Limits{0.005, 3});
    v("turn_speed", turn_speed, "rad/s, mean of a turn", Limits{0.02, 10});
    v("spread", spread, "m, standard deviation of where the hand ends", Limits{0, 0.1});
    v("trigger", trigger, "what the finger does on arrival");
    v("dwell", dwell, "s of holding still afterwards", Limits{0, 10});
    v("expect", expect, "signal that must hold at the end");
    v("otherwise", otherwise, "phase to go back to where it does not");
  }
};

// The body behind the hand.
struct OperatorBody {
  Pose X_TH_comfort = Pose::FromTranslation({0.2, 1.1, -0.4});
  Eigen::Vector3d reach_box = Eigen::Vector3d(0.25, 0.25, 0.25);
  Eigen::Vector2d fingers = Eigen::Vector2d(0.06, 0.012);
  double tremor = 0.0003;
  std::array<double, 2> tremor_hz{8, 12};
  std::array<double, 2> reaction{0.08, 0.2};
  std::array<double, 2> start_delay{0.2, 0.5};
  std::array<double, 2> late_trigger{0.02, 0.15};
  double speed_spread = 0.1;
  double drift_patience = 0.6;
  int corrections = 4;
  int retries = 2;
  double success_patience = 4;
  template <class V>
  void Visit(V& v) {
    v("comfort", X_TH_comfort, "where the hand starts and returns to, tracking space (+y up)");
    v("reach_box", reach_box, "m, half sizes of the box around it that the hand does not leave");
    v("fingers", fingers,
      "m, half sizes of the open fingers along x and y of E: of grasps that look alike, those that "
      "would put a finger on another object are avoided",
      Limits{0, 1});
    v("tremor", tremor, "m, amplitude per axis", Limits{0, 0.05});
    v("tremor_hz", tremor_hz, "Hz, its band", Limits{0.1, 50});
    v("reaction", reaction, "s, pause before each movement", Limits{0, 5});
    v("start_delay", start_delay, "s, before the start button", Limits{0, 60});
    v("late_trigger", late_trigger, "s, the finger is later than the hand", Limits{0, 5});
    v("speed_spread", speed_spread, "relative standard deviation of movement times",
      Limits{0, 0.5});
    v("drift_patience", drift_patience, "s to wait for the arm to come to rest", Limits{0, 10});
    v("corrections", corrections, "small movements after the large one", Limits{0, 100});
    v("retries", retries, "times that a missed phase is repeated", Limits{0, 100});
    v("success_patience", success_patience, "s to wait for success at the end", Limits{0, 60});
  }
};

// A hand that works at the same time.
struct OtherHand {
  int arm = 1;
  Pose X_TH_comfort = Pose::FromTranslation({-0.2, 1.1, -0.4});
  std::vector<OperatorPhase> phases;
  template <class V>
  void Visit(V& v) {
    v("arm", arm, "index of the arm that it leads", Limits{0, 7});
    v("comfort", X_TH_comfort, "where it starts and returns to, tracking space (+y up)");
    v("phases", phases, "in order");
  }
};

// operator.yaml of a task.
struct OperatorSpec {
  int arm = 0;  // index; its hand follows RetargetOptions::hands
  OperatorBody body;
  std::vector<OperatorPhase> phases;
  std::vector<OtherHand> other_hands;
  template <class V>
  void Visit(V& v) {
    v("arm", arm, "index of the arm that is led", Limits{0, 7});
    v("body", body, "the operator's body");
    v("phases", phases, "in order");
    v("other_hands", other_hands, "that lead further arms at the same time");
  }
};

// One specification per hand, none of them with other hands; the first one's hand comes first.
std::vector<OperatorSpec> HandsOf(const OperatorSpec& spec);

// Every name that refers to nothing in `task`, and every impossible number; empty: fine.
std::vector<std::string> Validate(const OperatorSpec& spec, const TaskSpec& task);

// Reads operator.yaml beside the task's task.yaml. Throws Error(kBadInput) that names the file and
// lists every violation, or says that the task has no scripted operator.
OperatorSpec LoadOperatorSpec(const TaskSpec& task);

}  // namespace understudy
