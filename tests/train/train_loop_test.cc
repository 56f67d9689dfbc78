#include "train/run/train_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/version.h"
#include "tests/train/fake_engine.h"
#include "tests/train/training_fixture.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/run/checkpoint.h"
#include "train/run/not_finite.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

TrainOptions Options(const fs::path& out, int64_t steps = 60) {
  TrainOptions options;
  options.out = out.string();
  options.steps = steps;
  options.batch = 5;
  options.horizon = 6;
  options.execute = 3;
  options.save_every = 20;
  options.log_every = 7;
  options.seed = 4;
  return options;
}

std::shared_ptr<const TrainingSet> Set() {
  static const std::shared_ptr<const TrainingSet> set = ScriptedSet({2});
  return set;
}

class Stopper : public Progress {
 public:
  explicit Stopper(int64_t at) : at_(at) {}
  void Advance(int64_t done, const std::string&) override {
    if (done >= at_) RequestInterrupt();
  }

 private:
  int64_t at_;
};

class TrainLoopTest : public testing::Test {
 protected:
  void TearDown() override { ClearInterrupt(); }
};

TEST_F(TrainLoopTest, WritesCheckpointsLogAndReport) {
  const fs::path run = FreshFolder("run");
  Progress progress;
  const TrainReport report = TrainLoop(Set(), Options(run), FakeEngineFactory(), progress);
  EXPECT_EQ(report.steps, 60);
  EXPECT_FALSE(report.interrupted);
  EXPECT_THAT(ListCheckpoints(run), testing::ElementsAre(40, 60));
  EXPECT_TRUE(fs::equivalent(run / "checkpoints/last", run / "checkpoints/000060"));
  EXPECT_EQ(report.windows, static_cast<int64_t>(Set()->windows()));
  // every update is in exactly one point of the curve
  int64_t updates = 0;
  for (const TrainLogRow& row : report.log) updates += row.losses.updates;
  EXPECT_EQ(updates, 60);
  EXPECT_EQ(report.log.back().step, 60);
  EXPECT_LT(report.log.back().losses.loss, report.log.front().losses.loss);
  EXPECT_EQ(LoadJson(run / "log.json")["rows"].size(), report.log.size());
  EXPECT_GT(report.samples_per_s, 0);
  EXPECT_GE(report.data_wait_share, 0);
  EXPECT_LE(report.data_wait_share, 1);
  // the fake's samples cost 2e6 operations, of 5e9 per second at most
  EXPECT_DOUBLE_EQ(report.flop_use.value(), report.samples_per_s * 2e6 / 5e9);
  EXPECT_DOUBLE_EQ(report.log[0].flop_use.value(), report.log[0].samples_per_s * 2e6 / 5e9);
  const PolicyArtefact policy = LoadPolicy(run);
  EXPECT_EQ(policy.config.cameras, Set()->cameras);
  EXPECT_EQ(policy.config.execute, 3);
  EXPECT_EQ(policy.config.dataset_hashes, std::vector<std::string>{"hash0"});
}

// The law: stopped and resumed = never stopped, bit for bit, whatever the loader's threads.
TEST_F(TrainLoopTest, ResumeIsBitExact) {
  Progress quiet;
  const fs::path whole = FreshFolder("whole"), parts = FreshFolder("parts");
  TrainLoop(Set(), Options(whole), FakeEngineFactory(), quiet);

  TrainOptions options = Options(parts);
  Stopper stopper(14);  // the points of the curve lie at 7, 14, 20, …
  const TrainReport first = TrainLoop(Set(), options, FakeEngineFactory(), stopper);
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.steps, 15);
  EXPECT_THAT(ListCheckpoints(parts), testing::ElementsAre(15));
  ClearInterrupt();
  options.resume = true;
  options.loader.threads = 3;
  const TrainReport second = TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  EXPECT_EQ(second.resumed_from, 15);
  EXPECT_EQ(second.steps, 60);
  for (const char* file : {"pretrained_model/model.safetensors", "pretrained_model/config.json",
                           "training_state/optimizer_state.safetensors",
                           "training_state/weights.safetensors", "training_state/sampler.json"}) {
    EXPECT_EQ(ReadText(whole / "checkpoints/last" / file),
              ReadText(parts / "checkpoints/last" / file))
        << file;
  }
  // the curve has no step twice and none missing
  int64_t updates = 0, before = 0;
  for (const TrainLogRow& row : second.log) {
    updates += row.losses.updates;
    EXPECT_GT(row.step, before);
    before = row.step;
  }
  EXPECT_EQ(updates, 60);
  // a finished run resumed does nothing
  EXPECT_EQ(TrainLoop(Set(), options, FakeEngineFactory(), quiet).resumed_from, 60);
}

