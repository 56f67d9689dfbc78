// ALOHA's episode files: read, checked, cut and joined.

#include <gmock/gmock.h>
#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

#include "core/base/error.h"
#include "core/base/module.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5/growing_file.h"
#include "data/store/hdf5/id.h"
#include "data/video/module.h"
#include "tests/data/store_support.h"
#include "tests/data/stranger.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;

// 16x8 pixels, red on the left and blue on the right.
constexpr uint8_t kJpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01,
    0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x03, 0x02, 0x02, 0x03, 0x02, 0x02, 0x03,
    0x03, 0x03, 0x03, 0x04, 0x03, 0x03, 0x04, 0x05, 0x08, 0x05, 0x05, 0x04, 0x04, 0x05, 0x0a, 0x07,
    0x07, 0x06, 0x08, 0x0c, 0x0a, 0x0c, 0x0c, 0x0b, 0x0a, 0x0b, 0x0b, 0x0d, 0x0e, 0x12, 0x10, 0x0d,
    0x0e, 0x11, 0x0e, 0x0b, 0x0b, 0x10, 0x16, 0x10, 0x11, 0x13, 0x14, 0x15, 0x15, 0x15, 0x0c, 0x0f,
    0x17, 0x18, 0x16, 0x14, 0x18, 0x12, 0x14, 0x15, 0x14, 0xff, 0xdb, 0x00, 0x43, 0x01, 0x03, 0x04,
    0x04, 0x05, 0x04, 0x05, 0x09, 0x05, 0x05, 0x09, 0x14, 0x0d, 0x0b, 0x0d, 0x14, 0x14, 0x14, 0x14,
    0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14,
    0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14,
    0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14, 0xff, 0xc0,
    0x00, 0x11, 0x08, 0x00, 0x08, 0x00, 0x10, 0x03, 0x01, 0x11, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11,
    0x01, 0xff, 0xc4, 0x00, 0x15, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x08, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xc4,
    0x00, 0x15, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x09, 0x07, 0xff, 0xc4, 0x00, 0x14, 0x11, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x0c, 0x03,
    0x01, 0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3f, 0x00, 0x92, 0x92, 0x42, 0x16, 0x1c, 0x2c, 0xc3,
    0x25, 0xff, 0xd9,
};

constexpr size_t kJoints = 14;

// Commands begin with 8 idle rows. `observed`: rows of the observations; 0: `rows`.
void WriteAloha(const fs::path& file, size_t rows, double first, bool jpeg, size_t observed = 0) {
  observed = std::max(observed, rows);
  h5::GrowingFile out = h5::GrowingFile::Create(file);
  out.root().SetBool("sim", true);
  Column action("action", ColumnType::kF32, {kJoints}), base("base_action", ColumnType::kF32, {2});
  Column qpos("observations/qpos", ColumnType::kF32, {kJoints});
  action.rows = base.rows = rows;
  qpos.rows = observed;
  for (size_t k = 0; k < observed; ++k) {
    for (size_t i = 0; i < kJoints; ++i) {
      if (k < rows) action.Push(static_cast<float>(first + (k < 8 ? 0 : static_cast<double>(k))));
      qpos.Push(static_cast<float>(first + static_cast<double>(k * kJoints + i)));
    }
    if (k >= rows) continue;
    base.Push(0.0f);
    base.Push(1.0f);
  }
  for (const Column& column : {action, base, qpos}) out.root().Write(column);
  if (jpeg) {
    out.root().SetBool("compress", true);
    const size_t width = sizeof(kJpeg) + 9;  // padded
    Column pictures("observations/images/cam_high", ColumnType::kU8, {width});
    Column lengths("compress_len", ColumnType::kF64, {observed});
    pictures.rows = observed;
    lengths.rows = 1;
    for (size_t k = 0; k < observed; ++k) {
      pictures.Push(kJpeg, sizeof(kJpeg));
      for (size_t i = 0; i < 9; ++i) pictures.Push(uint8_t{0});
      lengths.Push(static_cast<double>(sizeof(kJpeg) + k));  // the row, to be known by
    }
    out.root().Write(pictures);
    out.root().Write(lengths);
  } else {
    Column pictures("observations/images/cam_high", ColumnType::kU8, {8, 16, 3});
    pictures.rows = observed;
    for (size_t k = 0; k < observed; ++k) {
      for (size_t i = 0; i < 8 * 16 * 3; ++i) pictures.Push(static_cast<uint8_t>(k));
    }
    out.root().Write(pictures);
  }
  out.Close();
}

