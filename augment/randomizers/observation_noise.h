#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Adds noise to what is observed of arms and objects, drawn for every step; what is true stays.
struct ObservationNoiseRandomizer {
  static constexpr const char* kTag = "observation_noise";
  static constexpr const char* kSummary = "observed poses and joints: noise in every step";
  double hand_position = 0, hand_rotation = 0, joints = 0, object_position = 0;
  template <class V>
  void Visit(V& v) {
    v("hand_position", hand_position, "m, standard deviation per axis", Limits{0, 0.5});
    v("hand_rotation", hand_rotation, "rad, standard deviation per axis", Limits{0, 1});
    v("joints", joints, "rad, standard deviation", Limits{0, 1});
    v("object_position", object_position, "m, standard deviation per axis", Limits{0, 0.5});
  }
  void Check(PhysicsCheck&) const {}
  void Draw(PhysicsDraw& draw) const;
  ObservationNoiseRandomizer Scaled(double severity) const;
};

}  // namespace understudy
