#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/module_entry.h"
#include "train/policies/groot/groot.h"
#include "train/policies/policies.h"
#include "train/torch/module.h"

namespace understudy {
namespace {

// The networks of the listed policies: an entry for each one of policies.cc.
struct Network {
  const char* type;
  std::unique_ptr<UpdateEngine> (*make_engine)(const SampleLayout&, int, const Json&, const Json&);
  std::unique_ptr<ChunkModel> (*make_chunk_model)(const SampleLayout&, const Json&,
                                                  const TensorMap&);
};

constexpr std::array kNetworks{
    Network{"groot",
            [](const SampleLayout& layout, int vocabulary, const Json& policy,
               const Json& trainer) -> std::unique_ptr<UpdateEngine> {
              return MakeGrootEngine(layout, vocabulary, policy, trainer);
            },
            [](const SampleLayout& layout, const Json& config,
               const TensorMap& weights) -> std::unique_ptr<ChunkModel> {
              return MakeGrootChunkModel(layout, config, weights);
            }},
};

const Network& NetworkOf(const std::string& type) {
  const auto* found = std::find_if(kNetworks.begin(), kNetworks.end(),
                                   [&](const Network& network) { return type == network.type; });
  if (found == kNetworks.end()) ThrowBadInput("type: " + UnknownPolicyType(type));
  return *found;
}

std::unique_ptr<UpdateEngine> MakeEngine(const std::string& type, const SampleLayout& layout,
                                         int vocabulary, const Json& policy_config,
                                         const Json& trainer_options) {
  return NetworkOf(type).make_engine(layout, vocabulary, policy_config, trainer_options);
}

std::unique_ptr<ChunkModel> MakeModel(const std::string& type, const SampleLayout& layout,
                                      const Json& config, const TensorMap& weights) {
  return NetworkOf(type).make_chunk_model(layout, config, weights);
}

constexpr TorchModule kFunctions{ProbeTorch, MakeEngine, MakeModel};

}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  return understudy::EntryOf(understudy::kFunctions);
}
