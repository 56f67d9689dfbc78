// Training from files: what the store holds is what is learnt, and every wrong input has its
// message.

#include "train/command.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/base/error.h"
#include "core/seam/dataset_header.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/surgeon.h"
#include "tests/support/cameras.h"
#include "tests/train/fake_engine.h"
#include "tests/train/training_fixture.h"
#include "train/policies/policies.h"
#include "train/run/checkpoint.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct FileShape {
  int episodes = 3;
  uint64_t seed = 1;
  int image = kImage;
  double control_hz = 20;
  double base_x = 0;
  std::vector<std::string> cameras{"agentview", "wrist"};
  bool images = true;
  Json task = ToJson(FakeTask());
};

Image Picture(size_t episode, size_t camera, size_t step, int size) {
  Image image(size, size);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = Pixel(episode, camera, step, i);
  return image;
}

// Scripted demonstrations with pictures made of Pixel(); the last episode failed, odd ones are of
// variant 1, mask "train" names the first two.
fs::path WriteFile(const FileShape& shape) {
  const TaskSpec task = FakeTask();
  const auto simulator = MakeFakeSimulator(task);
  DatasetHeader header;
  header.simulator = simulator->info();
  header.simulator.control_hz = shape.control_hz;
  header.simulator.X_WB[0] = Pose::FromTranslation({shape.base_x, 0, 0.8});
  header.stage = "augment";
  header.task = shape.task;
  if (shape.images) {
    header.cameras = shape.cameras;
    header.image_width = header.image_height = shape.image;
  }
  const fs::path file = FreshFolder("data") / "set.h5";
  DatasetWriter writer(file, header);
  for (int i = 0; i < shape.episodes; ++i) {
    const RngKey key{.seed = shape.seed, .parent = static_cast<uint64_t>(i)};
    Episode episode = ScriptedStack(*simulator, task, "D0", key);
    episode.steps.resize(40);
    episode.meta.success = i + 1 < shape.episodes;
    episode.meta.variant_index = i % 2;
    std::vector<std::vector<Image>> images;
    for (size_t camera = 0; shape.images && camera < shape.cameras.size(); ++camera) {
      std::vector<Image>& frames = images.emplace_back();
      for (size_t t = 0; t < episode.length(); ++t) {
        frames.push_back(Picture(static_cast<size_t>(i), camera, t, shape.image));
      }
    }
    writer.Append(episode, images, CamerasOf(header));
  }
  writer.WriteMask("train", {"demo_0", "demo_1"});
  writer.Finish();
  return file;
}

TrainOptions Options(const std::vector<fs::path>& files) {
  TrainOptions options;
  for (const fs::path& file : files) options.datasets.push_back(file.string());
  options.out = FreshFolder("run").string();
  options.steps = 10;
  options.batch = 4;
  options.horizon = 6;
  options.execute = 3;
  return options;
}

class CommandTest : public testing::Test {
 protected:
  TrainingSet Load(const std::vector<fs::path>& files, const SelectionOptions& selection = {},
                   const std::vector<std::string>& cameras = {}) {
    return LoadTrainingSet(files, InputOptions{.cameras = cameras}, selection, quiet_);
  }
  static std::vector<std::string> Names(const TrainingSet& set) {
    std::vector<std::string> names;
    for (const TrainingEpisode& episode : set.episodes) names.push_back(episode.name);
    return names;
  }
  Progress quiet_;
};

TEST_F(CommandTest, TheSetHoldsWhatTheFileHolds) {
  const fs::path file = WriteFile({});
  // cameras in another order than in the file
  const TrainingSet set = Load({file}, {}, {"wrist", "agentview"});
  const DatasetReader reader(file);
  EXPECT_EQ(set.datasets[0].hash, reader.content_hash());
  EXPECT_FALSE(set.datasets[0].hash.empty());
  ASSERT_EQ(set.episodes.size(), 2u);
  EXPECT_EQ(set.windows(), 80u);
  const Episode episode = reader.ReadEpisode(1);
  for (size_t t = 0; t < 40; ++t) {
    EXPECT_TRUE(set.episodes[1].X_WE[t] == episode.steps[t].observation.arms[0].X_WE);
    EXPECT_EQ(set.episodes[1].targets[t], episode.steps[t].action_clean.arms[0]);
    Image image(kImage, kImage);
    set.datasets[0].frames(1, 0, t, image.rgb.data());
    EXPECT_EQ(image, Picture(1, 1, t, kImage));
    set.datasets[0].frames(1, 1, t, image.rgb.data());
    EXPECT_EQ(image, Picture(1, 0, t, kImage));
  }
}