// An engine that wants the next batch early.
class AheadEngine : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;
  bool TakesAhead() const override { return true; }
  void Announce(const Batch& next) override { announced_ = next.sample_B; }
  void Update(const Batch& batch) override {
    if (!expected_.empty()) {
      EXPECT_EQ(batch.sample_B, expected_);
    }
    expected_ = std::exchange(announced_, {});
    FakeEngine::Update(batch);
  }

 private:
  std::vector<uint64_t> announced_, expected_;
};

// A batch that was taken ahead is learnt from, behind a stop too.
TEST_F(TrainLoopTest, BatchesTakenAheadAreNotLost) {
  Progress quiet;
  const EngineFactory ahead = [](const std::string&, const SampleLayout& layout, int,
                                 const Json& policy, const TrainerOptions& trainer) {
    return std::make_unique<AheadEngine>(layout, policy, trainer);
  };
  const fs::path whole = FreshFolder("whole"), parts = FreshFolder("parts");
  TrainLoop(Set(), Options(whole), FakeEngineFactory(), quiet);
  TrainOptions options = Options(parts);
  Stopper stopper(14);
  EXPECT_TRUE(TrainLoop(Set(), options, ahead, stopper).interrupted);
  ClearInterrupt();
  options.resume = true;
  EXPECT_EQ(TrainLoop(Set(), options, ahead, quiet).steps, 60);
  for (const char* file : {"pretrained_model/model.safetensors", "training_state/sampler.json",
                           "training_state/weights.safetensors"}) {
    EXPECT_EQ(ReadText(whole / "checkpoints/last" / file),
              ReadText(parts / "checkpoints/last" / file))
        << file;
  }
}

// A run that is extended goes on as one of the longer length, however often it is stopped.
TEST_F(TrainLoopTest, ARunCanBeExtended) {
  Progress quiet;
  const fs::path whole = FreshFolder("whole"), parts = FreshFolder("parts");
  for (const fs::path& run : {whole, parts}) {
    TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet);
  }
  TrainOptions options = Options(whole, 50);
  options.resume = true;
  const TrainReport report = TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  EXPECT_EQ(report.resumed_from, 20);
  EXPECT_EQ(report.steps, 50);
  EXPECT_EQ(LoadTrainConfig(whole)["steps"], 50);
  EXPECT_EQ(LoadTrainConfig(whole)["trainer"]["steps"], 50) << "the schedule follows";
  const Json extended = LoadTrainingRun(whole)["extended"];
  EXPECT_EQ(extended, Json::parse(R"([{"at": 20, "from": 20, "to": 50}])"));

  options.out = parts.string();
  Stopper stopper(34);
  EXPECT_TRUE(TrainLoop(Set(), options, FakeEngineFactory(), stopper).interrupted);
  ClearInterrupt();
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  for (const char* file : {"pretrained_model/model.safetensors", "training_state/sampler.json",
                           "training_state/optimizer_state.safetensors"}) {
    EXPECT_EQ(ReadText(whole / "checkpoints/last" / file),
              ReadText(parts / "checkpoints/last" / file))
        << file;
  }
  EXPECT_EQ(LoadTrainingRun(parts)["extended"], extended);

  // once more; never shorter; and nothing else may change with it
  options.steps = 60;
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  EXPECT_EQ(LoadTrainingRun(parts)["extended"].size(), 2u);
  options.steps = 40;
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(HasSubstr("a run can be extended and never shortened")));
  options.steps = 80;
  options.trainer.learning_rate = 1;
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("trainer.learning_rate was"),
                                                  testing::Not(HasSubstr("steps was")))));
}

