// Datasets of several robots in one training.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/error.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"
#include "tests/support/fake_simulator.h"
#include "tests/train/fake_engine.h"
#include "tests/train/training_fixture.h"
#include "train/command.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/evaluate/choose_embodiment.h"
#include "train/run/checkpoint.h"
#include "train/run/warm_start.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using store_test::Ramp;
using store_test::StrangerOptions;
using store_test::WriteStranger;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// A robot of columns: 3 numbers of state, 9 of action, a camera that it shares with the other and
// one of its own.
std::shared_ptr<const TrainingSet> HandSet() {
  auto set = std::make_shared<TrainingSet>();
  set->embodiment.robot = "hand";
  set->embodiment.gripper_joints = 0;
  set->embodiment.action_meaning = kStoredColumns;
  set->embodiment.state_columns = {{"touch", 3, {}}};
  set->embodiment.action_columns = {{"joints", 9, {}}};
  set->task = "grasp";
  set->cameras = {"palm", "agentview"};
  set->image_height = set->image_width = kImage;
  set->control_hz = 50;
  for (size_t d = 0; d < 2; ++d) {
    set->datasets.push_back({fmt::format("hand{}", d),
                             fmt::format("hand hash{}", d),
                             [d](size_t episode, size_t camera, size_t step, uint8_t* out) {
                               for (size_t i = 0; i < kImage * kImage * 3; ++i) {
                                 out[i] = Pixel(episode + 700 * (d + 1), camera, step, i);
                               }
                             },
                             {}});
    EpisodeMeta meta;
    meta.name = "demo_0";
    meta.uuid = fmt::format("hand uuid {}", d);
    meta.instruction = "close the hand";
    std::vector<float> states, actions;
    for (int i = 0; i < 20 * 3; ++i) states.push_back(static_cast<float>(i % 7) + 100);
    for (int i = 0; i < 20 * 9; ++i) actions.push_back(static_cast<float>(i % 11) * 3);
    AddColumns(*set, meta, d, 0, states, actions);
  }
  return set;
}

TrainingSets Sets() { return {ScriptedSet({2}), HandSet()}; }

TEST(SeveralSets, OfferWhatAnyHasPaddedToTheLargest) {
  const std::vector<ColumnInfo> columns = ColumnsOf(Sets(), 6);
  const auto find = [&](const std::string& name) {
    return *std::ranges::find_if(columns, [&](const auto& info) { return info.name == name; });
  };
  const int frame = kImage * kImage * 3;
  EXPECT_THAT(find("images.wrist").by_embodiment, ElementsAre(frame, 0));
  EXPECT_THAT(find("images.palm").by_embodiment, ElementsAre(0, frame));
  EXPECT_THAT(find("images.agentview").by_embodiment, testing::IsEmpty());
  EXPECT_THAT(find(kStateColumn).shape, ElementsAre(11));
  EXPECT_THAT(find(kStateColumn).by_embodiment, ElementsAre(11, 3));
  EXPECT_THAT(find(kActionColumn).shape, ElementsAre(9));
  EXPECT_THAT(find(kActionColumn).by_embodiment, ElementsAre(7, 9));
  // places of objects are not learnt of several
  EXPECT_TRUE(
      std::ranges::none_of(columns, [](const auto& c) { return c.name == kObjectsColumn; }));
  // one alone is offered as ever
  EXPECT_EQ(ColumnsOf(TrainingSets{ScriptedSet({2})}, 6), ColumnsOf(*ScriptedSet({2}), 6));
}