// The file's own task says which turns of an object look alike; another program's file says
// nothing.
TEST_F(CommandTest, ObjectsHaveTheSymmetryOfTheTaskInTheFile) {
  EXPECT_THAT(Load({WriteFile({})}).objects,
              testing::ElementsAre(LabelledObject{"cubeA", 4}, LabelledObject{"cubeB", 4}));
  for (const Json& task :
       {Json::object(), Json{{"objects", 3}},
        Json{{"objects", {{"cubeA", {{"symmetry", -1}}}, {"cubeB", "round"}}}}}) {
    EXPECT_THAT(Load({WriteFile({.task = task})}).objects,
                testing::ElementsAre(LabelledObject{"cubeA", 1}, LabelledObject{"cubeB", 1}));
  }
}

TEST_F(CommandTest, EpisodesAreSelected) {
  const fs::path file = WriteFile({.episodes = 5});
  SelectionOptions selection;
  EXPECT_THAT(Names(Load({file}, selection)),
              testing::ElementsAre("demo_0", "demo_1", "demo_2", "demo_3"));
  selection.only_successes = false;
  EXPECT_EQ(Load({file}, selection).episodes.size(), 5u);
  selection.variants = {0};
  EXPECT_THAT(Names(Load({file}, selection)), testing::ElementsAre("demo_0", "demo_2", "demo_4"));
  selection.max_episodes = 2;
  EXPECT_THAT(Names(Load({file}, selection)), testing::ElementsAre("demo_0", "demo_2"));
  selection = {};
  selection.mask = "train";
  EXPECT_THAT(Names(Load({file}, selection)), testing::ElementsAre("demo_0", "demo_1"));
  selection.mask = "trian";
  EXPECT_THAT(
      [&] { Load({file}, selection); },
      ThrowsMessage<Error>(AllOf(HasSubstr(file.string()), HasSubstr("did you mean 'train'"))));
  selection = {};
  selection.variants = {7};
  EXPECT_THAT([&] { Load({file}, selection); },
              ThrowsMessage<Error>(AllOf(HasSubstr("none of its 5 episodes"), HasSubstr("[7]"))));
}

TEST_F(CommandTest, DatasetsThatDoNotGoTogetherAreRefused) {
  const fs::path file = WriteFile({});
  const auto refused = [&](const FileShape& shape, const std::string& what) {
    const fs::path other = WriteFile(shape);
    EXPECT_THAT(
        [&] {
          Load({file, other});
        },
        ThrowsMessage<Error>(AllOf(HasSubstr(other.string()), HasSubstr(what))));
  };
  refused({.control_hz = 30}, "control rate is 30 Hz here and 20 Hz in the first");
  refused({.image = 16}, "image size is 16x16 here and 12x12");
  refused({.base_x = 0.5}, "robot base");
  refused({.cameras = {"agentview", "side"}}, "unknown camera 'wrist'");
  EXPECT_EQ(Load({file, WriteFile({.seed = 2})}).episodes.size(), 4u);
  EXPECT_THAT(
      [&] { Load({WriteFile({.images = false})}); },
      ThrowsMessage<Error>(AllOf(HasSubstr("holds no images"), HasSubstr("--no-pictures"))));
  EXPECT_THAT([&] { Load({file}, {}, {"agentveiw"}); },
              ThrowsMessage<Error>(HasSubstr("did you mean 'agentview'")));
  EXPECT_THAT([&] { Load({}); }, ThrowsMessage<Error>(HasSubstr("at least one dataset")));
  EXPECT_THAT([&] { Load({"/nowhere.h5"}); }, ThrowsMessage<Error>(HasSubstr("/nowhere.h5")));
}

// A policy that sees none needs none, and is not shown those that there are.
TEST_F(CommandTest, PicturesCanBeLeftOut) {
  for (const bool images : {true, false}) {
    const TrainingSet set =
        LoadTrainingSet({WriteFile({.images = images})}, {.pictures = false}, {}, quiet_);
    EXPECT_TRUE(set.cameras.empty());
    EXPECT_EQ(set.windows(), 80u);
  }
  EXPECT_THAT(
      [&] {
        LoadTrainingSet({WriteFile({})}, {.cameras = {"wrist"}, .pictures = false}, {}, quiet_);
      },
      ThrowsMessage<Error>(HasSubstr("cameras wrist with pictures off: give one of --cameras and "
                                     "--no-pictures")));
}

