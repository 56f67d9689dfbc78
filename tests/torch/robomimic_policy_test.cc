// A policy that robomimic saved acts here as it does there: tests/golden/make_robomimic_policy.py.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/base/error.h"
#include "train/command.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm.h"
#include "train/run/checkpoint.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::string kRobomimicGolden = std::string(UNDERSTUDY_SOURCE_DIR) + "/tests/golden/";

class RobomimicPolicy : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("robomimic_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The file with its metadata changed.
  fs::path Changed(const std::function<void(Json& about, TensorFile& file)>& change) const {
    TensorFile file = ReadSafetensors(golden_);
    Json about = Json::parse(file.metadata.at("robomimic"));
    change(about, file);
    if (!about.is_null()) file.metadata["robomimic"] = about.dump();
    const fs::path changed = folder_ / "changed.safetensors";
    WriteSafetensors(changed, file.tensors, file.metadata);
    return changed;
  }

  const fs::path golden_ = kRobomimicGolden + "robomimic_policy.safetensors";
  fs::path folder_;
  Progress quiet_;
};

TEST_F(RobomimicPolicy, ActsAsRobomimicDoes) {
  PolicyArtefact policy = LoadPolicy(golden_);
  EXPECT_EQ(policy.config.type, "bc_rnn_gmm");
  std::vector<std::string> sees;
  for (const EmbodimentColumn& column : policy.config.embodiment.state_columns) {
    sees.push_back(fmt::format("{} {}", column.name, column.size));
  }
  EXPECT_THAT(sees,
              ElementsAre("obs/object 23", "obs/robot0_eef_pos 3", "obs/robot0_gripper_qpos 2"));
  policy.config.network["acting_std"] = 0;  // a mean itself
  const SampleLayout layout =
      LayoutFor(*FindPolicyType("bc_rnn_gmm"), policy.config.network, policy.config.Offer());
  EXPECT_EQ(layout.memory, 4);
  const auto model = MakeBcRnnGmmChunkModel(layout, policy.config.network, policy.weights);
  const Json expected = LoadJson(kRobomimicGolden + "robomimic_policy.json");
  for (int64_t row = 0; row < 10; ++row) {
    PredictOptions options;
    options.dataset = kRobomimicGolden + "robomimic_stack.h5";
    options.episodes = {"demo_1"};
    options.row = row;
    const PredictReport report = Predict(policy, layout, *model, options, quiet_);
    const std::vector<double>& action = report.episodes.at(0).chunks.at(0).predicted.at(0);
    double nearest = 1;
    for (const Json& mean : expected[static_cast<size_t>(row)]["means"]) {
      double farthest = 0;
      for (size_t i = 0; i < 7; ++i) {
        farthest = std::max(farthest, std::abs(action[i] - mean[i].get<double>()));
      }
      nearest = std::min(nearest, farthest);
    }
    EXPECT_LT(nearest, 2e-6) << "row " << row;
    EXPECT_EQ(report.episodes[0].chunks[0].recorded.at(0).size(), 7u);
  }
}

TEST_F(RobomimicPolicy, ATrainingGoesOnFromItsWeights) {
  TrainOptions options;
  options.datasets = {kRobomimicGolden + "robomimic_stack.h5"};
  options.type = "bc_rnn_gmm";
  options.from = golden_.string();
  options.out = (folder_ / "run").string();
  options.inputs.pictures = false;
  options.inputs.state_columns = {"obs/object", "obs/robot0_eef_pos", "obs/robot0_gripper_qpos"};
  options.inputs.action_columns = {"actions"};
  options.state_normalizer = NormalizerMode::kMeanStd;
  options.action_normalizer = NormalizerMode::kNone;
  options.horizon = options.execute = 1;
  options.steps = 1;
  options.batch = 4;
  options.trainer.learning_rate = 0;
  options.trainer.precision = Precision::kFloat32;
  options.trainer.device = Device::kCpu;
  const EngineFactory factory = [](const std::string&, const SampleLayout& layout, int words,
                                   const Json& policy, const TrainerOptions& trainer) {
    return BcRnnGmmNetwork().make_engine(layout, words, policy, trainer);
  };
  const TrainReport report = RunTrain(options, factory, quiet_);
  EXPECT_THAT(report.from["fresh"], testing::SizeIs(0));
  EXPECT_THAT(report.from["unused"], testing::SizeIs(0));
  EXPECT_THAT(report.from["taken"], testing::SizeIs(14));
  const PolicyArtefact trained = LoadPolicy(options.out);
  EXPECT_EQ(trained.weights, LoadPolicy(golden_).weights);
  EXPECT_EQ(trained.config.network["hidden"], 12);
  // numbers as they are
  EXPECT_EQ(trained.config.action.mode, NormalizerMode::kNone);
  std::vector<float> numbers{0.3f, 5, -2, 0, 0, 0, 1}, same = numbers;
  trained.config.action.Encode(numbers);
  trained.config.action.Clamp(numbers);
  EXPECT_EQ(numbers, same);
  EXPECT_TRUE(trained.config.action.Floored().empty());
}

TEST_F(RobomimicPolicy, WhatIsNotHereIsNamed) {
  const auto open = [](const fs::path& file) { return [file] { LoadPolicy(file); }; };
  EXPECT_THAT(open(Changed([](Json& about, TensorFile&) {
                about["algo"]["rnn"]["open_loop"] = true;
                about["algo"]["gmm"]["std_activation"] = "exp";
              })),
              ThrowsMessage<Error>(AllOf(
                  HasSubstr("algo/rnn/open_loop = true: this program has false only"),
                  HasSubstr("algo/gmm/std_activation = \"exp\": this program has \"softplus\""))));
  EXPECT_THAT(open(Changed([](Json& about, TensorFile&) {
                about["observations"].push_back({"agentview_image", {3, 84, 84}});
              })),
              ThrowsMessage<Error>(HasSubstr("it sees 'agentview_image', pictures, through batch "
                                             "norms")));
  EXPECT_THAT(open(Changed([](Json&, TensorFile& file) {
                file.tensors["policy.nets.encoder.w"] = FloatTensor({1}, {1});
              })),
              ThrowsMessage<Error>(HasSubstr("tensor 'policy.nets.encoder.w' has no place")));
  EXPECT_THAT(open(Changed([](Json& about, TensorFile&) { about.erase("actions"); })),
              ThrowsMessage<Error>(HasSubstr("metadata 'robomimic' is not as "
                                             "tools/robomimic_to_safetensors.py writes it")));
  EXPECT_THAT(open(Changed([](Json& about, TensorFile& file) {
                about = nullptr;
                file.metadata = {{"type", "bc_rnn_gmm"}};
              })),
              ThrowsMessage<Error>(HasSubstr("does not say what it sees")));
  EXPECT_THAT(open(Changed([](Json& about, TensorFile& file) {
                about = nullptr;
                file.metadata.clear();
              })),
              ThrowsMessage<Error>(HasSubstr("does not say which policy it holds")));
  EXPECT_THAT(open(Changed([](Json&, TensorFile& file) { file.metadata["type"] = "diffusion"; })),
              ThrowsMessage<Error>(HasSubstr("of type \"diffusion\": of those only bc_rnn_gmm, act "
                                             "are opened")));
}

}  // namespace
}  // namespace understudy
