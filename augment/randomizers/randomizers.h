#pragma once

#include <string>
#include <variant>
#include <vector>

#include "augment/randomizers/actuator_delay.h"
#include "augment/randomizers/actuator_gain.h"
#include "augment/randomizers/camera.h"
#include "augment/randomizers/centre_of_mass.h"
#include "augment/randomizers/distractors.h"
#include "augment/randomizers/fixtures.h"
#include "augment/randomizers/friction.h"
#include "augment/randomizers/headlight.h"
#include "augment/randomizers/joint_damping.h"
#include "augment/randomizers/light.h"
#include "augment/randomizers/mass.h"
#include "augment/randomizers/material.h"
#include "augment/randomizers/material_swap.h"
#include "augment/randomizers/object_shape.h"
#include "augment/randomizers/object_size.h"
#include "augment/randomizers/observation_noise.h"
#include "augment/randomizers/picture.h"
#include "augment/randomizers/reset_range.h"
#include "augment/randomizers/robot_mount.h"
#include "augment/randomizers/sky.h"
#include "augment/randomizers/start_posture.h"
#include "augment/randomizers/table_height.h"
#include "augment/randomizers/texture.h"

namespace understudy {

// The list of randomizers: plan files, `understudy list` and the contract tests take them from
// here. docs/add_a_randomizer.md says how to add one.
using Randomizer =
    std::variant<LightRandomizer, HeadlightRandomizer, MaterialRandomizer, TextureRandomizer,
                 MaterialSwapRandomizer, CameraRandomizer, FrictionRandomizer, MassRandomizer,
                 CentreOfMassRandomizer, JointDampingRandomizer, ActuatorGainRandomizer,
                 ActuatorDelayRandomizer, ObjectSizeRandomizer, TableHeightRandomizer,
                 RobotMountRandomizer, StartPostureRandomizer, ResetRangeRandomizer,
                 ObservationNoiseRandomizer, PictureRandomizer, ObjectShapeRandomizer,
                 FixturesRandomizer, DistractorsRandomizer, SkyRandomizer>;

// One line of `understudy list`.
struct RandomizerLine {
  std::string name;        // type in a plan file
  std::string summary;     // what it changes
  bool label_safe = true;  // whether stored states and actions stay true
};

// The lines of a list of randomizers, in its order.
template <class R>
std::vector<RandomizerLine> ListRandomizers() {
  return []<class... T>(const std::variant<T...>*) {
    static_assert(((LabelSafe<T> != LabelUnsafe<T>)&&...), "a randomizer is one or the other");
    return std::vector<RandomizerLine>{{T::kTag, T::kSummary, LabelSafe<T>}...};
  }(static_cast<const R*>(nullptr));
}

// Those of the program.
std::vector<RandomizerLine> RandomizerLines();
std::vector<std::string> RandomizerNames();

}  // namespace understudy
