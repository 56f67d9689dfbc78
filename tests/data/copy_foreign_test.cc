// Files of robomimic's family, edited as they are: filter, split, merge, trim, relabel. LIBERO's
// dialect, and robots whose actions are not understood.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/json.h"
#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/hdf5/attributes.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/image_column.h"
#include "tests/data/foreign_support.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kIdle = 9;  // rows at the beginning of every episode

// `width` numbers per row; row k of them is row 0 while k < idle.
Column Sines(const std::string& path, size_t rows, size_t width, double seed, size_t idle = 0) {
  Column column(path, ColumnType::kF64, {width});
  column.rows = rows;
  for (size_t k = 0; k < rows; ++k) {
    for (size_t i = 0; i < width; ++i) {
      const double row = k < idle ? 0 : static_cast<double>(k);
      column.Push(std::sin(seed + row + 0.37 * static_cast<double>(i)));
    }
  }
  return column;
}

// Pictures: the upper half red, the lower half blue, the last byte the row.
Column Pictures(const std::string& path, size_t rows) {
  Column column(path, ColumnType::kU8, {8, 16, 3});
  column.rows = rows;
  for (size_t k = 0; k < rows; ++k) {
    for (size_t i = 0; i < 8 * 16; ++i) {
      column.Push(static_cast<uint8_t>(i < 64 ? 200 : 0));
      column.Push(static_cast<uint8_t>(k));
      column.Push(static_cast<uint8_t>(i < 64 ? 0 : 200));
    }
  }
  return column;
}

Json EnvArgs(const std::string& controller) {
  const Json config{{"type", controller}, {"control_delta", true}, {"output_max", 0.05}};
  return {{"env_name", "Lift"},
          {"type", 1},
          {"env_kwargs",
           {{"control_freq", 20}, {"robots", {"Panda"}}, {"controller_configs", config}}}};
}

void WriteEpisode(const h5::Group& data, const std::string& name, size_t rows, double seed,
                  size_t actions) {
  const h5::Group demo = data.Create(name);
  demo.SetInt("num_samples", static_cast<int64_t>(rows));
  demo.SetText("model_file", "<mujoco/>");
  demo.SetText("somebody", "else's");
  demo.Write(Sines("actions", rows, actions, seed, kIdle));
  demo.Write(Sines("states", rows, 32, seed + 1));
  demo.Write(Sines("action_dict/gripper", rows, 1, seed + 2));
  Column fixed = Sines("fixed", 3, 2, seed);
  demo.Write(fixed);
  Column rewards("rewards", ColumnType::kF64, {});
  rewards.rows = rows;
  for (size_t k = 0; k < rows; ++k) rewards.Push(k + 1 == rows ? 1.0 : 0.0);
  demo.Write(rewards);
}

struct Kind {
  size_t actions = 7;
  std::string controller = "JOINT_POSITION";
  std::string env = "Lift";
};

// Demonstrations 3, 7 and 10, as after pruning by hand.
fs::path WriteRobomimic(const fs::path& file, double seed = 0, const Kind& kind = {}) {
  h5::GrowingFile out = h5::GrowingFile::Create(file);
  const h5::Group data = out.root().Create("data");
  Json env = EnvArgs(kind.controller);
  env["env_name"] = kind.env;
  data.SetText("env_args", env.dump());
  data.SetInt("total", 999);
  data.SetText("date", "today");
  for (const int number : {3, 7, 10}) {
    const std::string name = fmt::format("demo_{}", number);
    const size_t rows = 20 + static_cast<size_t>(number);
    WriteEpisode(data, name, rows, seed + number, kind.actions);
    const h5::Group demo = data.Open(name);
    for (const char* group : {"obs", "next_obs"}) {
      const std::string in = std::string(group) + "/";
      demo.Write(Sines(in + "robot0_eef_pos", rows, 3, seed));
      demo.Write(Sines(in + "robot0_gripper_qpos", rows, 2, seed));
      demo.Write(Sines(in + "robot0_base_pos", rows, 3, seed));
    }
    ImageWriter pictures(demo, "obs/agentview_image", rows, 16, 8, 1);
    const FrameCompressor compressor(1, 1);
    const Column pixels = Pictures("", rows);
    for (size_t k = 0; k < rows; ++k) {
      Image image(16, 8);
      std::copy_n(pixels.bytes.begin() + static_cast<std::ptrdiff_t>(k * 384), 384,
                  image.rgb.begin());
      pictures.Add(image, compressor.Compress({&image})[0]);
    }
  }
  out.root().WriteTexts("mask/train", {"demo_3", "demo_7", "demo_8"});
  out.root().WriteTexts("mask/valid", {"demo_10"});
  out.root().WriteTexts("mask/empty", {});
  out.root().Write(Sines("notes", 2, 2, 1));
  out.Close();
  return file;
}

