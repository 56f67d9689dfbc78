// What a policy sees of the past: sequences in training, earlier observations where it acts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "core/base/error.h"
#include "tests/support/fake_renderer.h"
#include "tests/train/training_fixture.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/evaluate/evaluate.h"
#include "train/run/train_loop.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(History, IsWhatTheLayoutAsksFor) {
  const std::vector<ColumnInfo> offered{{kStateColumn, {5}},
                                        {kInstructionColumn, {4}},
                                        {kActionColumn, {7}},
                                        {kObjectsColumn, {5}, true}};
  using Requests = std::vector<ColumnRequest>;
  EXPECT_EQ(LayoutOf(Requests{{kStateColumn}, {kActionColumn, {0, 1}}}, offered).history(), 1);
  // what is offered in training only, or answered, is no history
  EXPECT_EQ(LayoutOf(Requests{{kObjectsColumn, {-3}}, {kActionColumn, {0, 1}}}, offered).history(),
            1);
  EXPECT_EQ(LayoutOf(Requests{{kStateColumn, {-2, 0}}}, offered).history(), 3);
  const Requests sequence{{kStateColumn, {0, 1, 2}}, {kInstructionColumn}};
  EXPECT_EQ(LayoutOf(sequence, offered, 3).history(), 3);
  EXPECT_EQ(LayoutOf(sequence, offered, 3).memory, 3);

  EXPECT_THAT([&] { LayoutOf(sequence, offered, 4); },
              ThrowsMessage<Error>(HasSubstr("column 'state': is asked for at steps 0, 1, 2: a "
                                             "policy that acts gets it at steps 0 to 3, its "
                                             "memory")));
  EXPECT_THAT(
      [&] {
        LayoutOf(Requests{{kInstructionColumn, {-1, 0}}}, offered);
      },
      ThrowsMessage<Error>(HasSubstr("gets it at step 0 only")));

  PolicyInfo info;
  EXPECT_EQ(info.EarlierAt(7), 0);
  info.history = 3;
  const auto earlier = [&] {
    std::vector<int64_t> counts;
    for (int64_t step = 0; step < 7; ++step) counts.push_back(info.EarlierAt(step));
    return counts;
  };
  EXPECT_THAT(earlier(), ElementsAre(0, 1, 2, 2, 2, 2, 2));
  info.restart = 3;
  EXPECT_THAT(earlier(), ElementsAre(0, 1, 2, 0, 1, 2, 0));
}

// A sequence of rows: each action is seen from its own row, all numbers are normalised by one
// row's.
TEST(History, SequencesOfTraining) {
  const auto set = ScriptedSet({2});
  constexpr int kSteps = 5;
  SampleLayout layout;
  layout.memory = kSteps;
  for (const ColumnInfo& info : ColumnsOf(*set, 4)) {
    if (info.name == kObjectsColumn || info.name == kInstructionColumn) continue;
    layout.columns.push_back({info, ChunkOffsets(kSteps)});
  }
  const Normalizer state = StateStatistics(*set, {NormalizerMode::kMinMax, 1e-3}),
                   action = ActionStatistics(*set, 1, {NormalizerMode::kMinMax, 1e-3}),
                   objects = ObjectStatistics(*set);
  BatchSource source(
      set, layout, {{kStateColumn, state}, {kActionColumn, action}, {kSeenObjectsColumn, objects}},
      MakeTokenizer(set->instructions), {}, {}, 8, 3);
  const auto rows = SampleRows(*set);
  int padded = 0;
  for (int n = 0; n < 20; ++n) {
    const Batch batch = source.Next();
    for (size_t b = 0; b < 8; ++b) {
      const auto [e, row] = rows.at(batch.sample_B[b]);
      const TrainingEpisode& episode = set->episodes[e];
      for (size_t t = 0; t < kSteps; ++t) {
        const size_t at = std::min(row + t, episode.length - 1);
        const bool real = row + t < episode.length;
        padded += !real;
        EXPECT_EQ(batch[kActionColumn].real_BT[b * kSteps + t], real);
        std::vector<float> expected(7);
        set->embodiment.EncodeAction(&episode.X_WE[at], &episode.targets[at], expected.data());
        action.Encode(expected);
        const float* got = &batch[kActionColumn].numbers[(b * kSteps + t) * 7];
        for (size_t a = 0; a < 7; ++a) EXPECT_EQ(got[a], expected[a]);

        const auto size = static_cast<size_t>(state.size());
        expected.assign(&episode.state_TS[at * size], &episode.state_TS[at * size] + size);
        state.Encode(expected);
        EXPECT_EQ(batch[kStateColumn].numbers[(b * kSteps + t) * size], expected[0]);

        const auto labels = static_cast<size_t>(objects.size());
        expected.assign(&episode.objects_TO[at * labels],
                        &episode.objects_TO[at * labels] + labels);
        objects.Encode(expected);
        EXPECT_EQ(batch[kSeenObjectsColumn].numbers[(b * kSteps + t) * labels + 1], expected[1]);
        EXPECT_EQ(batch[ImageColumn("wrist")].pixels[(b * kSteps + t) * kImage * kImage * 3],
                  Pixel(episode.index, 1, at, 0));
      }
    }
  }
  EXPECT_GT(padded, 0);
}

