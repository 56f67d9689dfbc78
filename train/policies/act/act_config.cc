#include "train/policies/act/act_config.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "train/policies/act/lerobot_config.h"

namespace understudy {

ActConfig ReadActConfig(const Json& json) {
  const ActConfig config = FromJson<ActConfig>(json, "policy");
  Problems problems;
  if (config.dim_model % config.n_heads != 0) {
    problems.push_back(fmt::format("dim_model = {}: must be a multiple of n_heads = {}",
                                   config.dim_model, config.n_heads));
  }
  if (config.dim_model % 4 != 0) {
    problems.push_back(fmt::format(
        "dim_model = {}: must be a multiple of 4 (the positions are sines and cosines of height "
        "and width)",
        config.dim_model));
  }
  for (const double deviation : config.image_std) {
    if (deviation > 0) continue;
    problems.push_back(fmt::format("image_std = {}: must be above 0", deviation));
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("policy: {}", fmt::join(problems, "; ")));
  return config;
}

ActShape ActShapeOf(const SampleLayout& layout) {
  ActShape shape;
  for (const ColumnLayout& column : layout.columns) {
    const std::vector<int>& size = column.info.shape;
    if (IsImageColumn(column.info.name)) {
      shape.cameras.push_back({column.info.name, size[0], size[1]});
    }
  }
  shape.state = layout[kStateColumn].info.size();
  shape.action = layout[kActionColumn].info.size();
  shape.horizon = layout[kActionColumn].steps();
  return shape;
}

PolicyType ActPolicy() {
  PolicyType type;
  type.name = "act";
  type.summary = "Action Chunking Transformer over images and state, with LeRobot's weights";
  type.fields = ListFields(ActConfig{});
  type.resolve = [](const Json& options) { return ToJson(ReadActConfig(options)); };
  type.columns = [](const Json&, const ColumnOffer& offer) {
    std::vector<ColumnRequest> requests;
    for (const ColumnInfo& column : offer.columns) {
      if (IsImageColumn(column.name)) requests.push_back({column.name});
    }
    if (requests.empty()) {
      ThrowBadInput(
          "policy 'act' acts by what it sees, and the data have no pictures: render them by "
          "`understudy augment`, or take another --type");
    }
    requests.push_back({kStateColumn});
    requests.push_back({kActionColumn, ChunkOffsets(offer.horizon)});
    return requests;
  };
  // as `lerobot-train --policy.type=act` does
  type.preset = [](const Json&) {
    return Json{{"horizon", 100},
                {"execute", 100},
                {"batch", 8},
                {"state_normalizer", "mean_std"},
                {"action_normalizer", "mean_std"},
                {"action_statistics", "all_steps"},
                {"trainer",
                 {{"learning_rate", 1e-5},
                  {"warmup", 0},
                  {"final_fraction", 1.0},
                  {"weight_decay", 1e-4},
                  {"beta1", 0.9},
                  {"beta2", 0.999},
                  {"epsilon", 1e-8},
                  {"clip", 10.0},
                  {"ema", 0.0},
                  {"precision", "float32"}}}};
  };
  type.open_foreign = ReadLerobotPolicy;
  type.foreign = "lerobot";
  type.write_foreign = [](const PolicyArtefact& policy, const std::filesystem::path& folder,
                          bool plan) {
    CheckLerobotPolicy(policy);
    if (!plan) WriteLerobotPolicy(policy, folder);
  };
  return type;
}

}  // namespace understudy