// The batches of a set alone, but for the padding and the slot.
TEST(SeveralSets, SamplesAreThoseOfTheirOwnSet) {
  const TrainingSets sets = Sets();
  const Tokenizer tokenizer = MakeTokenizer({"close the hand", "stack the cubes"});
  const auto layout_of = [](const TrainingSets& of) {
    SampleLayout layout;
    for (const ColumnInfo& info : ColumnsOf(of, 12)) {
      if (info.name == kObjectsColumn || info.name == kSeenObjectsColumn) continue;
      layout.columns.push_back(
          {info, info.name == kActionColumn ? ChunkOffsets(4) : std::vector<int>{0}});
    }
    return layout;
  };
  const auto learnt = [](const std::shared_ptr<const TrainingSet>& set) {
    return LearntSet{
        set,
        {{kStateColumn, StateStatistics(*set, {NormalizerMode::kMinMax, 1e-3})},
         {kActionColumn, ActionStatistics(*set, 4, {NormalizerMode::kMeanStd, 1e-3})}}};
  };
  LoaderOptions loader;
  loader.threads = 0;
  const SampleLayout layout = layout_of(sets);
  BatchSource both({learnt(sets[0]), learnt(sets[1])}, layout, tokenizer, loader, {}, 16, 1);

  // every sample of a set by its identity
  std::map<uint64_t, Batch> alone;
  std::vector<SampleLayout> own;
  for (const auto& set : sets) {
    own.push_back(layout_of({set}));
    BatchSource source({learnt(set)}, own.back(), tokenizer, loader, {}, 1, 1);
    for (uint64_t i = 0; i < set->windows(); ++i) {
      Batch batch = source.Next();
      alone.emplace(batch.sample_B[0], std::move(batch));
    }
  }
  ASSERT_EQ(alone.size(), WindowsOf(sets));
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < WindowsOf(sets) / 16; ++i) {
    const Batch batch = both.Next();
    const BatchTotals totals = TotalsOf(batch);
    const auto& by_slot = totals.columns.at(kActionColumn).real_by_embodiment;
    EXPECT_EQ(std::accumulate(by_slot.begin(), by_slot.end(), int64_t{0}),
              totals.columns.at(kActionColumn).real);
    for (size_t b = 0; b < 16; ++b) {
      const Batch sample = PartOf(batch, b, 1);
      const auto slot = static_cast<size_t>(sample.embodiment_B[0]);
      const Batch& expected = alone.at(sample.sample_B[0]);
      seen.insert(sample.sample_B[0]);
      EXPECT_EQ(batch.row_B[b].set, slot);
      EXPECT_EQ(expected.row_B[0].episode, batch.row_B[b].episode);
      EXPECT_EQ(expected.row_B[0].row, batch.row_B[b].row);
      for (const ColumnLayout& column : layout.columns) {
        const std::string& name = column.info.name;
        const BatchColumn& got = sample[name];
        if (IsImageColumn(name) && column.info.SizeOf(slot) == 0) {
          EXPECT_EQ(got.pixels, std::vector<uint8_t>(kImage * kImage * 3));
          continue;
        }
        EXPECT_EQ(got.pixels, expected[name].pixels) << name;
        EXPECT_EQ(got.tokens, expected[name].tokens);
        EXPECT_EQ(got.real_BT, expected[name].real_BT);
        const auto size = static_cast<size_t>(column.info.size()),
                   mine = static_cast<size_t>(column.info.SizeOf(slot));
        for (size_t n = 0; n < got.numbers.size(); ++n) {
          const size_t t = n / size, at = n % size;
          EXPECT_EQ(got.numbers[n], at < mine ? expected[name].numbers[t * mine + at] : 0);
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), WindowsOf(sets) / 16 * 16);  // each once
}

class SeveralTest : public testing::Test {
 protected:
  TrainOptions Options(const char* out = "run") const {
    TrainOptions options;
    options.out = (folder_ / out).string();
    options.steps = 10;
    options.batch = 6;
    options.horizon = 4;
    options.execute = 2;
    options.loader.threads = 0;
    return options;
  }
  store_test::Folder folder_;
  Progress quiet_;
};

class Messages : public Progress {
 public:
  void Message(const std::string& text) override { all += text + "\n"; }
  std::string all;
};

TEST_F(SeveralTest, ACheckpointOfTwoComesBack) {
  Messages messages;
  const TrainingSets sets = Sets();
  TrainLoop(sets, Options(), FakeEngineFactory(), messages);
  EXPECT_THAT(messages.all, HasSubstr("embodiment 0, 'fake': 11 numbers of state, 7 of action, "
                                      "cameras [agentview, wrist]"));
  EXPECT_THAT(messages.all, HasSubstr("embodiment 1, 'hand': 3 numbers of state, 9 of action, "
                                      "cameras [palm, agentview], 40 rows of hand0, hand1"));
  const PolicyConfig config = LoadPolicy(Options().out).config;
  ASSERT_EQ(config.embodiments.size(), 2u);
  EXPECT_EQ(config.network["embodiments"], 2);
  EXPECT_EQ(LoadTrainConfig(Options().out)["policy"]["embodiments"], 2);
  EXPECT_THAT(config.instructions, testing::Contains("close the hand"));

  // each as if it had been trained alone
  for (size_t slot = 0; slot < 2; ++slot) {
    TrainOptions options = Options(slot == 0 ? "a" : "b");
    TrainLoop(TrainingSets{sets[slot]}, options, FakeEngineFactory(), quiet_);
    PolicyConfig alone = LoadPolicy(options.out).config, one = config.For(slot);
    EXPECT_TRUE(alone.embodiments.empty());
    EXPECT_EQ(one.slot, slot);
    EXPECT_EQ(ToJson(one.state), ToJson(alone.state));
    EXPECT_EQ(ToJson(one.action), ToJson(alone.action));
    EXPECT_EQ(ToJson(one.embodiment), ToJson(alone.embodiment));
    EXPECT_EQ(one.mean_chunk, alone.mean_chunk);
    EXPECT_EQ(ToJson(one.layout), ToJson(alone.layout));
    EXPECT_EQ(one.cameras, alone.cameras);
    EXPECT_EQ(one.control_hz, alone.control_hz);
    EXPECT_EQ(one.task, alone.task);
    EXPECT_EQ(one.Offer().columns, config.Offer().columns);
  }

  // a list that disagrees is refused
  Json json = ToJson(config);
  EXPECT_EQ(ToJson(ParsePolicyConfig(json, "x")), json);
  json["embodiments"][1]["mean_chunk"].erase(0);
  EXPECT_THAT([&] { ParsePolicyConfig(json, "x"); },
              ThrowsMessage<Error>(HasSubstr("embodiments[1] ('hand'): mean_chunk has 35 numbers, "
                                             "not 4 x 9")));
  json = ToJson(config);
  json["embodiments"][0]["control_hz"] = 7;
  json["embodiments"][1]["name"] = "fake";
  EXPECT_THAT([&] { ParsePolicyConfig(json, "x"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("embodiments[0]: differs from what stands"),
                                         HasSubstr("embodiments[1]: name 'fake' is taken"))));
}

// A run of one embodiment names no slots, and asks for none.
TEST_F(SeveralTest, OneEmbodimentIsWrittenAsEver) {
  TrainLoop(ScriptedSet({2}), Options(), FakeEngineFactory(), quiet_);
  const Json config = ToJson(LoadPolicy(Options().out).config);
  EXPECT_FALSE(config.contains("embodiments"));
  EXPECT_EQ(config["network"]["embodiments"], 1);
  EXPECT_FALSE(LoadTrainConfig(Options().out)["loader"].contains("end_padding"));
}

TEST_F(SeveralTest, ResumesBitForBit) {
  TrainOptions options = Options("whole");
  TrainLoop(Sets(), options, FakeEngineFactory(), quiet_);
  const TensorMap whole = LoadPolicy(options.out).weights;
  options.out = (folder_ / "parts").string();
  options.save_every = 4;
  options.keep = 0;
  TrainLoop(Sets(), options, FakeEngineFactory(), quiet_);
  fs::remove_all(folder_ / "parts/checkpoints/000010");
  fs::remove_all(folder_ / "parts/checkpoints/000008");
  options.resume = true;
  EXPECT_EQ(TrainLoop(Sets(), options, FakeEngineFactory(), quiet_).resumed_from, 4);
  EXPECT_EQ(LoadPolicy(options.out).weights, whole);
}

// Weights are those of the datasets as they were given, in whatever order the sets hold them.
TEST_F(SeveralTest, WeightsFollowTheirDatasets) {
  const fs::path a = folder_ / "a.hdf5", b = folder_ / "b.hdf5", c = folder_ / "c.hdf5";
  const StrangerOptions other{.also = [](const h5::Group& demo, size_t, size_t rows) {
    demo.Write(Ramp("obs/robot1_eef_pos", ColumnType::kF64, {3}, rows));
  }};
  WriteStranger(a);
  WriteStranger(b, other);
  WriteStranger(c);
  const TrainingSets sets = LoadTrainingSets({a, b, c}, {}, {}, quiet_);
  ASSERT_EQ(sets.size(), 2u);
  ASSERT_EQ(sets[0]->datasets.size(), 2u);
  EXPECT_EQ(sets[0]->datasets[1].path, c.string());
  EXPECT_EQ(sets[0]->datasets[1].place, 2u);
  EXPECT_EQ(sets[1]->datasets[0].place, 1u);
  EXPECT_EQ(sets[1]->embodiment.state_size(), 12);
  EXPECT_THAT(NamesOf(sets), ElementsAre("Hand/columns", "Hand/columns/2"));

  // b is drawn from almost always
  class Counting : public FakeEngine {
   public:
    Counting(const SampleLayout& layout, const Json& policy, const TrainerOptions& trainer,
             std::map<int, int>* counts)
        : FakeEngine(layout, policy, trainer), counts_(counts) {}
    void Update(const Batch& batch) override {
      for (const int32_t slot : batch.embodiment_B) ++(*counts_)[slot];
      FakeEngine::Update(batch);
    }

   private:
    std::map<int, int>* counts_;
  };
  std::map<int, int> counts;
  TrainOptions options = Options();
  options.datasets = {a.string(), b.string(), c.string()};
  options.weights = {1, 8, 1};
  const EngineFactory factory = [&](const std::string&, const SampleLayout& layout, int,
                                    const Json& policy, const TrainerOptions& trainer) {
    return std::make_unique<Counting>(layout, policy, trainer, &counts);
  };
  RunTrain(options, factory, quiet_);
  EXPECT_NEAR(counts[1], 48, 1);
  EXPECT_NEAR(counts[0], 12, 1);
}

// Within one embodiment the same columns mean the same.
TEST_F(SeveralTest, MixturesWhoseColumnsDifferInMeaningAreRefused) {
  const fs::path a = folder_ / "a.hdf5", b = folder_ / "b.hdf5";
  WriteStranger(a);
  WriteStranger(b, {.control_hz = 10});
  EXPECT_THAT(
      [&] {
        LoadTrainingSets({a, b}, {}, {}, quiet_);
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("b.hdf5: cannot be trained on: control rate is "
                                           "10 Hz here and 25 Hz in the first dataset"),
                                 HasSubstr("a.hdf5"))));
}

