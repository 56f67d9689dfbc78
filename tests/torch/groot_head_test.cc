#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "small_groot_head.h"
#include "tests/support/own_folder.h"
#include "train/policies/groot_head/release_config.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kRows = 3;  // of the tables of the folder below

Json SmallN17() {
  Json policy = SmallHead("n1_7");
  policy.update({{"state_history", 1}, {"text_every", 2}, {"dropout", 0.2}});
  return policy;
}

std::unique_ptr<Learner> MakeHead(const Json& policy, const Json& trainer = Json::object()) {
  return MakeGrootHeadLearner(HeadLayout(policy), policy, SmallTrainer(trainer));
}

// Four samples of the reference's two.
Batch FourSamples(const Json& policy, uint64_t first) {
  Batch batch = HeadBatch(policy);
  for (BatchColumn& column : batch.columns) {
    column.numbers.insert(column.numbers.end(), column.numbers.begin(), column.numbers.end());
    column.real_BT.insert(column.real_BT.end(), column.real_BT.begin(), column.real_BT.end());
  }
  batch.size = 4;
  batch.embodiment_B = {0, 0, 0, 0};
  batch.sample_B = {first, first + 1, first + 2, first + 3};
  return batch;
}

std::string RefusalOfHead(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(GrootHead, ReplicasGiveTheSameWeightsBitForBit) {
  const auto after_two = [&](int threads) {
    const auto learner = MakeHead(SmallN17(), {{"threads", threads}});
    for (uint64_t i = 0; i < 2; ++i) learner->Update(FourSamples(SmallN17(), 4 * i));
    return learner->ExportState();
  };
  const TensorMap one = after_two(1);
  EXPECT_EQ(after_two(2), one);
  EXPECT_EQ(after_two(4), one);
}

TEST(GrootHead, ResumedIsNeverStopped) {
  const auto straight = MakeHead(SmallN17());
  for (uint64_t i = 0; i < 2; ++i) straight->Update(FourSamples(SmallN17(), 4 * i));
  const TensorMap state = straight->ExportState();
  const auto resumed = MakeHead(SmallN17());
  resumed->ImportState(state);
  for (uint64_t i = 2; i < 4; ++i) {
    straight->Update(FourSamples(SmallN17(), 4 * i));
    resumed->Update(FourSamples(SmallN17(), 4 * i));
  }
  EXPECT_EQ(resumed->ExportState(), straight->ExportState());
}

// What pads changes nothing: tokens, actions of a chunk, and what the robot has not.
TEST(GrootHead, PaddingCannotChangeAnything) {
  const Json policy = SmallHead("n1_7");
  const auto learner = MakeHead(policy);
  Batch batch = HeadBatch(policy);
  const Differentiated before = learner->Differentiate(batch);
  for (size_t i = 0; i < 2 * 20; ++i) batch[kFeaturesColumn].numbers[5 * 20 + i] = 50;
  for (size_t a = 0; a < kHeadAction; ++a) batch[kActionColumn].numbers[7 * kHeadAction + a] = 9;
  const Differentiated after = learner->Differentiate(batch);
  // the padded action stands in the noisy chunk, as upstream has it; its token does not
  EXPECT_NEAR(after.loss, before.loss, 0.2 * before.loss);
  batch = HeadBatch(policy);
  for (size_t i = 0; i < 2 * 20; ++i) batch[kFeaturesColumn].numbers[5 * 20 + i] = 50;
  EXPECT_EQ(learner->Differentiate(batch).loss, before.loss);
  EXPECT_EQ(learner->Differentiate(batch).gradients, before.gradients);
  batch[kFeaturesColumn].numbers[9 * 20] += 1;
  EXPECT_NE(learner->Differentiate(batch).gradients, before.gradients);
}

// Dropout is off in blocks that stay as they are, as it is upstream.
TEST(GrootHead, NothingIsHiddenInBlocksThatStay) {
  const auto loss = [](double dropout, const Json& rates) {
    Json policy = SmallHead("n1_7");
    policy["dropout"] = dropout;
    const auto learner = MakeHead(policy, {{"rates", rates}});
    learner->Update(FourSamples(policy, 1));
    return learner->TakeLosses().loss;
  };
  const Json stay{{"model.*", 0.0}, {"vl_self_attention.*", 0.0}};
  EXPECT_EQ(loss(0.5, stay), loss(0, stay));
  EXPECT_NE(loss(0.5, {{"model.*", 0.0}}), loss(0, {{"model.*", 0.0}}));
  EXPECT_NE(loss(0.5, Json::object()), loss(0, Json::object()));
}

TEST(GrootHead, LearnsTenSamplesByHeart) {
  Json policy = SmallHead("n1_7");
  policy.update({{"state_dropout", 0.0}, {"feature_blocks", 1}, {"width", 32}, {"hidden", 32}});
  const auto learner = MakeHead(policy, {{"steps", 700},
                                         {"learning_rate", 4e-3},
                                         {"warmup", 20},
                                         {"weight_decay", 0.0},
                                         {"ema", 0.0},
                                         {"microbatches", 1}});
  // each six times, with draws of its own
  Batch batch = HeadBatch(policy);
  batch.size = 60;
  const auto six = [](const std::vector<float>& ten) {
    std::vector<float> all;
    for (int i = 0; i < 6; ++i) all.insert(all.end(), ten.begin(), ten.end());
    return all;
  };
  batch[kFeaturesColumn].numbers = six(Wave("ten", 10 * 5 * 20, 1));
  std::vector<float> kinds;
  for (int b = 0; b < 10; ++b) kinds.insert(kinds.end(), {1, 2, 2, 1, 2});
  batch[kFeatureKindsColumn].numbers = six(kinds);
  batch[kStateColumn].numbers = six(Wave("ten states", 10 * 2 * 5, 1));
  batch[kActionColumn].numbers = six(Wave("ten actions", 10 * 12, 0.8));
  batch[kActionColumn].real_BT.assign(60 * 4, 1);
  batch.embodiment_B.assign(60, 0);
  batch.sample_B.resize(60);
  std::iota(batch.sample_B.begin(), batch.sample_B.end(), 1);
  for (int i = 0; i < 700; ++i) learner->Update(batch);
  const auto model = MakeGrootHeadChunkModel(HeadLayout(policy), policy, learner->ExportPolicy());
  std::vector<RngKey> keys;
  for (uint64_t i = 0; i < 60; ++i) keys.push_back(RngKey{1}.WithParent(i));
  const std::vector<float> actions = model->Predict(batch, keys);
  double error = 0, size = 0;
  for (size_t i = 0; i < actions.size(); ++i) {
    error += std::abs(actions[i] - batch[kActionColumn].numbers[i]);
    size += std::abs(batch[kActionColumn].numbers[i]);
  }
  EXPECT_LT(error, 0.15 * size);
}

// ---- folders of released checkpoints ----

// A small checkpoint as Isaac-GR00T writes them: config.json of N1.7, two files of weights in
// bfloat16, tables of three rows, a backbone.
class GrootRelease17 : public testing::Test {
 protected:
  GrootRelease17() {
    fs::create_directories(folder_);
    Json config{{"model_type", "Gr00tN1d7"},
                {"max_state_dim", 7},
                {"max_action_dim", 4},
                {"action_horizon", 6},
                {"hidden_size", 12},
                {"input_embedding_dim", 16},
                {"backbone_embedding_dim", 20},
                {"max_seq_len", 8},
                {"max_num_embodiments", kRows},
                {"use_alternate_vl_dit", true},
                {"state_dropout_prob", 0.2},
                {"diffusion_model_cfg",
                 {{"positional_embeddings", nullptr},
                  {"num_layers", 5},
                  {"num_attention_heads", 2},
                  {"attention_head_dim", 8},
                  {"norm_type", "ada_norm"},
                  {"dropout", 0.2},
                  {"final_dropout", true},
                  {"output_dim", 12},
                  {"interleave_self_attention", true}}},
                {"vl_self_attention_cfg",
                 {{"positional_embeddings", nullptr},
                  {"num_layers", 2},
                  {"num_attention_heads", 2},
                  {"attention_head_dim", 10},
                  {"dropout", 0.2},
                  {"final_dropout", true}}}};
    Write("config.json", config);
    Write("embodiment_id.json", {{"new_embodiment", 1}, {"libero_sim", 2}});
    Write("trainer_state.json", {{"step", 7}});
    // weights of every row of the tables
    for (auto& [name, blob] : MakeHead(SmallN17())->ExportPolicy()) {
      std::vector<int64_t> shape = blob.shape;
      const bool table = name.ends_with(".W") || name.ends_with(".b");
      if (table) shape[0] = kRows;
      const size_t count = blob.data.size() / 4 * (table ? kRows : 1);
      TensorBlob narrow{"BF16", shape, std::vector<uint8_t>(2 * count)};
      const std::vector<float> values = Wave(name, count, 0.25);
      for (size_t i = 0; i < count; ++i) std::memcpy(&narrow.data[2 * i], Upper(&values[i]), 2);
      const size_t file = name.starts_with("model.") ? 1 : 0;
      files_[file]["action_head." + name] = narrow;
    }
    files_[1]["backbone.model.embed"] = FloatTensor({1, 2, 3}, {3});
    WriteFiles();
  }

  static const uint8_t* Upper(const float* value) {
    return reinterpret_cast<const uint8_t*>(value) + 2;
  }
  void Write(const std::string& name, const Json& json) {
    std::ofstream(folder_ / name) << json.dump(1);
  }
  void WriteFiles() {
    Json map = Json::object();
    for (size_t i = 0; i < 2; ++i) {
      const std::string name = "model-0000" + std::to_string(i + 1) + "-of-00002.safetensors";
      WriteSafetensors(folder_ / name, files_[i], {{"format", "pt"}});
      for (const auto& [tensor, blob] : files_[i]) map[tensor] = name;
    }
    Write("model.safetensors.index.json", {{"weight_map", map}});
  }
  Json Policy() const { return {{"release", folder_.string()}, {"dropout", 0.0}}; }

  OwnFolder place_;
  fs::path folder_ = place_.path() / "released";
  TensorMap files_[2];
};

TEST_F(GrootRelease17, ItsConfigAndOneRowOfItsTablesAreTheHead) {
  const auto learner = MakeHead(Policy());
  const Json config = learner->PolicyConfig();
  EXPECT_EQ(config["version"], "n1_7");
  EXPECT_EQ(config["max_horizon"], 6);
  EXPECT_EQ(config["feature_blocks"], 2);
  const TensorMap weights = learner->ExportPolicy();
  EXPECT_EQ(weights.size() + 1, files_[0].size() + files_[1].size());
  for (const auto& [name, blob] : weights) {
    const size_t file = name.starts_with("model.") ? 1 : 0;
    std::vector<float> all = WidenedFloats(files_[file].at("action_head." + name));
    const std::vector<float> ours = FloatsOf(blob);
    // new_embodiment's row
    const size_t first = all.size() == ours.size() ? 0 : ours.size();
    EXPECT_TRUE(std::equal(ours.begin(), ours.end(), all.begin() + static_cast<long>(first)))
        << name;
  }
}

TEST_F(GrootRelease17, IsWrittenBackByteForByteButForWhatWasTrained) {
  Json policy = Policy();
  const auto export_of = [&](Learner& learner, const std::string& to) {
    PolicyArtefact artefact;
    artefact.config.type = "groot_head";
    artefact.config.network = learner.PolicyConfig();
    artefact.weights = learner.ExportPolicy();
    WriteReleasedHead(artefact, place_.path() / to, false);
    return place_.path() / to;
  };
  const fs::path same = export_of(*MakeHead(policy), "same");
  EXPECT_FALSE(fs::exists(same / "trainer_state.json"));
  for (const char* file : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                           "model.safetensors.index.json", "config.json", "embodiment_id.json"}) {
    EXPECT_EQ(ReadText(same / file), ReadText(folder_ / file)) << file;
  }

  // the blocks stay as they are, the tables learn
  const auto learner = MakeHead(policy, {{"rates", {{"model.*", 0.0}}}});
  learner->Update(FourSamples(SmallN17(), 1));
  const fs::path trained = export_of(*learner, "trained");
  EXPECT_EQ(ReadText(trained / "model-00002-of-00002.safetensors"),
            ReadText(folder_ / "model-00002-of-00002.safetensors"));
  const TensorMap after = ReadSafetensors(trained / "model-00001-of-00002.safetensors").tensors;
  int changed = 0;
  for (const auto& [name, before] : files_[0]) {
    const TensorBlob& now = after.at(name);
    EXPECT_EQ(now.shape, before.shape);
    if (!name.ends_with(".W")) continue;
    const size_t row = before.data.size() / kRows;
    const auto part = [&](const TensorBlob& blob, size_t i) {
      const auto begin = blob.data.begin() + static_cast<long>(i * row);
      return std::vector<uint8_t>(begin, begin + static_cast<long>(row));
    };
    EXPECT_EQ(part(now, 0), part(before, 0)) << name;
    EXPECT_EQ(part(now, 2), part(before, 2)) << name;
    changed += part(now, 1) != part(before, 1);
  }
  EXPECT_EQ(changed, 7);
  // what it was started from is not there any more
  fs::rename(folder_, place_.path() / "gone");
  EXPECT_THAT(RefusalOfHead([&] { export_of(*learner, "again"); }), HasSubstr("is not there"));
}

