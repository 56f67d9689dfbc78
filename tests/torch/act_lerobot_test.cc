// Policies `act` as folders of LeRobot's, and the files for the check in Python
// (tests/convert/check_act_with_lerobot.py; tests/CMakeLists.txt says when).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "small_act.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/policies/act/lerobot_config.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// A trained policy with LeRobot's backbone, and statistics unlike 0 and 1.
PolicyArtefact TrainedAct() {
  const auto learner = MakeActLearner(SmallActLayout(), SmallActPolicy({{"backbone_channels", 64}}),
                                      SmallTrainer({{"learning_rate", 1e-4}, {"warmup", 0}}));
  learner->Update(SmallActBatch(0, 4));
  PolicyArtefact policy;
  policy.hash = "trained";
  policy.folder = "trained/pretrained_model";
  policy.weights = learner->ExportPolicy();
  PolicyConfig& config = policy.config;
  config.type = "act";
  config.network = learner->PolicyConfig();
  config.cameras = {"front", "hand"};
  config.layout = {2, kActHeight, kActWidth, kActState, kActAction, kActHorizon};
  config.execute = 3;
  config.embodiment.action_meaning = kStoredColumns;
  config.embodiment.state_columns = {{"observation.state", kActState, {}}};
  config.embodiment.action_columns = {{"action", kActAction, {}}};
  const auto statistics = [](int size, double offset) {
    StatisticsBuilder builder(size);
    for (int row = 0; row < 9; ++row) {
      std::vector<float> numbers;
      for (int i = 0; i < size; ++i) {
        // the last never moves: its deviation is the floor
        const double phase = i + 1 == size ? 0 : row * (i + 1);
        numbers.push_back(static_cast<float>(offset + 0.3 * i + 0.2 * std::sin(phase)));
      }
      builder.Add(numbers.data());
    }
    return builder.Build({NormalizerMode::kMeanStd, 1e-3});
  };
  config.state = statistics(kActState, 0.5);
  for (int step = 0; step < kActHorizon; ++step) config.action.Append(statistics(kActAction, -1));
  config.mean_chunk.assign(kActHorizon * kActAction, 0.25f);
  return policy;
}

// What a policy answers to the samples of a batch, whose states are not normalised.
std::vector<float> AnswersOf(const PolicyArtefact& policy, const Batch& batch) {
  const PolicyConfig& config = policy.config;
  const SampleLayout layout = LayoutFor(ActPolicy(), config.network, config.Offer());
  const auto model = MakeActChunkModel(layout, config.network, policy.weights);
  std::vector<float> answers;
  for (int b = 0; b < batch.size; ++b) {
    const Batch one = PartOf(batch, static_cast<size_t>(b), 1);
    const SeenRow row{one[kStateColumn].numbers, {}, [&](size_t camera) {
                        return one[ImageColumn(config.cameras[camera])].pixels;
                      }};
    const std::vector<float> chunk =
        PredictChunk(config, layout, *model, std::span(&row, 1), "", RngKey{1});
    answers.insert(answers.end(), chunk.begin(), chunk.end());
  }
  return answers;
}

fs::path EmptyFolder(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("act_lerobot_" + name);
  fs::remove_all(folder);
  return folder;
}

std::string RefusalOfFolder(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ActLerobot, WhatIsWrittenIsReadAgain) {
  const PolicyArtefact policy = TrainedAct();
  const fs::path folder = EmptyFolder("again");
  WriteLerobotPolicy(policy, folder);
  // as evaluate and train --from find it
  const PolicyArtefact read = LoadListedPolicy(folder);
  EXPECT_EQ(read.weights, policy.weights);
  EXPECT_EQ(read.config.cameras, policy.config.cameras);
  EXPECT_EQ(read.config.execute, 3);
  EXPECT_EQ(read.config.embodiment.state_columns, policy.config.embodiment.state_columns);
  EXPECT_EQ(read.config.embodiment.action_columns, policy.config.embodiment.action_columns);
  Json network = policy.config.network;
  for (const char* colours : {"image_mean", "image_std"}) {
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(read.config.network[colours][i].get<double>(), network[colours][i].get<double>(),
                  1e-7);
    }
    network[colours] = read.config.network[colours];
  }
  EXPECT_EQ(LoadTrainConfig(folder)["policy"], network);
  EXPECT_EQ(LoadPolicyConfig(folder).network, network);

  const Batch batch = SmallActBatch(7, 2);
  const std::vector<float> ours = AnswersOf(policy, batch), theirs = AnswersOf(read, batch);
  ASSERT_EQ(ours.size(), 2u * kActHorizon * kActAction);
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(theirs[i], ours[i], 1e-6) << i;

  EXPECT_THAT(RefusalOfFolder([&] { WriteLerobotPolicy(policy, folder); }),
              HasSubstr("holds something: name a folder that is new or empty"));
}

TEST(ActLerobot, WhatLerobotDoesNotHaveIsNotWritten) {
  PolicyArtefact policy = TrainedAct();
  policy.config.network["backbone_channels"] = 32;
  policy.config.state.mode = NormalizerMode::kMinMax;
  policy.config.action.mean.back() += 0.1;
  EXPECT_THAT(RefusalOfFolder([&] { WriteLerobotPolicy(policy, EmptyFolder("none")); }),
              AllOf(HasSubstr("trained/pretrained_model: LeRobot cannot have this policy"),
                    HasSubstr("policy.backbone_channels = 32: LeRobot has 64 only"),
                    HasSubstr("state_normalizer: must be mean_std"),
                    HasSubstr("action_statistics: must be all_steps"), HasSubstr("; train it so")));
  policy.config.type = "groot";
  EXPECT_THAT(RefusalOfFolder([&] { CheckLerobotPolicy(policy); }),
              HasSubstr("a policy of type 'groot': LeRobot has networks of type 'act' in common"));
}

