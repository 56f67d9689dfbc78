#pragma once

#include "small_policy.h"
#include "train/policies/act/act.h"

namespace understudy {

// A network of ACT's form with a few thousand weights, and batches of random samples for it.
inline constexpr int kActHeight = 40, kActWidth = 48, kActState = 5, kActAction = 3,
                     kActHorizon = 6;

inline SampleLayout SmallActLayout() {
  SampleLayout layout;
  for (const char* camera : {"front", "hand"}) {
    layout.columns.push_back({{ImageColumn(camera), {kActHeight, kActWidth, 3}}, {0}});
  }
  layout.columns.push_back({{kStateColumn, {kActState}}, {0}});
  layout.columns.push_back({{kActionColumn, {kActAction}}, ChunkOffsets(kActHorizon)});
  return layout;
}

// With `changes` over it.
inline Json SmallActPolicy(const Json& changes = Json::object()) {
  Json policy{{"backbone_channels", 4}, {"dim_model", 16},          {"n_heads", 2},
              {"dim_feedforward", 24},  {"n_encoder_layers", 2},    {"latent_dim", 4},
              {"dropout", 0.25},        {"n_vae_encoder_layers", 2}};
  if (!changes.is_null()) policy.update(changes);
  return policy;
}

// Samples first … first + size - 1 of an endless random set; every third ends early.
inline Batch SmallActBatch(uint64_t first, int size) {
  Batch batch;
  batch.size = size;
  const SampleLayout layout = SmallActLayout();
  for (const ColumnLayout& column : layout.columns) {
    batch.columns.emplace_back().name = column.info.name;
  }
  for (int b = 0; b < size; ++b) {
    const uint64_t sample = first + static_cast<uint64_t>(b);
    Rng rng(RngKey{12}.WithParent(sample));
    for (BatchColumn& column : batch.columns) {
      const ColumnLayout& shape = layout[column.name];
      for (int t = 0; t < shape.steps(); ++t) {
        column.real_BT.push_back(sample % 3 != 2 || t < 3);
        for (int i = 0; i < shape.info.size(); ++i) {
          if (IsImageColumn(column.name)) {
            column.pixels.push_back(static_cast<uint8_t>(rng.UniformInt(256)));
          } else {
            column.numbers.push_back(static_cast<float>(rng.Uniform(-1, 1)));
          }
        }
      }
    }
    batch.embodiment_B.push_back(0);
    batch.sample_B.push_back(sample);
  }
  return batch;
}

}  // namespace understudy
