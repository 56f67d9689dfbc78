#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/pipeline.h"

namespace understudy {

// A pipeline in which every step is one command: a step with a `matrix`, and each that reads one,
// stands there once for every combination of values ("train" with seeds 1 and 2: train_1, train_2).
struct ExpandedPipeline {
  Pipeline pipeline;
  std::map<std::string, std::vector<std::string>> instances;  // by the name of the file's step
};

// Expands the matrices of `pipeline`:
//   matrix: {task: [stack, square], net: {small: {width: 64}, large: {width: 256}}}
// Values are text, numbers or yes and no, or any value under a name. A list of such products is
// their union. "${matrix.task}" in `with`, `policy` and `condition` is the value of an instance.
// "${step}" is the instance of `step` whose values agree: axes that `step` has and the reader does
// not say are the reader's too. "${step:all}", in a list, is all instances of `step` that agree
// with the values that the reader has by itself.
// Throws Error(kBadInput) that starts with `name` and lists every violation.
ExpandedPipeline ExpandMatrix(const Pipeline& pipeline, const std::string& name);

}  // namespace understudy
