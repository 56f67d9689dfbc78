#pragma once

#include <cmath>

#include "train/policies/groot/groot.h"

namespace understudy {

// A network of a few thousand weights and batches of random samples for it.
inline SampleLayout SmallLayout() {
  SampleLayout layout;
  layout.cameras = 2;
  layout.height = 20;
  layout.width = 24;
  layout.state = 5;
  layout.action = 7;
  layout.horizon = 4;
  layout.tokens = 5;
  return layout;
}
inline constexpr int kSmallVocabulary = 9;

inline Json SmallPolicy() {
  return {{"width", 16},           {"blocks", 3},         {"heads", 2},
          {"feed_forward", 24},    {"text_layers", 1},    {"stem_channels", 4},
          {"feature_channels", 6}, {"feature_blocks", 1}, {"grid_channels", 8},
          {"keypoints", 3},        {"embodiments", 2},    {"noise_draws", 2}};
}

inline Json SmallTrainer() {
  return {{"steps", 50},  {"learning_rate", 3e-3}, {"warmup", 2}, {"precision", "float32"},
          {"threads", 1}, {"device", "cpu"}};
}

// Samples first … first + size - 1 of an endless random set; every third ends early.
inline Batch SmallBatch(uint64_t first, int size) {
  const SampleLayout layout = SmallLayout();
  Batch batch;
  batch.size = size;
  for (int b = 0; b < size; ++b) {
    const uint64_t sample = first + static_cast<uint64_t>(b);
    Rng rng(RngKey{11}.WithParent(sample));
    for (int i = 0; i < layout.cameras * layout.height * layout.width * 3; ++i) {
      batch.images_BNHWC.push_back(static_cast<uint8_t>(rng.UniformInt(256)));
    }
    for (int i = 0; i < layout.state; ++i) {
      batch.state_BS.push_back(static_cast<float>(rng.Uniform(-1, 1)));
    }
    const int real = sample % 3 == 2 ? 2 : layout.horizon;
    for (int t = 0; t < layout.horizon; ++t) {
      batch.mask_BT.push_back(t < real);
      for (int a = 0; a < layout.action; ++a) {
        batch.actions_BTA.push_back(static_cast<float>(rng.Uniform(-1, 1)));
      }
    }
    const int words = 1 + static_cast<int>(sample % 4);
    for (int l = 0; l < layout.tokens; ++l) {
      batch.tokens_BL.push_back(l < words ? 1 + static_cast<int>(rng.UniformInt(8)) : 0);
    }
    batch.embodiment_B.push_back(static_cast<int>(sample % 2));
    batch.sample_B.push_back(sample);
  }
  return batch;
}

// The closed form of tests/golden/policy_reference.py.
inline std::vector<float> Wave(const std::string& name, size_t count, double scale) {
  const double phase = static_cast<double>(HashOf(name) % 1000);
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(i);
    values.push_back(static_cast<float>(scale * std::sin(x * (0.37 + 0.0113 * x) + phase)));
  }
  return values;
}

}  // namespace understudy
