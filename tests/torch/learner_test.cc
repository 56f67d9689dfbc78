#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "small_policy.h"
#include "train/run/not_finite.h"
#include "train/tensors/safetensors.h"
#include "train/torch/worker.h"

namespace understudy {
namespace {

using testing::HasSubstr;

// After three updates of 11 samples, which no number of parts divides.
TensorMap AfterThree(const Json& policy, const Json& trainer) {
  Json all = SmallPolicy();
  all.update(policy);
  SmallLearner learner(SmallLayout(), all, SmallTrainer(trainer));
  for (uint64_t i = 0; i < 3; ++i) learner->Update(SmallBatch(11 * i, 11));
  return learner->ExportState();
}

TEST(Learner, ReplicasGiveTheSameWeightsBitForBit) {
  for (const char* precision : {"float32", "bfloat16"}) {
    for (const int parts : {0, 8}) {
      // the encoder that two cameras share is used twice in a pass
      const Json policy{{"shared_encoder", true}, {"state_dropout", 0.3}};
      Json trainer{{"precision", precision}, {"microbatches", parts}, {"threads", 1}};
      const TensorMap one = AfterThree(policy, trainer);
      for (const int threads : {2, 3, 4, 8}) {
        trainer["threads"] = threads;
        EXPECT_EQ(AfterThree(policy, trainer), one) << precision << ", " << threads << " threads";
      }
      trainer["microbatches"] = 2;
      EXPECT_NE(AfterThree(policy, trainer), one) << "the order of sums shows in the bits";
    }
  }
}

// The count belongs to a sample: it does not depend on how a batch is split, and it takes nothing
// from what is learnt.
TEST(Learner, KnowsWhatASampleCosts) {
  const auto cost = [](int batch, const Json& trainer) {
    SmallLearner learner(SmallLayout(), SmallPolicy(), SmallTrainer(trainer));
    EXPECT_EQ(learner->cost().flops_per_sample, 0);
    learner->Update(SmallBatch(0, batch));
    EXPECT_GT(learner->cost().peak_flops_per_s, learner->cost().flops_per_sample);
    EXPECT_EQ(learner->Describe().at("flops_per_sample"), learner->cost().flops_per_sample);
    return learner->cost().flops_per_sample;
  };
  const double alone = cost(1, {{"microbatches", 1}});
  // the first layer of the first camera: 4 channels of 10x12 by kernels of 3 x 5x5, three times
  EXPECT_GT(alone, 3 * 2 * 4 * 10 * 12 * 3 * 5 * 5);
  EXPECT_EQ(cost(8, {{"microbatches", 8}, {"threads", 2}}), alone);
}

// The loss divides by the whole batch's real steps, however many of them lie in a part.
TEST(Learner, MicrobatchesAddUpToTheBatch) {
  const SampleLayout layout = SmallLayout(5);
  Json policy = SmallPolicy();
  policy["object_weight"] = 0.5;
  Batch batch = SmallBatch(0, 7);
  batch.columns.emplace_back().name = kObjectsColumn;
  batch[kObjectsColumn].numbers.assign(7 * 5, 0.3f);
  std::fill_n(batch[kObjectsColumn].numbers.begin(), 5 * 4, std::nanf(""));  // the first four

  const auto run = [&](int parts) {
    SmallLearner learner(layout, policy,
                         SmallTrainer({{"microbatches", parts}, {"clip", 0.0}, {"beta1", 0.0}}));
    learner->Update(batch);
    return std::pair(learner->TakeLosses(), learner->ExportState());
  };
  const auto [whole, state] = run(1);
  for (const int parts : {2, 4, 7, 100}) {
    const auto [losses, other] = run(parts);
    EXPECT_NEAR(losses.loss, whole.loss, 1e-5 * whole.loss) << parts;
    EXPECT_NEAR(losses.gradient_norm, whole.gradient_norm, 1e-5 * whole.gradient_norm) << parts;
    ASSERT_EQ(losses.parts.size(), whole.parts.size());
    for (size_t i = 0; i < whole.parts.size(); ++i) {
      EXPECT_NEAR(losses.parts[i].second, whole.parts[i].second, 1e-5) << parts;
    }
    // without a memory of earlier updates the first moment is the gradient
    for (const auto& [name, blob] : state) {
      if (!name.starts_with("first_moment/")) continue;
      const std::vector<float> expected = FloatsOf(blob), got = FloatsOf(other.at(name));
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(got[i], expected[i], 1e-5 * whole.gradient_norm) << name << ", " << parts;
      }
    }
  }
}

// From what is no number nothing is learnt, and the samples are named.
TEST(Learner, SamplesThatGiveNoNumberAreNamed) {
  for (const int threads : {1, 2}) {
    const TrainerOptions trainer = SmallTrainer({{"threads", threads}});
    SmallLearner learner(SmallLayout(), SmallPolicy(), trainer),
        other(SmallLayout(), SmallPolicy(), trainer);
    for (SmallLearner* one : {&learner, &other}) (*one)->Update(SmallBatch(0, 6));
    const TensorMap before = learner->ExportState();
    Batch bad = SmallBatch(6, 6);
    bad[kStateColumn].numbers[4 * 5] = std::numeric_limits<float>::infinity();
    bad[kActionColumn].numbers[1 * 28] = std::nanf("");
    try {
      learner->Update(bad);
      FAIL() << "no error";
    } catch (const NotFinite& fault) {
      EXPECT_THAT(fault.samples(), testing::ElementsAre(1, 4));
      EXPECT_THAT(fault.what(), HasSubstr("loss nan"));
    }
    EXPECT_EQ(learner->ExportState(), before);
    // a loss that is a number may have a gradient that is none
    Batch large = SmallBatch(6, 6);
    for (size_t i = 0; i < 28; ++i) large[kActionColumn].numbers[2 * 28 + i] = 1e19f;
    try {
      learner->Update(large);
      FAIL() << "no error";
    } catch (const NotFinite& fault) {
      EXPECT_THAT(fault.samples(), testing::ElementsAre(2));
    }
    for (SmallLearner* one : {&learner, &other}) (*one)->Update(SmallBatch(12, 6));
    EXPECT_EQ(learner->ExportState(), other->ExportState());
  }
}

TEST(Learner, WhatAPartThrowsIsThrownAndTheNextUpdateGoesOn) {
  for (const size_t bad : {0u, 7u}) {  // in the calling thread, in another one
    SmallLearner learner(SmallLayout(), SmallPolicy(), SmallTrainer({{"threads", 2}}));
    SmallLearner other(SmallLayout(), SmallPolicy(), SmallTrainer({{"threads", 1}}));
    Batch batch = SmallBatch(0, 8);
    batch[kInstructionColumn].tokens[bad * 5] = kSmallVocabulary;
    try {
      learner->Update(batch);
      FAIL() << "sample " << bad;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("token 9"));
    }
    EXPECT_EQ(learner->updates(), 0);
    learner->Update(SmallBatch(0, 8));
    other->Update(SmallBatch(0, 8));
    EXPECT_EQ(learner->ExportState(), other->ExportState());
  }
}

