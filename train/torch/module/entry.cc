#include <algorithm>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/module_entry.h"
#include "train/policies/policies.h"
#include "train/torch/module.h"
#include "train/torch/network.h"
#include "train/torch/torch_ranks.h"

namespace understudy {

#define UNDERSTUDY_POLICY(name) PolicyNetwork name##Network();
#include "train/policies/policies.def"
#undef UNDERSTUDY_POLICY

namespace {

// The networks of the listed policies.
const std::vector<PolicyNetwork>& Networks() {
  static const std::vector<PolicyNetwork> networks{
#define UNDERSTUDY_POLICY(name) name##Network(),
#include "train/policies/policies.def"
#undef UNDERSTUDY_POLICY
  };
  return networks;
}

const PolicyNetwork& NetworkOf(const std::string& type) {
  const auto found = std::find_if(Networks().begin(), Networks().end(),
                                  [&](const auto& network) { return type == network.type; });
  if (found == Networks().end()) ThrowBadInput("type: " + UnknownPolicyType(type));
  return *found;
}

std::unique_ptr<UpdateEngine> MakeEngine(const std::string& type, const SampleLayout& layout,
                                         int vocabulary, const Json& policy_config,
                                         const TrainerOptions& trainer) {
  return NetworkOf(type).make_engine(layout, vocabulary, policy_config, trainer);
}

std::unique_ptr<ChunkModel> MakeModel(const std::string& type, const SampleLayout& layout,
                                      const Json& config, const TensorMap& weights) {
  return NetworkOf(type).make_chunk_model(layout, config, weights);
}

constexpr TorchModule kFunctions{ProbeTorch, MakeEngine, MakeModel, JoinRanks};

}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