// A run may begin with another's weights; which ones is part of what it is.
TEST_F(TrainLoopTest, ARunCanStartFromAnotherPolicy) {
  Progress quiet;
  const fs::path first = FreshFolder("first"), tuned = FreshFolder("tuned");
  TrainLoop(Set(), Options(first, 60), FakeEngineFactory(), quiet);
  TrainOptions options = Options(tuned, 20);
  options.from = first.string();
  const TrainReport report = TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  EXPECT_EQ(report.resumed_from, 0);
  EXPECT_EQ(report.from["taken"], Json::parse(R"(["w"])"));
  EXPECT_EQ(LoadTrainingRun(tuned)["from"]["policy"], LoadPolicy(first).hash);
  // it begins where the other had come to
  const TrainReport anew =
      TrainLoop(Set(), Options(FreshFolder("anew"), 20), FakeEngineFactory(), quiet);
  EXPECT_LT(report.log.front().losses.loss, 0.5 * anew.log.front().losses.loss);
  EXPECT_TRUE(anew.from.empty());

  // a resume needs the same policy, wherever it stands now
  options.resume = true;
  options.steps = 40;
  const fs::path moved = FreshFolder("moved");
  fs::remove_all(moved);
  fs::copy(first, moved, fs::copy_options::recursive);
  options.from = (moved / "checkpoints/000060").string();
  EXPECT_EQ(TrainLoop(Set(), options, FakeEngineFactory(), quiet).resumed_from, 20);
  EXPECT_EQ(LoadTrainingRun(tuned)["from"]["policy"], LoadPolicy(first).hash);
  options.from.clear();
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(HasSubstr("the policy that it starts from was '")));
  options.from = (first / "none").string();
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(HasSubstr("none: no such checkpoint or run")));
}

// The network is that of the policy, but for what is said.
TEST_F(TrainLoopTest, AStartTakesTheOptionsOfTheNetwork) {
  Progress quiet;
  const fs::path first = FreshFolder("first");
  TrainOptions options = Options(first, 20);
  options.policy = Json{{"width", 96}, {"blocks", 2}};
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  options = Options(FreshFolder("tuned"), 20);
  options.from = first.string();
  options.policy = Json{{"blocks", 3}};
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  EXPECT_EQ(LoadTrainConfig(options.out)["policy"]["width"], 96);
  EXPECT_EQ(LoadTrainConfig(options.out)["policy"]["blocks"], 3);
}

TEST_F(TrainLoopTest, ARunIsNotOverwrittenUnasked) {
  const fs::path run = FreshFolder("run");
  Progress quiet;
  TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet);
  EXPECT_THAT([&] { TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(HasSubstr("resume it by --resume")));
  TrainOptions options = Options(run, 10);
  options.overwrite = true;
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  EXPECT_THAT(ListCheckpoints(run), testing::ElementsAre(10));
}

TEST_F(TrainLoopTest, AnotherRunIsNotGoneOnWith) {
  const fs::path run = FreshFolder("run");
  Progress quiet;
  TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet);
  TrainOptions options = Options(run, 20);
  options.resume = true;
  options.batch = 6;
  options.loader.shift_px = 2;
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("batch was 5, is 6"),
                                                  HasSubstr("loader.shift_px was 0, is 2"))));
  options = Options(run, 20);
  options.resume = true;
  options.log_every = 3;
  const auto other = ScriptedSet({2});
  other->datasets[0].hash = "other";
  EXPECT_THAT([&] { TrainLoop(other, options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(HasSubstr("datasets were hash0, are other")));
}

// What the options left open, and what chose itself, stands in the checkpoint.
TEST_F(TrainLoopTest, ACheckpointHoldsWhatItsRunUsed) {
  const fs::path run = FreshFolder("used");
  Progress quiet;
  TrainOptions options = Options(run, 20);
  options.policy = Json{{"width", 64}};
  options.trainer.clip = 3;
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  const Json config = LoadTrainConfig(run);
  EXPECT_EQ(config["policy"], FindPolicyType("groot")->resolve({{"width", 64}}));
  EXPECT_EQ(config["policy"]["width"], 64);
  EXPECT_EQ(config["policy"]["blocks"], 4);
  EXPECT_EQ(config["trainer"]["clip"], 3);
  EXPECT_EQ(config["trainer"]["beta2"], 0.99);
  EXPECT_EQ(config["trainer"]["steps"], 20);
  EXPECT_EQ(config["trainer"]["seed"], 4);
  const Json used = LoadJson(run / "checkpoints/last/pretrained_model/training_run.json");
  EXPECT_EQ(used["program"], ProgramVersion());
  EXPECT_EQ(used["engine"]["parameters"], 7);
}

// The effects of the options decide what may change: nothing is listed twice.
TEST_F(TrainLoopTest, OnlyOptionsThatChangeResultsMustStay) {
  const fs::path run = FreshFolder("effects");
  Progress quiet;
  TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet);
  TrainOptions options = Options(run, 20);
  options.resume = true;
  options.policy = Json{{"inference_device", "cuda"}};
  options.trainer.threads = 1;
  options.loader.cache_mib = 3;
  options.keep = 7;
  EXPECT_EQ(TrainLoop(Set(), options, FakeEngineFactory(), quiet).resumed_from, 20);
  options.policy = Json{{"keypoints", 8}};
  options.trainer.beta1 = 0.8;
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("policy.keypoints was 32, is 8"),
                                                  HasSubstr("trainer.beta1 was 0.9, is 0.8"))));
}