class CopyForeignTest : public testing::Test {
 protected:
  h5::Group Demo(const fs::path& file, const std::string& name) const {
    return h5::OpenForReading(file).Open("data").Open(name);
  }
  std::vector<std::string> Names(const fs::path& file) const {
    std::vector<std::string> names;
    const auto source = OpenDataset(file);
    for (const EpisodeSummary& e : source->episodes()) names.push_back(e.name);
    return names;
  }
  Folder folder_;
  fs::path out_ = folder_ / "out.h5";
  Progress quiet_;
};

TEST_F(CopyForeignTest, FilterKeepsNamesAttributesAndWhatItDoesNotKnow) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5");
  const FilterReport report = FilterAny(in, out_, {.where = "steps > 25"}, quiet_);
  EXPECT_EQ(report.kept, 2);
  EXPECT_EQ(report.dropped, 1);
  EXPECT_EQ(FindFormat(out_)->name, "robomimic");
  EXPECT_THAT(Names(out_), ElementsAre("demo_7", "demo_10"));
  const h5::Group root = h5::OpenForReading(out_);
  EXPECT_EQ(root.Open("data").Int("total"), 27 + 30);
  EXPECT_EQ(root.Open("data").Text("date"), "today");
  EXPECT_TRUE(root.Has("notes"));
  const auto source = OpenDataset(out_);
  EXPECT_THAT(source->MaskNames(), ElementsAre("empty", "train", "valid"));
  EXPECT_THAT(source->ReadMask("train"), ElementsAre("demo_7"));
  EXPECT_THAT(source->ReadMask("valid"), ElementsAre("demo_10"));
  EXPECT_THAT(source->ReadMask("empty"), IsEmpty());
  const h5::Group a = Demo(in, "demo_7"), b = Demo(out_, "demo_7");
  EXPECT_EQ(b.Text("somebody"), "else's");
  for (const char* name : {"actions", "states", "rewards", "fixed", "action_dict/gripper",
                           "next_obs/robot0_eef_pos", "obs/agentview_image"}) {
    EXPECT_EQ(a.Read(name).bytes, b.Read(name).bytes) << name;
  }
  // pictures as they were compressed
  std::vector<uint8_t> x, y;
  ASSERT_TRUE(ImageReader(a, "agentview").ReadCompressed(4, &x));
  ASSERT_TRUE(ImageReader(b, "agentview").ReadCompressed(4, &y));
  EXPECT_EQ(x, y);
  EXPECT_TRUE(VerifyDataset(out_).faults.empty());
  EXPECT_FALSE(fs::exists(folder_ / "out.h5.part"));
}