TEST_F(SeveralTest, ANetworkOfOneRefusesSeveral) {
  TrainOptions options = Options();
  options.type = "bc_rnn_gmm";
  options.horizon = 1;
  options.execute = 1;
  options.action_normalizer = NormalizerMode::kMinMax;
  EXPECT_THAT([&] { TrainLoop(Sets(), options, FakeEngineFactory(), quiet_); },
              ThrowsMessage<Error>(HasSubstr("set0 is of 'fake' and hand0 of 'hand', and policy "
                                             "'bc_rnn_gmm' learns one embodiment")));
}

TEST_F(SeveralTest, PicturesMustBeAsLargeAndCamerasKnown) {
  const auto write = [&](const char* name, size_t side, const char* camera, bool other) {
    const fs::path file = folder_ / name;
    WriteStranger(file, {.also = [&](const h5::Group& demo, size_t, size_t rows) {
                    demo.Write(Ramp(fmt::format("obs/{}_image", camera), ColumnType::kU8,
                                    {side, side, 3}, rows));
                    if (other) {
                      demo.Write(Ramp("obs/robot1_eef_pos", ColumnType::kF64, {3}, rows));
                    }
                  }});
    return file;
  };
  const fs::path a = write("a.hdf5", 8, "front", false), b = write("b.hdf5", 16, "palm", true);
  EXPECT_THAT(
      [&] {
        LoadTrainingSets({a, b}, {}, {}, quiet_);
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("b.hdf5: pictures are 16x16 here and 8x8 in "),
                                 HasSubstr("a.hdf5: give --image-width"))));
  const InputOptions sized{.cameras = {"front", "palm"}, .image_width = 8, .image_height = 8};
  const TrainingSets sets = LoadTrainingSets({a, b}, sized, {}, quiet_);
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_THAT(sets[0]->cameras, ElementsAre("front"));
  EXPECT_THAT(sets[1]->cameras, ElementsAre("palm"));
  InputOptions wrong = sized;
  wrong.cameras = {"front", "plam"};
  EXPECT_THAT(
      [&] {
        LoadTrainingSets({a, b}, wrong, {}, quiet_);
      },
      ThrowsMessage<Error>(HasSubstr("cameras: no dataset has 'plam'; they have front")));
}