// From files to a policy that acts, mixed by weight and with loader threads.
TEST_F(CommandTest, TrainsFromFilesAndMakesThePolicy) {
  TrainOptions options = Options({WriteFile({}), WriteFile({.seed = 2})});
  options.weights = {1, 3};
  options.loader.threads = 2;
  const Json plan = PlanTrain(options, FakeEngineFactory(), quiet_);
  EXPECT_GT(plan["seconds_per_update"], 0.0);
  EXPECT_EQ(plan["seconds"], 10 * plan["seconds_per_update"].get<double>());
  EXPECT_GT(plan["memory_mib"]["total"], 0.0);
  EXPECT_GT(plan["memory_mib"]["peak"], plan["memory_mib"]["total"].get<double>());
  EXPECT_EQ(plan["datasets"][1]["rows"], 80);
  EXPECT_EQ(plan["samples"], 40);
  EXPECT_FALSE(fs::exists(fs::path(options.out) / "checkpoints"));
  const TrainReport report = RunTrain(options, FakeEngineFactory(), quiet_);
  EXPECT_EQ(report.steps, 10);
  EXPECT_EQ(report.dataset_hashes.size(), 2u);

  const SimulatorInfo info = MakeFakeSimulator(FakeTask())->info();
  EvalCommandOptions eval;
  EXPECT_THAT([&] { MakePolicy(eval, info, FakeModelFactory(), *SilentProgress()); },
              ThrowsMessage<Error>(HasSubstr("--checkpoint")));
  eval.baseline = BaselinePolicy::kHold;
  EXPECT_EQ(MakePolicy(eval, info, FakeModelFactory(), *SilentProgress())->info().name, "hold");
  eval.checkpoint = options.out;
  eval.baseline = BaselinePolicy::kNone;
  const auto policy = MakePolicy(eval, info, FakeModelFactory(), *SilentProgress());
  EXPECT_EQ(policy->info().cameras.size(), 2u);
  EXPECT_EQ(policy->info().robot, "fake");
  eval.baseline = BaselinePolicy::kMeanChunk;
  EXPECT_THAT(MakePolicy(eval, info, FakeModelFactory(), *SilentProgress())->info().cameras,
              testing::IsEmpty());
}

TEST_F(CommandTest, OptionsAreCheckedBeforeFilesAreRead) {
  TrainOptions options = Options({"/nowhere.h5"});
  options.execute = 7;
  EXPECT_THAT([&] { RunTrain(options, FakeEngineFactory(), quiet_); },
              ThrowsMessage<Error>(HasSubstr("execute = 7")));
}

// Changes the first place where `numbers` stand in the file, which keeps its hashes.
void ChangeNumbers(const fs::path& file, const std::vector<double>& numbers, double shift) {
  std::string bytes = ReadText(file);
  const std::string_view pattern(reinterpret_cast<const char*>(numbers.data()),
                                 numbers.size() * sizeof(double));
  const size_t at = bytes.find(pattern);
  ASSERT_NE(at, std::string::npos);
  const double changed = numbers[0] + shift;
  std::memcpy(&bytes[at], &changed, sizeof(changed));
  WriteTextAtomically(file, bytes);
}

// Labels that were shifted by 2 cm between stop and --resume.
TEST_F(CommandTest, NumbersThatDifferFromTheirHashAreNotTrusted) {
  const fs::path file = WriteFile({});
  TrainOptions options = Options({file});
  RunTrain(options, FakeEngineFactory(), quiet_);
  const Episode episode = DatasetReader(file).ReadEpisode(1);
  const Eigen::Vector3d p = episode.steps[7].action_clean.arms[0].X_WE_cmd.translation();
  ChangeNumbers(file, {p.x(), p.y(), p.z()}, 0.02);
  const auto message =
      ThrowsMessage<Error>(AllOf(HasSubstr(file.string()), HasSubstr("demo_1/"),
                                 HasSubstr("differs from the hash"), HasSubstr("data verify")));
  EXPECT_THAT([&] { Load({file}); }, message);
  options.resume = true;
  options.steps = 12;
  EXPECT_THAT([&] { RunTrain(options, FakeEngineFactory(), quiet_); }, message);
  // what is not learnt from is not checked
  SelectionOptions first;
  first.max_episodes = 1;
  EXPECT_EQ(Load({file}, first).episodes.size(), 1u);
}