TEST_F(CopyForeignTest, SlipsWriteNothing) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5");
  EXPECT_THAT([&] { FilterAny(in, out_, {.where = "steps > 1000"}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("none of its 3 episodes")));
  EXPECT_THAT([&] { FilterAny(in, out_, {.by_reference = true}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("copied, not linked")));
  EXPECT_THAT([&] { FilterAny(in, in, {.overwrite = true}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("input and output")));
  EXPECT_FALSE(fs::exists(out_));
  EXPECT_FALSE(fs::exists(folder_ / "out.h5.part"));
}

TEST_F(CopyForeignTest, SplitAddsKeysOrWritesFiles) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5");
  const SplitOptions options{.parts = {{"train", 0.67}, {"valid", 0.33}}};
  EXPECT_EQ(SplitAny(in, out_, options, quiet_).at("train"), 2);
  const auto source = OpenDataset(out_);
  EXPECT_EQ(source->ReadMask("train").size(), 2u);
  EXPECT_EQ(source->ReadMask("valid").size(), 1u);
  EXPECT_EQ(source->episodes().size(), 3u);
  SplitOptions files = options;
  files.files = true;
  SplitAny(in, out_, files, quiet_);
  EXPECT_EQ(OpenDataset(folder_ / "out.train.h5")->episodes().size(), 2u);
  EXPECT_EQ(OpenDataset(folder_ / "out.valid.h5")->episodes().size(), 1u);
}

TEST_F(CopyForeignTest, MergeRenumbersAndMasksFollow) {
  const fs::path a = WriteRobomimic(folder_ / "a.h5"), b = WriteRobomimic(folder_ / "b.h5", 100);
  MergeAny({a, b}, out_, {}, quiet_);
  EXPECT_THAT(Names(out_), ElementsAre("demo_0", "demo_1", "demo_2", "demo_3", "demo_4", "demo_5"));
  EXPECT_THAT(OpenDataset(out_)->ReadMask("train"),
              ElementsAre("demo_0", "demo_1", "demo_3", "demo_4"));
  EXPECT_EQ(h5::OpenForReading(out_).Open("data").Int("total"), 2 * (23 + 27 + 30));
  EXPECT_EQ(Demo(b, "demo_10").Read("actions").bytes, Demo(out_, "demo_5").Read("actions").bytes);
}

TEST_F(CopyForeignTest, MergeNamesEveryReason) {
  const fs::path a = WriteRobomimic(folder_ / "a.h5");
  const fs::path b = WriteRobomimic(folder_ / "b.h5", 100, {12, "OSC_POSITION", "Door"});
  EXPECT_THAT(
      [&] {
        MergeAny({a, b}, out_, {}, quiet_);
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("env_name is \"Lift\""), HasSubstr("controller_configs"),
                                 HasSubstr("column actions is (7) in"), HasSubstr("and (12) in"))));
  EXPECT_THAT(
      [&] {
        MergeAny({a, a}, out_, {}, quiet_);
      },
      ThrowsMessage<Error>(HasSubstr("is the same episode as demo_3")));
  const fs::path own = WriteConvertible(folder_ / "own.h5");
  EXPECT_THAT(
      [&] {
        MergeAny({a, own}, out_, {}, quiet_);
      },
      ThrowsMessage<Error>(HasSubstr("is of format robomimic")));
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(CopyForeignTest, TrimCutsRowsOfEveryArray) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5");
  const TrimReport report = TrimAny(in, out_, {.margin = 2, .least_rows = 5}, quiet_);
  EXPECT_EQ(report.trimmed, 3);
  // the first row is no repetition
  const size_t cut = kIdle - 1 - 2, rows = 27 - cut;
  EXPECT_EQ(report.rows_dropped, static_cast<int64_t>(3 * cut));
  const h5::Group a = Demo(in, "demo_7"), b = Demo(out_, "demo_7");
  EXPECT_EQ(b.Int("num_samples"), static_cast<int64_t>(rows));
  for (const char* name :
       {"actions", "states", "rewards", "action_dict/gripper", "obs/robot0_eef_pos",
        "next_obs/robot0_eef_pos", "obs/agentview_image"}) {
    const Column whole = a.Read(name), rest = b.Read(name);
    ASSERT_EQ(rest.rows, rows) << name;
    EXPECT_TRUE(std::equal(rest.bytes.rbegin(), rest.bytes.rend(), whole.bytes.rbegin())) << name;
  }
  EXPECT_EQ(b.Read("fixed").rows, 3u);
  EXPECT_EQ(OpenDataset(out_)->ReadImage(1, "agentview", 0),
            OpenDataset(in)->ReadImage(1, "agentview", cut));
  EXPECT_TRUE(VerifyDataset(out_).faults.empty());
  EXPECT_NE(OpenDataset(out_)->episodes()[1].uuid, OpenDataset(in)->episodes()[1].uuid);
}

