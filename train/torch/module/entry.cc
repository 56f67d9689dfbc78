#include "core/base/version.h"
#include "train/policies/groot/groot.h"
#include "train/torch/module.h"

namespace understudy {
namespace {

std::unique_ptr<UpdateEngine> MakeEngine(const SampleLayout& layout, int vocabulary,
                                         const Json& policy_config, const Json& trainer_options) {
  return MakeGrootEngine(layout, vocabulary, policy_config, trainer_options);
}

std::unique_ptr<ChunkModel> MakeModel(const SampleLayout& layout, const Json& config,
                                      const TensorMap& weights) {
  return MakeGrootChunkModel(layout, config, weights);
}

constexpr TorchModule kFunctions{ProbeTorch, MakeEngine, MakeModel};

}  // namespace
}  // namespace understudy

extern "C" understudy::ModuleEntry understudy_module_v1() {
  static const std::string version = understudy::ProgramVersion();
  return {understudy::kModuleInterface, version.c_str(), &understudy::kFunctions};
}
