#include "train/evaluate/checkpoint_policy.h"

#include "core/base/error.h"
#include "train/policies/policies.h"

namespace understudy {

ActionChunk DecodeChunk(const Embodiment& embodiment, const std::vector<ArmObservation>& arms,
                        const std::vector<float>& actions_TA) {
  const size_t size = static_cast<size_t>(embodiment.action_size());
  Require(size > 0 && actions_TA.size() % size == 0, "whole actions");
  ActionChunk chunk;
  for (size_t at = 0; at < actions_TA.size(); at += size) {
    chunk.push_back(embodiment.DecodeAction(arms, &actions_TA[at]));
  }
  return chunk;
}

CheckpointPolicy::CheckpointPolicy(const PolicyConfig& config, const std::string& hash,
                                   std::unique_ptr<ChunkModel> model)
    : config_(config), info_(config.Info(hash)), model_(std::move(model)) {
  Require(model_ != nullptr, "a policy needs a network");
}

ActionChunk CheckpointPolicy::DoAct(const PolicyInput& input, const RngKey& key) const {
  const SampleLayout& layout = config_.layout.value;
  Require(input.images.size() == static_cast<size_t>(layout.cameras), "one picture per camera");
  Batch batch;
  batch.size = 1;
  for (const Image& image : input.images) {
    Require(image.width == layout.width && image.height == layout.height,
            "pictures of the size of training");
    batch.images_BNHWC.insert(batch.images_BNHWC.end(), image.rgb.begin(), image.rgb.end());
  }
  batch.state_BS.resize(static_cast<size_t>(layout.state));
  config_.embodiment.EncodeState(input.arms, batch.state_BS.data());
  config_.state.Encode(batch.state_BS);
  batch.tokens_BL = config_.tokenizer.Encode(input.instruction, layout.tokens);
  batch.embodiment_B = {0};
  batch.sample_B = {key.parent};

  std::vector<float> actions_TA = model_->Predict(batch, {key});
  Require(actions_TA.size() == static_cast<size_t>(layout.horizon) * layout.action,
          "a network answers with one chunk");
  config_.action.Clamp(actions_TA);
  config_.action.Decode(actions_TA);
  return DecodeChunk(config_.embodiment, input.arms, actions_TA);
}

PolicyArtefact LoadListedPolicy(const std::filesystem::path& place) {
  PolicyArtefact artefact = LoadPolicy(place);
  const std::string& type = artefact.config.type;
  if (FindPolicyType(type) == nullptr) {
    ThrowBadInput(fmt::format("{}: type: {}", (artefact.folder / "config.json").string(),
                              UnknownPolicyType(type)));
  }
  return artefact;
}

std::unique_ptr<Policy> LoadCheckpointPolicy(const std::filesystem::path& place,
                                             const ChunkModelFactory& factory) {
  const PolicyArtefact artefact = LoadListedPolicy(place);
  auto model = factory(artefact.config.type, artefact.config.layout.value, artefact.config.network,
                       artefact.weights);
  return std::make_unique<CheckpointPolicy>(artefact.config, artefact.hash, std::move(model));
}

}  // namespace understudy
