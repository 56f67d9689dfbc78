// Rollouts in which somebody takes over: what is recorded, counted and learnt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "data/store/writer.h"
#include "tests/train/training_fixture.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/evaluate.h"
#include "train/samples/batch_source.h"
#include "train/samples/object_labels.h"
#include "train/samples/statistics.h"
#include "wandering_policy.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Acts from one step of each episode on, by a script, and hands back at another.
class Script final : public Takeover {
 public:
  int from = 20, until = 1 << 30, end_at = 1 << 30;
  TakeoverEnd end = TakeoverEnd::kNone;
  std::vector<std::pair<int, std::string>> told;  // by episode: steps that it was asked for, cause
  std::vector<Action> last;                       // of all steps

  void Begin(const Simulator& simulator, const RngKey& key) override {
    const TaskSpec task = FakeTask();
    const auto twin = MakeFakeSimulator(task);
    actions_.clear();
    for (const Step& step : ScriptedStack(*twin, task, "D0", key).steps) {
      actions_.push_back(step.action);
    }
    (void)simulator;
    at_ = 0;
  }
  const TakeoverStep& Next(const Simulator&, const Action& before) override {
    last.push_back(before);
    step_ = {};
    if (at_ == end_at) {
      step_.end = end;
      step_.cause = "the script ends";
      return step_;
    }
    step_.acts = at_ >= from && at_ < until;
    const size_t k = static_cast<size_t>(std::max(0, at_ - from));
    step_.action = actions_[std::min(k, actions_.size() - 1)];
    step_.teleop.arms.resize(1);
    step_.teleop.arms[0].X_WE_filtered.emplace();
    step_.teleop.sample_id = at_++;
    return step_;
  }
  TakeoverRecord End(bool success, const std::string& cause) override {
    told.emplace_back(at_, success ? "" : cause);
    TakeoverRecord record;
    record.takeovers = at_ > from;
    record.settings = {{"device", "script"}};
    record.raw.device = "script";
    return record;
  }

 private:
  std::vector<Action> actions_;
  TakeoverStep step_;
  int at_ = 0;
};

class TakeoverTest : public testing::Test {
 protected:
  EvalReport Run(int horizon = 400, int64_t episodes = 2) {
    EvalOptions options;
    options.episodes = episodes;
    options.horizon = horizon;
    saved_.clear();
    return Evaluate(
        HoldPolicy(InfoFor(simulators_()->info())), simulators_, {}, options, {}, {}, quiet_,
        [&](const Episode& episode) { saved_.push_back(episode); }, nullptr, &script_);
  }
  SimulatorFactory simulators_ = FakeSimulatorFactory(FakeTask());
  Script script_;
  Progress quiet_;
  std::vector<Episode> saved_;
};

// Every row says who acted. What a person brought to its end is a success of the episode and none
// of the policy.
TEST_F(TakeoverTest, RowsAreMarkedAndThePolicyIsNotPraised) {
  const EvalReport report = Run();
  EXPECT_EQ(report.successes, 0);
  EXPECT_EQ(report.causes.at("taken over: never reached 'grasp'"), 2);
  ASSERT_EQ(saved_.size(), 2u);
  int64_t corrected = 0;
  for (const Episode& episode : saved_) {
    EXPECT_TRUE(episode.meta.success) << episode.meta.cause;
    EXPECT_EQ(episode.meta.cause, "");
    ASSERT_GT(episode.length(), 40u);
    for (size_t k = 0; k < episode.length(); ++k) {
      EXPECT_EQ(episode.steps[k].label, k < 20 ? StepLabel::kPolicy : StepLabel::kDemonstration);
      EXPECT_EQ(episode.steps[k].teleop.sample_id, static_cast<int64_t>(k));
    }
    corrected += static_cast<int64_t>(episode.length()) - 20;
    EXPECT_EQ(episode.meta.quality["corrected_rows"], episode.length() - 20);
    EXPECT_EQ(episode.meta.quality["takeovers"], 1);
    EXPECT_EQ(episode.meta.settings["takeover"]["device"], "script");
    EXPECT_EQ(episode.raw.device, "script");
  }
  EXPECT_TRUE(report.episodes[0].signals.empty()) << "the policy reached none";
  const Json json = report.ToJson();
  EXPECT_EQ(json["takeover"], (Json{{"episodes", 2}, {"rows", corrected}, {"solved", 2}}));
  EXPECT_EQ(json["rows"][0]["solved"], true);
  EXPECT_EQ(json["rows"][0]["success"], false);
  // the command of a step is what the next one goes on from
  EXPECT_TRUE(script_.last[25] == saved_[0].steps[24].action);
}

