#pragma once

#include <string>
#include <variant>
#include <vector>

#include "augment/randomizers/camera.h"
#include "augment/randomizers/headlight.h"
#include "augment/randomizers/light.h"
#include "augment/randomizers/material.h"
#include "augment/randomizers/material_swap.h"
#include "augment/randomizers/texture.h"

namespace understudy {

// The list of randomizers: plan files, `understudy list` and the contract tests take them from
// here. docs/add_a_randomizer.md says how to add one.
using Randomizer = std::variant<LightRandomizer, HeadlightRandomizer, MaterialRandomizer,
                                TextureRandomizer, MaterialSwapRandomizer, CameraRandomizer>;

// One line of `understudy list`.
struct RandomizerLine {
  std::string name;     // type in a plan file
  std::string summary;  // what it changes
};

// The lines of a list of randomizers, in its order.
template <class R>
std::vector<RandomizerLine> ListRandomizers() {
  return []<class... T>(const std::variant<T...>*) {
    return std::vector<RandomizerLine>{{T::kTag, T::kSummary}...};
  }(static_cast<const R*>(nullptr));
}

// Those of the program.
std::vector<RandomizerLine> RandomizerLines();
std::vector<std::string> RandomizerNames();

}  // namespace understudy