// Checkpoints of programs that stored options as they were given.
TEST_F(TrainLoopTest, ARunWhoseOptionsWereNotResolvedIsResumed) {
  const fs::path run = FreshFolder("older");
  Progress quiet;
  TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet);
  Json config = LoadTrainConfig(run);
  config["policy"] = Json::object();
  config["trainer"] = Json::object();
  const PolicyArtefact artefact = LoadPolicy(run);
  const TrainingState state = LoadTrainingState(run);
  SaveCheckpoint(run, artefact.config, artefact.weights, config, Json::object(), state, 1);
  TrainOptions options = Options(run, 20);
  options.resume = true;
  EXPECT_EQ(TrainLoop(Set(), options, FakeEngineFactory(), quiet).resumed_from, 20);
}

TEST_F(TrainLoopTest, EveryViolationIsNamedAtOnce) {
  TrainOptions options = Options("", 20);
  options.execute = 9;
  options.weights = {1, 2};
  options.datasets = {"a"};
  options.resume = options.overwrite = true;
  options.policy = Json{{"widht", 3}};
  Problems problems;
  Resolve(options, PolicyTypes(), problems);
  EXPECT_THAT(problems,
              testing::ElementsAre(HasSubstr("out"), HasSubstr("execute = 9"), HasSubstr("weights"),
                                   HasSubstr("resume and overwrite"), HasSubstr("'widht'")));
}

TEST_F(TrainLoopTest, OptionsComeBackFromTheirFile) {
  TrainOptions options = Options("x");
  options.selection.variants = {0, 2};
  options.policy = Json{{"width", 64}};
  const TrainOptions back = FromJson<TrainOptions>(Json::parse(ToJson(options).dump()), "test");
  EXPECT_EQ(ToJson(back).dump(), ToJson(options).dump());
}

class DivergingEngine : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;
  LossReport TakeLosses() override {
    LossReport report = FakeEngine::TakeLosses();
    if (updates() > 30) report.loss = std::nan("");
    return report;
  }
};

TEST_F(TrainLoopTest, DivergenceStopsAndKeepsTheLastGoodCheckpoint) {
  const fs::path run = FreshFolder("run");
  Progress quiet;
  const EngineFactory factory = [](const std::string&, const SampleLayout& layout, int,
                                   const Json& policy, const TrainerOptions& trainer) {
    return std::make_unique<DivergingEngine>(layout, policy, trainer);
  };
  EXPECT_THAT([&] { TrainLoop(Set(), Options(run), factory, quiet); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("diverged"), HasSubstr("000020"))));
  EXPECT_THAT(ListCheckpoints(run), testing::ElementsAre(20));
}

