// Pictures of LeRobot folders that are no films: in the Parquet files, or beside them.

#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "data/formats/lerobot/picture_shape.h"
#include "data/formats/parquet/parquet_reader.h"
#include "data/video/png.h"
#include "data/video/video_writer.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::HasSubstr;

constexpr const char* kKey = "observation.images.agentview";

// A folder of v2.1 whose agentview lies as files in images/, named by path.
class LerobotPicturesTest : public LerobotTest {
 protected:
  void SetUp() override {
    LerobotOptions options;
    options.version = LerobotVersion::kV21;
    options.extras = false;
    Convert(options);
    EditJson(folder_ / "out/meta/info.json", [](Json& json) {
      json["features"][kKey]["dtype"] = "image";
      json["features"][kKey].erase("info");
    });
    for (size_t e = 0; e < 3; ++e) {
      std::vector<std::string> paths;
      for (size_t k = 0; k < episodes_[e].length(); ++k) {
        paths.push_back(PathOf(e, k));
        fs::create_directories((folder_ / "out" / paths.back()).parent_path());
        const std::vector<uint8_t> png = EncodePng(Picture(e, 0, k));
        PutBytes(folder_ / "out" / paths.back(), {png.begin(), png.end()});
      }
      AddPaths(TableOf("out", e), paths);
    }
    fs::remove_all(folder_ / "out/videos/chunk-000" / kKey);
  }
  static std::string PathOf(size_t e, size_t k) {
    return fmt::format("images/{}/episode_{:06d}/frame_{:06d}.png", kKey, e, k);
  }
  fs::path TableOf(const std::string& folder, size_t e) const {
    return folder_ / folder / fmt::format("data/chunk-000/episode_{:06d}.parquet", e);
  }
  static void AddPaths(const fs::path& file, const std::vector<std::string>& paths) {
    arrow::BinaryBuilder bytes;
    arrow::StringBuilder names;
    ASSERT_TRUE(bytes.AppendNulls(static_cast<int64_t>(paths.size())).ok());
    ASSERT_TRUE(names.AppendValues(paths).ok());
    const auto column =
        arrow::StructArray::Make({bytes.Finish().ValueOrDie(), names.Finish().ValueOrDie()},
                                 std::vector<std::string>{"bytes", "path"})
            .ValueOrDie();
    const auto old = ReadTable(file);
    const auto table = old->AddColumn(old->num_columns(), arrow::field(kKey, column->type()),
                                      std::make_shared<arrow::ChunkedArray>(column))
                           .ValueOrDie();
    const auto out = arrow::io::FileOutputStream::Open(file.string()).ValueOrDie();
    ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out).ok());
    ASSERT_TRUE(out->Close().ok());
  }
  const fs::path result_ = folder_ / "copy";
};

TEST_F(LerobotPicturesTest, FilesBesideTheTablesAreReadAndTakenAlong) {
  const auto source = OpenLerobotSource(folder_ / "out");
  EXPECT_EQ(source->ReadImage(1, "agentview", 3), Picture(1, 0, 3));
  EditLerobot({source.get()}, {.episodes = {{.episode = 1, .first_row = 2}, {.episode = 2}}},
              result_, {}, {}, quiet_);
  const std::vector<std::string> files =
      ParquetReader(TableOf("copy", 0)).Files(kKey, 1, 1);  // no folder: they are in the table
  EXPECT_EQ(DecodePicture(files.at(0), "test"), Picture(1, 0, 3));
  // v3.0, and a dataset of ours
  CopyLerobot(*source, folder_ / "v3", {}, {}, quiet_);
  fs::remove_all(folder_ / "out/images");
  EXPECT_EQ(OpenLerobotSource(folder_ / "v3")->ReadImage(2, "agentview", 5), Picture(2, 0, 5));
  EXPECT_EQ(OpenLerobotSource(result_)->ReadImage(0, "agentview", 0), Picture(1, 0, 2));
}

TEST_F(LerobotPicturesTest, AFileThatIsMissingIsAFaultOfItsEpisode) {
  fs::remove(folder_ / "out" / PathOf(1, 4));
  const auto all = OpenLerobotSource(folder_ / "out");
  const std::string message = ErrorOf(
      [&] { EditLerobot({all.get()}, {.episodes = {{.episode = 1}}}, result_, {}, {}, quiet_); },
      ErrorKind::kBadInput);
  EXPECT_THAT(message, HasSubstr("row 4"));
  EXPECT_THAT(message, HasSubstr(PathOf(1, 4)));
  EXPECT_FALSE(fs::exists(result_));
  const auto sound = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
  ASSERT_EQ(sound->skipped().size(), 1u);
  EXPECT_THAT(sound->skipped()[0].reason, HasSubstr("frame_000004.png"));
}

TEST_F(LerobotPicturesTest, SizesThatDifferAndTransparencyAreToldBeforeAnythingIsWritten) {
  std::string png = Bytes(folder_ / "out" / PathOf(2, 1));
  png[25] = 6;  // the colour type: with alpha
  PutBytes(folder_ / "out" / PathOf(2, 1), png);
  EXPECT_THAT(LostFromLerobot(folder_ / "out", {}),
              testing::Contains(HasSubstr("agentview: the transparency (alpha)")));
  const std::vector<uint8_t> small = EncodePng(Picture(1, 0, 5, 16, 24));
  PutBytes(folder_ / "out" / PathOf(1, 5), {small.begin(), small.end()});
  EXPECT_THAT([&] { LostFromLerobot(folder_ / "out", {}); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(HasSubstr("episode 1, row 5"), HasSubstr("16 x 24"))));
}

