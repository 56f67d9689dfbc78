#pragma once

#include "data/formats/base/format.h"

namespace understudy {

// Demonstrations as text: a line "toy <name>", then a line "<x> <y> <z> <gripper>" per step. It is
// what docs/add_a_format.md adds.
DatasetFormat ToyFormat();

}  // namespace understudy