class AlohaTest : public testing::Test {
 protected:
  AlohaTest() : set_(folder_ / "set") {
    fs::create_directories(set_);
    WriteAloha(set_ / "episode_0.hdf5", 20, 0.5, true);
    WriteAloha(set_ / "episode_2.hdf5", 30, 1.5, true);
    WriteAloha(set_ / "episode_10.hdf5", 25, 2.5, true);
  }
  Folder folder_;
  fs::path set_;
  Progress quiet_;
};

TEST_F(AlohaTest, AFolderIsADatasetOfNamedColumns) {
  ASSERT_EQ(FindFormat(set_)->name, "aloha");
  const auto source = OpenDataset(set_);
  std::vector<std::string> names;
  for (const EpisodeSummary& episode : source->episodes()) names.push_back(episode.name);
  EXPECT_THAT(names, ElementsAre("episode_0", "episode_2", "episode_10"));
  EXPECT_EQ(source->episodes()[1].length, 30u);
  EXPECT_THAT(source->header().cameras, ElementsAre("cam_high"));
  EXPECT_EQ(source->header().image_width, 16);
  EXPECT_EQ(source->header().image_height, 8);
  EXPECT_EQ(source->header().simulator.control_hz, 0);
  EXPECT_EQ(OpenDataset(set_, {.control_hz = 50})->header().simulator.control_hz, 50);

  std::map<std::string, ColumnSpec> columns;
  for (const ColumnSpec& column : source->ListColumns()) columns[column.name] = column;
  ASSERT_EQ(columns.size(), 3u);
  EXPECT_EQ(columns["action"].role, ColumnRole::kAction);
  EXPECT_EQ(columns["action"].dtype, "float32");
  EXPECT_THAT(columns["action"].shape, ElementsAre(kJoints));
  EXPECT_EQ(columns["observations/qpos"].role, ColumnRole::kState);
  EXPECT_EQ(columns["base_action"].role, ColumnRole::kOther);
  const std::vector<ColumnSpec> wanted{columns["observations/qpos"], columns["base_action"]};
  const auto numbers = source->ReadColumns(1, wanted);
  EXPECT_EQ(numbers[0].size(), 30 * kJoints);
  EXPECT_EQ(numbers[0][2 * kJoints + 3], 1.5 + 2 * kJoints + 3);
  EXPECT_EQ(numbers[1][5], 1);
  EXPECT_EQ(source->ReadEpisode(2).length(), 25u);
}

TEST_F(AlohaTest, OneFileIsAnEpisode) {
  const auto source = OpenDataset(set_ / "episode_2.hdf5");
  ASSERT_EQ(source->episodes().size(), 1u);
  EXPECT_EQ(source->episodes()[0].name, "episode_2");
}

TEST_F(AlohaTest, PicturesAreDecoded) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  const Image image = OpenDataset(set_)->ReadImage(1, "cam_high", 29);
  const auto at = [&](int x, int channel) {
    return image.rgb[static_cast<size_t>(3 * x + channel)];
  };
  EXPECT_NEAR(at(2, 0), 200, 6);
  EXPECT_NEAR(at(2, 2), 0, 6);
  EXPECT_NEAR(at(13, 0), 0, 6);
  EXPECT_NEAR(at(13, 2), 200, 6);
  EXPECT_TRUE(VerifyDataset(set_).faults.empty());
}

