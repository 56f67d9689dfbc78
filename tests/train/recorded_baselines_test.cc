#include "train/evaluate/recorded_baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/error.h"
#include "tests/train/training_fixture.h"

namespace understudy {
namespace {

using testing::HasSubstr;

// What a policy saw at a row of a demonstration.
PolicyInput SeenAt(const Episode& episode, const PolicyInfo& info, size_t row) {
  PolicyInput input;
  const Observation& now = episode.steps.at(row).observation;
  input.arms = now.arms;
  for (const std::string& object : info.objects) {
    const auto& names = episode.meta.objects;
    const auto place = std::find(names.begin(), names.end(), object) - names.begin();
    input.X_WO.push_back(now.X_WO.at(static_cast<size_t>(place)));
  }
  return input;
}

// The demonstrations of ScriptedSet({count}).
std::vector<Episode> Scripted(int count) {
  const TaskSpec task = FakeTask();
  const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task);
  std::vector<Episode> episodes;
  for (int i = 0; i < count; ++i) {
    episodes.push_back(ScriptedStack(*simulator, task, "D0",
                                     RngKey{.seed = 5, .parent = static_cast<uint64_t>(i)}));
  }
  return episodes;
}

TEST(ReplayPolicy, RepeatsADemonstrationFromEndToEnd) {
  const auto set = ScriptedSet({3});
  const std::vector<Episode> episodes = Scripted(3);
  const ReplayPolicy policy(*set);
  std::set<size_t> chosen;
  for (uint64_t key = 0; key < 20; ++key) {
    const ActionChunk chunk =
        policy.Act(SeenAt(episodes[0], policy.info(), 0), RngKey{1}.WithParent(key));
    size_t which = 0;
    const auto same = [&](const Episode& episode) {
      return chunk.size() == episode.length() &&
             std::equal(chunk.begin(), chunk.end(), episode.steps.begin(),
                        [](const Action& a, const Step& step) { return a == step.action_clean; });
    };
    while (which < 3 && !same(episodes[which])) ++which;
    ASSERT_LT(which, 3u) << "one of the demonstrations, exactly";
    chosen.insert(which);
    EXPECT_LE(chunk.size(), static_cast<size_t>(policy.info().horizon));
  }
  EXPECT_EQ(chosen.size(), 3u);
  EXPECT_EQ(policy.info().execute, policy.info().horizon);
}

// At a row of its own data it does what was done there, whichever demonstration it is of.
TEST(NearestPolicy, FindsTheRowThatItSees) {
  const auto set = ScriptedSet({3});
  const std::vector<Episode> episodes = Scripted(3);
  const NearestPolicy policy(*set);
  EXPECT_THAT(policy.info().objects, testing::Not(testing::IsEmpty()));
  for (size_t e = 0; e < episodes.size(); ++e) {
    for (const size_t row : {0ul, 5ul, 20ul}) {
      const ActionChunk chunk = policy.Act(SeenAt(episodes[e], policy.info(), row), {});
      ASSERT_EQ(chunk.size(), 16u);
      for (size_t k = 0; k < 8; ++k) {
        const ArmAction& wanted = episodes[e].steps[row + k].action_clean.arms[0];
        EXPECT_LT((chunk[k].arms[0].X_WE_cmd.translation() - wanted.X_WE_cmd.translation()).norm(),
                  1e-5)
            << e << ", row " << row << ", step " << k;
        EXPECT_EQ(chunk[k].arms[0].gripper, wanted.gripper);
      }
    }
  }
}

// Objects elsewhere are another row; without them nothing but the arm counts.
TEST(NearestPolicy, LooksAtTheObjectsWhereTheyAreKnown) {
  const std::vector<Episode> episodes = Scripted(3);
  const NearestPolicy seeing(*ScriptedSet({3}));
  PolicyInput input = SeenAt(episodes[0], seeing.info(), 20);
  const ActionChunk here = seeing.Act(input, {});
  input.X_WO = SeenAt(episodes[1], seeing.info(), 20).X_WO;
  EXPECT_NE(seeing.Act(input, {}), here);

  const auto set = ScriptedSet({3});
  for (TrainingEpisode& episode : set->episodes) {
    episode.objects.clear();
    episode.objects_TO.clear();
  }
  set->objects.clear();
  const NearestPolicy blind(*set);
  EXPECT_THAT(blind.info().objects, testing::IsEmpty());
  EXPECT_EQ(blind.Act(SeenAt(episodes[0], blind.info(), 20), {}), here)
      << "the arm's own row is the nearest either way";
}

TEST(RecordedBaselines, ColumnsAloneAreNoTargets) {
  const auto set = ScriptedSet({1});
  set->embodiment.action_meaning = kStoredColumns;
  try {
    const ReplayPolicy policy(*set);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("baseline 'replay' needs poses or joint targets"));
  }
}

}  // namespace
}  // namespace understudy