TEST(Learner, UsesNoMoreReplicasThanParts) {
  SmallLearner learner(SmallLayout(), SmallPolicy(),
                       SmallTrainer({{"threads", 16}, {"microbatches", 2}}));
  EXPECT_EQ(learner->Describe()["threads"], 2);
}

// The loss of the averaged weights with draws that do not change: a curve of it can be compared.
TEST(Learner, HeldOutLossLearnsNothing) {
  const Json trainer{{"threads", 2}, {"ema", 0.9}, {"learning_rate", 0.02}};
  SmallLearner learner(SmallLayout(), SmallPolicy(), SmallTrainer(trainer));
  for (uint64_t i = 0; i < 6; ++i) learner->Update(SmallBatch(8 * i, 8));
  const TensorMap before = learner->ExportState();
  const double loss = learner->HeldOutLoss(SmallBatch(100, 9));
  EXPECT_EQ(learner->ExportState(), before);
  EXPECT_EQ(learner->HeldOutLoss(SmallBatch(100, 9)), loss);
  EXPECT_EQ(learner->TakeLosses().updates, 6);

  // an update after it is the same as without it
  SmallLearner other(SmallLayout(), SmallPolicy(),
                     SmallTrainer({{"threads", 1}, {"ema", 0.9}, {"learning_rate", 0.02}}));
  for (uint64_t i = 0; i < 7; ++i) other->Update(SmallBatch(8 * i, 8));
  learner->Update(SmallBatch(48, 8));
  EXPECT_EQ(learner->ExportState(), other->ExportState());
  EXPECT_NE(learner->HeldOutLoss(SmallBatch(100, 9)), loss);

  // of the weights that act, with the draws of update 0
  SmallLearner acting(SmallLayout(), SmallPolicy(), SmallTrainer());
  acting->SetWeights(learner->ExportPolicy());
  EXPECT_NEAR(acting->Differentiate(SmallBatch(100, 9)).loss,
              learner->HeldOutLoss(SmallBatch(100, 9)), 1e-6);
}

TEST(Worker, DoesOnePieceAfterAnother) {
  Worker worker;
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    worker.Start([&] { ++done; });
    worker.Wait();
    EXPECT_EQ(done, i + 1);
  }
  worker.Start([] { ThrowFailed("no more"); });
  EXPECT_THROW(worker.Wait(), Error);
  worker.Start([&] { ++done; });
  worker.Wait();
  worker.Wait();  // nothing to wait for
  EXPECT_EQ(done, 101);
}

}  // namespace
}  // namespace understudy