TEST_F(AlohaTest, PixelsAreReadAsTheyAre) {
  WriteAloha(folder_ / "plain.hdf5", 12, 0, false);
  const auto source = OpenDataset(folder_ / "plain.hdf5");
  EXPECT_EQ(source->ReadImage(0, "cam_high", 7).rgb, std::vector<uint8_t>(8 * 16 * 3, 7));
  EXPECT_TRUE(VerifyDataset(folder_ / "plain.hdf5").faults.empty());
}

TEST_F(AlohaTest, FaultsAreNamedByFileColumnAndRow) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  {
    h5::GrowingFile file = h5::GrowingFile::Open(set_ / "episode_2.hdf5");
    Column qpos = file.root().Read("observations/qpos", ColumnType::kF32);
    qpos.path = "observations/qpos";
    const float nan = std::nanf("");
    std::memcpy(qpos.bytes.data() + (4 * kJoints + 3) * sizeof(float), &nan, sizeof(nan));
    file.root().Delete("observations/qpos");
    file.root().Write(qpos);
    file.Close();
  }
  const VerifyReport report = VerifyDataset(set_);
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.steps, 75);
  ASSERT_FALSE(report.faults.empty());
  EXPECT_EQ(report.faults[0].place, "episode_2");
  EXPECT_THAT(report.faults[0].what,
              HasSubstr("/observations/qpos[4]: is not finite (number 3 of the row"));
}

TEST_F(AlohaTest, FilteredFilesKeepTheirNamesAndAllTheyHold) {
  const fs::path out = folder_ / "out";
  const FilterReport report = FilterAny(set_, out, {.where = "steps >= 25"}, quiet_);
  EXPECT_EQ(report.kept, 2);
  EXPECT_FALSE(fs::exists(out / "episode_0.hdf5"));
  const h5::Group from = h5::OpenForReading(set_ / "episode_10.hdf5");
  const h5::Group to = h5::OpenForReading(out / "episode_10.hdf5");
  EXPECT_TRUE(to.Bool("compress", false));
  for (const char* name :
       {"action", "base_action", "compress_len", "observations/images/cam_high"}) {
    EXPECT_EQ(from.Read(name).bytes, to.Read(name).bytes) << name;
  }
}

TEST_F(AlohaTest, TrimCutsEveryArrayOfRows) {
  const fs::path out = folder_ / "out";
  const TrimReport report = TrimAny(set_, out, {.margin = 2, .least_rows = 5}, quiet_);
  EXPECT_EQ(report.trimmed, 3);
  EXPECT_EQ(report.rows_dropped, 3 * 5);  // eight idle rows, the first of which is none
  const auto source = OpenDataset(out);
  EXPECT_EQ(source->episodes()[0].length, 15u);
  const h5::Group root = h5::OpenForReading(out / "episode_0.hdf5");
  EXPECT_EQ(root.Read("action", ColumnType::kF32).At<float>(3, 0), 8.5f);
  EXPECT_EQ(root.Info("observations/images/cam_high").dims[0], 15u);
  const Column lengths = root.Read("compress_len", ColumnType::kF64);
  EXPECT_EQ(lengths.row_size(), 15u);
  EXPECT_EQ(lengths.At<double>(0, 0), static_cast<double>(sizeof(kJpeg) + 5));
}

TEST_F(AlohaTest, WhatTheFormatCannotHoldIsSaid) {
  const fs::path out = folder_ / "out";
  EXPECT_THAT([&] { RelabelAny(set_, out, {.instruction = "lift", .success = true}, quiet_); },
              ThrowsMessage<Error>(HasSubstr("no place for success or cause")));
  SplitOptions options{.parts = {{"train", 0.67}, {"valid", 0.33}}};
  EXPECT_THAT([&] { SplitAny(set_, out, options, quiet_); },
              ThrowsMessage<Error>(HasSubstr("--files")));
  EXPECT_FALSE(fs::exists(out));
  options.files = true;
  const auto counts = SplitAny(set_, out, options, quiet_);
  EXPECT_EQ(counts.at("train"), 2);
  EXPECT_EQ(OpenDataset(folder_ / "out.train")->episodes().size(), 2u);
}