// An update that met what is no number names its rows and keeps what it was given.
class FaultyEngine : public FakeEngine {
 public:
  FaultyEngine(const SampleLayout& layout, const Json& policy, const TrainerOptions& trainer,
               Batch* given)
      : FakeEngine(layout, policy, trainer), given_(given) {}
  void Update(const Batch& batch) override {
    if (updates() == 30) {
      *given_ = batch;
      throw NotFinite("loss nan", {3, 1});
    }
    FakeEngine::Update(batch);
  }

 private:
  Batch* given_;
};

TEST_F(TrainLoopTest, WhatIsNoNumberIsNamedAndKept) {
  const fs::path run = FreshFolder("run");
  Progress quiet;
  Batch given;
  const EngineFactory factory = [&](const std::string&, const SampleLayout& layout, int,
                                    const Json& policy, const TrainerOptions& trainer) {
    return std::make_unique<FaultyEngine>(layout, policy, trainer, &given);
  };
  std::string message;
  try {
    TrainLoop(Set(), Options(run), factory, quiet);
  } catch (const Error& error) {
    message = error.what();
  }
  std::vector<std::string> rows;
  for (const size_t b : {1, 3}) {
    const SampleRow& place = given.row_B[b];
    const TrainingEpisode& episode = Set()->episodes[place.episode];
    EXPECT_THAT(message, HasSubstr(episode.name));
    EXPECT_EQ(SampleRows(*Set()).at(given.sample_B[b]), std::pair(place.episode, place.row));
    rows.push_back(std::to_string(place.row));
  }
  const fs::path file = run / "not_finite.safetensors";
  EXPECT_THAT(message,
              testing::AllOf(HasSubstr("training diverged at update 31: loss nan from set0: "),
                             HasSubstr(" (kept in " + file.string() + ")"), HasSubstr(rows[0]),
                             HasSubstr(rows[1]), HasSubstr("the last good checkpoint is "),
                             HasSubstr("000020; lower the learning rate, or look for outliers")));
  EXPECT_THAT(ListCheckpoints(run), testing::ElementsAre(20));
  const TensorFile kept = ReadSafetensors(file);
  EXPECT_EQ(FloatsOf(kept.tensors.at(kActionColumn)), given[kActionColumn].numbers);
  EXPECT_EQ(kept.tensors.at(kActionColumn).shape, (std::vector<int64_t>{5, 6, 7}));
  EXPECT_EQ(kept.tensors.at("images.wrist").data, given["images.wrist"].pixels);
  EXPECT_EQ(kept.tensors.at("images.wrist").shape, (std::vector<int64_t>{5, 1, kImage, kImage, 3}));
  EXPECT_EQ(kept.tensors.at("action/real").data, given[kActionColumn].real_BT);
  EXPECT_EQ(kept.tensors.at("place").shape, (std::vector<int64_t>{5, 3}));
  EXPECT_THAT(message, HasSubstr(kept.metadata.at("rows")));

  // all of a batch, dataset by dataset and episode by episode
  const TrainingSets sets{Set()};
  Batch batch;
  batch.size = 3;
  batch.row_B = {{0, 1, 9}, {0, 0, 4}, {0, 1, 2}};
  const std::string &a = Set()->episodes[0].name, &b = Set()->episodes[1].name;
  EXPECT_EQ(NameRows(batch, {}, sets), "set0: " + a + ", row 4; " + b + ", rows 2, 9");
}

