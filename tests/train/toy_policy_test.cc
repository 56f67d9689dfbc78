// A policy is added by a folder and one line of the list: docs/add_a_policy.md.

#include "tests/train/toy_policy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/train/training_fixture.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/run/checkpoint.h"
#include "train/run/train_loop.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ToyPolicyTest : public testing::Test {
 protected:
  ToyPolicyTest() { policies_.push_back(LinearPolicy()); }  // the one line

  // Trains on two scripted demonstrations.
  TrainReport Train(const TrainOptions& options) {
    Progress quiet;
    return TrainLoop(
        set_, options,
        [](const std::string&, const SampleLayout& layout, int, const Json& policy,
           const TrainerOptions& trainer) {
          return LinearNetwork().make_engine(layout, 0, policy, trainer);
        },
        quiet, policies_);
  }
  std::unique_ptr<Policy> Load(const std::filesystem::path& run) {
    return LoadCheckpointPolicy(
        run,
        [](const std::string&, const SampleLayout& layout, const Json& config,
           const TensorMap& weights) {
          return LinearNetwork().make_chunk_model(layout, config, weights);
        },
        policies_);
  }
  static TrainOptions Options(const std::string& folder) {
    TrainOptions options;
    options.type = "linear";
    options.out = FreshFolder(folder).string();
    options.steps = 300;
    options.log_every = 5;
    options.batch = 32;
    options.horizon = 4;
    options.execute = 2;
    options.trainer.learning_rate = 0.05;
    return options;
  }

  PolicyList policies_ = PolicyTypes();
  std::shared_ptr<const TrainingSet> set_ = ScriptedSet({2});
};

TEST_F(ToyPolicyTest, IsListed) {
  EXPECT_EQ(FindPolicyType("linear", policies_)->name, "linear");
  EXPECT_EQ(FindPolicyType("linear"), nullptr);
  EXPECT_THAT(UnknownPolicyType("liner", policies_), HasSubstr("did you mean 'linear'"));
}

TEST_F(ToyPolicyTest, IsGivenWhatItAsksForAndNothingElse) {
  const ColumnOffer offer{ColumnsOf(*set_, 16), 4};
  const SampleLayout layout = LayoutFor(LinearPolicy(), Json::object(), offer);
  ASSERT_EQ(layout.columns.size(), 2u);
  EXPECT_EQ(layout.columns[0].info.name, kStateColumn);
  EXPECT_THAT(layout.columns[1].offsets, ElementsAre(0, 1, 2, 3));
}

TEST_F(ToyPolicyTest, IsTrainedResumedAndActs) {
  TrainOptions options = Options("toy");
  const TrainReport report = Train(options);
  // it learns, under the name that it gave to its loss
  ASSERT_EQ(report.log.back().losses.parts.size(), 1u);
  EXPECT_EQ(report.log.back().losses.parts[0].first, "squared");
  EXPECT_LT(report.log.back().losses.loss, 0.8 * report.log.front().losses.loss);
  EXPECT_GT(LoadJson(std::filesystem::path(options.out) / "log.json")["rows"][0]["squared"], 0.0);

  // its options are those that the checkpoint holds, and that a resume compares
  EXPECT_EQ(LoadTrainConfig(options.out)["policy"].dump(), R"({"decay":0.0})");
  options.resume = true;
  options.policy = Json{{"decay", 0.5}};
  EXPECT_THAT([&] { Train(options); },
              ThrowsMessage<Error>(HasSubstr("policy.decay was 0.0, is 0.5")));
  options.policy = Json{{"deca", 0.5}};
  EXPECT_THAT([&] { Train(options); }, ThrowsMessage<Error>(HasSubstr("did you mean 'decay'")));

  // the loaded policy answers with one chunk, for the arms that it is given
  const std::unique_ptr<Policy> policy = Load(options.out);
  EXPECT_EQ(policy->info().name, "linear");
  PolicyInput input;
  input.images = {Image(kImage, kImage), Image(kImage, kImage)};
  input.instruction = set_->instructions[0];
  ArmObservation arm;
  arm.X_WE = set_->episodes[0].X_WE[0];
  arm.gripper_q = Eigen::VectorXd::Constant(set_->embodiment.gripper_joints, 0.02);
  input.arms = {arm};
  const ActionChunk chunk = policy->Act(input, RngKey{1});
  ASSERT_EQ(chunk.size(), 4u);
  input.arms[0].X_WE = set_->episodes[0].X_WE.back();
  EXPECT_NE(policy->Act(input, RngKey{1}), chunk);
}

// What a policy may not ask for.
TEST_F(ToyPolicyTest, WrongRequestsAreRejectedBeforeTraining) {
  const auto requests = [&](std::vector<ColumnRequest> wanted) {
    policies_.back().columns = [wanted](const Json&, const ColumnOffer&) { return wanted; };
    return [this] { Train(Options("wrong")); };
  };
  EXPECT_THAT(requests({{"depth"}, {kActionColumn, ChunkOffsets(4)}}),
              ThrowsMessage<Error>(HasSubstr("unknown column 'depth'")));
  EXPECT_THAT(requests({{kStateColumn}}),
              ThrowsMessage<Error>(HasSubstr("must ask for column 'action' at steps 0 to 3")));
  EXPECT_THAT(requests({{kStateColumn, {0, 1}}, {kActionColumn, ChunkOffsets(4)}}),
              ThrowsMessage<Error>(
                  HasSubstr("at steps 0, 1: a policy that acts gets it at step 0 and earlier")));
}

// The document shows the files of this policy as they are.
TEST(AddAPolicy, TheDocumentIsWhatIsTested) {
  const std::filesystem::path root = UNDERSTUDY_SOURCE_DIR;
  const std::string document = ReadText(root / "docs/add_a_policy.md");
  for (const char* name : {"toy_policy.h", "toy_policy_config.cc", "toy_policy.cc"}) {
    const std::string block =
        fmt::format("```cpp {}\n{}```", name, ReadText(root / "tests/train" / name));
    EXPECT_NE(document.find(block), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace understudy