// Where the file has it, in whatever form; else as its usual attribute.
TEST_F(AlohaTest, AnotherInstruction) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  {
    h5::GrowingFile attribute = h5::GrowingFile::Open(set_ / "episode_0.hdf5");
    attribute.root().SetText("instruction", "push");
    attribute.Close();
    h5::GrowingFile text = h5::GrowingFile::Open(set_ / "episode_2.hdf5");
    text.root().WriteTexts("language_raw", {"push"});
    text.Close();
  }
  const fs::path out = folder_ / "out";
  RelabelAny(set_, out, {.where = "name != 'episode_10'", .instruction = "lift the cup"}, quiet_);
  const auto instruction = [&](const char* episode) {
    return OpenDataset(out / (std::string(episode) + ".hdf5"))->ReadMeta(0).instruction;
  };
  EXPECT_EQ(instruction("episode_0"), "lift the cup");
  EXPECT_EQ(instruction("episode_2"), "lift the cup");
  EXPECT_EQ(instruction("episode_10"), "");
  const h5::Group first = h5::OpenForReading(out / "episode_0.hdf5");
  EXPECT_EQ(first.Text("instruction"), "lift the cup");
  EXPECT_FALSE(first.HasAttribute("language_instruction"));
  EXPECT_TRUE(VerifyDataset(out).faults.empty());
  RelabelAny(set_, folder_ / "all", {.instruction = "lift"}, quiet_);
  EXPECT_EQ(h5::OpenForReading(folder_ / "all/episode_10.hdf5").Text("language_instruction"),
            "lift");
}

TEST_F(AlohaTest, FoldersThatFitAreJoined) {
  const fs::path other = folder_ / "other", plain = folder_ / "plain.hdf5", out = folder_ / "out";
  fs::create_directories(other);
  WriteAloha(other / "episode_0.hdf5", 21, 7.5, true);
  MergeAny({set_, other}, out, {}, quiet_);
  const auto source = OpenDataset(out);
  ASSERT_EQ(source->episodes().size(), 4u);
  EXPECT_EQ(source->episodes()[3].name, "episode_3");
  EXPECT_EQ(source->episodes()[3].length, 21u);
  EXPECT_THAT(
      [&] {
        MergeAny({set_, set_}, folder_ / "twice", {}, quiet_);
      },
      ThrowsMessage<Error>(HasSubstr("is an episode of")));
}

// Depth, wherever it stands, is a column of numbers and no camera; texts are read by row; what is
// left is named.
TEST(Aloha, DepthAndTextsAreReadAndTheRestIsNamed) {
  const Folder folder;
  const fs::path path = folder / "episode_0.hdf5";
  WriteAloha(path, 20, 0, false);
  {
    h5::GrowingFile file = h5::GrowingFile::Open(path);
    for (const char* name : {"observations/images_depth/cam_high", "observations/images/depth"}) {
      Column depth(name, ColumnType::kF32, {8, 16});
      depth.rows = 20;
      for (int i = 0; i < 20 * 8 * 16; ++i) depth.Push(0.5f * static_cast<float>(i));
      file.root().Write(depth);
    }
    file.root().WriteTexts("substep_reasonings", std::vector<std::string>(20, "reach"));
    file.root().WriteTexts("notes", {"one", "two"});
    file.root().SetText("language_instruction", "fold the shirt");
    file.Close();
  }
  const auto source = OpenDataset(path);
  EXPECT_EQ(source->header().settings["unread_columns"], Json({"notes"}));
  EXPECT_THAT(source->header().cameras, ElementsAre("cam_high"));
  EXPECT_EQ(RowTextsOf(*source, 0)["substep_reasonings"][19], "reach");
  EXPECT_EQ(source->ReadMeta(0).instruction, "fold the shirt");
  EXPECT_EQ(source->header().settings["instructions"], Json({{"fold the shirt", 1}}));
  EXPECT_FALSE(DescribeDataset(*source).contains("successes"));
  int depths = 0;
  for (const ColumnSpec& column : source->ListColumns()) {
    if (column.name.find("depth") == std::string::npos) continue;
    ++depths;
    EXPECT_THAT(column.shape, ElementsAre(8, 16));
    EXPECT_EQ(source->ReadColumns(0, {&column, 1})[0][130], 65);
  }
  EXPECT_EQ(depths, 2);
  EXPECT_TRUE(VerifyDataset(path).faults.empty());
}

