// Datasets of other programs as LeRobot's, column by column: nothing is asked of poses or actions.

#include "data/formats/lerobot/stored_table.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <cmath>
#include <limits>

#include "data/formats/base/row_texts.h"
#include "data/formats/edit.h"
#include "data/formats/family/bare_dataset.h"
#include "data/formats/formats.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/store/hdf5/id.h"
#include "tests/convert/lerobot_damage.h"
#include "tests/data/stranger.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class StoredTableTest : public testing::TestWithParam<LerobotVersion> {
 protected:
  // With pictures.
  fs::path WriteJoints(const StrangerOptions& options = {}) const {
    const fs::path file = folder_ / "joints.hdf5";
    StrangerOptions with_pictures = options;
    with_pictures.also = [&](const h5::Group& demo, size_t e, size_t rows) {
      ImageWriter pictures(demo, "obs/agentview_image", rows, kWidth, kHeight, 1);
      const FrameCompressor compressor(1, 1);
      for (size_t k = 0; k < rows; ++k) {
        const Image image = Picture(e, 0, k);
        pictures.Add(image, compressor.Compress({&image})[0]);
      }
      if (options.also) options.also(demo, e, rows);
    };
    WriteStranger(file, with_pictures);
    return file;
  }
  LerobotOptions Options() const {
    LerobotOptions options;
    options.version = GetParam();
    return options;
  }

  Folder folder_;
  Progress quiet_;
};
INSTANTIATE_TEST_SUITE_P(Versions, StoredTableTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(StoredTableTest, ColumnsComeOverByNameWithTheirNumbers) {
  const auto source = OpenDataset(WriteJoints());
  WriteLerobot(*source, folder_ / "out", Options(), quiet_);
  const VerifyReport verified = VerifyLerobot(folder_ / "out", {}, quiet_);
  for (const Fault& fault : verified.faults) ADD_FAILURE() << fault.place << ": " << fault.what;

  const auto result = OpenLerobotSource(folder_ / "out");
  EXPECT_EQ(result->header().simulator.control_hz, 25);
  EXPECT_EQ(result->ReadMeta(1).instruction, "close the hand");
  std::map<std::string, ColumnSpec> columns;
  for (const ColumnSpec& column : result->ListColumns()) columns[column.name] = column;
  // role and parts
  const ColumnSpec& state = columns.at("observation.state");
  EXPECT_EQ(state.role, ColumnRole::kState);
  EXPECT_THAT(state.parts,
              testing::ElementsAre("robot0_eef_pos_0", "robot0_eef_pos_1", "robot0_eef_pos_2",
                                   "robot0_gripper_qpos_0", "robot0_gripper_qpos_1",
                                   "robot0_gripper_qpos_2", "robot0_gripper_qpos_3",
                                   "robot0_gripper_qpos_4", "robot0_gripper_qpos_5"));
  EXPECT_EQ(columns.at("action").shape, (std::vector<size_t>{6}));
  // shapes and types
  EXPECT_EQ(columns.at("observation.touch").shape, (std::vector<size_t>{2, 4}));
  EXPECT_EQ(columns.at("observation.touch").dtype, "float64");
  EXPECT_EQ(columns.at("steps.phase").dtype, "uint8");
  // a name that LeRobot has for itself
  EXPECT_TRUE(columns.contains("stored.timestamp"));
  // how it ended is not told
  EXPECT_FALSE(columns.contains("next.success"));

  // numbers
  std::map<std::string, ColumnSpec> stored;
  for (const ColumnSpec& column : source->ListColumns()) stored[column.name] = column;
  const auto of = [](const EpisodeSource& reader, const ColumnSpec& column) {
    return reader.ReadColumns(1, std::vector{column})[0];
  };
  for (const auto& [theirs, ours] :
       std::map<std::string, std::string>{{"obs/touch", "observation.touch"},
                                          {"steps/phase", "steps.phase"},
                                          {"timestamp", "stored.timestamp"}}) {
    EXPECT_EQ(of(*result, columns.at(ours)), of(*source, stored.at(theirs))) << ours;
  }
  const std::vector<double> action = of(*source, stored.at("actions")),
                            written = of(*result, columns.at("action"));
  for (size_t i = 0; i < action.size(); ++i) {
    EXPECT_EQ(written[i], static_cast<double>(static_cast<float>(action[i])));
  }
  const Image picture = result->ReadImage(1, "agentview", 4), wanted = Picture(1, 0, 4);
  double distance = 0;
  for (size_t i = 0; i < wanted.rgb.size(); ++i) {
    distance += std::abs(picture.rgb[i] - wanted.rgb[i]);
  }
  EXPECT_LT(distance / static_cast<double>(wanted.rgb.size()), 2);

  if (GetParam() != LerobotVersion::kV21) return;
  const Json modality = LoadJson(folder_ / "out/meta/modality.json");
  EXPECT_EQ(modality["state"]["robot0_gripper_qpos"]["start"], 3);
  EXPECT_EQ(modality["state"]["robot0_gripper_qpos"]["end"], 9);
  EXPECT_EQ(modality["action"]["actions"]["end"], 6);
}

TEST_P(StoredTableTest, SaysWhatIsLostAndRounded) {
  const auto source = OpenDataset(WriteJoints());
  const std::vector<std::string> lost = LostInLerobot(*source, Options());
  EXPECT_THAT(lost, Contains("actions: float64 is rounded to float32"));
  EXPECT_THAT(lost, Contains("obs/robot0_eef_pos: float64 is rounded to float32"));
  EXPECT_THAT(lost, Contains("filter keys"));
  EXPECT_THAT(lost, Not(Contains(HasSubstr("obs/robot0_gripper_qpos"))));
  EXPECT_THAT(lost, Not(Contains(HasSubstr("obs/touch"))));
}

// What cannot be read is no empty episode: the reason is said, and how to go on.
TEST_P(StoredTableTest, AnEpisodeThatCannotBeReadSaysWhy) {
  const fs::path file = WriteJoints();
  {
    h5::GrowingFile edited = h5::GrowingFile::Open(file);
    edited.root().Open("data").Open("demo_1").SetText("num_samples", "six");
    edited.Close();
  }
  EXPECT_THAT(ErrorOf([&] { WriteLerobot(*OpenDataset(file), folder_ / "out", Options(), quiet_); },
                      ErrorKind::kBadInput),
              AllOf(HasSubstr("/data/demo_1: attribute 'num_samples' must be a number"),
                    HasSubstr("--skip-bad")));
  WriteLerobot(*OpenDataset(file, {.skip_bad = true}), folder_ / "out", Options(), quiet_);
  EXPECT_EQ(OpenLerobotSource(folder_ / "out")->episodes().size(), 1u);
}

// A column that one episode has in another shape, or not at all, is left out and told.
TEST_P(StoredTableTest, OddColumnsAreLeftOutAndTold) {
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t e, size_t rows) {
    demo.Write(Ramp("obs/object", ColumnType::kF64, {7 + e}, rows));
    if (e == 0) demo.Write(Ramp("obs/first", ColumnType::kF64, {2}, rows));
    Column big("stamp_ns", ColumnType::kI64, {});
    big.rows = rows;
    for (size_t k = 0; k < rows; ++k)
      big.Push(int64_t{1'700'000'000'000'000'001} + static_cast<int64_t>(k));
    demo.Write(big);
  };
  const auto source = OpenDataset(WriteJoints(options));
  const std::vector<std::string> lost = LostInLerobot(*source, Options());
  EXPECT_THAT(lost, Contains(AllOf(HasSubstr("obs/object"), HasSubstr("demo_1 has (8) numbers"))));
  EXPECT_THAT(lost, Contains(AllOf(HasSubstr("obs/first"), HasSubstr("demo_1 does not have it"))));
  EXPECT_THAT(lost, Contains(AllOf(HasSubstr("stamp_ns"), HasSubstr("2^53"))));
  WriteLerobot(*source, folder_ / "out", Options(), quiet_);
  for (const ColumnSpec& column : OpenLerobotSource(folder_ / "out")->ListColumns()) {
    EXPECT_NE(column.name, "observation.object");
    EXPECT_NE(column.name, "observation.first");
    EXPECT_NE(column.name, "stamp_ns") << "it would be rounded";
  }
}

