#pragma once

// A small dataset with pictures, converted to LeRobot's formats, and what Arrow finds in the files.

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/support/cameras.h"

namespace understudy::store_test {

namespace fs = std::filesystem;

inline constexpr int kWidth = 32, kHeight = 24;

// A smooth picture whose colour tells episode, camera and row.
inline Image Picture(size_t episode, size_t camera, size_t row, int width = kWidth,
                     int height = kHeight) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* p = &image.rgb[(static_cast<size_t>(y) * width + static_cast<size_t>(x)) * 3];
      p[0] = static_cast<uint8_t>(40 + 128 * x / width);
      p[1] = static_cast<uint8_t>(60 + 50 * camera + 20 * episode);
      p[2] = static_cast<uint8_t>(30 + 12 * row);
    }
  }
  return image;
}

inline std::shared_ptr<arrow::Table> ReadTable(const fs::path& file) {
  const auto input = arrow::io::ReadableFile::Open(file.string()).ValueOrDie();
  auto reader = parquet::arrow::OpenFile(input, arrow::default_memory_pool()).ValueOrDie();
  return reader->ReadTable().ValueOrDie()->CombineChunks().ValueOrDie();
}

// All numbers of a column, lists flattened.
inline std::vector<double> Numbers(const arrow::Table& table, const std::string& name) {
  const auto column = table.GetColumnByName(name);
  std::vector<double> numbers;
  if (!column) {
    ADD_FAILURE() << "no column " << name;
    return numbers;
  }
  std::shared_ptr<arrow::Array> array = column->chunk(0);
  while (array->type_id() == arrow::Type::FIXED_SIZE_LIST) {
    array = std::static_pointer_cast<arrow::FixedSizeListArray>(array)->Flatten().ValueOrDie();
  }
  for (int64_t i = 0; i < array->length(); ++i) {
    const auto scalar = array->GetScalar(i).ValueOrDie()->CastTo(arrow::float64()).ValueOrDie();
    numbers.push_back(std::static_pointer_cast<arrow::DoubleScalar>(scalar)->value);
  }
  return numbers;
}

class LerobotTest : public testing::Test {
 protected:
  LerobotTest() {
    header_ = HeaderFor(kShape);
    header_.simulator.joint_names.assign(kShape.arms, std::vector<std::string>(7, "joint"));
    header_.simulator.gripper_joint_names.assign(kShape.arms, {"finger1", "finger2"});
    header_.cameras = {"agentview", "wrist"};
    header_.image_width = kWidth;
    header_.image_height = kHeight;
    for (size_t e = 0; e < 3; ++e) {
      EpisodeShape shape = kShape;
      shape.length = 6 + 2 * e;
      episodes_.push_back(RandomEpisode(e, shape));
    }
    episodes_[1].meta.instruction = "another task";
  }
  fs::path Write() {
    const fs::path file = folder_ / "in.h5";
    DatasetWriter writer(file, header_, {.overwrite = true});
    for (size_t e = 0; e < episodes_.size(); ++e) {
      std::vector<std::vector<Image>> images(header_.cameras.size());
      for (size_t c = 0; c < images.size(); ++c) {
        for (size_t k = 0; k < episodes_[e].length(); ++k) {
          images[c].push_back(Picture(e, c, k, header_.image_width, header_.image_height));
        }
      }
      writer.Append(episodes_[e], images, CamerasOf(header_));
    }
    writer.WriteMask("train", {"demo_0", "demo_2"});
    for (int64_t i = 0; i < 4; ++i) {
      writer.AppendAttempt({.attempt = i,
                            .success = i != 1,
                            .cause = i == 1 ? "dropped" : "",
                            .subtask = 2,
                            .steps = 7,
                            .X_WO_start = {Pose(), Pose::FromTranslation({0.1, 0.2, 0.3})},
                            .sources = {0, 1}});
    }
    writer.WriteReport({{"made_by", "a test"}});
    writer.Finish();
    return file;
  }
  LerobotReport Convert(const LerobotOptions& options = {}) {
    return WriteLerobot(DatasetReader(Write()), folder_ / "out", options, quiet_);
  }
  // Reads folder_/out back into folder_/<name>.
  LerobotImportReport Import(const LerobotImportOptions& options = {.overwrite = true},
                             const std::string& name = "back.h5") {
    return ReadLerobot(folder_ / "out", folder_ / name, options, quiet_);
  }
  std::string ImportError(const LerobotImportOptions& options = {.overwrite = true}) {
    const std::string message = ErrorOf([&] { Import(options); }, ErrorKind::kBadInput);
    EXPECT_FALSE(fs::exists(folder_ / "back.h5")) << "nothing is half converted";
    EXPECT_FALSE(fs::exists(folder_ / "back.h5.part"));
    return message;
  }
  std::shared_ptr<arrow::Table> Frames(int file = 0) {
    return ReadTable(folder_ / fmt::format("out/data/chunk-000/file-{:03d}.parquet", file));
  }

  static constexpr EpisodeShape kShape{.length = 6, .raw = 3};
  Folder folder_;
  DatasetHeader header_;
  std::vector<Episode> episodes_;
  Progress quiet_;
};

}  // namespace understudy::store_test
