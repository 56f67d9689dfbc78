// Training on columns of a stranger's dataset as they are stored: no pose of an arm is known.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "data/formats/formats.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"
#include "tests/support/fake_simulator.h"
#include "tests/train/fake_engine.h"
#include "train/command.h"
#include "train/evaluate/evaluate.h"
#include "train/run/checkpoint.h"

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

class ColumnsTest : public testing::Test {
 protected:
  fs::path Write(const char* name, const StrangerOptions& options = {}) const {
    WriteStranger(folder_ / name, options);
    return folder_ / name;
  }
  // A camera of each of the sizes.
  fs::path WriteWithCameras(const char* name, const std::vector<size_t>& sides) const {
    StrangerOptions options;
    options.also = [&](const h5::Group& demo, size_t, size_t rows) {
      for (size_t c = 0; c < sides.size(); ++c) {
        demo.Write(Ramp(fmt::format("obs/camera{}_image", c), ColumnType::kU8,
                        {sides[c], sides[c], 3}, rows));
      }
    };
    return Write(name, options);
  }
  TrainingSet Load(const std::vector<fs::path>& files, const InputOptions& inputs = {},
                   const ReadOptions& read = {}) {
    return LoadTrainingSet(files, inputs, {}, quiet_, read);
  }
  TrainOptions Options(const fs::path& file) const {
    TrainOptions options;
    options.datasets = {file.string()};
    options.out = (folder_ / "run").string();
    options.steps = 10;
    options.batch = 4;
    options.horizon = 3;
    options.execute = 2;
    return options;
  }

  store_test::Folder folder_;
  Progress quiet_;
};

TEST_F(ColumnsTest, StateAndActionAreTheStoredNumbers) {
  const fs::path file = Write("a.hdf5");
  const TrainingSet set = Load({file});
  EXPECT_EQ(set.embodiment.action_meaning, kStoredColumns);
  EXPECT_EQ(set.embodiment.state_size(), 9);
  EXPECT_EQ(set.embodiment.action_size(), 6);
  EXPECT_EQ(set.control_hz, 25);
  EXPECT_TRUE(set.cameras.empty());
  // how they ended is not told: none is left out
  ASSERT_EQ(set.episodes.size(), 2u);
  EXPECT_THAT(set.instructions, ElementsAre("close the hand"));

  const auto source = OpenDataset(file);
  std::map<std::string, ColumnSpec> columns;
  for (const ColumnSpec& column : source->ListColumns()) columns[column.name] = column;
  const auto stored =
      source->ReadColumns(1, std::vector{columns["obs/robot0_eef_pos"],
                                         columns["obs/robot0_gripper_qpos"], columns["actions"]});
  const TrainingEpisode& episode = set.episodes[1];
  for (size_t k = 0; k < 6; ++k) {
    for (size_t i = 0; i < 9; ++i) {
      const double v = i < 3 ? stored[0][3 * k + i] : stored[1][6 * k + i - 3];
      EXPECT_EQ(episode.state_TS[9 * k + i], static_cast<float>(v));
    }
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(episode.actions_TA[6 * k + i], static_cast<float>(stored[2][6 * k + i]));
    }
  }
  // the action of a chunk's step is that of its own row; beyond the end the last one counts nothing
  std::vector<float> chunk(3 * 6);
  std::vector<uint8_t> mask(3);
  set.Chunk(episode, 4, std::vector{0, 1, 2}, chunk.data(), mask.data());
  EXPECT_THAT(mask, ElementsAre(1, 1, 0));
  EXPECT_EQ(chunk[0], episode.actions_TA[6 * 4]);
  EXPECT_EQ(chunk[6], episode.actions_TA[6 * 5]);
  EXPECT_EQ(chunk[12], episode.actions_TA[6 * 5]);
}