// Texts that stand row by row are features, and the tasks of the rows, there and back.
TEST_P(StoredTableTest, TextsStandRowByRow) {
  using Texts = std::vector<std::string>;
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t e, size_t rows) {
    Texts tasks(rows, "reach"), subtasks(rows, "turn"), spoken(rows);
    tasks[rows - 1] = "grasp";
    tasks[0] = e == 0 ? "" : "grasp";  // empty: the task is the episode's
    subtasks[1] = "";
    for (size_t k = 0; k < rows; ++k) spoken[k] = fmt::format("word {} of {}", k, e);
    demo.WriteTexts("lerobot/tasks", tasks);
    demo.WriteTexts("lerobot/subtasks", subtasks);
    demo.WriteTexts("obs/spoken", spoken);
    demo.Write(Ramp("lerobot/task_index", ColumnType::kI64, {}, rows));
  };
  WriteLerobot(*OpenDataset(WriteJoints(options)), folder_ / "out", Options(), quiet_);
  EXPECT_THAT(VerifyDataset(folder_ / "out").faults, testing::IsEmpty());
  const auto source = OpenLerobotSource(folder_ / "out");
  for (const ColumnSpec& column : source->ListColumns()) {
    EXPECT_NE(column.name, "lerobot.task_index") << "counts in a list that is not there";
  }
  for (size_t e = 0; e < 2; ++e) {
    Texts tasks(5 + e, "reach");
    tasks.front() = e == 0 ? "close the hand" : "grasp";
    tasks.back() = "grasp";
    TextColumns texts = RowTextsOf(*source, e);
    EXPECT_EQ(texts[kTaskTexts], tasks);
    EXPECT_EQ(texts["subtask"][0], "turn");
    EXPECT_EQ(texts["subtask"][1], "");
    EXPECT_EQ(texts["observation.spoken"].back(), fmt::format("word {} of {}", 4 + e, e));
    EXPECT_EQ(source->ReadMeta(e).instruction, tasks.front());
  }
  // into HDF5, and out again
  ReadLerobot(folder_ / "out", folder_ / "back.h5", {}, quiet_);
  WriteLerobot(*OpenDataset(folder_ / "back.h5"), folder_ / "again", Options(), quiet_);
  const auto again = OpenLerobotSource(folder_ / "again");
  for (size_t e = 0; e < 2; ++e) {
    const TextColumns before = RowTextsOf(*source, e), after = RowTextsOf(*again, e);
    EXPECT_EQ(after.at(kTaskTexts), before.at(kTaskTexts));
    EXPECT_EQ(after.at("subtask"), before.at("subtask"));
    EXPECT_EQ(after.at("observation.spoken"), before.at("observation.spoken"));
  }
  // another instruction is that of every row
  RelabelAny(folder_ / "back.h5", folder_ / "new.h5",
             {.where = "name == 'demo_1'", .instruction = "let go"}, quiet_);
  const auto relabelled = OpenDataset(folder_ / "new.h5");
  EXPECT_EQ(RowTextsOf(*relabelled, 1).at(kTaskTexts), Texts(6, "let go"));
  EXPECT_EQ(RowTextsOf(*relabelled, 0).at(kTaskTexts).back(), "grasp");
}

