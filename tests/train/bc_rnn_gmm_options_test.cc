// The policy bc_rnn_gmm without its network: columns, checkpoints, options.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/train/fake_engine.h"
#include "tests/train/training_fixture.h"
#include "train/command.h"
#include "train/run/checkpoint.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class BcRnnGmmTraining : public testing::Test {
 protected:
  TrainOptions Options() {
    TrainOptions options;
    options.type = "bc_rnn_gmm";
    options.out = FreshFolder("rnn").string();
    options.policy = {{"modality", "low_dim"}, {"sequence", 4}};
    options.horizon = options.execute = 1;
    options.action_normalizer = NormalizerMode::kMinMax;
    options.steps = 5;
    options.batch = 4;
    return options;
  }
  TrainReport Train(const TrainOptions& options) {
    return TrainLoop(set_, options, FakeEngineFactory(), quiet_);
  }
  std::shared_ptr<TrainingSet> set_ = ScriptedSet({2});
  Progress quiet_;
};

TEST_F(BcRnnGmmTraining, ItsCheckpointSaysWhatItSees) {
  set_->cameras.clear();
  const TrainOptions options = Options();
  Train(options);
  const PolicyConfig config = LoadPolicy(options.out).config;
  EXPECT_THAT(config.objects, testing::ElementsAreArray(set_->objects));
  EXPECT_EQ(config.object_statistics.size(), kObjectLabel * 2);
  const SampleLayout layout =
      LayoutFor(*FindPolicyType("bc_rnn_gmm"), config.network, config.Offer());
  ASSERT_EQ(layout.columns.size(), 3u);
  EXPECT_EQ(layout.columns[1].info.name, kSeenObjectsColumn);
  EXPECT_EQ(layout.memory, 4);
  // a policy that sees no objects says nothing of them
  TrainOptions groot = Options();
  groot.type = "groot";
  groot.policy = Json::object();
  Train(groot);
  EXPECT_FALSE(ToJson(LoadPolicy(groot.out).config).contains("objects"));
  EXPECT_FALSE(ToJson(LoadPolicy(groot.out).config).contains("object_statistics"));
}

TEST_F(BcRnnGmmTraining, WhatDoesNotFitIsRefused) {
  TrainOptions options = Options();
  options.horizon = 16;
  options.action_normalizer = NormalizerMode::kMeanStd;
  EXPECT_THAT([&] { Train(options); },
              ThrowsMessage<Error>(testing::AllOf(
                  HasSubstr("horizon = 16: 'bc_rnn_gmm' answers with 1 action: --horizon 1"),
                  HasSubstr("action_normalizer = mean_std: 'bc_rnn_gmm' answers within [-1, 1]: "
                            "min_max or quantile"))));
  set_->episodes[1].objects.pop_back();
  EXPECT_THAT([&] { Train(Options()); },
              ThrowsMessage<Error>(HasSubstr("--no-policy.objects does without")));
  set_->cameras.clear();
  options = Options();
  options.policy = {{"modality", "image"}};
  EXPECT_THAT([&] { Train(options); },
              ThrowsMessage<Error>(HasSubstr("the data hold no pictures; give --policy.modality "
                                             "low_dim")));
  options.policy = {{"modality", "images"}};
  EXPECT_THAT([&] { Train(options); }, ThrowsMessage<Error>(HasSubstr("modality")));
}

TEST_F(BcRnnGmmTraining, ItBringsItsOptionsOfTrainingAlong) {
  const Json image = PresetOfPolicy({{"type", "bc_rnn_gmm"}});
  EXPECT_EQ(image["trainer"]["learning_rate"], 1e-4);
  EXPECT_EQ(image["batch"], 16);
  EXPECT_FALSE(image.contains("pictures"));
  const Json low_dim =
      PresetOfPolicy({{"type", "bc_rnn_gmm"}, {"policy", {{"modality", "low_dim"}}}});
  EXPECT_EQ(low_dim["trainer"]["learning_rate"], 1e-3);
  EXPECT_EQ(low_dim["pictures"], false);
  EXPECT_EQ(low_dim["trainer"]["microbatches"], 2);
  EXPECT_FALSE(image["trainer"].contains("microbatches"));
  // they are options of training, of values that it takes
  Json options = ToJson(TrainOptions());
  options.merge_patch(low_dim);
  EXPECT_EQ(FromJson<TrainOptions>(options, "train").trainer.warmup, 0);
  EXPECT_EQ(PresetOfPolicy(Json::object()), Json::object());
  EXPECT_EQ(PresetOfPolicy({{"type", "grot"}}), Json::object());
  // a policy that is started from another one trains as that one
  const TrainOptions trained = Options();
  Train(trained);
  EXPECT_EQ(PresetOfPolicy({{"type", "bc_rnn_gmm"}, {"from", trained.out}})["batch"], 100);
}

}  // namespace
}  // namespace understudy
