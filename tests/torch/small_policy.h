#pragma once

#include <cmath>
#include <map>
#include <memory>

#include "train/policies/groot/groot.h"

namespace understudy {

// A network of a few thousand weights and batches of random samples for it.
inline GrootShape SmallShape() {
  return {.images = {ImageColumn("front"), ImageColumn("hand")},
          .height = 20,
          .width = 24,
          .state = 5,
          .action = 7,
          .horizon = 4,
          .tokens = 5};
}
// The same as columns; `objects` numbers of labels.
inline SampleLayout SmallLayout(int objects = 0) {
  const GrootShape shape = SmallShape();
  SampleLayout layout;
  for (const std::string& camera : shape.images) {
    layout.columns.push_back({{camera, {shape.height, shape.width, 3}}, {0}});
  }
  layout.columns.push_back({{kStateColumn, {shape.state}}, {0}});
  layout.columns.push_back({{kInstructionColumn, {shape.tokens}}, {0}});
  layout.columns.push_back({{kActionColumn, {shape.action}}, ChunkOffsets(shape.horizon)});
  if (objects > 0) layout.columns.push_back({{kObjectsColumn, {objects}, true}, {0}});
  return layout;
}
inline constexpr int kSmallVocabulary = 9;

inline Json SmallPolicy() {
  return {{"width", 16},           {"blocks", 3},         {"heads", 2},
          {"feed_forward", 24},    {"text_layers", 1},    {"stem_channels", 4},
          {"feature_channels", 6}, {"feature_blocks", 1}, {"grid_channels", 8},
          {"keypoints", 3},        {"embodiments", 2},    {"noise_draws", 2}};
}

// With `changes` over it.
inline TrainerOptions SmallTrainer(const Json& changes = Json::object()) {
  TrainerOptions trainer;
  trainer.steps = 50;
  trainer.seed = 1;
  trainer.learning_rate = 3e-3;
  trainer.warmup = 2;
  trainer.precision = Precision::kFloat32;
  trainer.threads = 1;
  trainer.device = Device::kCpu;
  return FromJson(changes, "trainer", trainer);
}

// Samples first … first + size - 1 of an endless random set; every third ends early.
inline Batch SmallBatch(uint64_t first, int size) {
  const GrootShape shape = SmallShape();
  Batch batch;
  batch.size = size;
  const std::vector<std::string> names{shape.images[0], shape.images[1], kStateColumn,
                                       kInstructionColumn, kActionColumn};
  for (const std::string& name : names) batch.columns.emplace_back().name = name;
  const size_t camera_size = static_cast<size_t>(shape.height * shape.width * 3);
  for (int b = 0; b < size; ++b) {
    const uint64_t sample = first + static_cast<uint64_t>(b);
    Rng rng(RngKey{11}.WithParent(sample));
    for (const std::string& camera : shape.images) {
      for (size_t i = 0; i < camera_size; ++i) {
        batch[camera].pixels.push_back(static_cast<uint8_t>(rng.UniformInt(256)));
      }
    }
    for (int i = 0; i < shape.state; ++i) {
      batch[kStateColumn].numbers.push_back(static_cast<float>(rng.Uniform(-1, 1)));
    }
    const int real = sample % 3 == 2 ? 2 : shape.horizon;
    for (int t = 0; t < shape.horizon; ++t) {
      batch[kActionColumn].real_BT.push_back(t < real);
      for (int a = 0; a < shape.action; ++a) {
        batch[kActionColumn].numbers.push_back(static_cast<float>(rng.Uniform(-1, 1)));
      }
    }
    const int words = 1 + static_cast<int>(sample % 4);
    for (int l = 0; l < shape.tokens; ++l) {
      batch[kInstructionColumn].tokens.push_back(l < words ? 1 + static_cast<int>(rng.UniformInt(8))
                                                           : 0);
    }
    batch.embodiment_B.push_back(static_cast<int>(sample % 2));
    batch.sample_B.push_back(sample);
  }
  return batch;
}

// Dropout of a test's own: a function of sample, update and place.
inline decltype(FlowDraws::keep) KeepMost(uint64_t seed) {
  return [seed](uint64_t sample, int64_t update, int place, std::span<uint8_t> keep) {
    Rng rng(RngKey{seed, HashOf("keep"), sample, static_cast<uint64_t>(update),
                   static_cast<uint64_t>(place)});
    for (uint8_t& one : keep) one = rng.Uniform() > 0.3;
  };
}

// A network in training whose draws a test may give.
class SmallLearner {
 public:
  SmallLearner(const SampleLayout& layout, const Json& policy, const TrainerOptions& trainer)
      : given_(std::make_shared<std::map<uint64_t, FlowDraws>>()) {
    const GrootConfig config = ReadGrootConfig(policy);
    const GrootShape shape = GrootShapeOf(layout, config);
    const auto draw = [given = given_, config, shape, seed = *trainer.seed](const Batch& batch,
                                                                            int64_t update) {
      if (given->empty()) {
        FlowDraws drawn = DrawFlow(batch, shape, config, seed, update);
        drawn.keep = KeepMost(seed);
        return drawn;
      }
      FlowDraws draws;
      draws.draws = config.noise_draws;
      for (const uint64_t sample : batch.sample_B) {
        const FlowDraws& one = given->at(sample);
        const auto append = [](const auto& from, auto& to) {
          to.insert(to.end(), from.begin(), from.end());
        };
        append(one.noise_BDTA, draws.noise_BDTA);
        append(one.time_BD, draws.time_BD);
        append(one.hide_state_B, draws.hide_state_B);
        append(one.given_BD, draws.given_BD);
        draws.keep = one.keep;
      }
      return draws;
    };
    learner_ = MakeGrootLearner(layout, kSmallVocabulary, policy, trainer, draw);
  }

  Learner* operator->() { return learner_.get(); }
  Learner& operator*() { return *learner_; }

  Differentiated Differentiate(const Batch& batch, const FlowDraws& draws) {
    Give(batch, draws);
    Differentiated pass = learner_->Differentiate(batch);
    given_->clear();
    return pass;
  }
  void UpdateWith(const Batch& batch, const FlowDraws& draws) {
    Give(batch, draws);
    learner_->Update(batch);
    given_->clear();
  }

 private:
  void Give(const Batch& batch, const FlowDraws& draws) {
    const auto part = [&](const auto& from, size_t b) {
      const size_t width = from.size() / batch.sample_B.size();
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(b * width);
      return std::vector(begin, begin + static_cast<std::ptrdiff_t>(width));
    };
    for (size_t b = 0; b < batch.sample_B.size(); ++b) {
      (*given_)[batch.sample_B[b]] = {draws.draws,
                                      part(draws.noise_BDTA, b),
                                      part(draws.time_BD, b),
                                      part(draws.hide_state_B, b),
                                      part(draws.given_BD, b),
                                      draws.keep};
    }
  }

  std::shared_ptr<std::map<uint64_t, FlowDraws>> given_;  // by sample
  std::unique_ptr<Learner> learner_;
};

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