// Files of pictures, as lists of bytes or as strings (with zeros behind them).
TEST(Aloha, FilesOfPicturesOfEveryForm) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  const Folder folder;
  const fs::path path = folder / "episode_0.hdf5";
  WriteAloha(path, 5, 0, true);
  const Image padded = OpenDataset(path)->ReadImage(0, "cam_high", 4);
  {
    h5::GrowingFile file = h5::GrowingFile::Open(path);
    const h5::Group images = file.root().Open("observations/images");
    const hsize_t rows = 5;
    const h5::Id space(H5Screate_simple(1, &rows, nullptr));
    const auto write = [&](const char* name, hid_t type, const void* values) {
      const h5::Id dataset(
          H5Dcreate2(images.id(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      ASSERT_GE(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    };
    std::vector<uint8_t> bytes(std::begin(kJpeg), std::end(kJpeg));
    const std::vector<hvl_t> lists(rows, hvl_t{bytes.size(), bytes.data()});
    write("lists", h5::Id(H5Tvlen_create(H5T_NATIVE_UINT8)).get(), lists.data());
    const h5::Id text(H5Tcopy(H5T_C_S1));
    H5Tset_size(text.get(), sizeof(kJpeg) + 3);
    bytes.resize(sizeof(kJpeg) + 3);
    std::vector<uint8_t> texts;
    for (hsize_t k = 0; k < rows; ++k) texts.insert(texts.end(), bytes.begin(), bytes.end());
    write("strings", text.get(), texts.data());
    file.Close();
  }
  const auto source = OpenDataset(path);
  EXPECT_THAT(source->header().cameras, ElementsAre("cam_high", "lists", "strings"));
  for (const char* camera : {"lists", "strings"}) {
    EXPECT_EQ(source->ReadImage(0, camera, 4).rgb, padded.rgb) << camera;
  }
  EXPECT_TRUE(RowTextsOf(*source, 0).empty());
  EXPECT_FALSE(source->header().settings.contains("unread_columns"));
  EXPECT_TRUE(VerifyDataset(path).faults.empty());
}

TEST(Aloha, ActionsOfOneNumber) {
  Folder folder;
  h5::GrowingFile file = h5::GrowingFile::Create(folder / "episode_0.hdf5");
  file.root().Write(Ramp("action", ColumnType::kF64, {}, 6));
  file.root().Write(Ramp("observations/qpos", ColumnType::kF64, {}, 6));
  file.Close();
  const auto source = OpenDataset(folder / "episode_0.hdf5");
  EXPECT_EQ(source->episodes()[0].length, 6u);
  EXPECT_EQ((*source->ReadStoredActions(0))[2], std::vector<double>{0.37 * 2});
  EXPECT_TRUE(VerifyDataset(folder / "episode_0.hdf5").faults.empty());
}

// Other names than episode_<i> are episodes where no file is named so.
TEST(Aloha, FilesOfOtherNames) {
  const Folder folder;
  for (const char* name : {"fold 10.hdf5", "fold 2.hdf5"}) WriteAloha(folder / name, 5, 0, false);
  ASSERT_EQ(FindFormat(folder / ".")->name, "aloha");
  EXPECT_EQ(OpenDataset(folder / ".")->episodes()[1].name, "fold 10");
  WriteAloha(folder / "episode_3.hdf5", 5, 0, false);
  EXPECT_EQ(OpenDataset(folder / ".")->episodes().size(), 1u);
}

// A damaged file, or one with a NaN, is one bad episode.
TEST(Aloha, BadFilesAreLeftOutIfAsked) {
  const Folder folder;
  fs::create_directories(folder / "set");
  for (int e = 0; e < 4; ++e) {
    WriteAloha(folder / ("set/episode_" + std::to_string(e) + ".hdf5"), 20, e, false);
  }
  std::ofstream(folder / "set/episode_0.hdf5", std::ios::trunc).close();
  {
    h5::GrowingFile file = h5::GrowingFile::Open(folder / "set/episode_2.hdf5");
    Column qpos = file.root().Read("observations/qpos");
    const float bad = std::nanf("");
    std::memcpy(&qpos.bytes[4 * (3 * kJoints + 1)], &bad, sizeof(bad));
    qpos.path = "observations/qpos";
    file.root().Delete("observations/qpos");
    file.root().Write(qpos);
    file.Close();
  }
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder / "set"); }, ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("episode_0.hdf5"), HasSubstr("--skip-bad")));
  const auto sound = OpenDataset(folder / "set", {.skip_bad = true});
  ASSERT_EQ(sound->episodes().size(), 2u);
  EXPECT_EQ(sound->episodes()[0].name, "episode_1");
  EXPECT_EQ(sound->episodes()[1].name, "episode_3");
  ASSERT_EQ(sound->skipped().size(), 2u);
  EXPECT_THAT(sound->skipped()[1].reason,
              HasSubstr("observations/qpos[3]: is not finite (number 1 of the row"));
  // what is read is that of the right file
  EXPECT_EQ(sound->ReadColumns(1, sound->ListColumns())[0][0], 3);
  Progress quiet;
  FilterAny(folder / "set", folder / "out", {.where = "steps > 0", .read = {.skip_bad = true}},
            quiet);
  EXPECT_EQ(OpenDataset(folder / "out")->episodes().size(), 2u);
}

