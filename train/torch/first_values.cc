#include "train/torch/first_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "train/tensors/safetensors.h"

namespace understudy {

FirstValues ReadFirstValues(const std::string& option, const std::filesystem::path& file,
                            const std::string& wanted, const std::string& prefix,
                            const std::vector<ParameterSpec>& weights, const FitTensor& fit) {
  const TensorMap tensors = ReadSafetensors(file).tensors;
  FirstValues values;
  for (const ParameterSpec& spec : weights) {
    if (!spec.name.starts_with(prefix)) continue;
    const std::string name = spec.name.substr(prefix.size());
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      ThrowBadInput(fmt::format("policy: {}: {}: tensor '{}' is missing: {} is needed", option,
                                file.string(), name, wanted));
    }
    TensorBlob blob = found->second;
    if (fit && blob.dtype == "F32" && blob.shape != spec.shape) blob = fit(spec, blob);
    if (blob.shape != spec.shape || blob.dtype != "F32") {
      ThrowBadInput(fmt::format("policy: {}: {}: tensor '{}' is {} {}, the policy needs F32 {}",
                                option, file.string(), name, found->second.dtype,
                                found->second.shape, spec.shape));
    }
    values[name] = std::make_shared<const std::vector<float>>(FloatsOf(blob));
  }
  return values;
}

}  // namespace understudy