// A picture that was replaced by a sound one: found when its episode and camera are first read.
TEST_F(CommandTest, PicturesThatDifferFromTheirHashAreNotTrusted) {
  const fs::path file = WriteFile({});
  {
    store_test::Surgeon surgeon(file);
    for (const char* demo : {"demo_0", "demo_1"}) {
      surgeon.Paint(fmt::format("data/{}/obs/wrist_image", demo), 3, 77);
    }
  }
  const auto message = ThrowsMessage<Error>(
      AllOf(HasSubstr(file.string()), HasSubstr("obs/wrist_image"), HasSubstr("when step "),
            HasSubstr("differ from the hash"), HasSubstr("data verify")));
  const TrainingSet set = Load({file});
  ASSERT_EQ(set.cameras, (std::vector<std::string>{"agentview", "wrist"}));
  std::vector<uint8_t> frame(static_cast<size_t>(set.image_height * set.image_width * 3));
  set.datasets[0].frames(1, 0, 3, frame.data());
  for (int twice = 0; twice < 2; ++twice) {
    EXPECT_THAT([&] { set.datasets[0].frames(1, 1, 5, frame.data()); },
                ThrowsMessage<Error>(AllOf(HasSubstr("/data/demo_1/obs/wrist_image"),
                                           HasSubstr("when step 5 was read"))));
  }
  EXPECT_THAT([&] { RunTrain(Options({file}), FakeEngineFactory(), quiet_); }, message);
}

// Masks choose what is learnt from, and are under the hash of the whole dataset.
TEST_F(CommandTest, MasksThatDifferFromTheirHashAreNotTrusted) {
  const fs::path file = WriteFile({});
  std::string bytes = ReadText(file);
  const size_t at = bytes.find("demo_0demo_1");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 12, "demo_0demo_2");
  WriteTextAtomically(file, bytes);
  EXPECT_THAT([&] { Load({file}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("masks, attempts or list of episodes"),
                                         HasSubstr("differs from the hash"))));
}

TEST_F(CommandTest, AttributesThatDifferFromTheirHashAreNotTrusted) {
  const fs::path file = WriteFile({});
  const DatasetReader reader(file);
  const std::string uuid = reader.episodes()[0].uuid;
  std::string bytes = ReadText(file);
  size_t at = bytes.find(uuid);
  ASSERT_NE(at, std::string::npos);
  for (; at != std::string::npos; at = bytes.find(uuid, at)) {
    bytes[at] = bytes[at] == '0' ? '1' : '0';
  }
  const fs::path other = FreshFolder("data") / "set.h5";
  WriteTextAtomically(other, bytes);
  EXPECT_THAT([&] { Load({other}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("demo_0"), HasSubstr("differs from the hash"))));
}