// The slot is that of the simulator's robot, or of the dataset's columns, or the one that is named.
TEST_F(SeveralTest, ThePolicyTakesTheSlotThatFits) {
  const fs::path a = folder_ / "a.hdf5", b = folder_ / "b.hdf5", c = folder_ / "c.hdf5";
  WriteStranger(a);
  WriteStranger(b, {.also = [](const h5::Group& demo, size_t, size_t rows) {
                  demo.Write(Ramp("obs/robot1_eef_pos", ColumnType::kF64, {3}, rows));
                }});
  WriteStranger(c, {.also = [](const h5::Group& demo, size_t, size_t rows) {
                  demo.Delete("actions");
                  demo.Write(Ramp("actions", ColumnType::kF64, {2}, rows));
                }});
  TrainOptions options = Options();
  options.datasets = {a.string(), b.string()};
  RunTrain(options, FakeEngineFactory(), quiet_);

  const auto names = [&](const fs::path& dataset, const std::string& embodiment = "") {
    PredictOptions predict;
    predict.dataset = dataset.string();
    predict.embodiment = embodiment;
    return RunPredict(options.out, predict, FakeModelFactory(), quiet_).names;
  };
  EXPECT_EQ(names(a).size(), 6u);
  OpenLoopOptions open;
  open.datasets = {b.string()};
  EXPECT_GT(RunOpenLoop(options.out, "", open, {}, {}, FakeModelFactory(), quiet_).rows, 0);
  // a has not the columns of the second
  EXPECT_THAT([&] { names(a, "Hand/columns/2"); },
              ThrowsMessage<Error>(HasSubstr("obs/robot1_eef_pos")));
  EXPECT_THAT([&] { names(a, "Hnad/columns"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("unknown embodiment 'Hnad/columns'"),
                                         HasSubstr("'Hand/columns'"))));
  EXPECT_THAT([&] { names(c); },
              ThrowsMessage<Error>(AllOf(HasSubstr("none of its 2 embodiments fits"),
                                         HasSubstr("c.hdf5: 'Hand/columns': action: the policy has "
                                                   "actions (6), the dataset actions (2)"),
                                         HasSubstr("'Hand/columns/2'"))));
  // b has all columns of the first, too, and is what the second was trained on; d is neither
  EXPECT_EQ(names(b).size(), 6u);
  const fs::path d = folder_ / "d.hdf5";
  WriteStranger(d, {.also = [](const h5::Group& demo, size_t, size_t rows) {
                  demo.Write(Ramp("obs/robot1_eef_pos", ColumnType::kF64, {3}, rows));
                  demo.Write(Ramp("obs/robot2_eef_pos", ColumnType::kF64, {3}, rows));
                }});
  EXPECT_THAT([&] { names(d); },
              ThrowsMessage<Error>(AllOf(HasSubstr("embodiments 'Hand/columns', 'Hand/columns/2' "
                                                   "all fit"),
                                         HasSubstr("d.hdf5: say which by --embodiment"))));
  EXPECT_EQ(names(d, "Hand/columns/2").size(), 6u);

  // of arms, by the simulator
  const fs::path mixed = folder_ / "mixed";
  TrainLoop(Sets(), Options("mixed"), FakeEngineFactory(), quiet_);
  SimulatorInfo info = MakeFakeSimulator(FakeTask())->info();
  info.cameras.push_back("wrist");
  EvalCommandOptions eval;
  eval.checkpoint = mixed.string();
  EXPECT_EQ(MakePolicy(eval, info, FakeModelFactory(), quiet_)->info().robot, info.robot);
  eval.embodiment = "hand";
  EXPECT_EQ(MakePolicy(eval, info, FakeModelFactory(), quiet_)->info().robot, "hand");
  EXPECT_EQ(TwinOfPolicy(eval).task, "grasp");
  eval.embodiment.clear();
  EXPECT_EQ(TwinOfPolicy(eval).robot, info.robot);
  EXPECT_EQ(TwinOfPolicy(eval, "grasp").robot, "hand");
  info.robot = "ur5e";
  EXPECT_THAT([&] { MakePolicy(eval, info, FakeModelFactory(), quiet_); },
              ThrowsMessage<Error>(AllOf(HasSubstr("none of its 2 embodiments fits task"),
                                         HasSubstr("robot: the policy has fake, the simulator "
                                                   "ur5e"),
                                         HasSubstr("'hand': "))));
}

