#include "train/torch/trained_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace understudy {

TakeParameter TrainedWeights::take() {
  return [this](const ParameterSpec& spec) {
    const auto found = weights_.find(spec.name);
    if (found == weights_.end()) {
      ThrowBadInput(
          fmt::format("policy weights: tensor '{}' is missing; the file belongs to "
                      "another policy configuration",
                      spec.name));
    }
    if (found->second.shape != spec.shape || found->second.dtype != "F32") {
      ThrowBadInput(
          fmt::format("policy weights: tensor '{}' is {} {}, the policy needs F32 {}; "
                      "the file belongs to another policy configuration",
                      spec.name, found->second.dtype, found->second.shape, spec.shape));
    }
    ++taken_;
    return ToTensor(found->second).to(device_);
  };
}

void TrainedWeights::RequireAllTaken() const {
  if (taken_ == weights_.size()) return;
  ThrowBadInput(
      fmt::format("policy weights: {} tensors given, the policy has {}; the file "
                  "belongs to another policy configuration",
                  weights_.size(), taken_));
}

}  // namespace understudy
