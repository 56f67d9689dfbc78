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
                                   const SampleLayout& layout, std::unique_ptr<ChunkModel> model)
    : config_(config), info_(config.Info(hash)), layout_(layout), model_(std::move(model)) {
  Require(model_ != nullptr, "a policy needs a network");
}

BatchColumn CheckpointPolicy::Observe(const PolicyInput& input, const std::string& column) const {
  BatchColumn result;
  result.name = column;
  result.real_BT = {1};
  if (column == kStateColumn) {
    result.numbers.resize(static_cast<size_t>(config_.layout.state));
    config_.embodiment.EncodeState(input.arms, result.numbers.data());
    config_.state.Encode(result.numbers);
  } else if (column == kInstructionColumn) {
    result.tokens = config_.tokenizer.Encode(input.instruction, config_.layout.tokens);
  } else {
    result.pixels = input.images[CameraOf(column, config_.cameras)].rgb;
  }
  return result;
}

ActionChunk CheckpointPolicy::DoAct(const PolicyInput& input, const RngKey& key) const {
  const PolicyShape& shape = config_.layout;
  Require(input.images.size() == static_cast<size_t>(shape.cameras), "one picture per camera");
  for (const Image& image : input.images) {
    Require(image.width == shape.width && image.height == shape.height,
            "pictures of the size of training");
  }
  Batch batch;
  batch.size = 1;
  for (const ColumnLayout& column : layout_.columns) {
    if (column.info.name == kActionColumn) continue;  // the answer
    batch.columns.push_back(Observe(input, column.info.name));
  }
  batch.embodiment_B = {0};
  batch.sample_B = {key.parent};

  std::vector<float> actions_TA = model_->Predict(batch, {key});
  Require(actions_TA.size() == static_cast<size_t>(shape.horizon) * shape.action,
          "a network answers with one chunk");
  config_.action.Clamp(actions_TA);
  config_.action.Decode(actions_TA);
  return DecodeChunk(config_.embodiment, input.arms, actions_TA);
}

PolicyArtefact LoadListedPolicy(const std::filesystem::path& place, const PolicyList& policies) {
  PolicyArtefact artefact = LoadPolicy(place);
  const std::string& type = artefact.config.type;
  if (FindPolicyType(type, policies) == nullptr) {
    ThrowBadInput(fmt::format("{}: type: {}", (artefact.folder / "config.json").string(),
                              UnknownPolicyType(type, policies)));
  }
  return artefact;
}

std::unique_ptr<Policy> LoadCheckpointPolicy(const std::filesystem::path& place,
                                             const ChunkModelFactory& factory,
                                             const PolicyList& policies) {
  const PolicyArtefact artefact = LoadListedPolicy(place, policies);
  const PolicyConfig& config = artefact.config;
  const SampleLayout layout =
      LayoutFor(*FindPolicyType(config.type, policies), config.network, config.Offer());
  auto model = factory(config.type, layout, config.network, artefact.weights);
  return std::make_unique<CheckpointPolicy>(config, artefact.hash, layout, std::move(model));
}

}  // namespace understudy