// Save -> load -> same action, and the chunk is anchored at the arms that were given.
TEST_F(TrainLoopTest, TheLoadedPolicyActsAsTheSavedOne) {
  const fs::path run = FreshFolder("run");
  Progress quiet;
  TrainLoop(Set(), Options(run), FakeEngineFactory(), quiet);
  const PolicyArtefact artefact = LoadPolicy(run);
  const SampleLayout layout =
      LayoutFor(*FindPolicyType("groot"), artefact.config.network, artefact.config.Offer());
  const CheckpointPolicy direct(artefact.config, artefact.hash, layout,
                                std::make_unique<FakeModel>(layout, artefact.weights));
  const std::unique_ptr<Policy> loaded =
      LoadCheckpointPolicy(run / "checkpoints/last/pretrained_model", FakeModelFactory());
  EXPECT_EQ(loaded->info().hash, artefact.hash);
  EXPECT_EQ(loaded->info().horizon, 6);
  PolicyInput input;
  input.images = {Image(kImage, kImage), Image(kImage, kImage)};
  input.instruction = Set()->instructions[0];
  ArmObservation arm;
  arm.X_WE = Pose::FromRotvec({0.1, 3, 0.2}, {0.3, 0.1, 1});
  arm.gripper_q = Eigen::VectorXd::Constant(artefact.config.embodiment.gripper_joints, 0.02);
  input.arms = {arm};
  const RngKey key{.seed = 1, .parent = 2};
  const ActionChunk a = direct.Act(input, key), b = loaded->Act(input, key);
  ASSERT_EQ(a.size(), 6u);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, loaded->Act(input, key.WithParent(3)));
  // moving the hand moves the targets with it
  input.arms[0].X_WE =
      Pose(arm.X_WE.rotation(), arm.X_WE.translation() + Eigen::Vector3d(0, 0, 0.2));
  const ActionChunk moved = loaded->Act(input, key);
  for (size_t k = 0; k < a.size(); ++k) {
    const Eigen::Vector3d shift =
        moved[k].arms[0].X_WE_cmd.translation() - a[k].arms[0].X_WE_cmd.translation();
    EXPECT_LT((shift - Eigen::Vector3d(0, 0, 0.2)).norm(), 1e-6);
  }
}

TEST_F(TrainLoopTest, MeanChunkBaselineSaysTheMean) {
  const fs::path run = FreshFolder("run");
  Progress quiet;
  TrainLoop(Set(), Options(run, 20), FakeEngineFactory(), quiet);
  const MeanChunkPolicy policy(LoadPolicy(run).config);
  PolicyInput input;
  ArmObservation arm;
  arm.X_WE = Pose::FromTranslation({0.3, 0.1, 1});
  input.arms = {arm};
  const ActionChunk chunk = policy.Act(input, {});
  ASSERT_EQ(chunk.size(), 6u);
  // the mean of the first step, counted anew
  Eigen::Vector3d mean = Eigen::Vector3d::Zero();
  double count = 0;
  for (const TrainingEpisode& episode : Set()->episodes) {
    for (size_t t = 0; t < episode.length; ++t, ++count) {
      mean += episode.targets[t].X_WE_cmd.translation() - episode.X_WE[t].translation();
    }
  }
  EXPECT_LT(
      (chunk[0].arms[0].X_WE_cmd.translation() - arm.X_WE.translation() - mean / count).norm(),
      1e-6);
}

// ---- checkpoints -------------------------------------------------------------------------------

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    run_ = FreshFolder("checkpoint");
    Progress quiet;
    TrainLoop(Set(), Options(run_, 20), FakeEngineFactory(), quiet);
    policy_ = run_ / "checkpoints/000020/pretrained_model";
  }
  fs::path run_, policy_;
};

TEST_F(CheckpointTest, EveryWayToNameItLeadsToIt) {
  const std::string hash = LoadPolicy(run_).hash;
  EXPECT_EQ(hash.size(), 32u);
  EXPECT_EQ(LoadPolicy(run_ / "checkpoints/last").hash, hash);
  EXPECT_EQ(LoadPolicy(run_ / "checkpoints/000020").hash, hash);
  EXPECT_EQ(LoadPolicy(policy_).hash, hash);
  // a policy folder carried elsewhere is whole
  const fs::path elsewhere = FreshFolder("carried") / "policy";
  fs::copy(policy_, elsewhere);
  EXPECT_EQ(LoadPolicy(elsewhere).hash, hash);
  EXPECT_THAT([&] { LoadPolicy(FreshFolder("empty")); },
              ThrowsMessage<Error>(HasSubstr("holds no checkpoint")));
  EXPECT_THAT([&] { LoadPolicy("/nowhere/at/all"); },
              ThrowsMessage<Error>(HasSubstr("no such checkpoint")));
}