// What the network answers for a slot is un-normalised with that slot's statistics.
TEST_F(SeveralTest, ChunksAreThoseOfTheSlot) {
  const TrainingSets sets = Sets();
  TrainLoop(sets, Options(), FakeEngineFactory(), quiet_);
  const PolicyConfig all = LoadPolicy(Options().out).config;
  const PolicyConfig config = all.For(1);
  const SampleLayout layout = LayoutFor(*FindPolicyType("groot"), config.network, config.Offer());
  struct Watching : ChunkModel {
    mutable Batch seen;
    std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>&) const override {
      seen = inputs;
      std::vector<float> padded(4 * 9);
      for (size_t i = 0; i < padded.size(); ++i) padded[i] = static_cast<float>(i) / 36;
      return padded;
    }
  } model;
  SeenRow row;
  row.state_S = {100, 103, 106};
  row.pixels = [](size_t camera) {
    return std::vector<uint8_t>(kImage * kImage * 3, static_cast<uint8_t>(camera + 1));
  };
  const std::vector<float> chunk =
      PredictChunk(config, layout, model, std::span(&row, 1), "close the hand", RngKey{1});
  ASSERT_EQ(chunk.size(), 36u);
  std::vector<float> expected(36);
  for (size_t i = 0; i < 36; ++i) expected[i] = static_cast<float>(i) / 36;
  config.action.Decode(expected);
  EXPECT_EQ(chunk, expected);
  EXPECT_THAT(model.seen.embodiment_B, ElementsAre(1));
  // min and max of its own rows, then padding
  const std::vector<float>& state = model.seen[kStateColumn].numbers;
  ASSERT_EQ(state.size(), 11u);
  EXPECT_NEAR(state[0], -1, 1e-6);
  EXPECT_NEAR(state[2], 1, 1e-6);
  for (size_t i = 3; i < 11; ++i) EXPECT_EQ(state[i], 0);
  EXPECT_EQ(model.seen["images.palm"].pixels[0], 1);
  EXPECT_EQ(model.seen["images.agentview"].pixels[0], 2);
  EXPECT_EQ(model.seen["images.wrist"].pixels[0], 0);
  // of the first slot the seven numbers of each of its actions
  const PolicyConfig first = all.For(0);
  SeenRow arm = row;
  arm.state_S.resize(11);
  EXPECT_EQ(PredictChunk(first, layout, model, std::span(&arm, 1), "", RngKey{1}).size(), 28u);
}