// The horizon is the policy's time; the person's comes on top.
TEST_F(TakeoverTest, TheHorizonCountsThePolicysSteps) {
  script_.from = 10;
  script_.until = 40;
  const EvalReport report = Run(30, 1);
  EXPECT_EQ(report.episodes[0].steps, 60);
  EXPECT_EQ(report.episodes[0].corrected, 30);
  EXPECT_FALSE(report.episodes[0].solved);
  EXPECT_THAT(saved_[0].meta.cause, testing::Not(HasSubstr("taken over")));
  EXPECT_FALSE(saved_[0].meta.success);
  EXPECT_EQ(script_.told[0].second, saved_[0].meta.cause);
}

// Says in every action when it was asked.
class DatedPolicy : public Policy {
 public:
  explicit DatedPolicy(const SimulatorInfo& simulator) : info_(InfoFor(simulator)) {
    info_.horizon = info_.execute = 16;
  }

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey&) const override {
    ActionChunk chunk;
    for (int k = 0; k < 16; ++k) chunk.push_back({{ArmAction{input.arms[0].X_WE, k / 100.0, {}}}});
    return chunk;
  }
  PolicyInfo info_;
};

// A policy that is handed the arms looks first: nothing is left of the chunk before, and its first
// command is near where the person brought the arm. With a delay the arm holds the person's last.
TEST_F(TakeoverTest, AHandBackBeginsWithAFreshLook) {
  script_.from = 5;
  script_.until = 30;
  for (const double delay : {0.0, 0.1}) {
    EvalOptions options;
    options.episodes = 1;
    options.horizon = 12;
    options.delay = delay;
    DatedPolicy policy(simulators_()->info());
    if (delay > 0) options.execute = 8;
    Episode episode;
    Evaluate(
        policy, simulators_, {}, options, {}, {}, quiet_,
        [&](const Episode& saved) { episode = saved; }, nullptr, &script_);
    ASSERT_EQ(episode.length(), 37u);
    const size_t late = delay > 0 ? 2 : 0;
    for (size_t k = 30; k < 30 + late; ++k) {
      EXPECT_TRUE(episode.steps[k].action == episode.steps[29].action);
    }
    const Step& first = episode.steps[30 + late];
    EXPECT_EQ(first.label, StepLabel::kPolicy);
    EXPECT_EQ(first.action.arms[0].gripper, static_cast<double>(late) / 100) << "a new chunk";
    const Pose& X_WE = episode.steps[30].observation.arms[0].X_WE;
    EXPECT_EQ(first.action.arms[0].X_WE_cmd, X_WE) << "from where the arm is";
  }
}

TEST_F(TakeoverTest, DiscardedEpisodesAreNotSavedAndAStopEndsAll) {
  script_.end_at = 30;
  script_.end = TakeoverEnd::kDiscarded;
  EvalReport report = Run();
  EXPECT_EQ(report.episodes.size(), 2u);
  EXPECT_FALSE(report.interrupted);
  EXPECT_TRUE(saved_.empty());
  script_.end = TakeoverEnd::kGivenUp;
  report = Run();
  ASSERT_EQ(saved_.size(), 2u);
  EXPECT_EQ(saved_[0].meta.cause, "the script ends");
  EXPECT_EQ(report.episodes[0].cause, "taken over: never reached 'grasp'");
  script_.end = TakeoverEnd::kStopped;
  report = Run();
  EXPECT_TRUE(report.interrupted);
  EXPECT_TRUE(report.episodes.empty());
  EXPECT_TRUE(saved_.empty());
}