TEST_F(ColumnsTest, ColumnsAreChosenByName) {
  const fs::path file = Write("a.hdf5");
  const TrainingSet set =
      Load({file}, {.state_columns = {"obs/touch"}, .action_columns = {"obs/robot0_eef_pos"}});
  EXPECT_EQ(set.embodiment.state_size(), 8);
  EXPECT_EQ(set.embodiment.action_size(), 3);
  EXPECT_THAT([&] { Load({file}, {.state_columns = {"obs/tuch"}}); },
              ThrowsMessage<Error>(HasSubstr("did you mean 'obs/touch'")));
  // parts of a map
  const fs::path map = folder_ / "map.yaml";
  WriteTextAtomically(map, R"(
state: [{column: obs/touch, parts: [{name: thumb, from: 4, size: 2}]}]
action: [{column: actions, parts: [{name: grasp, from: 5}]}]
instruction: hold it
)");
  const TrainingSet mapped = Load({file}, {}, {.map = map.string()});
  EXPECT_EQ(mapped.embodiment.state_size(), 2);
  ASSERT_EQ(mapped.embodiment.action_columns.size(), 1u);
  EXPECT_EQ(mapped.embodiment.action_columns[0].name, "grasp");
  EXPECT_THAT(mapped.instructions, ElementsAre("hold it"));
}

TEST_F(ColumnsTest, DatasetsWithOtherColumnsAreRefused) {
  const fs::path file = Write("a.hdf5");
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t, size_t rows) {
    demo.Write(Ramp("obs/robot1_eef_pos", ColumnType::kF64, {3}, rows));
  };
  options.control_hz = 10;
  EXPECT_THAT(
      [&] {
        Load({file, Write("b.hdf5", options)});
      },
      ThrowsMessage<Error>(
          AllOf(HasSubstr("state is"), HasSubstr("obs/robot1_eef_pos"), HasSubstr("10 Hz"))));
}

TEST_F(ColumnsTest, WhereEveryEpisodeIsLeftOutTheReasonIsSaid) {
  const fs::path file = Write("a.hdf5", {.episodes = 1});
  store_test::Surgeon(file).Poke("/data/demo_0/actions", 3, std::nan(""));
  EXPECT_THAT([&] { Load({file}, {}, {.skip_bad = true}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("no episode is left, none of its 1 can be read"),
                                         HasSubstr("/data/demo_0/actions[0]"))));
}

// What a stranger's dataset is refused for says what to give.
TEST_F(ColumnsTest, RefusalsSayWhatToGive) {
  // nothing says what the state is
  const fs::path bare = Write("bare.hdf5", {.also = [](const h5::Group& demo, size_t, size_t) {
                                demo.Delete("obs/robot0_eef_pos");
                                demo.Delete("obs/robot0_gripper_qpos");
                              }});
  EXPECT_THAT([&] { Load({bare}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("bare.hdf5: it does not say which of its "
                                                   "columns are the state"),
                                         HasSubstr("--state-columns some of actions, obs/touch"))));
  EXPECT_EQ(Load({bare}, {.state_columns = {"obs/touch"}}).embodiment.state_size(), 8);

  // none is told to be a success
  const fs::path failed = Write("failed.hdf5", {.also = [](const h5::Group& demo, size_t, size_t) {
                                  demo.SetBool("success", false);
                                }});
  EXPECT_THAT([&] { Load({failed}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("none of its 2 episodes is selected"),
                                         HasSubstr("none is a success: "
                                                   "--no-selection.only-successes"))));

  // cameras of two sizes, and one that is not there
  const fs::path sizes = WriteWithCameras("sizes.hdf5", {8, 16});
  EXPECT_THAT([&] { Load({sizes}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("camera0 is 8x8, camera1 is 16x16"),
                                         HasSubstr("give --image-width and --image-height, or "
                                                   "fewer --cameras"))));
  EXPECT_THAT([&] { Load({sizes}, {.image_width = 8}); },
              ThrowsMessage<Error>(HasSubstr("image_width and image_height: give both")));
  EXPECT_THAT([&] { Load({sizes}, {.cameras = {"camera7"}}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("cannot be trained on"), HasSubstr("camera7"),
                                         HasSubstr("camera0"))));

  // two datasets that are not alike, with every reason
  const fs::path first = Write("first.hdf5"), second = Write("second.hdf5", {.control_hz = 10});
  EXPECT_THAT(
      [&] {
        Load({first, second});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("second.hdf5: cannot be trained on"),
                                 HasSubstr("control rate is 10 Hz here and 25 Hz in the "
                                           "first dataset"))));

  // a number that is none, in what is learnt
  const fs::path bad = Write("bad.hdf5");
  store_test::Surgeon(bad).Poke("/data/demo_1/actions", 9, std::nan(""));
  EXPECT_THAT(
      [&] { Load({bad}); },
      ThrowsMessage<Error>(
          AllOf(HasSubstr("demo_1: column actions, row 1, number 3 is nan: nothing can be learnt"),
                HasSubstr("`understudy data filter --drop demo_1` leaves the episode out"))));
}