TEST(ActLerobot, WhatThisProgramDoesNotHaveIsNotRead) {
  const fs::path folder = EmptyFolder("changed");
  WriteLerobotPolicy(TrainedAct(), folder);
  const auto refusal = [&](const std::string& name, const std::function<void(Json&)>& change) {
    const fs::path file = folder / name;
    const Json before = LoadJson(file);
    Json json = before;
    change(json);
    std::ofstream(file) << json;
    const std::string message = RefusalOfFolder([&] { LoadPolicy(folder); });
    std::ofstream(file) << before;
    return message;
  };
  EXPECT_THAT(refusal("config.json", [](Json& json) { json["type"] = "diffusion"; }),
              HasSubstr("config.json: a policy of another program, of type \"diffusion\": of those "
                        "only bc_rnn_gmm, act are opened"));
  EXPECT_THAT(refusal("config.json", [](Json& json) { json.erase("dim_model"); }),
              HasSubstr("config.json: 'dim_model' is missing"));
  EXPECT_THAT(refusal("config.json", [](Json& json) { json["n_heads"] = "two"; }),
              HasSubstr("n_heads = \"two\": of another kind than LeRobot writes"));
  EXPECT_THAT(refusal("config.json", [](Json& json) { json["chunk_size"] = 2000000000; }),
              HasSubstr("horizon: = 2000000000 must lie in"));
  EXPECT_THAT(refusal("config.json", [](Json& json) { json["normalization_mapping"] = 3; }),
              HasSubstr("is not as LeRobot 0.4 writes it"));
  EXPECT_THAT(refusal("policy_preprocessor.json",
                      [](Json& json) { json["steps"][0]["config"]["rename_map"]["a"] = "b"; }),
              HasSubstr("its preprocessor renames observations"));
  EXPECT_THAT(refusal("policy_preprocessor.json", [](Json& json) { json["steps"].erase(3); }),
              HasSubstr("has no step 'normalizer_processor'"));

  const fs::path statistics =
      folder / "policy_preprocessor_step_3_normalizer_processor.safetensors";
  const TensorMap whole = ReadSafetensors(statistics).tensors;
  TensorMap changed = whole;
  changed.erase("action.std");
  WriteSafetensors(statistics, changed);
  EXPECT_THAT(RefusalOfFolder([&] { LoadPolicy(folder); }),
              HasSubstr("action.std: 0 numbers, not 3"));
  changed = whole;
  changed["observation.images.hand.mean"] = FloatTensor({0, 0, 0}, {3, 1, 1});
  WriteSafetensors(statistics, changed);
  EXPECT_THAT(RefusalOfFolder([&] { LoadPolicy(folder); }),
              HasSubstr("observation.images.hand has another mean or deviation than "
                        "observation.images.front"));
  WriteSafetensors(statistics, whole);

  // every weight is accounted for
  PolicyArtefact policy = LoadPolicy(folder);
  policy.weights["normalize_inputs.buffer_observation_state.mean"] = FloatTensor({0}, {1});
  EXPECT_THAT(RefusalOfFolder([&] { AnswersOf(policy, SmallActBatch(0, 1)); }),
              HasSubstr("tensors given, the policy has"));
  fs::remove(folder / "policy_preprocessor.json");
  EXPECT_THAT(RefusalOfFolder([&] { LoadPolicy(folder); }),
              HasSubstr("policy_preprocessor.json: is missing: a LeRobot before 0.4"));
}

// Of this program, for LeRobot: the policy and what it answers to some inputs.
TEST(ActPythonFiles, AreWritten) {
  const char* named = std::getenv("UNDERSTUDY_PYTHON_FILES");
  if (named == nullptr) GTEST_SKIP() << "UNDERSTUDY_PYTHON_FILES names no folder";
  const fs::path folder(named);
  fs::remove_all(folder);
  fs::create_directories(folder);
  const PolicyArtefact policy = TrainedAct();
  WriteLerobotPolicy(policy, folder / "ours");
  const Batch batch = SmallActBatch(20, 3);
  TensorMap files;
  for (const std::string& camera : policy.config.cameras) {
    files[camera] = {"U8", {3, kActHeight, kActWidth, 3}, batch[ImageColumn(camera)].pixels};
  }
  files["state"] = FloatTensor(batch[kStateColumn].numbers, {3, kActState});
  files["answer"] = FloatTensor(AnswersOf(policy, batch), {3, kActHorizon, kActAction});
  WriteSafetensors(folder / "ours.safetensors", files);
}

// Of LeRobot, which wrote a policy of its own and its answers to the same inputs.
TEST(ActPythonFiles, OfLerobotAreRead) {
  const char* named = std::getenv("UNDERSTUDY_PYTHON_FILES");
  if (named == nullptr) GTEST_SKIP() << "UNDERSTUDY_PYTHON_FILES names no folder";
  const fs::path folder(named);
  if (!fs::exists(folder / "lerobots.safetensors")) GTEST_SKIP() << "LeRobot wrote nothing";
  const TensorMap files = ReadSafetensors(folder / "lerobots.safetensors").tensors;
  Batch batch = SmallActBatch(20, 3);
  batch[kStateColumn].numbers = FloatsOf(files.at("state"));
  const std::vector<float> expected = FloatsOf(files.at("answer"));
  const std::vector<float> answers = AnswersOf(LoadPolicy(folder / "lerobots"), batch);
  ASSERT_EQ(answers.size(), expected.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_NEAR(answers[i], expected[i], 1e-5 * (1 + std::abs(expected[i]))) << i;
  }
}

}  // namespace
}  // namespace understudy