// Where one episode does not know an object, none is seen.
TEST(History, ObjectsAreSeenWhereEveryEpisodeKnowsThem) {
  const auto set = ScriptedSet({2});
  const auto offers = [&] {
    return std::ranges::any_of(ColumnsOf(*set, 4), [](const ColumnInfo& column) {
      return column.name == kSeenObjectsColumn;
    });
  };
  EXPECT_TRUE(offers());
  set->episodes[1].objects.pop_back();
  EXPECT_FALSE(offers());
}

// Notes down what it is handed, by episode (RngKey::parent).
class NotingPolicy : public Policy {
 public:
  explicit NotingPolicy(PolicyInfo info) : info_(std::move(info)) {}
  mutable std::map<uint64_t, std::vector<PolicyInput>> inputs;

 private:
  const PolicyInfo& DoInfo() const override { return info_; }
  ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const override {
    const std::lock_guard lock(mutex_);
    inputs[key.parent].push_back(input);
    Rng rng(key);
    Action action;
    for (const ArmObservation& arm : input.arms) {
      const Eigen::Vector3d step(rng.Normal(), rng.Normal(), rng.Normal());
      action.arms.push_back({Pose(arm.X_WE.rotation(), arm.X_WE.translation() + 0.02 * step), -1});
    }
    return ActionChunk(static_cast<size_t>(info_.horizon), action);
  }
  PolicyInfo info_;
  mutable std::mutex mutex_;
};

class HistoryTest : public testing::Test {
 protected:
  // A rollout of `steps` steps as the policy saw it.
  std::vector<PolicyInput> RollOut(const PolicyInfo& info, int steps) {
    const NotingPolicy policy(info);
    EvalOptions options;
    options.episodes = 1;
    options.workers = 1;
    options.horizon = steps;
    Evaluate(
        policy, simulators_, [] { return std::make_unique<FakeRenderer>(); }, options, {}, {},
        quiet_);
    return policy.inputs.at(0);
  }
  PolicyInfo Info(int history, int restart, int execute) {
    PolicyInfo info = InfoFor(simulators_()->info());
    info.cameras = {"agentview"};
    info.image_width = info.image_height = 8;
    info.objects = {"cubeB", "cubeA"};
    info.horizon = info.execute = execute;
    info.history = history;
    info.restart = restart;
    return info;
  }
  static void ExpectSame(const PolicyObservation& a, const PolicyObservation& b) {
    EXPECT_EQ(a.images.at(0).rgb, b.images.at(0).rgb);
    EXPECT_EQ(a.arms.at(0).X_WE, b.arms.at(0).X_WE);
    EXPECT_EQ(a.X_WO, b.X_WO);
  }

  SimulatorFactory simulators_ = FakeSimulatorFactory(FakeTask());
  Progress quiet_;
};