// So is one whose state lacks rows, or that is of another robot.
TEST(Aloha, OtherRowsOrWidthsAreOneBadEpisode) {
  const Folder folder;
  const fs::path set = folder / "set", repaired = folder / "repaired";
  fs::create_directories(set);
  for (int e = 0; e < 4; ++e) {
    WriteAloha(set / ("episode_" + std::to_string(e) + ".hdf5"), 20, e, false);
  }
  const auto replace = [&](const char* name, const char* column, size_t width, size_t rows) {
    h5::GrowingFile file = h5::GrowingFile::Open(set / name);
    file.root().Delete(column);
    file.root().Write(Ramp(column, ColumnType::kF32, {width}, rows));
    file.Close();
  };
  replace("episode_1.hdf5", "observations/qpos", kJoints, 17);
  replace("episode_3.hdf5", "action", 7, 20);
  const std::string rows = "/observations/qpos: has shape (17, 14), must have 20 rows",
                    width = "/action: has 7 numbers per row, where other episodes have 14";
  std::vector<std::string> faults;
  for (const Fault& fault : VerifyDataset(set).faults) faults.push_back(fault.what);
  EXPECT_THAT(faults, ElementsAre(HasSubstr(rows), HasSubstr(width)));

  const auto sound = OpenDataset(set, {.skip_bad = true});
  ASSERT_EQ(sound->skipped().size(), 2u);
  EXPECT_EQ(sound->skipped()[0].name, "episode_1");
  EXPECT_THAT(sound->skipped()[0].reason, HasSubstr(rows));
  EXPECT_THAT(sound->skipped()[1].reason, HasSubstr(width));
  EXPECT_EQ(sound->episodes().size(), 2u);

  Progress quiet;
  std::ofstream(set / "episode_2.hdf5", std::ios::trunc).close();
  const RepairReport report = RepairAny(set, repaired, false, {}, quiet);
  EXPECT_EQ(report.episodes_kept, 1);
  EXPECT_EQ(report.dropped.size(), 3u);
  EXPECT_TRUE(VerifyDataset(repaired).faults.empty());
}

