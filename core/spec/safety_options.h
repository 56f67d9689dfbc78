#pragma once

#include <array>

#include "core/base/options.h"

namespace understudy {

// What an arm may be commanded, whoever commands it. Speeds, accelerations and jerks are the
// differences of successive commands; of the hand they are lengths of vectors, of joints they hold
// for each.
struct SafetyOptions {
  double max_speed = 0.5;
  double max_acceleration = 5;
  double max_jerk = 100;
  double max_turn = 1.5;
  double max_turn_acceleration = 15;
  double max_turn_jerk = 300;
  double max_joint_speed = 1.5;
  double max_joint_acceleration = 10;
  double max_joint_jerk = 200;
  double joint_margin = 0.02;
  std::array<double, 2> x{-10, 10}, y{-10, 10}, z{-10, 10};
  bool operator==(const SafetyOptions&) const = default;
  template <class V>
  void Visit(V& v) {
    v("max_speed", max_speed, "m/s of the hand", Limits{1e-3, 10});
    v("max_acceleration", max_acceleration, "m/s^2 of the hand", Limits{1e-2, 1e3});
    v("max_jerk", max_jerk, "m/s^3 of the hand", Limits{1e-1, 1e6});
    v("max_turn", max_turn, "rad/s of the hand", Limits{1e-3, 50});
    v("max_turn_acceleration", max_turn_acceleration, "rad/s^2 of the hand", Limits{1e-2, 1e4});
    v("max_turn_jerk", max_turn_jerk, "rad/s^3 of the hand", Limits{1e-1, 1e6});
    v("max_joint_speed", max_joint_speed, "rad/s of each joint, where joints are the command",
      Limits{1e-3, 50});
    v("max_joint_acceleration", max_joint_acceleration, "rad/s^2, likewise", Limits{1e-2, 1e4});
    v("max_joint_jerk", max_joint_jerk, "rad/s^3, likewise", Limits{1e-1, 1e6});
    v("joint_margin", joint_margin,
      "rad before the end of a joint in which no command may come to rest", Limits{0, 1});
    v("x", x, "m, where the hand may be, in the frame of the arm's base, beside its reach",
      Limits{-100, 100});
    v("y", y, "m, likewise", Limits{-100, 100});
    v("z", z, "m, likewise", Limits{-100, 100});
  }
};

}  // namespace understudy