// Tasks of the rows are instructions enough.
TEST_P(StoredTableTest, TasksOfRowsAreInstructions) {
  StrangerOptions options;
  options.instruction = "";
  options.also = [](const h5::Group& demo, size_t, size_t rows) {
    demo.WriteTexts("lerobot/tasks", std::vector<std::string>(rows, "reach"));
  };
  WriteLerobot(*OpenDataset(WriteJoints(options)), folder_ / "out", Options(), quiet_);
  EXPECT_EQ(OpenLerobotSource(folder_ / "out")->ReadMeta(1).instruction, "reach");
}

template <class T>
Column Extremes(const std::string& path, ColumnType type, size_t rows) {
  Column column(path, type, {2});
  column.rows = rows;
  for (size_t k = 0; k < rows; ++k) {
    column.Push(std::numeric_limits<T>::lowest());
    column.Push(static_cast<T>(std::numeric_limits<T>::max() - static_cast<T>(k)));
  }
  return column;
}

// Columns keep their type, into LeRobot's files and back into HDF5.
TEST_P(StoredTableTest, TypesStay) {
  using enum ColumnType;
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t, size_t rows) {
    demo.Write(Extremes<int8_t>("obs/int8", kI8, rows));
    demo.Write(Extremes<int16_t>("obs/int16", kI16, rows));
    demo.Write(Extremes<int32_t>("obs/int32", kI32, rows));
    demo.Write(Extremes<uint8_t>("obs/uint8", kU8, rows));
    demo.Write(Extremes<uint16_t>("obs/uint16", kU16, rows));
    demo.Write(Extremes<uint32_t>("obs/uint32", kU32, rows));
    demo.Write(Ramp("obs/int64", kI64, {2}, rows));
    Column count = Ramp("obs/uint64", kI64, {2}, rows), flags("obs/bool", kBool, {2}),
           half = Ramp("obs/float16", kF32, {2}, rows);
    count.type = kU64;
    flags.rows = rows;
    for (size_t i = 0; i < 2 * rows; ++i) flags.Push(static_cast<uint8_t>(i % 3 == 0));
    half.half = true;
    for (const Column& column : {count, flags, half}) demo.Write(column);
    demo.Write(Ramp("obs/float32", kF32, {2}, rows));
    demo.Write(Ramp("obs/float64", kF64, {2}, rows));
    Column done("dones", kI64, {});
    done.rows = rows;
    // of another program: neither 0 nor 1
    for (size_t k = 0; k < rows; ++k) done.Push(int64_t{k + 1 == rows ? 2 : 0});
    demo.Write(done);
  };
  const std::vector<std::string> types{"bool",  "float16", "float32", "float64", "int16",  "int32",
                                       "int64", "int8",    "uint16",  "uint32",  "uint64", "uint8"};
  const auto source = OpenDataset(WriteJoints(options));
  std::vector<std::string> lost = LostInLerobot(*source, Options());
  EXPECT_THAT(lost, Contains("dones: int64 becomes bool, true where it is not 0"));
  EXPECT_THAT(lost, Not(Contains(HasSubstr("obs/int"))));
  WriteLerobot(*source, folder_ / "out", Options(), quiet_);
  for (const Fault& fault : VerifyDataset(folder_ / "out").faults) {
    ADD_FAILURE() << fault.place << ": " << fault.what;
  }
  lost = LostFromLerobot(folder_ / "out", {});
  EXPECT_THAT(lost, Contains("next.done: bool becomes uint8"));
  ReadLerobot(folder_ / "out", folder_ / "back.h5", {}, quiet_);

  const auto there = OpenLerobotSource(folder_ / "out"), back = OpenDataset(folder_ / "back.h5");
  const auto spec_of = [](const EpisodeSource& reader, const std::string& name) {
    for (const ColumnSpec& column : reader.ListColumns()) {
      if (column.name == name) return column;
    }
    ADD_FAILURE() << name;
    return ColumnSpec{};
  };
  for (const std::string& type : types) {
    const ColumnSpec stored = spec_of(*source, "obs/" + type),
                     written = spec_of(*there, "observation." + type),
                     again = spec_of(*back, "obs/" + type);
    for (const ColumnSpec& column : {stored, written, again}) EXPECT_EQ(column.dtype, type);
    const std::vector<double> numbers = source->ReadColumns(1, std::vector{stored})[0];
    EXPECT_EQ(there->ReadColumns(1, std::vector{written})[0], numbers) << type;
    EXPECT_EQ(back->ReadColumns(1, std::vector{again})[0], numbers) << type;
  }
}

