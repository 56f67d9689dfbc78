#include "train/policies/policies.h"

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

SampleLayout LayoutFor(const PolicyType& policy, const Json& options, const ColumnOffer& offer) {
  SampleLayout layout = LayoutOf(policy.columns(options, offer), offer.columns);
  const ColumnLayout* action = layout.Find(kActionColumn);
  if (action == nullptr || action->offsets != ChunkOffsets(offer.horizon)) {
    ThrowBadInput(fmt::format("policy '{}' must ask for column '{}' at steps 0 to {}", policy.name,
                              kActionColumn, offer.horizon - 1));
  }
  return layout;
}

}  // namespace understudy