TEST_F(HistoryTest, TheEvaluatorHandsOverWhatWasSeenSinceTheRestart) {
  const std::vector<PolicyInput> seen = RollOut(Info(4, 4, 1), 11);
  ASSERT_EQ(seen.size(), 11u);
  for (size_t step = 0; step < seen.size(); ++step) {
    const std::vector<PolicyObservation>& earlier = seen[step].earlier;
    ASSERT_EQ(earlier.size(), step % 4);
    for (size_t i = 0; i < earlier.size(); ++i) {
      ExpectSame(earlier[i], seen[step - earlier.size() + i]);
    }
  }
  // the objects in the policy's order
  const auto simulator = simulators_();
  simulator->Reset("D0", RngKey{EvalOptions().seed}.WithStage("evaluate").WithParent(0));
  const std::vector<Pose>& X_WO = simulator->Observe().X_WO;
  EXPECT_THAT(simulator->info().objects, ElementsAre("cubeA", "cubeB"));
  EXPECT_THAT(seen[0].X_WO, ElementsAre(X_WO[1], X_WO[0]));
}

// Every step of control counts, also those within a chunk; a policy without history sees the same.
TEST_F(HistoryTest, ItSlidesWhereNothingRestarts) {
  const std::vector<PolicyInput> seen = RollOut(Info(3, 0, 2), 9);
  const std::vector<PolicyInput> all = RollOut(Info(1, 0, 2), 9);
  ASSERT_EQ(seen.size(), 5u);
  ASSERT_EQ(all.size(), 5u);
  for (size_t chunk = 0; chunk < 5; ++chunk) {
    ExpectSame(seen[chunk], all[chunk]);
    EXPECT_TRUE(all[chunk].earlier.empty());
    ASSERT_EQ(seen[chunk].earlier.size(), chunk == 0 ? 0u : 2u);
    if (chunk == 0) continue;
    ExpectSame(seen[chunk].earlier[0], seen[chunk - 1]);
    EXPECT_NE(seen[chunk].earlier[1].arms[0].X_WE, seen[chunk - 1].arms[0].X_WE);
  }
}

TEST_F(HistoryTest, AnObjectThatIsNotThereIsNamed) {
  PolicyInfo info = Info(1, 0, 1);
  info.objects = {"cubeC"};
  EXPECT_THAT(Mismatches(info, simulators_()->info()),
              ElementsAre(HasSubstr("the simulator lacks an object that the policy sees: unknown "
                                    "object 'cubeC': did you mean 'cubeA'")));
}

// A network that notes down its batch and answers with zeros.
class NotingModel : public ChunkModel {
 public:
  NotingModel(int actions, Batch* seen) : actions_(actions), seen_(seen) {}
  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>&) const override {
    *seen_ = inputs;
    return std::vector<float>(static_cast<size_t>(actions_));
  }

 private:
  int actions_;
  Batch* seen_;
};

class HistoryOfNetworkTest : public testing::Test {
 protected:
  static PolicyConfig Config(const TrainingSet& set) {
    PolicyConfig config;
    config.embodiment = set.embodiment;
    config.cameras = set.cameras;
    config.layout = {2, kImage, kImage, set.embodiment.state_size(), 7, 1, 4};
    config.state = StateStatistics(set, {NormalizerMode::kMinMax, 1e-3});
    config.action = ActionStatistics(set, 1, {NormalizerMode::kMinMax, 1e-3});
    config.tokenizer = MakeTokenizer(set.instructions);
    config.objects = set.objects;
    config.object_statistics = ObjectStatistics(set);
    return config;
  }
  // What the set offers, the same steps of everything.
  SampleLayout Layout(const std::vector<int>& steps, int memory) const {
    SampleLayout layout;
    layout.memory = memory;
    for (const ColumnInfo& info : Config(*set_).Offer().columns) {
      const bool once = info.name == kInstructionColumn;
      layout.columns.push_back({info, once ? std::vector<int>{0} : steps});
    }
    return layout;
  }
  // The observation of a row of the first episode, but for its pictures.
  PolicyObservation At(size_t row) const {
    const TrainingEpisode& episode = set_->episodes[0];
    PolicyObservation seen;
    ArmObservation arm;
    arm.X_WE = episode.X_WE[row];
    arm.gripper_q = Eigen::VectorXd::Constant(set_->embodiment.gripper_joints, 0.02);
    seen.arms = {arm};
    seen.images = {Image(kImage, kImage), Image(kImage, kImage)};
    seen.images[1].rgb[0] = static_cast<uint8_t>(row);
    for (size_t i = 0; i < set_->objects.size(); ++i) {
      seen.X_WO.push_back(PoseFromYaw(0.1, {0.1 * static_cast<double>(row), 0, 0}));
    }
    return seen;
  }
  Batch SeenBy(const SampleLayout& layout, const std::vector<size_t>& rows) const {
    Batch seen;
    const CheckpointPolicy policy(Config(*set_), "hash", layout,
                                  std::make_unique<NotingModel>(7, &seen));
    PolicyInput input;
    static_cast<PolicyObservation&>(input) = At(rows.back());
    for (size_t i = 0; i + 1 < rows.size(); ++i) input.earlier.push_back(At(rows[i]));
    policy.Act(input, RngKey{1});
    return seen;
  }
  // The rows that the batch holds, by the marks in its pictures.
  static std::vector<int> RowsOf(const Batch& batch) {
    std::vector<int> rows;
    const std::vector<uint8_t>& pixels = batch[ImageColumn("wrist")].pixels;
    for (size_t i = 0; i < pixels.size(); i += kImage * kImage * 3) rows.push_back(pixels[i]);
    return rows;
  }