// What must be asked is asked at once.
TEST_P(StoredTableTest, RateAndInstructionAreAskedTogether) {
  const auto source = OpenDataset(WriteJoints({.control_hz = 0, .instruction = ""}));
  EXPECT_THAT([&] { WriteLerobot(*source, folder_ / "out", Options(), quiet_); },
              ThrowsMessage<Error>(AllOf(HasSubstr("--control-hz"), HasSubstr("--lerobot.task"))));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  const auto rated = OpenDataset(folder_ / "joints.hdf5", {.control_hz = 10});
  LerobotOptions options = Options();
  options.task = "grasp";
  WriteLerobot(*rated, folder_ / "out", options, quiet_);
  const auto result = OpenLerobotSource(folder_ / "out");
  EXPECT_EQ(result->header().simulator.control_hz, 10);
  EXPECT_EQ(result->ReadMeta(0).instruction, "grasp");
}

// Texts that only a later episode holds are written, and it is said what the others get.
TEST_P(StoredTableTest, TextsOfLaterEpisodes) {
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t e, size_t rows) {
    if (e == 1) demo.WriteTexts("obs/spoken", std::vector<std::string>(rows, "gently"));
  };
  const auto source = OpenDataset(WriteJoints(options));
  const char* format = GetParam() == LerobotVersion::kV21 ? "lerobot21" : "lerobot";
  EXPECT_THAT(FormatNamed(format).Lost(*source, ConvertRequest{}),
              Contains(HasSubstr("obs/spoken: 1 of 2 episodes have such texts")));
  WriteLerobot(*source, folder_ / "out", Options(), quiet_);
  const auto result = OpenLerobotSource(folder_ / "out");
  EXPECT_EQ(RowTextsOf(*result, 1).at("observation.spoken"), std::vector<std::string>(6, "gently"));
  EXPECT_EQ(RowTextsOf(*result, 0).at("observation.spoken"), std::vector<std::string>(5, ""));
}

