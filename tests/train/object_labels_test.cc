#include "train/samples/object_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/train/training_fixture.h"
#include "train/run/train_loop.h"
#include "train/samples/batch_source.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

std::vector<float> LabelOf(const Pose& X_BO, int symmetry) {
  std::vector<float> label(kObjectLabel);
  EncodeObject(X_BO, symmetry, label.data());
  return label;
}

Pose AnyPose(Rng& rng) {
  const Eigen::Vector3d turn(rng.Uniform(-1, 1), rng.Uniform(-1, 1), rng.Uniform(-3, 3));
  return Pose(RotationExp(turn), {rng.Uniform(-1, 1), rng.Uniform(-1, 1), rng.Uniform(0, 1)});
}

// Turns that no picture shows change no label, half of such a turn does.
TEST(EncodeObject, LooksAlikeMeansOneLabel) {
  Rng rng(RngKey{3});
  for (const int symmetry : {1, 2, 4, 6}) {
    for (int i = 0; i < 50; ++i) {
      const Pose X_BO = AnyPose(rng);
      const std::vector<float> label = LabelOf(X_BO, symmetry);
      EXPECT_THAT(LabelOf(X_BO * PoseFromYaw(2 * M_PI / symmetry, {0, 0, 0}), symmetry),
                  testing::Pointwise(testing::FloatNear(1e-5f), label));
      EXPECT_NEAR(std::hypot(label[3], label[4]), 1, 1e-6);
      const std::vector<float> other =
          LabelOf(X_BO * PoseFromYaw(M_PI / symmetry, {0, 0, 0}), symmetry);
      EXPECT_NEAR(other[3], -label[3], 1e-5);
      EXPECT_NEAR(other[4], -label[4], 1e-5);
    }
  }
}

TEST(EncodeObject, SaysPlaceAndTurn) {
  const Pose X_BO = PoseFromYaw(0.3, {0.5, -0.1, 0.02});
  EXPECT_THAT(LabelOf(X_BO, 1),
              testing::Pointwise(testing::FloatNear(1e-6f),
                                 {0.5, -0.1, 0.02, std::cos(0.3), std::sin(0.3)}));
  EXPECT_THAT(LabelOf(X_BO, 4),
              testing::Pointwise(testing::FloatNear(1e-6f),
                                 {0.5, -0.1, 0.02, std::cos(1.2), std::sin(1.2)}));
  // a round thing has no turn; upside down there is none to prefer
  EXPECT_THAT(LabelOf(X_BO, 0),
              testing::Pointwise(testing::FloatNear(1e-6f), {0.5, -0.1, 0.02, 0.0, 0.0}));
  const Pose X_BO_upside(Eigen::Quaterniond(0, 1, 0, 0), {0, 0, 0});
  EXPECT_THAT(LabelOf(X_BO_upside, 4), testing::ElementsAre(0, 0, 0, 1, 0));
}

// Two scripted episodes, the second of which tells no poses; a third with an object of its own.
std::shared_ptr<TrainingSet> MixedSet(std::vector<Episode>& episodes) {
  const auto set = ScriptedSet({1});
  const TaskSpec task = FakeTask();
  const auto simulator = MakeFakeSimulator(task);
  for (uint64_t i = 0; i < 3; ++i) {
    episodes.push_back(ScriptedStack(*simulator, task, "D0", RngKey{.seed = 5, .parent = i}));
  }
  episodes[1].meta.objects.clear();
  for (Step& step : episodes[1].steps) step.observation.X_WO.clear();
  episodes[2].meta.objects = {"cubeB", "ball"};
  set->datasets[0].symmetry["ball"] = 0;
  AddEpisode(*set, episodes[1], 0, 1, ActionLabel::kClean);
  AddEpisode(*set, episodes[2], 0, 2, ActionLabel::kClean);
  return set;
}