// The first file does not speak for the others.
TEST(Aloha, TheBadEpisodeMayBeTheFirst) {
  const Folder folder;
  const fs::path set = folder / "set";
  fs::create_directories(set);
  for (int e = 0; e < 4; ++e) {
    WriteAloha(set / ("episode_" + std::to_string(e) + ".hdf5"), 20, e, false);
  }
  const auto replace = [&](const char* column, const Column& with) {
    h5::GrowingFile file = h5::GrowingFile::Open(set / "episode_0.hdf5");
    file.root().Delete(column);
    if (with.rows > 0) file.root().Write(with);
    file.Close();
  };
  const auto expect = [&](const std::string& why) {
    const auto sound = OpenDataset(set, {.skip_bad = true});
    EXPECT_EQ(sound->episodes().size(), 3u);
    ASSERT_EQ(sound->skipped().size(), 1u);
    EXPECT_EQ(sound->skipped()[0].name, "episode_0");
    EXPECT_THAT(sound->skipped()[0].reason, HasSubstr(why));
    const VerifyReport report = VerifyDataset(set);
    ASSERT_EQ(report.faults.size(), 1u);
    EXPECT_EQ(report.faults[0].place, "episode_0");
    EXPECT_THAT(report.faults[0].what, HasSubstr(why));
    // what the others have is known
    const std::vector<ColumnSpec> columns = OpenDataset(set)->ListColumns();
    EXPECT_TRUE(std::ranges::any_of(columns, [](const ColumnSpec& column) {
      return column.name == "observations/qpos" && column.size() == kJoints;
    }));
    EXPECT_EQ(OpenDataset(set)->header().cameras, std::vector<std::string>{"cam_high"});
  };
  replace("action", Ramp("action", ColumnType::kF32, {7}, 20));
  expect("/action: has 7 numbers per row, where other episodes have 14");
  WriteAloha(set / "episode_0.hdf5", 20, 0, false);
  replace("observations/qpos", {});
  expect("/observations/qpos: is not there with a row per step, as in other episodes");
  WriteAloha(set / "episode_0.hdf5", 20, 0, false);
  replace("base_action", {});
  expect("/base_action: is not there with a row per step");
  WriteAloha(set / "episode_0.hdf5", 20, 0, false);
  replace("observations/images/cam_high", {});
  expect("/observations/images/cam_high");
  WriteAloha(set / "episode_0.hdf5", 20, 0, false);
  replace("observations/images/cam_high",
          Ramp("observations/images/cam_high", ColumnType::kU8, {4, 6, 3}, 20));
  expect("/observations/images/cam_high");
}

// So is one that lacks a camera of the others, and reading it says how to leave it out.
TEST(Aloha, AMissingCameraIsOneBadEpisode) {
  const Folder folder;
  fs::create_directories(folder / "set");
  for (int e = 0; e < 3; ++e) {
    WriteAloha(folder / ("set/episode_" + std::to_string(e) + ".hdf5"), 20, e, false);
  }
  {
    h5::GrowingFile file = h5::GrowingFile::Open(folder / "set/episode_1.hdf5");
    file.root().Delete("observations/images/cam_high");
    file.Close();
  }
  EXPECT_THAT(ErrorOf([&] { OpenDataset(folder / "set")->ReadImage(1, "cam_high", 0); },
                      ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("/episode_1.hdf5: /observations/images/cam_high"),
                             HasSubstr("--skip-bad")));
  const auto sound = OpenDataset(folder / "set", {.skip_bad = true});
  EXPECT_EQ(sound->episodes().size(), 2u);
  ASSERT_EQ(sound->skipped().size(), 1u);
  EXPECT_EQ(sound->skipped()[0].name, "episode_1");
}

