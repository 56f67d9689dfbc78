#include "train/policies/policies.h"

#include "core/base/error.h"
#include "train/policies/groot/groot_config.h"

namespace understudy {

const std::vector<PolicyType>& PolicyTypes() {
  static const std::vector<PolicyType> types{
      {"groot",
       "diffusion transformer over images, text and state with flow matching, in the form of "
       "GR00T N1",
       [](const Json& options) { return ToJson(ReadGrootConfig(options)); }},
  };
  return types;
}

const PolicyType* FindPolicyType(const std::string& type) {
  for (const PolicyType& entry : PolicyTypes()) {
    if (entry.name == type) return &entry;
  }
  return nullptr;
}

std::string UnknownPolicyType(const std::string& type) {
  std::vector<std::string> names;
  for (const PolicyType& entry : PolicyTypes()) names.push_back(entry.name);
  return UnknownName("policy", type, names);
}

}  // namespace understudy