// A reward that stood on a row that is cut off stands on the last one that is left.
TEST_F(CopyForeignTest, TrimKeepsTheSuccess) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5");
  {
    Surgeon surgeon(in);
    // demo_7 rests from row 15 of 27
    for (size_t k = 16; k < 27; ++k) {
      for (size_t i = 0; i < 7; ++i) {
        const double last = Demo(in, "demo_7").Read("actions").At<double>(15, i);
        surgeon.Poke("data/demo_7/actions", 7 * k + i, last);
      }
    }
  }
  ASSERT_TRUE(OpenDataset(in)->episodes()[1].success);
  TrimAny(in, out_, {.margin = 2, .least_rows = 5}, quiet_);
  const h5::Group demo = Demo(out_, "demo_7");
  ASSERT_LT(demo.Int("num_samples"), 20);
  const Column rewards = demo.Read("rewards");
  for (size_t k = 0; k < rewards.rows; ++k) {
    EXPECT_EQ(rewards.At<double>(k), k + 1 == rewards.rows ? 1.0 : 0.0) << k;
  }
  EXPECT_TRUE(OpenDataset(out_)->episodes()[1].success);
  EXPECT_TRUE(VerifyDataset(out_).faults.empty());
}

TEST_F(CopyForeignTest, RelabelWritesTheInstructionWhereRobosuiteReadsIt) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5");
  EXPECT_EQ(RelabelAny(in, out_, {.where = "steps > 25", .instruction = "lift"}, quiet_), 2);
  const auto source = OpenDataset(out_);
  EXPECT_EQ(source->ReadMeta(0).instruction, "");
  EXPECT_EQ(source->ReadMeta(1).instruction, "lift");
  EXPECT_EQ(ParseJson(Demo(out_, "demo_7").Text("ep_meta"), "")["lang"], "lift");
  EXPECT_THAT([&] { RelabelAny(in, out_, {.success = false, .overwrite = true}, quiet_); },
              ThrowsMessage<Error>(AllOf(HasSubstr("no place for success but their rewards"),
                                         HasSubstr("data convert"))));
}