TEST_F(CheckpointTest, EveryDamagedFileIsFound) {
  for (const char* half : {"pretrained_model", "training_state"}) {
    const fs::path folder = run_ / "checkpoints/000020" / half;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name == "manifest.json") continue;
      const std::string text = ReadText(entry.path());
      std::string bad = text;
      bad[bad.size() / 2] ^= 1;
      WriteTextAtomically(entry.path(), bad);
      const auto load = [&] {
        if (std::string(half) == "pretrained_model") {
          LoadPolicy(run_);
        } else {
          LoadTrainingState(run_);
        }
      };
      EXPECT_THAT(load, ThrowsMessage<Error>(testing::AllOf(HasSubstr(name), HasSubstr("hash"))));
      fs::remove(entry.path());
      EXPECT_THAT(load, ThrowsMessage<Error>(HasSubstr("missing, but named")));
      WriteTextAtomically(entry.path(), text);
      load();
    }
  }
}

// Whatever is damaged, the message names the folder to remove, and a resume after that ends with
// the weights of a run that never stopped.
TEST_F(TrainLoopTest, ADamagedNewestCheckpointCanBePassedOver) {
  Progress quiet;
  const fs::path whole = FreshFolder("whole");
  TrainLoop(Set(), Options(whole), FakeEngineFactory(), quiet);
  for (const char* file :
       {"pretrained_model/model.safetensors", "pretrained_model/train_config.json",
        "pretrained_model/manifest.json", "pretrained_model", "training_state/manifest.json",
        "training_state/weights.safetensors", "training_state"}) {
    const fs::path run = FreshFolder("damaged");
    Stopper stopper(49);
    TrainLoop(Set(), Options(run), FakeEngineFactory(), stopper);
    ClearInterrupt();
    const std::vector<int64_t> steps = ListCheckpoints(run);
    ASSERT_THAT(steps, testing::ElementsAre(40, 50));
    const fs::path newest = run / "checkpoints/000050";
    if (fs::is_regular_file(newest / file) && fs::path(file).filename() != "manifest.json") {
      WriteTextAtomically(newest / file, "{");
    } else {
      fs::remove_all(newest / file);
    }
    TrainOptions options = Options(run);
    EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
                ThrowsMessage<Error>(HasSubstr("--overwrite")));
    options.resume = true;
    EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
                ThrowsMessage<Error>(
                    testing::AllOf(HasSubstr(fs::path(file).filename().string()),
                                   HasSubstr("remove the folder " + fs::canonical(newest).string()),
                                   HasSubstr("resume from checkpoint 000040"))))
        << file;
    EXPECT_TRUE(fs::exists(newest));
    // the way on that the message names
    fs::remove_all(newest);
    const TrainReport report = TrainLoop(Set(), options, FakeEngineFactory(), quiet);
    EXPECT_EQ(report.resumed_from, 40);
    EXPECT_EQ(LoadPolicy(run).hash, LoadPolicy(whole).hash);
  }
}

TEST_F(TrainLoopTest, ADamagedOnlyCheckpointAsksForANewStart) {
  const fs::path run = FreshFolder("only");
  Progress quiet;
  TrainOptions options = Options(run, 20);
  TrainLoop(Set(), options, FakeEngineFactory(), quiet);
  fs::remove(run / "checkpoints/000020/pretrained_model/manifest.json");
  options.resume = true;
  EXPECT_THAT([&] { TrainLoop(Set(), options, FakeEngineFactory(), quiet); },
              ThrowsMessage<Error>(HasSubstr("train again with --overwrite")));
  options.resume = false;
  options.overwrite = true;
  EXPECT_EQ(TrainLoop(Set(), options, FakeEngineFactory(), quiet).steps, 20);
  EXPECT_EQ(LoadPolicy(run).config.execute, 3);
}

// The scene of the data goes with the policy, under its manifest.
TEST_F(CheckpointTest, CarriesTheSceneOfItsData) {
  EXPECT_EQ(SceneOfPolicy(run_), fs::path());
  const PolicyArtefact artefact = LoadPolicy(run_);
  const SceneFile mesh{"task/parts/cube.obj", ContentHash("v 0 0 0"), [] { return "v 0 0 0"; }};
  SaveCheckpoint(run_, artefact.config, artefact.weights, Json::object(), Json::object(),
                 {30, {}, {}}, 2, {mesh});
  EXPECT_EQ(LoadPolicy(run_).hash, artefact.hash);
  const fs::path file = SceneOfPolicy(run_) / mesh.path;
  EXPECT_EQ(ReadText(file), "v 0 0 0");
  std::ofstream(file) << "v 1 0 0";
  EXPECT_THAT([&] { LoadPolicy(run_); }, ThrowsMessage<Error>(HasSubstr("parts/cube.obj: hash")));
}