PolicyArtefact OldPolicy() {
  PolicyArtefact policy;
  policy.hash = "old";
  policy.folder = "old";
  policy.config.embodiment.robot = "hand";
  policy.config.embodiment.action_meaning = kStoredColumns;
  policy.config.embodiment.state_columns = {{"touch", 2, {}}};
  policy.config.embodiment.action_columns = {{"joints", 2, {}}};
  policy.weights = {{"state_encoder.layer1.W", FloatTensor({1, 2, 3, 4}, {1, 2, 2})},
                    {"action_decoder.layer2.b", FloatTensor({5, 6}, {1, 2})},
                    {"action_encoder.W3.W", FloatTensor({1, 2}, {1, 1, 2})},
                    {"trunk", FloatTensor({9}, {1})}};
  return policy;
}

// The old embodiment keeps its weights wherever its slot is now; the new one begins anew.
TEST(WarmStartOfSeveral, ASlotIsAddedAndReported) {
  PolicyConfig config;
  PolicyEmbodiment arm, hand;
  arm.name = "arm";
  arm.embodiment.robot = "arm";
  arm.embodiment.action_meaning = kStoredColumns;
  arm.embodiment.state_columns = {{"q", 3, {}}};
  arm.embodiment.action_columns = {{"q", 3, {}}};
  hand.name = "hand";
  hand.embodiment = OldPolicy().config.embodiment;
  config.embodiments = {arm, hand};
  config = config.For(0);
  const std::vector<float> fresh(2 * 3 * 2, 7);
  TensorMap state{{"weights/state_encoder.layer1.W", FloatTensor(fresh, {2, 3, 2})},
                  {"average/state_encoder.layer1.W", FloatTensor(fresh, {2, 3, 2})},
                  {"weights/action_decoder.layer2.b", FloatTensor({7, 7, 7, 7, 7, 7}, {2, 3})},
                  // another width: nothing of it is the same
                  {"weights/action_encoder.W3.W", FloatTensor({7, 7, 7, 7, 7, 7, 7, 7}, {2, 1, 4})},
                  {"weights/trunk", FloatTensor({7}, {1})}};
  const WarmStart start = StartFrom(OldPolicy(), *FindPolicyType("groot"), config, &state);
  EXPECT_THAT(start.embodiments, ElementsAre("embodiment 'arm' begins anew in slot 0",
                                             "embodiment 'hand' in slot 1 goes on from slot 0, "
                                             "'hand'"));
  EXPECT_EQ(state["weights/state_encoder.layer1.W"],
            FloatTensor({7, 7, 7, 7, 7, 7, 1, 2, 3, 4, 7, 7}, {2, 3, 2}));
  EXPECT_EQ(state["average/state_encoder.layer1.W"], state["weights/state_encoder.layer1.W"]);
  EXPECT_EQ(state["weights/action_decoder.layer2.b"], FloatTensor({7, 7, 7, 5, 6, 7}, {2, 3}));
  EXPECT_EQ(state["weights/trunk"], FloatTensor({9}, {1}));
  EXPECT_THAT(start.fresh, ElementsAre("action_encoder.W3.W"));
  EXPECT_THAT(ToJson(start)["embodiments"], testing::SizeIs(2));
}

