#include "train/evaluate/checkpoint_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/phases.h"
#include "train/policies/policies.h"

namespace understudy {

ActionChunk DecodeChunk(const Embodiment& embodiment, const std::vector<ArmObservation>& arms,
                        const std::vector<float>& actions_TA) {
  const size_t size = static_cast<size_t>(embodiment.action_size());
  Require(size > 0 && actions_TA.size() % size == 0, "whole actions");
  if (!std::ranges::all_of(actions_TA, [](float number) { return std::isfinite(number); })) {
    ThrowFailed(
        "the policy answers with a number that is not finite: its training diverged, or its "
        "normalisation does not fit");
  }
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
  RequireThatItActs(config_, layout_);
  RememberBy(layout_, &info_);
}

void RequireThatItActs(const PolicyConfig& config, const SampleLayout& layout) {
  if (layout.Find(kFeaturesColumn) == nullptr) return;
  ThrowBadInput(fmt::format(
      "a policy of type '{}' sees features of a backbone that is not in this program, and no "
      "simulator or robot gives them: put it back into its checkpoint by `understudy policy "
      "export`, and try what its own server answers by --policy-server (docs/with_groot.md)",
      config.type));
}

void RememberBy(const SampleLayout& layout, PolicyInfo* info) {
  info->history = layout.history();
  info->restart = layout.memory > 1 ? layout.memory : 0;
  info->max_delay = layout.max_delay;
}

namespace {

// Appends what the row holds of a column; what the embodiment has not is 0.
void AppendRow(const PolicyConfig& config, const SeenRow& row, const ColumnInfo& info,
               BatchColumn* column) {
  const auto size = static_cast<size_t>(info.size());
  if (IsImageColumn(info.name)) {
    const bool has = info.SizeOf(config.slot) > 0;
    const std::vector<uint8_t> pixels =
        has ? row.pixels(CameraOf(info.name, config.cameras)) : std::vector<uint8_t>(size);
    column->pixels.insert(column->pixels.end(), pixels.begin(), pixels.end());
    return;
  }
  if (IsFeatureColumn(info.name)) {
    const std::vector<float>& seen = info.name == kFeaturesColumn ? row.features_LW : row.kinds_L;
    column->numbers.insert(column->numbers.end(), seen.begin(), seen.end());
    return;
  }
  const bool state = info.name == kStateColumn;
  std::vector<float> numbers = state ? row.state_S : row.objects_O;
  (state ? config.state : config.object_statistics).Encode(numbers);
  numbers.resize(size);
  column->numbers.insert(column->numbers.end(), numbers.begin(), numbers.end());
}

// The first actions of a chunk, normalised and padded.
BatchColumn CommittedColumn(const PolicyConfig& config, const ColumnLayout& action,
                            std::span<const float> committed_kA) {
  const auto own = static_cast<size_t>(config.layout.action),
             size = static_cast<size_t>(action.info.size()),
             steps = static_cast<size_t>(action.steps());
  std::vector<float> numbers_TA(committed_kA.begin(), committed_kA.end());
  numbers_TA.resize(steps * own);
  config.action.Encode(numbers_TA);
  config.action.Clamp(numbers_TA);
  BatchColumn column;
  column.name = kCommittedColumn;
  column.numbers.resize(steps * size);
  for (size_t k = 0; k < steps; ++k) {
    const bool given = k * own < committed_kA.size();
    column.real_BT.push_back(given);
    if (given) std::copy_n(&numbers_TA[k * own], own, &column.numbers[k * size]);
  }
  return column;
}

// The embodiment's own numbers of each padded action.
std::vector<float> WithoutPadding(const std::vector<float>& padded, const ColumnLayout& action,
                                  size_t slot) {
  const auto size = static_cast<size_t>(action.info.size()),
             own = static_cast<size_t>(action.info.SizeOf(slot));
  std::vector<float> numbers;
  for (size_t at = 0; at + size <= padded.size(); at += size) {
    const auto begin = padded.begin() + static_cast<std::ptrdiff_t>(at);
    numbers.insert(numbers.end(), begin, begin + static_cast<std::ptrdiff_t>(own));
  }
  return numbers;
}

}  // namespace

std::vector<float> PredictChunk(const PolicyConfig& config, const SampleLayout& layout,
                                const ChunkModel& model, std::span<const SeenRow> rows,
                                const std::string& instruction, const RngKey& key,
                                std::span<const float> committed_kA) {
  Require(!rows.empty() && rows.size() <= static_cast<size_t>(layout.history()),
          "as many rows as the policy sees");
  const auto last = static_cast<int>(rows.size()) - 1;
  std::optional<PhaseScope> prepares(std::in_place, "prepare");
  Batch batch;
  batch.size = 1;
  for (const ColumnLayout& asked : layout.columns) {
    if (asked.info.name == kActionColumn) continue;  // the answer
    BatchColumn column;
    column.name = asked.info.name;
    if (column.name == kInstructionColumn) {
      column.tokens = config.tokenizer.Encode(instruction, config.layout.tokens);
      column.real_BT = {1};
    } else if (layout.memory > 1) {
      // as many steps as there are since it began
      for (const SeenRow& row : rows) AppendRow(config, row, asked.info, &column);
      column.real_BT.assign(rows.size(), 1);
    } else {
      // before the first row is the first row
      for (const int offset : asked.offsets) {
        AppendRow(config, rows[static_cast<size_t>(std::max(0, last + offset))], asked.info,
                  &column);
        column.real_BT.push_back(last + offset >= 0);
      }
    }
    batch.columns.push_back(std::move(column));
  }
  if (!committed_kA.empty()) {
    Require(committed_kA.size() <=
                static_cast<size_t>(layout.max_delay) * static_cast<size_t>(config.layout.action),
            "no more than the policy was trained to be given");
    batch.columns.push_back(CommittedColumn(config, layout[kActionColumn], committed_kA));
  }
  batch.embodiment_B = {static_cast<int32_t>(config.slot)};
  batch.sample_B = {key.parent};
  prepares.reset();
  const std::vector<float> answer = model.Predict(batch, {key});
  const PhaseScope decodes("decode");
  std::vector<float> actions_TA = WithoutPadding(answer, layout[kActionColumn], config.slot);
  Require(actions_TA.size() == static_cast<size_t>(config.layout.horizon) *
                                   static_cast<size_t>(config.layout.action),
          "a network answers with one chunk");
  config.action.Clamp(actions_TA);
  config.action.Decode(actions_TA);
  return actions_TA;
}

SeenRow CheckpointPolicy::See(const PolicyObservation& observation) const {
  const PolicyShape& shape = config_.layout;
  Require(observation.images.size() == static_cast<size_t>(shape.cameras),
          "one picture per camera");
  for (const Image& image : observation.images) {
    Require(image.width == shape.width && image.height == shape.height,
            "pictures of the size of training");
  }
  SeenRow row;
  row.state_S.resize(static_cast<size_t>(shape.state));
  config_.embodiment.EncodeState(observation.arms, row.state_S.data());
  row.objects_O = EncodeObjects(config_.embodiment.X_WB, config_.objects, observation.X_WO);
  row.pixels = [&observation](size_t camera) { return observation.images[camera].rgb; };
  return row;
}

ActionChunk CheckpointPolicy::DoAct(const PolicyInput& input, const RngKey& key) const {
  std::vector<SeenRow> rows;
  for (const PolicyObservation& earlier : input.earlier) rows.push_back(See(earlier));
  rows.push_back(See(input));
  // they were seen from an earlier moment; the network sees them from this one
  const auto size = static_cast<size_t>(config_.embodiment.action_size());
  std::vector<float> committed_kA(input.committed.size() * size);
  for (size_t k = 0; k < input.committed.size(); ++k) {
    config_.embodiment.EncodeTargets(input.arms, input.committed[k], &committed_kA[k * size]);
  }
  return DecodeChunk(
      config_.embodiment, input.arms,
      PredictChunk(config_, layout_, *model_, rows, input.instruction, key, committed_kA));
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

OpenedPolicy OpenListedPolicy(const std::filesystem::path& place, const ChunkModelFactory& factory,
                              const PolicyList& policies, const ChooseConfig& choose) {
  OpenedPolicy opened{LoadListedPolicy(place, policies), {}, nullptr};
  PolicyConfig& config = opened.policy.config;
  if (choose) config = choose(config);
  opened.layout = LayoutFor(*FindPolicyType(config.type, policies), config.network, config.Offer());
  opened.model = factory(config.type, opened.layout, config.network, opened.policy.weights);
  return opened;
}

std::unique_ptr<Policy> LoadCheckpointPolicy(const std::filesystem::path& place,
                                             const ChunkModelFactory& factory,
                                             const PolicyList& policies,
                                             const ChooseConfig& choose) {
  OpenedPolicy opened = OpenListedPolicy(place, factory, policies, choose);
  return std::make_unique<CheckpointPolicy>(opened.policy.config, opened.policy.hash, opened.layout,
                                            std::move(opened.model));
}

}  // namespace understudy