// Observations with a row more than the actions keep the state after the last one.
class AlohaExtraRow : public testing::Test {
 protected:
  AlohaExtraRow() {
    fs::create_directories(set_);
    WriteAloha(set_ / "episode_0.hdf5", 20, 0.5, true, 21);
    WriteAloha(set_ / "episode_1.hdf5", 25, 1.5, true, 26);
  }
  static std::vector<hsize_t> Rows(const fs::path& file) {
    const h5::Group root = h5::OpenForReading(file);
    std::vector<hsize_t> rows;
    for (const char* name : {"action", "observations/qpos", "observations/images/cam_high"}) {
      rows.push_back(root.Info(name).dims[0]);
    }
    rows.push_back(root.Info("compress_len").dims[1]);
    return rows;
  }
  Folder folder_;
  const fs::path set_ = folder_ / "set", out_ = folder_ / "out";
  const std::string cut_ =
      "episode_0, episode_1: the row after the last action is cut off of "
      "observations/images/cam_high, observations/qpos";
  Progress quiet_;
};

TEST_F(AlohaExtraRow, IsPassedOverAndSaid) {
  const auto source = OpenDataset(set_);
  EXPECT_EQ(source->episodes()[1].length, 25u);
  EXPECT_EQ(DescribeDataset(*source)["extra_row"],
            "observations/images/cam_high, observations/qpos: one row more than actions, the state "
            "after the last one: it is not used");
  std::vector<std::string> names;
  for (const ColumnSpec& column : source->ColumnsOf(1)) {
    names.push_back(column.name);
    EXPECT_EQ(source->ReadColumns(1, {&column, 1})[0].size(), 25 * column.size());
  }
  EXPECT_THAT(names, ElementsAre("action", "base_action", "observations/qpos"));
  if (HasModule(VideoModule::kName)) {
    EXPECT_EQ(source->ReadImage(1, "cam_high", 24).width, 16);
    EXPECT_TRUE(VerifyDataset(set_).faults.empty());
  }
}

TEST_F(AlohaExtraRow, IsKeptByAFilterAndNotByATrim) {
  FilterAny(set_, out_, {.where = "steps > 20"}, quiet_);
  EXPECT_THAT(Rows(out_ / "episode_1.hdf5"), ElementsAre(25, 26, 26, 26));
  TrimAny(set_, folder_ / "short", {.margin = 2, .least_rows = 5}, quiet_);
  EXPECT_THAT(Rows(folder_ / "short" / "episode_1.hdf5"), ElementsAre(20, 20, 20, 20));
}

TEST_F(AlohaExtraRow, IsCutOffByRepair) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  const RepairReport report = RepairAny(set_, out_, false, {}, quiet_);
  EXPECT_EQ(report.episodes_kept, 2);
  EXPECT_THAT(report.mended, ElementsAre(cut_));
  EXPECT_THAT(Rows(out_ / "episode_1.hdf5"), ElementsAre(25, 25, 25, 25));
  EXPECT_EQ(h5::OpenForReading(out_ / "episode_1.hdf5").Read("action").bytes,
            h5::OpenForReading(set_ / "episode_1.hdf5").Read("action").bytes);
  EXPECT_FALSE(DescribeDataset(*OpenDataset(out_)).contains("extra_row"));
}

TEST_F(AlohaExtraRow, OfSomeObservationsIsAFaultThatRepairMends) {
  if (!HasModule(VideoModule::kName)) GTEST_SKIP() << "built without libav";
  {
    h5::GrowingFile file = h5::GrowingFile::Open(set_ / "episode_1.hdf5");
    Column qvel("observations/qvel", ColumnType::kF32, {2});
    qvel.rows = 25;
    for (int i = 0; i < 50; ++i) qvel.Push(0.5f);
    file.root().Write(qvel);
    file.Close();
  }
  const std::string hint = "`understudy data repair` cuts it off";
  const VerifyReport verified = VerifyDataset(set_);
  ASSERT_FALSE(verified.faults.empty());
  EXPECT_EQ(verified.faults[0].place, "episode_1");
  EXPECT_THAT(verified.faults[0].what, testing::AllOf(HasSubstr("qpos"), HasSubstr(hint)));
  EXPECT_THAT(RepairAny(set_, out_, false, {}, quiet_).mended, ElementsAre(cut_));
  EXPECT_THAT(Rows(out_ / "episode_1.hdf5"), ElementsAre(25, 25, 25, 25));
}

}  // namespace
}  // namespace understudy