TEST_F(CommandTest, AnUnknownTypeIsRefusedAndNamesTheKnownOnes) {
  TrainOptions options = Options({WriteFile({})});
  options.type = "banana";
  const auto message = ThrowsMessage<Error>(
      AllOf(HasSubstr("type"), HasSubstr("unknown policy 'banana'"), HasSubstr("Known: groot")));
  EXPECT_THAT([&] { PlanTrain(options, {}, quiet_); }, message);
  EXPECT_THAT([&] { RunTrain(options, FakeEngineFactory(), quiet_); }, message);
  EXPECT_FALSE(fs::exists(fs::path(options.out) / "checkpoints"));
  options.type = "grot";
  EXPECT_THAT([&] { PlanTrain(options, {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("did you mean 'groot'")));
}

TEST_F(CommandTest, ACheckpointOfAnUnknownTypeIsRefused) {
  const TrainOptions options = Options({WriteFile({})});
  RunTrain(options, FakeEngineFactory(), quiet_);
  PolicyArtefact artefact = LoadPolicy(options.out);
  artefact.config.type = "banana";
  const fs::path run = FreshFolder("banana");
  SaveCheckpoint(run, artefact.config, artefact.weights, Json::object(), Json::object(),
                 {1, {}, {}}, 0);
  const SimulatorInfo info = MakeFakeSimulator(FakeTask())->info();
  EvalCommandOptions eval;
  eval.checkpoint = run.string();
  for (const BaselinePolicy baseline : {BaselinePolicy::kNone, BaselinePolicy::kMeanChunk}) {
    eval.baseline = baseline;
    EXPECT_THAT([&] { MakePolicy(eval, info, FakeModelFactory(), *SilentProgress()); },
                ThrowsMessage<Error>(AllOf(HasSubstr("config.json"), HasSubstr("'banana'"),
                                           HasSubstr("Known: groot"))));
  }
}

// The list says which types other programs have.
TEST_F(CommandTest, APolicyThatNoOtherProgramHasIsNotExported) {
  const TrainOptions options = Options({WriteFile({})});
  RunTrain(options, FakeEngineFactory(), quiet_);
  for (const bool plan : {true, false}) {
    const fs::path folder = fs::path(options.out) / "exported";
    EXPECT_THAT([&] { ExportPolicy(options.out, "lerobot", folder, plan); },
                ThrowsMessage<Error>(AllOf(HasSubstr("a policy of type 'groot'"),
                                           HasSubstr("are of type 'act' (for lerobot), 'groot_head' (for "
                                                     "gr00t)"))));
    EXPECT_FALSE(fs::exists(folder));
  }
}

// Under --plan as in the run, and before a file is opened.
TEST_F(CommandTest, OptionsOfNetworkAndTrainerAreCheckedFirst) {
  TrainOptions options = Options({"/nowhere.h5"});
  options.policy = Json{{"widht", 64}};
  const auto message =
      ThrowsMessage<Error>(HasSubstr("policy: widht: unknown key 'widht': did you mean 'width'"));
  EXPECT_THAT([&] { PlanTrain(options, {}, quiet_); }, message);
  EXPECT_THAT([&] { RunTrain(options, FakeEngineFactory(), quiet_); }, message);
  options.policy = Json{{"width", 30}, {"heads", 4}};
  EXPECT_THAT([&] { PlanTrain(options, {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("width = 30: must be a multiple of heads = 4")));
}

TEST_F(CommandTest, ThePlanNamesEveryOptionOfNetworkAndTrainer) {
  TrainOptions options = Options({WriteFile({})});
  options.policy = Json{{"size", "small"}};
  options.trainer.clip = 2;
  const Json plan = PlanTrain(options, {}, quiet_);
  EXPECT_EQ(plan["type"], "groot");
  EXPECT_EQ(plan["policy"]["width"], 384);
  EXPECT_EQ(plan["trainer"]["clip"], 2);
  EXPECT_EQ(plan["trainer"]["steps"], 10);
  EXPECT_EQ(plan["trainer"]["seed"], options.seed);
  // what the network is given, at which steps
  ASSERT_EQ(plan["columns"].size(), 5u);
  EXPECT_EQ(plan["columns"][0]["name"], "images.agentview");
  EXPECT_EQ(plan["columns"][0]["shape"], (Json{kImage, kImage, 3}));
  EXPECT_EQ(plan["columns"][4]["name"], "action");
  EXPECT_EQ(plan["columns"][4]["steps"], (Json{0, options.horizon - 1}));
}

TEST(TrainerOptionsTest, AreReadWithTheOthers) {
  const Json json{{"trainer", {{"lerning_rate", 0.1}, {"clip", -1}}}};
  EXPECT_THAT([&] { FromJson<TrainOptions>(json, "train"); },
              ThrowsMessage<Error>(
                  AllOf(HasSubstr("trainer.lerning_rate: unknown key 'lerning_rate': did you mean "
                                  "'learning_rate'"),
                        HasSubstr("trainer.clip: = -1 must lie in"))));
}

TEST(PolicyTypesTest, EveryListedTypeResolvesItsDefaults) {
  for (const PolicyType& type : PolicyTypes()) {
    EXPECT_EQ(FindPolicyType(type.name), &type);
    EXPECT_FALSE(type.summary.empty());
    const Json all = type.resolve(Json::object());
    EXPECT_EQ(type.resolve(all).dump(), all.dump()) << type.name;
    // what is not written is at its default
    for (const FieldInfo& field : type.fields) {
      const Json same = type.resolve({{field.path, field.default_value}});
      EXPECT_EQ(same.dump(), all.dump()) << type.name << ": " << field.path;
      EXPECT_TRUE(!all.contains(field.path) || all[field.path] == field.default_value);
    }
    for (const auto& [name, value] : all.items()) {
      EXPECT_TRUE(std::ranges::any_of(type.fields, [&name = name](const FieldInfo& field) {
        return field.path == name;
      })) << name;
    }
  }
  EXPECT_EQ(FindPolicyType("banana"), nullptr);
}

}  // namespace
}  // namespace understudy
