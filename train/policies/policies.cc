#include "train/policies/policies.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

#define UNDERSTUDY_POLICY(name) PolicyType name##Policy();
#include "train/policies/policies.def"
#undef UNDERSTUDY_POLICY

const PolicyList& PolicyTypes() {
  static const PolicyList types{
#define UNDERSTUDY_POLICY(name) name##Policy(),
#include "train/policies/policies.def"
#undef UNDERSTUDY_POLICY
  };
  return types;
}

const PolicyType* FindPolicyType(const std::string& type, const PolicyList& policies) {
  for (const PolicyType& entry : policies) {
    if (entry.name == type) return &entry;
  }
  return nullptr;
}

std::string UnknownPolicyType(const std::string& type, const PolicyList& policies) {
  std::vector<std::string> names;
  for (const PolicyType& entry : policies) names.push_back(entry.name);
  return UnknownName("policy", type, names);
}

int MemoryOf(const PolicyType& policy, const Json& options) {
  return policy.memory ? policy.memory(options) : 1;
}

SampleLayout LayoutFor(const PolicyType& policy, const Json& options, const ColumnOffer& offer) {
  const int memory = MemoryOf(policy, options);
  if (memory > 1 && offer.horizon != 1) {
    ThrowBadInput(fmt::format("policy '{}' answers with 1 action: a horizon of {} does not fit it",
                              policy.name, offer.horizon));
  }
  SampleLayout layout = LayoutOf(policy.columns(options, offer), offer.columns, memory);
  layout.max_delay = policy.max_delay ? policy.max_delay(options) : 0;
  const ColumnLayout* action = layout.Find(kActionColumn);
  const int steps = memory > 1 ? memory : offer.horizon;
  if (action == nullptr || action->offsets != ChunkOffsets(steps)) {
    ThrowBadInput(fmt::format("policy '{}' must ask for column '{}' at steps 0 to {}", policy.name,
                              kActionColumn, steps - 1));
  }
  return layout;
}

}  // namespace understudy