// A policy that is never taken over from does what it does alone; its rows say that it acted.
TEST_F(TakeoverTest, ThePolicyAloneDoesTheSame) {
  script_.from = 1 << 30;
  const EvalReport beside = Run(40, 1);
  EvalOptions options;
  options.episodes = 1;
  options.horizon = 40;
  Episode alone;
  const EvalReport report =
      Evaluate(HoldPolicy(InfoFor(simulators_()->info())), simulators_, {}, options, {}, {}, quiet_,
               [&](const Episode& episode) { alone = episode; });
  ASSERT_EQ(alone.length(), saved_[0].length());
  for (size_t k = 0; k < alone.length(); ++k) {
    EXPECT_TRUE(alone.steps[k].action == saved_[0].steps[k].action);
    EXPECT_EQ(alone.steps[k].label, StepLabel::kDemonstration);
  }
  EXPECT_EQ(beside.episodes[0].cause, report.episodes[0].cause);
  EXPECT_FALSE(report.ToJson().contains("takeover"));
  EXPECT_FALSE(alone.meta.settings.contains("takeover"));
}

// Two stacking episodes, in the first of which rows 10 to 19 and 40 on are a person's.
std::shared_ptr<TrainingSet> CorrectedSet() {
  const auto set = ScriptedSet({2});
  std::vector<uint8_t>& learnt = set->episodes[0].learnt;
  learnt.resize(set->episodes[0].length);
  for (size_t k = 0; k < learnt.size(); ++k) learnt[k] = (k >= 10 && k < 20) || k >= 40;
  return set;
}

