#pragma once

// The list of policies, free of LibTorch. A new policy is a folder of train/policies and an entry
// in policies.cc.

#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// One kind of network, as `type` names it in options and checkpoints.
struct PolicyType {
  std::string name;
  std::string summary;  // one line for `list` and help
  // Checks the options of the network and returns all of them, defaults included. Throws
  // Error(kBadInput) that lists every violation, with the nearest name of an unknown option.
  std::function<Json(const Json&)> resolve;
};

const std::vector<PolicyType>& PolicyTypes();

// The entry of `type`, or null.
const PolicyType* FindPolicyType(const std::string& type);

// "unknown policy 'grot': did you mean 'groot'? Known: groot."
std::string UnknownPolicyType(const std::string& type);

}  // namespace understudy