  std::shared_ptr<TrainingSet> set_ = ScriptedSet({2});
};

TEST_F(HistoryOfNetworkTest, AMemoryIsGivenTheStepsThatThereAre) {
  const SampleLayout layout = Layout(ChunkOffsets(4), 4);
  for (const std::vector<size_t>& rows : std::vector<std::vector<size_t>>{{5}, {5, 6, 7}}) {
    const Batch batch = SeenBy(layout, rows);
    EXPECT_THAT(RowsOf(batch), testing::ElementsAreArray(rows));
    const auto size = static_cast<size_t>(set_->embodiment.state_size());
    EXPECT_EQ(batch[kStateColumn].numbers.size(), rows.size() * size);
    EXPECT_THAT(batch[kStateColumn].real_BT, testing::Each(1));
    EXPECT_EQ(batch[kStateColumn].real_BT.size(), rows.size());
    // seen from the robot's base, normalised
    const std::vector<float>& objects = batch[kSeenObjectsColumn].numbers;
    ASSERT_EQ(objects.size(), rows.size() * set_->objects.size() * kObjectLabel);
    std::vector<float> label(kObjectLabel * set_->objects.size());
    for (size_t i = 0; i < set_->objects.size(); ++i) {
      EncodeObject(set_->embodiment.X_WB.Inverse() * At(rows[0]).X_WO[i], set_->objects[i].symmetry,
                   &label[i * kObjectLabel]);
    }
    ObjectStatistics(*set_).Encode(label);
    EXPECT_EQ((std::vector<float>{objects.begin(), objects.begin() + label.size()}), label);
  }
  const CheckpointPolicy policy(Config(*set_), "hash", layout,
                                std::make_unique<NotingModel>(7, nullptr));
  EXPECT_EQ(policy.info().history, 4);
  EXPECT_EQ(policy.info().restart, 4);
  EXPECT_THAT(policy.info().objects, ElementsAre("cubeA", "cubeB"));
}

TEST_F(HistoryOfNetworkTest, BeforeTheFirstRowIsTheFirstRow) {
  const SampleLayout layout = Layout({-2, 0}, 1);
  EXPECT_THAT(RowsOf(SeenBy(layout, {5})), ElementsAre(5, 5));
  EXPECT_THAT(SeenBy(layout, {5})[kStateColumn].real_BT, ElementsAre(0, 1));
  EXPECT_THAT(RowsOf(SeenBy(layout, {5, 6})), ElementsAre(5, 6));
  EXPECT_THAT(RowsOf(SeenBy(layout, {5, 6, 7})), ElementsAre(5, 7));
  EXPECT_THAT(SeenBy(layout, {5, 6, 7})[kStateColumn].real_BT, ElementsAre(1, 1));
}

}  // namespace
}  // namespace understudy
