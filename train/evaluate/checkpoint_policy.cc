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

std::vector<float> PredictChunk(const PolicyConfig& config, const SampleLayout& layout,
                                const ChunkModel& model, std::vector<float> state_S,
                                const std::string& instruction,
                                const std::function<std::vector<uint8_t>(size_t camera)>& pixels,
                                const RngKey& key) {
  config.state.Encode(state_S);
  Batch batch;
  batch.size = 1;
  for (const ColumnLayout& asked : layout.columns) {
    const std::string& name = asked.info.name;
    if (name == kActionColumn) continue;  // the answer
    BatchColumn column;
    column.name = name;
    column.real_BT = {1};
    if (name == kStateColumn) {
      column.numbers = state_S;
    } else if (name == kInstructionColumn) {
      column.tokens = config.tokenizer.Encode(instruction, config.layout.tokens);
    } else {
      column.pixels = pixels(CameraOf(name, config.cameras));
    }
    batch.columns.push_back(std::move(column));
  }
  batch.embodiment_B = {0};
  batch.sample_B = {key.parent};
  std::vector<float> actions_TA = model.Predict(batch, {key});
  Require(actions_TA.size() == static_cast<size_t>(config.layout.horizon) *
                                   static_cast<size_t>(config.layout.action),
          "a network answers with one chunk");
  config.action.Clamp(actions_TA);
  config.action.Decode(actions_TA);
  return actions_TA;
}

ActionChunk CheckpointPolicy::DoAct(const PolicyInput& input, const RngKey& key) const {
  const PolicyShape& shape = config_.layout;
  Require(input.images.size() == static_cast<size_t>(shape.cameras), "one picture per camera");
  for (const Image& image : input.images) {
    Require(image.width == shape.width && image.height == shape.height,
            "pictures of the size of training");
  }
  std::vector<float> state_S(static_cast<size_t>(shape.state));
  config_.embodiment.EncodeState(input.arms, state_S.data());
  const auto pixels = [&](size_t camera) { return input.images[camera].rgb; };
  return DecodeChunk(
      config_.embodiment, input.arms,
      PredictChunk(config_, layout_, *model_, std::move(state_S), input.instruction, pixels, key));
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
