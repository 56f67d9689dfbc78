#include "augment/randomizers/observation_noise.h"

#include <algorithm>

namespace understudy {

void ObservationNoiseRandomizer::Draw(PhysicsDraw& draw) const {
  Rng rng = draw.StreamOf("noise");
  ObservationNoiseEdit edit{hand_position, hand_rotation, joints, object_position};
  edit.seed = rng.NextU64() >> 11;  // exact as a JSON number
  draw.edits.push_back(edit);
}

ObservationNoiseRandomizer ObservationNoiseRandomizer::Scaled(double severity) const {
  ObservationNoiseRandomizer scaled = *this;
  scaled.hand_position = std::min(severity * hand_position, 0.5);
  scaled.hand_rotation = std::min(severity * hand_rotation, 1.0);
  scaled.joints = std::min(severity * joints, 1.0);
  scaled.object_position = std::min(severity * object_position, 0.5);
  return scaled;
}

}  // namespace understudy
