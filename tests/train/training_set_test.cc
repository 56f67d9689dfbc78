#include "train/samples/training_set.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/train/training_fixture.h"

namespace understudy {
namespace {

Pose Lifted(const Pose& X) {
  return Pose(X.rotation(), X.translation() + Eigen::Vector3d(0, 0, 0.07));
}

// Behind the end of an episode a chunk repeats its last target, and the mask leaves that out.
TEST(TrainingSet, ChunksRepeatTheLastTarget) {
  const std::shared_ptr<TrainingSet> set = ScriptedSet({1});
  TrainingEpisode episode = set->episodes[0];
  const size_t last = episode.length - 1;
  // unlike all others
  episode.targets[last].X_WE_cmd = Lifted(episode.targets[last].X_WE_cmd);
  const auto size = static_cast<size_t>(set->embodiment.action_size());
  std::vector<float> actions_TA(4 * size), last_A(size), earlier_A(size);
  std::vector<uint8_t> mask_T(4);
  set->Chunk(episode, last - 1, ChunkOffsets(4), actions_TA.data(), mask_T.data());
  set->embodiment.EncodeAction(&episode.X_WE[last - 1], &episode.targets[last], last_A.data());
  set->embodiment.EncodeAction(&episode.X_WE[last - 1], &episode.targets[last - 1],
                               earlier_A.data());
  const auto action = [&](size_t k) {
    const auto first = actions_TA.begin() + static_cast<std::ptrdiff_t>(k * size);
    return std::vector<float>(first, first + static_cast<std::ptrdiff_t>(size));
  };
  EXPECT_EQ(action(0), earlier_A);
  for (size_t k = 1; k < 4; ++k) EXPECT_EQ(action(k), last_A) << k;
  EXPECT_EQ(mask_T, (std::vector<uint8_t>{1, 1, 0, 0}));
}

// Labels are the action that was meant or the one that was executed, with its noise.
TEST(TrainingSet, TheActionLabelChoosesTheTarget) {
  const TaskSpec task = FakeTask();
  Episode episode = ScriptedStack(*MakeFakeSimulator(task), task, "D0", RngKey{.seed = 3});
  for (Step& step : episode.steps) {
    step.action_clean = step.action;
    step.action_clean.arms[0].X_WE_cmd = Lifted(step.action.arms[0].X_WE_cmd);
  }
  for (const ActionLabel label : {ActionLabel::kClean, ActionLabel::kExecuted}) {
    const std::shared_ptr<TrainingSet> set = ScriptedSet({1});
    set->episodes.clear();
    AddEpisode(*set, episode, 0, 0, label);
    const Step& step = episode.steps[5];
    const Action& wanted = label == ActionLabel::kClean ? step.action_clean : step.action;
    EXPECT_TRUE(set->episodes[0].targets[5].X_WE_cmd == wanted.arms[0].X_WE_cmd);
  }
}

}  // namespace
}  // namespace understudy