// From one to one, whatever the robots are called, all that fits is taken.
TEST(WarmStartOfSeveral, OneGoesOnAsOneAsEver) {
  PolicyConfig config;
  config.embodiment.robot = "another";
  TensorMap state{{"weights/state_encoder.layer1.W", FloatTensor({7, 7, 7, 7}, {1, 2, 2})}};
  const WarmStart start = StartFrom(OldPolicy(), *FindPolicyType("groot"), config, &state);
  EXPECT_EQ(state["weights/state_encoder.layer1.W"],
            OldPolicy().weights.at("state_encoder.layer1.W"));
  EXPECT_FALSE(ToJson(start).contains("embodiments"));
}

// ---- ends of episodes ----

BatchSource Source(const std::shared_ptr<const TrainingSet>& set, EndPadding padding, int horizon) {
  LoaderOptions loader;
  loader.threads = 0;
  loader.end_padding = padding;
  const std::map<std::string, Normalizer> normalizers{
      {kStateColumn, StateStatistics(*set, {})},
      {kActionColumn, ActionStatistics(*set, horizon, {})},
      {kObjectsColumn, ObjectStatistics(*set)}};
  return BatchSource(set, FullLayout(*set, horizon, 12), normalizers,
                     MakeTokenizer(set->instructions), loader, {}, 1, 1);
}