// A gripper alone.
TEST_F(ColumnsTest, ActionsOfOneNumberAreLearnt) {
  const fs::path file = Write("one.hdf5", {.also = [](const h5::Group& demo, size_t, size_t rows) {
                                demo.Delete("actions");
                                demo.Write(Ramp("actions", ColumnType::kF64, {}, rows));
                              }});
  const TrainingSet set = Load({file});
  EXPECT_EQ(set.embodiment.action_size(), 1);
}

TEST_F(ColumnsTest, PicturesOfSeveralSizesBecomeOne) {
  const fs::path file = WriteWithCameras("a.hdf5", {16, 32});
  EXPECT_THAT([&] { Load({file}); }, ThrowsMessage<Error>(AllOf(HasSubstr("camera0 is 16x16"),
                                                                HasSubstr("--image-width"))));
  EXPECT_EQ(Load({file}, {.cameras = {"camera1"}}).image_width, 32);
  const TrainingSet set = Load({file}, {.image_width = 8, .image_height = 8});
  EXPECT_EQ(set.image_height, 8);
  // the mean of each block
  std::vector<uint8_t> frame(8 * 8 * 3);
  for (const auto& [camera, side] : {std::pair{size_t{0}, 16}, {size_t{1}, 32}}) {
    set.datasets[0].frames(1, camera, 2, frame.data());
    const auto source = OpenDataset(file);
    const Image whole = source->ReadImage(1, fmt::format("camera{}", camera), 2);
    const int block = side / 8;
    double mean = 0;
    for (int y = 0; y < block; ++y) {
      for (int x = 0; x < block; ++x) mean += whole.rgb[static_cast<size_t>((y * side + x) * 3)];
    }
    EXPECT_NEAR(frame[0], mean / (block * block), 1) << camera;
  }
}

// From a stranger's file to a policy, which no simulator of arms takes.
TEST_F(ColumnsTest, TrainsResumesAndSaysWhyItIsNotEvaluated) {
  TrainOptions options = Options(WriteWithCameras("a.hdf5", {16}));
  RunTrain(options, FakeEngineFactory(), quiet_);
  const PolicyArtefact policy = LoadPolicy(options.out);
  EXPECT_EQ(policy.config.embodiment.action_meaning, kStoredColumns);
  EXPECT_THAT(policy.config.embodiment.state_columns,
              ElementsAre(testing::Field(&EmbodimentColumn::name, "obs/robot0_eef_pos"),
                          testing::Field(&EmbodimentColumn::name, "obs/robot0_gripper_qpos")));
  options.resume = true;
  EXPECT_EQ(RunTrain(options, FakeEngineFactory(), quiet_).steps, 10);

  const SimulatorInfo info = MakeFakeSimulator(FakeTask())->info();
  EvalCommandOptions eval;
  eval.checkpoint = options.out;
  const auto made = MakePolicy(eval, info, FakeModelFactory(), *SilentProgress());
  EXPECT_THAT(Mismatches(made->info(), info),
              testing::Contains(HasSubstr("columns of its dataset")));
}

// Without cameras the state alone is seen.
TEST_F(ColumnsTest, NoCamerasAreNeeded) {
  const TrainOptions options = Options(Write("a.hdf5"));
  EXPECT_EQ(RunTrain(options, FakeEngineFactory(), quiet_).steps, 10);
  EXPECT_TRUE(LoadPolicy(options.out).config.cameras.empty());
}

}  // namespace
}  // namespace understudy