// Windows begin where a person acted, and no number of the policy's actions is learnt.
TEST(CorrectedWindows, BeginAndEndWithThePerson) {
  const auto set = CorrectedSet();
  const size_t first = set->episodes[0].length, second = set->episodes[1].length;
  EXPECT_EQ(set->windows(), 10 + first - 40 + second);
  EXPECT_EQ(set->rows(), first + second);
  EXPECT_EQ(set->episodes[0].RowOf(0), 10u);
  EXPECT_EQ(set->episodes[0].RowOf(9), 19u);
  EXPECT_EQ(set->episodes[0].RowOf(10), 40u);
  const SampleLayout layout = FullLayout(*set, 8, 12);
  const std::map<std::string, Normalizer> normalizers{
      {kStateColumn, StateStatistics(*set, {})},
      {kActionColumn, ActionStatistics(*set, 8, {})},
      {kObjectsColumn, ObjectStatistics(*set)}};
  const auto rows_of = [&](EndPadding padding, std::map<size_t, std::vector<uint8_t>>* masks) {
    LoaderOptions options;
    options.threads = 0;
    options.end_padding = padding;
    const size_t count =
        padding == EndPadding::kLeaveOut ? 3 + first - 40 - 7 + second - 7 : set->windows();
    BatchSource source(set, layout, normalizers, MakeTokenizer(set->instructions), options, {}, 1,
                       1);
    std::vector<size_t> rows;
    for (size_t i = 0; i < count; ++i) {
      const Batch batch = source.Next();
      if (batch.row_B[0].episode != 0) continue;
      rows.push_back(batch.row_B[0].row);
      (*masks)[rows.back()] = batch[kActionColumn].real_BT;
    }
    std::ranges::sort(rows);
    return rows;
  };
  std::map<size_t, std::vector<uint8_t>> masks;
  const std::vector<size_t> rows = rows_of(EndPadding::kMask, &masks);
  ASSERT_EQ(rows.size(), 10 + first - 40);
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], i < 10 ? i + 10 : i + 30);
  EXPECT_EQ(masks[12], (std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(masks[17], (std::vector<uint8_t>{1, 1, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(masks[first - 1], (std::vector<uint8_t>{1, 0, 0, 0, 0, 0, 0, 0}));
  // the end of an episode may be repeated, that of a correction not
  rows_of(EndPadding::kRepeat, &masks);
  EXPECT_EQ(masks[17], (std::vector<uint8_t>{1, 1, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(masks[first - 1], (std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 1}));
  const std::vector<size_t> whole = rows_of(EndPadding::kLeaveOut, &masks);
  EXPECT_EQ(whole.front(), 10u);
  EXPECT_EQ(whole[2], 12u);
  EXPECT_EQ(whole[3], 40u);
  EXPECT_EQ(whole.back(), first - 8);
}

// Statistics are those of what is learnt.
TEST(CorrectedWindows, StatisticsLeaveThePolicyOut) {
  const auto set = CorrectedSet();
  TrainingEpisode& episode = set->episodes[0];
  const Normalizer before = ActionStatistics(*set, 4, {}), states = StateStatistics(*set, {});
  const std::vector<float> mean = MeanChunk(*set, 4);
  episode.targets[25].X_WE_cmd =
      Pose(episode.targets[25].X_WE_cmd.rotation(), Eigen::Vector3d(9, 9, 9));
  episode.state_TS[30 * static_cast<size_t>(set->embodiment.state_size())] = 99;
  EXPECT_EQ(ActionStatistics(*set, 4, {}).max, before.max);
  EXPECT_EQ(StateStatistics(*set, {}).max, states.max);
  EXPECT_EQ(MeanChunk(*set, 4), mean);
}

// A dataset of rollouts says itself what is learnt of it.
TEST_F(TakeoverTest, DatasetsAreLearntWhereAPersonActed) {
  Run(400, 3);
  for (Step& step : saved_[1].steps) step.label = StepLabel::kPolicy;  // never taken over from
  const std::filesystem::path folder = FreshFolder("takeover"), file = folder / "c.h5";
  const auto write = [&](const std::filesystem::path& to, const std::vector<Episode>& episodes) {
    DatasetHeader header;
    header.simulator = simulators_()->info();
    header.stage = "evaluate";
    header.task = ToJson(FakeTask());
    header.model_text = "<mujoco/>";
    DatasetWriter writer(to, header);
    for (const Episode& episode : episodes) writer.Append(episode);
    writer.Finish();
  };
  write(file, saved_);
  InputOptions inputs;
  inputs.pictures = false;
  const TrainingSet set = LoadTrainingSet({file}, inputs, {}, quiet_);
  ASSERT_EQ(set.episodes.size(), 2u);
  EXPECT_EQ(set.windows(), saved_[0].length() + saved_[2].length() - 40);
  EXPECT_FALSE(set.episodes[0].Learns(19));
  EXPECT_TRUE(set.episodes[0].Learns(20));
  const TrainingSet all = LoadTrainingSet({file}, inputs, {.policy_rows = true}, quiet_);
  EXPECT_EQ(all.windows(), all.rows());
  EXPECT_EQ(all.episodes.size(), 3u);
  // columns as they are stored know it, too
  InputOptions columns = inputs;
  columns.state_columns = {"obs/robot0_eef_pos"};
  columns.action_columns = {"actions"};
  EXPECT_EQ(LoadTrainingSet({file}, columns, {}, quiet_).windows(), set.windows());
  const std::filesystem::path alone = folder / "alone.h5";
  write(alone, {saved_[1]});
  EXPECT_THAT([&] { LoadTrainingSet({alone}, inputs, {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("a person acts in none of its 1 selected episodes: "
                                             "--selection.policy-rows")));
}

}  // namespace
}  // namespace understudy