TEST(EndPadding, SaysWhatBecomesOfChunksBeyondTheEnd) {
  const std::shared_ptr<const TrainingSet> set = ScriptedSet({3});
  constexpr int kHorizon = 9;
  const uint64_t windows = set->windows();
  BatchSource mask = Source(set, EndPadding::kMask, kHorizon),
              repeat = Source(set, EndPadding::kRepeat, kHorizon),
              leave = Source(set, EndPadding::kLeaveOut, kHorizon);
  int padded = 0;
  for (uint64_t i = 0; i < windows; ++i) {
    const Batch a = mask.Next(), b = repeat.Next();
    EXPECT_EQ(a[kActionColumn].numbers, b[kActionColumn].numbers);
    EXPECT_EQ(a.sample_B, b.sample_B);
    const auto length = set->episodes[a.row_B[0].episode].length;
    for (size_t t = 0; t < kHorizon; ++t) {
      EXPECT_EQ(a[kActionColumn].real_BT[t], a.row_B[0].row + t < length);
      EXPECT_EQ(b[kActionColumn].real_BT[t], 1);
    }
    padded += a[kActionColumn].real_BT.back() == 0;
  }
  EXPECT_EQ(padded, 3 * (kHorizon - 1));
  // every window that is left once an epoch
  std::set<std::pair<size_t, size_t>> seen;
  const uint64_t left = windows - 3 * (kHorizon - 1);
  for (uint64_t i = 0; i < left; ++i) {
    const Batch batch = leave.Next();
    EXPECT_THAT(batch[kActionColumn].real_BT, testing::Each(1));
    seen.insert({batch.row_B[0].episode, batch.row_B[0].row});
  }
  EXPECT_EQ(seen.size(), left);

  EXPECT_THAT([&] { Source(set, EndPadding::kLeaveOut, 5000); },
              ThrowsMessage<Error>(HasSubstr("set0: no episode has the 5000 rows of a chunk, and "
                                             "loader.end_padding = leave_out")));
}

// It is an option of results: a resume with another one is refused, and held-out loss follows it.
TEST_F(SeveralTest, EndPaddingNamesTheRun) {
  TrainOptions options = Options();
  options.loader.end_padding = EndPadding::kLeaveOut;
  TrainLoop(ScriptedSet({2}), options, FakeEngineFactory(), quiet_);
  EXPECT_EQ(LoadTrainConfig(options.out)["loader"]["end_padding"], "leave_out");
  options.loader.end_padding = EndPadding::kRepeat;
  options.resume = true;
  EXPECT_THAT(
      [&] { TrainLoop(ScriptedSet({2}), options, FakeEngineFactory(), quiet_); },
      ThrowsMessage<Error>(HasSubstr("loader.end_padding was \"leave_out\", is \"repeat\"")));
}

}  // namespace
}  // namespace understudy