// An evaluation of the run must not take an older policy without a word.
TEST_F(CheckpointTest, AnOlderCheckpointNeverStandsInForADamagedOne) {
  const PolicyArtefact artefact = LoadPolicy(run_);
  SaveCheckpoint(run_, artefact.config, artefact.weights, Json::object(), Json::object(),
                 {30, {}, {}}, 2);
  fs::remove(run_ / "checkpoints/000030/pretrained_model/manifest.json");
  EXPECT_THAT([&] { LoadPolicy(run_); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("no manifest.json"),
                                                  HasSubstr("resume from checkpoint 000020"))));
  EXPECT_EQ(LoadPolicy(run_ / "checkpoints/000020").hash, artefact.hash);
  // a policy that was carried elsewhere has no checkpoint before it
  const fs::path elsewhere = FreshFolder("carried") / "policy";
  fs::copy(policy_, elsewhere);
  fs::remove(elsewhere / "manifest.json");
  EXPECT_THAT([&] { LoadPolicy(elsewhere); }, ThrowsMessage<Error>(HasSubstr("take another copy")));
}

TEST_F(CheckpointTest, AConfigThatMeansSomethingElseIsRefused) {
  const Json good = LoadJson(policy_ / "config.json");
  const auto refuse = [&](const std::string& path, const Json& value, const std::string& what) {
    Json bad = good;
    bad[Json::json_pointer(path)] = value;
    EXPECT_THAT([&] { ParsePolicyConfig(bad, "config.json"); },
                ThrowsMessage<Error>(HasSubstr(what)));
  };
  EXPECT_EQ(ToJson(ParsePolicyConfig(good, "config.json")).dump(), good.dump());
  refuse("/format", "other", "no policy of this program");
  refuse("/version", 99, "version 99: this program reads version 1");
  refuse("/embodiment/action_meaning", "joint_delta",
         "'joint_delta': known are relative_eef, relative_joints and columns");
  refuse("/layout/state", 12, "layout.state = 12");
  refuse("/layout/cameras", 1, "layout.cameras = 1: 2 are named");
  refuse("/execute", 50, "execute = 50");
  refuse("/action/min", Json::array({1, 2}), "action.min = 2 numbers");
  refuse("/mean_chunk", Json::array({1.0}), "mean_chunk has 1 numbers");
  refuse("/stat", 1, "did you mean 'state'");
}

TEST_F(CheckpointTest, TheNewestAreKeptAndLeavingsCleared) {
  const PolicyArtefact artefact = LoadPolicy(run_);
  fs::create_directories(run_ / "checkpoints/000030.part/pretrained_model");
  for (const int64_t step : {30, 40, 1234567}) {
    SaveCheckpoint(run_, artefact.config, artefact.weights, Json::object(), Json::object(),
                   {step, {}, {}}, 2);
  }
  EXPECT_THAT(ListCheckpoints(run_), testing::ElementsAre(40, 1234567));
  EXPECT_EQ(LoadTrainingState(run_).step, 1234567);
  EXPECT_FALSE(fs::exists(run_ / "checkpoints/000030.part"));
  // the same step again replaces it
  SaveCheckpoint(run_, artefact.config, {{"w", FloatTensor({9}, {1})}}, Json::object(),
                 Json::object(), {1234567, {}, {}}, 2);
  EXPECT_EQ(FloatsOf(LoadPolicy(run_).weights.at("w"))[0], 9);
}

TEST_F(CheckpointTest, AFullOrForbiddenPlaceIsReported) {
  const PolicyArtefact artefact = LoadPolicy(run_);
  const fs::path file = FreshFolder("blocked") / "run";
  std::ofstream(file) << "a file stands where the run should";
  EXPECT_THAT(
      [&] {
        SaveCheckpoint(file, artefact.config, artefact.weights, Json::object(), Json::object(),
                       {1, {}, {}}, 0);
      },
      ThrowsMessage<Error>(HasSubstr("checkpoint")));
}

}  // namespace
}  // namespace understudy