TEST_F(GrootRelease17, EveryTensorIsAccountedFor) {
  const auto refusal = [&] { return RefusalOfHead([&] { MakeHead(Policy()); }); };
  const auto keep = files_[0];
  files_[0].erase("action_head.vlln.bias");
  WriteFiles();
  EXPECT_THAT(refusal(), HasSubstr("tensor 'action_head.vlln.bias' is missing"));
  files_[0] = keep;
  files_[0]["action_head.more"] = FloatTensor({1}, {1});
  WriteFiles();
  EXPECT_THAT(refusal(),
              HasSubstr("the head that its config.json describes has no action_head.more"));
  files_[0] = keep;
  files_[0]["tail.weight"] = FloatTensor({1}, {1});
  WriteFiles();
  EXPECT_THAT(refusal(),
              HasSubstr("tail.weight are neither of the action head nor of the backbone"));
  files_[0] = keep;
  files_[0]["action_head.vlln.bias"] = FloatTensor({1, 2}, {2});
  WriteFiles();
  EXPECT_THAT(refusal(), HasSubstr("'action_head.vlln.bias' is F32 [2], the head needs [20]"));
  files_[0] = keep;
  WriteFiles();
  Json list = LoadJson(folder_ / "model.safetensors.index.json");
  list["weight_map"]["action_head.vlln.bias"] = "model-00002-of-00002.safetensors";
  Write("model.safetensors.index.json", list);
  EXPECT_THAT(refusal(), HasSubstr("is in model-00001-of-00002.safetensors, and the list says"));
  list["weight_map"]["action_head.vlln.bias"] = "../x.safetensors";
  Write("model.safetensors.index.json", list);
  EXPECT_THAT(refusal(), HasSubstr("is no name of a file"));
}