TEST(ObjectLabels, EveryRowSaysWhereItsObjectsAre) {
  std::vector<Episode> episodes;
  const auto set = MixedSet(episodes);
  EXPECT_THAT(set->objects,
              testing::ElementsAre(LabelledObject{"cubeA", 4}, LabelledObject{"cubeB", 4},
                                   LabelledObject{"ball", 0}));
  EXPECT_THAT(set->episodes[2].objects, testing::ElementsAre(1, 2));
  EXPECT_TRUE(set->episodes[1].objects.empty());
  const Pose X_BW = set->embodiment.X_WB.Inverse();
  for (const size_t e : {0, 2}) {
    const float* label = set->episodes[e].objects_TO.data();
    for (const Step& step : episodes[e].steps) {
      for (size_t o = 0; o < 2; ++o, label += kObjectLabel) {
        const int symmetry = e == 2 && o == 1 ? 0 : 4;
        EXPECT_EQ(std::vector<float>(label, label + kObjectLabel),
                  LabelOf(X_BW * step.observation.X_WO[o], symmetry));
      }
    }
  }
}

// Batches tell the same places, and no number where an episode does not know an object.
TEST(ObjectLabels, BatchesCarryThemAndLeaveOutWhatIsNotKnown) {
  std::vector<Episode> episodes;
  const auto set = MixedSet(episodes);
  const auto who = SampleRows(*set);
  const Normalizer objects = ObjectStatistics(*set);
  BatchSource source(set, FullLayout(*set, 8, 16),
                     {{kStateColumn, StateStatistics(*set, {NormalizerMode::kMinMax, 1e-3})},
                      {kActionColumn, ActionStatistics(*set, 8, {NormalizerMode::kMinMax, 1e-3})},
                      {kObjectsColumn, objects}},
                     MakeTokenizer(set->instructions), {}, {}, 7, 1);
  int seen[3] = {};
  for (int i = 0; i < 60; ++i) {
    Batch batch = source.Next();
    std::vector<float>& objects_BO = batch[kObjectsColumn].numbers;
    ASSERT_EQ(objects_BO.size(), 7u * 15);
    objects.Decode(objects_BO);
    for (size_t b = 0; b < 7; ++b) {
      const auto [e, row] = who.at(batch.sample_B[b]);
      const TrainingEpisode& episode = set->episodes[e];
      ++seen[e];
      for (size_t slot = 0; slot < 3; ++slot) {
        const auto at = std::find(episode.objects.begin(), episode.objects.end(), slot);
        for (size_t i = 0; i < kObjectLabel; ++i) {
          const float got = objects_BO[b * 15 + slot * kObjectLabel + i];
          if (at == episode.objects.end()) {
            ASSERT_TRUE(std::isnan(got));
          } else {
            const size_t own = static_cast<size_t>(at - episode.objects.begin());
            ASSERT_NEAR(got,
                        episode.objects_TO[(row * episode.objects.size() + own) * kObjectLabel + i],
                        1e-5);
          }
        }
      }
    }
  }
  for (const int count : seen) EXPECT_GT(count, 0);
}

// Over the rows that know an object its normalised labels have mean 0 and deviation 1.
TEST(ObjectLabels, AreNormalisedPerObject) {
  std::vector<Episode> episodes;
  const auto set = MixedSet(episodes);
  const Normalizer objects = ObjectStatistics(*set);
  ASSERT_EQ(objects.size(), 15);
  double sum = 0, squares = 0, count = 0;
  for (const size_t e : {0, 2}) {
    const TrainingEpisode& episode = set->episodes[e];
    for (size_t t = 0; t < episode.length; ++t) {
      // cube B is the second object of one and the first of the other; x is its first number
      const double x = episode.objects_TO[(t * 2 + (e == 0 ? 1 : 0)) * kObjectLabel];
      sum += x;
      squares += x * x;
      ++count;
    }
  }
  EXPECT_NEAR(objects.mean[5], sum / count, 1e-6);
  EXPECT_NEAR(objects.std[5], std::sqrt(squares / count - std::pow(sum / count, 2)), 1e-5);
}

}  // namespace
}  // namespace understudy
