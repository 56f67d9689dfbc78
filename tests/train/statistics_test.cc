#include "train/samples/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/train/training_fixture.h"

namespace understudy {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const NormalizerRules kStateRules{NormalizerMode::kMinMax, 1e-3};
const NormalizerRules kActionRules{NormalizerMode::kMeanStd, 5e-3};

const NumberReport& FindReport(const std::vector<NumberReport>& numbers, const std::string& column,
                               const std::string& name) {
  const auto found = std::ranges::find_if(
      numbers, [&](const auto& n) { return n.column == column && n.name == name; });
  Require(found != numbers.end(), column + " " + name);
  return *found;
}

TEST(EmbodimentNames, SayWhatEachNumberIs) {
  const auto set = ScriptedSet({1});
  const Embodiment& e = set->embodiment;
  EXPECT_EQ(e.StateNames().size(), static_cast<size_t>(e.state_size()));
  EXPECT_EQ(e.ActionNames().size(), static_cast<size_t>(e.action_size()));
  EXPECT_EQ(e.StateNames()[2], e.arms[0] + "_z");
  EXPECT_EQ(e.ActionNames()[6], e.arms[0] + "_gripper");

  Embodiment columns;
  columns.action_meaning = kStoredColumns;
  columns.state_columns = {{"observation.state", 2, {"shoulder", "elbow"}}, {"force", 2, {}}};
  columns.action_columns = {{"action", 1, {}}};
  EXPECT_THAT(columns.StateNames(), ElementsAre("shoulder", "elbow", "force_0", "force_1"));
  EXPECT_THAT(columns.ActionNames(), ElementsAre("action"));

  Embodiment joints;
  joints.action_meaning = kRelativeJoints;
  joints.arms = {"left", "right"};
  joints.joints = {"l1", "l2", "r1", "r2"};
  joints.gripper_joints = 1;
  EXPECT_THAT(joints.StateNames(),
              ElementsAre("l1", "l2", "left_finger1", "r1", "r2", "right_finger1"));
  EXPECT_THAT(joints.ActionNames(),
              ElementsAre("l1", "l2", "left_gripper", "r1", "r2", "right_gripper"));
}

// One action at 50 m among thousands of millimetres: it would set the scale of all of them.
TEST(ReportNumbers, AnOutlierIsNamedWithItsPlace) {
  const auto set = ScriptedSet({3});
  const std::string arm = set->embodiment.arms[0];
  EXPECT_THAT(Warnings(ReportNumbers(*set, kStateRules, kActionRules)),
              Not(Contains(HasSubstr("far"))));

  TrainingEpisode& episode = set->episodes[1];
  ArmAction& target = episode.targets[17];
  target.X_WE_cmd = Pose(target.X_WE_cmd.rotation(), Eigen::Vector3d(50, 0, 0));
  const std::vector<NumberReport> numbers = ReportNumbers(*set, kStateRules, kActionRules);
  const NumberReport& x = FindReport(numbers, kActionColumn, arm + "_x");
  EXPECT_EQ(x.outliers, 1);
  EXPECT_NEAR(x.worst, 50, 1);
  EXPECT_EQ(x.worst_place, episode.name + ", row 17, of set0");
  EXPECT_THAT(Warnings(numbers),
              Contains(testing::AllOf(HasSubstr("action " + arm + "_x: 1 value lies far outside"),
                                      HasSubstr("row 17, of set0"),
                                      HasSubstr("--action-normalizer quantile"))));
  // quantiles are not moved by it, deviations are
  const Normalizer quantile = ActionStatistics(*set, 1, {NormalizerMode::kQuantile, 5e-3});
  EXPECT_LT(quantile.Range(0), 0.5);
  EXPECT_GT(ActionStatistics(*set, 1, kActionRules).Range(0), 1);
}

TEST(ReportNumbers, ConstantFlooredAndStillNumbersAreNamed) {
  const auto set = ScriptedSet({2});
  Embodiment& e = set->embodiment;
  e.action_meaning = kStoredColumns;
  e.state_columns = {{"s", 4, {"constant", "tiny", "still", "moves"}}};
  e.action_columns = {{"a", 1, {"a"}}};
  for (TrainingEpisode& episode : set->episodes) {
    episode.state_TS.clear();
    episode.actions_TA.assign(episode.length, 0);
    for (size_t t = 0; t < episode.length; ++t) {
      const float f = static_cast<float>(t % 7);
      episode.state_TS.insert(
          episode.state_TS.end(),
          {3, 1e-5f * f, t < 1 && &episode == &set->episodes[0] ? 0.0f : 1.0f, f});
      episode.actions_TA[t] = f;
    }
  }
  EXPECT_THAT(Warnings(ReportNumbers(*set, kStateRules, kActionRules)),
              ElementsAre("state: constant: constant in all rows",
                          "state: tiny: vary less than the floor, which scales them instead",
                          "state still: 1 in 98 % of the rows, and 0 to 1 at most"));
}

TEST(Normalizer, GroupsByNameHaveTheirOwnModes) {
  const auto set = ScriptedSet({2});
  const std::string arm = set->embodiment.arms[0];
  NormalizerRules rules = kActionRules;
  const Normalizer plain = ActionStatistics(*set, 3, rules);
  // of those that match, the longest counts, wherever it stands
  rules.by_name = {{"*", NormalizerMode::kMeanStd},
                   {"*_gripper", NormalizerMode::kMinMax},
                   {arm.substr(0, 1) + "*", NormalizerMode::kMeanStd}};
  const Normalizer grouped = ActionStatistics(*set, 3, rules);
  ASSERT_EQ(grouped.modes.size(), 3u * 7);
  std::vector<float> a(21, 0.7f), b(21, 0.7f);
  plain.Encode(a);
  grouped.Encode(b);
  for (size_t i = 0; i < 21; ++i) {
    if (i % 7 != 6) {
      EXPECT_EQ(a[i], b[i]) << i;
    } else {
      EXPECT_EQ(b[i], 0.7f) << "the gripper's range is -1 to 1";
    }
  }
  grouped.Decode(b);
  for (const float value : b) EXPECT_NEAR(value, 0.7f, 1e-5);
  // what a file does not need is not in it
  EXPECT_FALSE(ToJson(plain).contains("modes"));
  const Normalizer read = FromJson<Normalizer>(ToJson(grouped), "normalizer");
  EXPECT_EQ(read.modes, grouped.modes);
  EXPECT_THAT(read.Problems(20), Contains(HasSubstr("modes = 21 entries: must be 20")));
}

TEST(Normalizer, ClipsBothWays) {
  Normalizer n;
  n.mode = NormalizerMode::kQuantile;
  n.clip = 1.5;
  for (auto column : {&Normalizer::min, &Normalizer::q01}) n.*column = {-2};
  for (auto column : {&Normalizer::max, &Normalizer::q99}) n.*column = {2};
  n.mean = {0};
  n.std = {1};
  std::vector<float> values{1, 2.5f, 50, -50};
  n.Encode(values);
  EXPECT_THAT(values, ElementsAre(0.5f, 1.25f, 1.5f, -1.5f));
  std::vector<float> answer{7, -7, 0.25f};
  n.Clamp(answer);
  EXPECT_THAT(answer, ElementsAre(1.5f, -1.5f, 0.25f));
  n.clip = 0;
  answer = {7};
  n.Clamp(answer);
  EXPECT_EQ(answer[0], 7) << "nothing was promised";
}

}  // namespace
}  // namespace understudy
