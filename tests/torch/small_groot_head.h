#pragma once

#include <cstring>

#include "small_policy.h"
#include "train/policies/groot_head/groot_head.h"
#include "train/tensors/safetensors.h"

namespace understudy {

// As tests/golden/groot_head_reference.py has it: what the robot has, and the rows of a batch.
inline constexpr int kHeadState = 5, kHeadAction = 3, kHeadHorizon = 4, kHeadTokens = 5;

// The small head of a release.
inline Json SmallHead(const std::string& version) {
  Json policy{{"version", version}, {"max_state", 7},     {"max_action", 4},     {"max_horizon", 6},
              {"hidden", 12},       {"width", 16},        {"feature_width", 20}, {"blocks", 5},
              {"heads", 2},         {"feature_heads", 2}, {"positions", 8},      {"dropout", 0.0}};
  policy["feature_blocks"] = version == "n1_6" ? 0 : 2;
  if (version == "n1_5") policy["future_tokens"] = 3;
  if (version == "n1_7") policy.update({{"state_history", 2}, {"text_every", 1}});
  return policy;
}

inline SampleLayout HeadLayout(const Json& policy) {
  const GrootHeadConfig config = ReadGrootHeadConfig(policy);
  SampleLayout layout;
  layout.columns.push_back({{kFeaturesColumn, {kHeadTokens, config.feature_width}}, {0}});
  layout.columns.push_back({{kFeatureKindsColumn, {kHeadTokens}}, {0}});
  std::vector<int> history;
  for (int k = 1 - config.state_history; k <= 0; ++k) history.push_back(k);
  layout.columns.push_back({{kStateColumn, {kHeadState}}, history});
  layout.columns.push_back({{kActionColumn, {kHeadAction}}, ChunkOffsets(kHeadHorizon)});
  return layout;
}

// The batch of the reference; the padded token and actions hold numbers that must not matter.
inline Batch HeadBatch(const Json& policy) {
  const GrootHeadConfig config = ReadGrootHeadConfig(policy);
  Batch batch;
  batch.size = 2;
  for (const char* name : {kFeaturesColumn, kFeatureKindsColumn, kStateColumn, kActionColumn}) {
    batch.columns.emplace_back().name = name;
  }
  const auto count = [](int a, int b) { return static_cast<size_t>(a) * static_cast<size_t>(b); };
  batch[kFeaturesColumn].numbers =
      Wave("features", 2 * count(kHeadTokens, config.feature_width), 1);
  batch[kFeatureKindsColumn].numbers = {1, 2, 2, 1, 2, 0, 0, 2, 1, 2};
  batch[kStateColumn].numbers = Wave("state", 2 * count(config.state_history, kHeadState), 1);
  batch[kActionColumn].numbers = Wave("actions", 2 * count(kHeadHorizon, kHeadAction), 0.8);
  batch[kActionColumn].real_BT = {1, 1, 1, 1, 1, 1, 1, 0};
  batch.embodiment_B = {0, 0};
  batch.sample_B = {1, 2};
  return batch;
}

inline GrootHeadDraws HeadDraws(const Json& policy) {
  const GrootHeadConfig config = ReadGrootHeadConfig(policy);
  const auto chunk =
      static_cast<size_t>(config.max_horizon) * static_cast<size_t>(config.max_action);
  return {Wave("noise", 2 * chunk, 1.5),
          {0.31f, 0.998f},
          {0, 1},
          Wave("state_noise", 2 * static_cast<size_t>(config.width), 0.05)};
}

// Every weight as a closed form of its name.
inline TensorMap HeadWeights(TensorMap weights, double scale) {
  for (auto& [name, blob] : weights) {
    const std::vector<float> values = Wave(name, blob.data.size() / sizeof(float), scale);
    std::memcpy(blob.data.data(), values.data(), blob.data.size());
  }
  return weights;
}

}  // namespace understudy