// What a double does not hold exactly, and a column without a number, is on the list.
TEST_P(StoredTableTest, LargeWholeNumbersAndEmptyColumnsAreNamed) {
  StrangerOptions options;
  options.also = [](const h5::Group& demo, size_t, size_t rows) {
    Column large("obs/large", ColumnType::kI64, {});
    large.rows = rows;
    for (size_t k = 0; k < rows; ++k) large.Push((int64_t{1} << 53) + 1);
    demo.Write(large);
    Column none("obs/none", ColumnType::kF64, {0});
    none.rows = rows;
    demo.Write(none);
  };
  const auto source = OpenDataset(WriteJoints(options));
  EXPECT_THAT(
      FormatNamed("lerobot").Lost(*source, ConvertRequest{}),
      AllOf(Contains(HasSubstr("obs/large: row 0 of demo_0 holds 9007199254740992 or near")),
            Contains("obs/none: has no number in a row")));
}

// One episode that lacks a column of state or action, or has it in another width, is one bad
// episode: the others keep theirs.
TEST_P(StoredTableTest, AnOddEpisodeTakesNothingFromTheOthers) {
  for (const size_t odd : {0u, 1u, 3u}) {
    for (const std::string column : {"obs/robot0_gripper_qpos", "obs/robot0_eef_pos", "actions"}) {
      for (const size_t width : {0u, 4u}) {
        if (width == 0 && column == "actions") continue;
        const std::string cell = fmt::format("{} of demo_{}: {}", column, odd, width);
        StrangerOptions options;
        options.episodes = 4;
        options.also = [&](const h5::Group& demo, size_t e, size_t rows) {
          if (e != odd) return;
          demo.Delete(column);
          if (width > 0) demo.Write(Ramp(column, ColumnType::kF64, {width}, rows));
        };
        const fs::path file = WriteJoints(options);
        const std::string name = fmt::format("demo_{}", odd);
        const size_t others = OpenDataset(WriteJoints())->ListColumns().size();
        WriteJoints(options);
        const std::string why =
            ErrorOf([&] { WriteLerobot(*OpenDataset(file), folder_ / "out", Options(), quiet_); },
                    ErrorKind::kBadInput);
        EXPECT_THAT(why, AllOf(HasSubstr(name), HasSubstr(column), HasSubstr("--skip-bad")))
            << cell;
        EXPECT_FALSE(fs::exists(folder_ / "out")) << cell;
        const auto sound = OpenDataset(file, {.skip_bad = true});
        EXPECT_EQ(sound->episodes().size(), 3u) << cell;
        ASSERT_EQ(sound->skipped().size(), 1u) << cell;
        EXPECT_EQ(sound->skipped()[0].name, name) << cell;
        EXPECT_THAT(sound->skipped()[0].reason, HasSubstr(column)) << cell;
        EXPECT_EQ(sound->ListColumns().size(), others) << cell;
        WriteLerobot(*sound, folder_ / "out", Options(), quiet_);
        const auto result = OpenLerobotSource(folder_ / "out");
        EXPECT_EQ(result->episodes().size(), 3u) << cell;
        for (const ColumnSpec& written : result->ListColumns()) {
          if (written.role == ColumnRole::kState) {
            EXPECT_EQ(written.size(), 9u) << cell;
          }
        }
        fs::remove_all(folder_ / "out");
        std::vector<std::string> faults;
        for (const Fault& fault : VerifyDataset(file).faults) {
          faults.push_back(fault.place + ": " + fault.what);
        }
        EXPECT_THAT(faults, testing::ElementsAre(AllOf(HasSubstr(name), HasSubstr(column))))
            << cell;
      }
    }
  }
}

// Other columns are left out for all, and said, unless the odd episodes are.
TEST_P(StoredTableTest, ColumnsThatTheFirstEpisodeLacksAreTold) {
  StrangerOptions options;
  options.episodes = 3;
  options.also = [](const h5::Group& demo, size_t e, size_t) {
    if (e == 0) demo.Delete("obs/touch");
  };
  const fs::path file = WriteJoints(options);
  EXPECT_THAT(LostInLerobot(*OpenDataset(file), Options()),
              Contains(HasSubstr("obs/touch: demo_0 does not have it, --skip-bad leaves out")));
  const auto sound = OpenDataset(file, {.skip_bad = true});
  EXPECT_EQ(sound->episodes().size(), 2u);
  EXPECT_THAT(LostInLerobot(*sound, Options()), Not(Contains(HasSubstr("obs/touch"))));
}

}  // namespace
}  // namespace understudy::store_test