TEST_F(CopyForeignTest, IsaacLabBeginsWithTheStateBeforeItsFirstRow) {
  const fs::path in = folder_ / "in.h5";
  {
    h5::GrowingFile file = h5::GrowingFile::Create(in);
    const h5::Group data = file.root().Create("data");
    data.SetText("env_args", Json{{"env_name", "Isaac-Stack"}, {"type", 2}}.dump());
    data.SetInt("total", 30);
    const h5::Group demo = data.Create("demo_0");
    demo.SetInt("num_samples", 30);
    demo.SetBool("success", true);
    demo.Write(Sines("actions", 30, 7, 0, kIdle));
    demo.Write(Sines("obs/joint_pos", 30, 9, 0));
    demo.Write(Sines("obs/actions", 30, 7, 0));
    Column depth("obs/table_cam_depth", ColumnType::kF32, {8, 16, 1});
    depth.rows = 30;
    for (size_t i = 0; i < 30 * 8 * 16; ++i) depth.Push(1.0f);
    demo.Write(depth);
    demo.Write(Sines("states/articulation/robot/joint_position", 30, 9, 0));
    demo.Write(Sines("initial_state/articulation/robot/joint_position", 1, 9, 50));
    file.Close();
  }
  TrimAny(in, out_, {.margin = 2, .least_rows = 5}, quiet_);
  const h5::Group a = Demo(in, "demo_0"), b = Demo(out_, "demo_0");
  EXPECT_EQ(b.Int("num_samples"), 24);
  const char* joints = "articulation/robot/joint_position";
  const Column before = b.Read("initial_state/" + std::string(joints), ColumnType::kF64);
  const Column states = a.Read("states/" + std::string(joints), ColumnType::kF64);
  ASSERT_EQ(before.rows, 1u);
  EXPECT_EQ(before.At<double>(0, 4), states.At<double>(5, 4));
  EXPECT_THAT([&] { RelabelAny(in, out_, {.instruction = "x", .overwrite = true}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("no place for an instruction")));
  RelabelAny(in, out_, {.success = false, .overwrite = true}, quiet_);
  EXPECT_FALSE(OpenDataset(out_)->episodes()[0].success);
  std::map<std::string, ColumnRole> roles;
  for (const ColumnSpec& column : OpenDataset(in)->ListColumns()) roles[column.name] = column.role;
  EXPECT_EQ(roles["obs/joint_pos"], ColumnRole::kState);
  EXPECT_EQ(roles["obs/table_cam_depth"], ColumnRole::kOther);
  EXPECT_EQ(roles["obs/actions"], ColumnRole::kOther);
}

// ---- LIBERO -------------------------------------------------------------------------------------

fs::path WriteLibero(const fs::path& file, const std::string& convention = "opengl") {
  h5::GrowingFile out = h5::GrowingFile::Create(file);
  const h5::Group data = out.root().Create("data");
  Json env = EnvArgs("OSC_POSE");
  env["bddl_file"] = "x/put.bddl";
  data.SetText("env_args", env.dump());
  data.SetText("macros_image_convention", convention);
  data.SetText("problem_info", Json{{"problem_name", "kitchen"},
                                    {"language_instruction", "put the mug on the plate"}}
                                   .dump());
  data.SetInt("total", 60);
  data.SetInt("num_demos", 2);
  for (const int number : {0, 1}) {
    const std::string name = fmt::format("demo_{}", number);
    WriteEpisode(data, name, 30, number, 7);
    const h5::Group demo = data.Open(name);
    h5::WriteDoublesAttribute(demo.id(), "", "init_state", std::vector<double>(32, 0));
    for (const auto& [column, width] : {std::pair{"ee_pos", 3u},
                                        {"ee_ori", 3u},
                                        {"ee_states", 6u},
                                        {"gripper_states", 2u},
                                        {"joint_states", 7u}}) {
      demo.Write(Sines(std::string("obs/") + column, 30, width, number));
    }
    demo.Write(Pictures("obs/agentview_rgb", 30));
    demo.Write(Pictures("obs/eye_in_hand_rgb", 30));
    Column depth("obs/agentview_depth", ColumnType::kF32, {8, 16, 1});
    depth.rows = 30;
    for (size_t i = 0; i < 30 * 8 * 16; ++i) depth.Push(static_cast<float>(i / 16 % 8));
    demo.Write(depth);
  }
  out.Close();
  return file;
}

TEST_F(CopyForeignTest, LiberoIsReadUprightWithItsHandAndInstruction) {
  const fs::path in = WriteLibero(folder_ / "in.h5");
  ASSERT_EQ(FindFormat(in)->name, "libero");
  const auto source = OpenDataset(in);
  EXPECT_THAT(source->header().cameras, ElementsAre("agentview", "eye_in_hand"));
  EXPECT_EQ(source->header().simulator.control_hz, 20);
  EXPECT_EQ(source->header().simulator.instruction, "put the mug on the plate");
  const Episode episode = source->ReadEpisode(1);
  EXPECT_EQ(episode.meta.instruction, "put the mug on the plate");
  EXPECT_TRUE(episode.meta.success);
  const h5::Group demo = Demo(in, "demo_1");
  const Column pos = demo.Read("obs/ee_pos", ColumnType::kF64);
  const Column ori = demo.Read("obs/ee_ori", ColumnType::kF64);
  const ArmObservation& arm = episode.steps[4].observation.arms.at(0);
  EXPECT_EQ(arm.X_WE.translation().y(), pos.At<double>(4, 1));
  const Eigen::Vector3d turn(ori.At<double>(4, 0), ori.At<double>(4, 1), ori.At<double>(4, 2));
  EXPECT_LT(arm.X_WE.rotation().angularDistance(RotationExp(turn)), 1e-9);
  EXPECT_EQ(arm.joint_q.size(), 7);
  EXPECT_EQ(arm.gripper_q.size(), 2);
  EXPECT_EQ(episode.steps[4].action.arms.size(), 1u);
  // stored bottom up: blue comes to the top
  const Image image = source->ReadImage(1, "agentview", 5);
  EXPECT_EQ(image.rgb[0], 0);
  EXPECT_EQ(image.rgb[1], 5);
  EXPECT_EQ(image.rgb[2], 200);
  EXPECT_EQ(image.rgb[3 * 127], 200);
  // depth with it
  std::vector<ColumnSpec> depth = source->ListColumns();
  std::erase_if(depth, [](const ColumnSpec& c) { return c.name != "obs/agentview_depth"; });
  ASSERT_EQ(depth.size(), 1u);
  EXPECT_EQ(depth[0].role, ColumnRole::kOther);
  const std::vector<double> rows = source->ReadColumns(1, depth)[0];
  EXPECT_EQ(rows[0], 7);
  EXPECT_EQ(rows[5 * 128 + 2 * 16 + 3], 5);
  EXPECT_EQ(rows.back(), 0);
  const auto upright = OpenDataset(WriteLibero(folder_ / "cv.h5", "opencv"));
  EXPECT_EQ(upright->ReadImage(1, "agentview", 5).rgb[0], 200);
  EXPECT_EQ(upright->ReadColumns(1, depth)[0][0], 0);
  std::map<std::string, ColumnRole> roles;
  for (const ColumnSpec& column : source->ListColumns()) roles[column.name] = column.role;
  EXPECT_EQ(roles["obs/ee_pos"], ColumnRole::kState);
  EXPECT_EQ(roles["obs/ee_ori"], ColumnRole::kState);
  EXPECT_EQ(roles["obs/gripper_states"], ColumnRole::kState);
  EXPECT_EQ(roles["actions"], ColumnRole::kAction);
  EXPECT_TRUE(VerifyDataset(in).faults.empty());
}

TEST_F(CopyForeignTest, LiberoBecomesADatasetOfOursAndAnotherFileUpright) {
  const fs::path in = WriteLibero(folder_ / "in.h5");
  const auto source = OpenDataset(in);
  ImportForeign(*source, out_, {}, {}, quiet_);
  const auto ours = OpenDataset(out_);
  EXPECT_EQ(ours->episodes().size(), 2u);
  EXPECT_EQ(ours->ReadMeta(0).instruction, "put the mug on the plate");
  EXPECT_EQ(ours->ReadImage(1, "eye_in_hand", 5), source->ReadImage(1, "eye_in_hand", 5));
  const fs::path robomimic = folder_ / "robomimic.h5";
  WriteForeign(foreign::kRobomimicWriter, *source, robomimic, {}, {}, {}, quiet_);
  EXPECT_EQ(OpenDataset(robomimic)->ReadImage(1, "agentview", 5),
            source->ReadImage(1, "agentview", 5));
}

// Each file has one instruction for all its episodes: two tasks are no file of LIBERO's.
TEST_F(CopyForeignTest, LiberoOfDifferentTasksIsNotPutTogether) {
  const fs::path first = WriteLibero(folder_ / "first.h5");
  const fs::path second = WriteLibero(folder_ / "second.h5"), out = folder_ / "out.h5";
  {
    h5::GrowingFile file = h5::GrowingFile::Open(second);
    file.root().Open("data").SetText("problem_info",
                                     Json{{"language_instruction", "open the drawer"}}.dump());
    file.Close();
  }
  EXPECT_THAT(
      [&] {
        MergeAny({first, second}, out, {}, quiet_);
      },
      ThrowsMessage<Error>(
          AllOf(HasSubstr("the instruction, of which a file holds one"),
                HasSubstr("`understudy data convert --to lerobot` makes datasets of each"),
                HasSubstr("is put the mug on the plate in '" + first.string() + "'"),
                HasSubstr("open the drawer in '" + second.string() + "'"))));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(CopyForeignTest, LiberoIsEdited) {
  const fs::path in = WriteLibero(folder_ / "in.h5");
  EXPECT_EQ(RelabelAny(in, out_, {.instruction = "wash up"}, quiet_), 2);
  EXPECT_EQ(OpenDataset(out_)->ReadMeta(1).instruction, "wash up");
  EXPECT_EQ(OpenDataset(out_)->ReadImage(0, "agentview", 3),
            OpenDataset(in)->ReadImage(0, "agentview", 3));
  EXPECT_THAT(
      [&] {
        RelabelAny(in, out_, {.where = "number == 0", .instruction = "x", .overwrite = true},
                   quiet_);
      },
      ThrowsMessage<Error>(HasSubstr("one instruction for all episodes")));
  FilterAny(in, out_, {.drop = {"demo_0"}, .overwrite = true}, quiet_);
  const h5::Group data = h5::OpenForReading(out_).Open("data");
  EXPECT_EQ(data.Int("num_demos"), 1);
  EXPECT_EQ(data.Int("total"), 30);
  EXPECT_EQ(FindFormat(out_)->name, "libero");
}

TEST_F(CopyForeignTest, ActionsThatAreNotUnderstoodAreNamed) {
  const fs::path in =
      WriteRobomimic(folder_ / "in.h5", 0, {12, "HYBRID_MOBILE_BASE", "CloseDrawer"});
  const auto source = OpenDataset(in);
  std::map<std::string, ColumnSpec> columns;
  for (const ColumnSpec& column : source->ListColumns()) columns[column.name] = column;
  EXPECT_THAT(columns["actions"].shape, ElementsAre(12u));
  EXPECT_THAT(columns["action_dict/gripper"].shape, ElementsAre(1u));
  EXPECT_EQ(columns["obs/robot0_base_pos"].role, ColumnRole::kState);
  EXPECT_THAT([&] { ImportForeign(*source, out_, {}, {}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("its actions are 12 numbers of a HYBRID_MOBILE_BASE "
                                             "controller")));
}

// DexMimicGen's: poses of both hands in one array.
TEST_F(CopyForeignTest, PosesOfTwoArmsInOneArrayAreThoseOfEach) {
  const fs::path in = WriteRobomimic(folder_ / "in.h5", 0, {14, "JOINT_POSITION", "TwoArmLift"});
  {
    h5::GrowingFile file = h5::GrowingFile::Open(in);
    for (const int number : {3, 7, 10}) {
      const h5::Group demo = file.root().Open(fmt::format("data/demo_{}", number));
      const size_t rows = 20 + static_cast<size_t>(number);
      Column poses("datagen_info/eef_pose", ColumnType::kF64, {2, 4, 4});
      poses.rows = rows;
      for (size_t k = 0; k < rows; ++k) {
        for (const int arm : {0, 1}) {
          Eigen::Matrix4d X = Eigen::Matrix4d::Identity();
          X(0, 3) = 10 * arm + static_cast<double>(k);
          for (int i = 0; i < 16; ++i) poses.Push(X(i / 4, i % 4));
        }
      }
      demo.Write(poses);
    }
    file.Close();
  }
  const auto source = OpenDataset(in);
  EXPECT_THAT(source->header().simulator.arms, ElementsAre("robot0", "robot1"));
  const Episode episode = source->ReadEpisode(1);
  ASSERT_EQ(episode.steps[5].observation.arms.size(), 2u);
  EXPECT_EQ(episode.steps[5].observation.arms[0].X_WE.translation().x(), 5);
  EXPECT_EQ(episode.steps[5].observation.arms[1].X_WE.translation().x(), 15);
}

}  // namespace
}  // namespace understudy