// A grey JPEG of 24 x 16 pixels, made by Pillow.
constexpr uint8_t kJpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x28, 0x1c, 0x1e, 0x23, 0x1e,
    0x19, 0x28, 0x23, 0x21, 0x23, 0x2d, 0x2b, 0x28, 0x30, 0x3c, 0x64, 0x41, 0x3c, 0x37, 0x37,
    0x3c, 0x7b, 0x58, 0x5d, 0x49, 0x64, 0x91, 0x80, 0x99, 0x96, 0x8f, 0x80, 0x8c, 0x8a, 0xa0,
    0xb4, 0xe6, 0xc3, 0xa0, 0xaa, 0xda, 0xad, 0x8a, 0x8c, 0xc8, 0xff, 0xcb, 0xda, 0xee, 0xf5,
    0xff, 0xff, 0xff, 0x9b, 0xc1, 0xff, 0xff, 0xff, 0xfa, 0xff, 0xe6, 0xfd, 0xff, 0xf8, 0xff,
    0xc0, 0x00, 0x0b, 0x08, 0x00, 0x10, 0x00, 0x18, 0x01, 0x01, 0x11, 0x00, 0xff, 0xc4, 0x00,
    0x15, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x04, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00,
    0x08, 0x01, 0x01, 0x00, 0x00, 0x3f, 0x00, 0x9c, 0x00, 0x7f, 0xff, 0xd9};

TEST_F(LerobotPicturesTest, JpegsOfAnotherSizeAreToldBeforeAnythingIsWritten) {
  const std::string jpeg(std::begin(kJpeg), std::end(kJpeg));
  EXPECT_EQ(SizeOfPicture(jpeg), std::pair(24, 16));
  EXPECT_EQ(SizeOfPicture(std::string_view(jpeg).substr(0, 90)), std::pair(0, 0));
  PutBytes(folder_ / "out" / PathOf(0, 3), jpeg);
  const std::string told =
      "episode 0, row 3: observation.images.agentview: pictures of 24 x 16 pixels, others have "
      "32 x 24";
  EXPECT_THAT([&] { LostFromLerobot(folder_ / "out", {}); },
              testing::ThrowsMessage<Error>(HasSubstr(told)));
  std::string faults;
  for (const Fault& fault : VerifyLerobot(folder_ / "out", {}, quiet_).faults) faults += fault.what;
  EXPECT_THAT(faults, HasSubstr(told));
  // the plan and the run leave out the same episode
  LerobotImportOptions skip;
  skip.skip_bad = true;
  std::vector<SkippedEpisode> skipped;
  LostFromLerobot(folder_ / "out", skip, &skipped);
  const LerobotImportReport report =
      ReadLerobot(folder_ / "out", folder_ / "back.h5", skip, quiet_);
  for (const auto& list : {skipped, report.skipped}) {
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].name, "demo_0");
    EXPECT_THAT(list[0].reason, HasSubstr(told));
  }
  EXPECT_EQ(report.episodes, 2);
}

// Where the first episode is the odd one, the others are kept.
TEST_F(LerobotPicturesTest, FilmsOfAnotherSizeAreToldBeforeAnythingIsWritten) {
  const auto film = [&](int episode) {
    return folder_ /
           fmt::format("out/videos/chunk-000/observation.images.wrist/episode_{:06d}.mp4", episode);
  };
  VideoWriter writer(film(0), {.fps = 20, .gop = 2});
  for (size_t k = 0; k < episodes_[0].length(); ++k) writer.Add({Picture(0, 1, k, 40, 26)});
  writer.Finish();
  EXPECT_THAT([&] { LostFromLerobot(folder_ / "out", {}); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("episode_000001.mp4: episode 1: observation.images.wrist: pictures of "
                            "32 x 24 pixels, others have 40 x 26")));
  const auto sound = OpenLerobotSource(folder_ / "out", {.skip_bad = true});
  ASSERT_EQ(sound->skipped().size(), 1u);
  EXPECT_EQ(sound->skipped()[0].name, "demo_0");
  EXPECT_THAT(sound->skipped()[0].reason,
              HasSubstr("episode 0: observation.images.wrist: pictures of 40 x 26 pixels, others "
                        "have 32 x 24"));
  EXPECT_EQ(sound->ReadImage(0, "wrist", 0).width, kWidth);
}

TEST_F(LerobotPicturesTest, NothingOutsideTheFolderIsRead) {
  PutBytes(folder_ / "secret.png", "\x89PNG");
  std::vector<std::string> paths(episodes_[0].length(), "../secret.png");
  LerobotOptions options;
  options.version = LerobotVersion::kV21;
  options.overwrite = true;
  options.extras = false;
  Convert(options);
  EditJson(folder_ / "out/meta/info.json",
           [](Json& json) { json["features"][kKey]["dtype"] = "image"; });
  for (size_t e = 0; e < 3; ++e) {
    paths.resize(episodes_[e].length(), "../secret.png");
    AddPaths(TableOf("out", e), paths);
  }
  const auto source = OpenLerobotSource(folder_ / "out");
  EXPECT_THAT([&] { CopyLerobot(*source, result_, {}, {}, quiet_); },
              testing::ThrowsMessage<Error>(HasSubstr("which is not within")));
}

}  // namespace
}  // namespace understudy::store_test