TEST_F(GrootRelease17, WhatIsNotBuiltHereIsRefused) {
  const auto refusal = [&](const Json& changes) {
    Json config = LoadJson(folder_ / "config.json");
    config.merge_patch(changes);
    Write("changed.json", config);
    const fs::path other = place_.path() / "other";
    fs::remove_all(other);
    fs::copy(folder_, other);
    fs::rename(other / "changed.json", other / "config.json");
    return RefusalOfHead([&] { MakeHead({{"release", other.string()}}); });
  };
  EXPECT_THAT(refusal({{"model_type", "llama"}}), HasSubstr("'model_type' is 'llama'"));
  EXPECT_THAT(refusal({{"strict_action_padding_mask", true}}),
              HasSubstr("'strict_action_padding_mask' is true, and false is built here"));
  EXPECT_THAT(refusal({{"diffusion_model_cfg", {{"norm_type", "layer_norm"}}}}),
              HasSubstr("'norm_type' is \"layer_norm\""));
  EXPECT_THAT(refusal({{"max_state_dim", "many"}}), HasSubstr("'max_state_dim' is \"many\""));
  EXPECT_THAT(RefusalOfHead([&] {
                Json policy = Policy();
                policy["embodiment_slot"] = 3;
                MakeHead(policy);
              }),
              HasSubstr("has rows 0 to 2"));
  EXPECT_THAT(RefusalOfHead([&] {
                Json policy = Policy();
                policy["version"] = "n1_5";
                MakeHead(policy);
              }),
              HasSubstr("is n1_7"));
}

}  // namespace
}  // namespace understudy
