#include "data/video/video_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "data/video/png.h"
#include "data/video/video_writer.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class VideoReaderTest : public testing::TestWithParam<VideoCodec> {
 protected:
  VideoReaderTest() {
    std::string name = testing::TempDir() + "video_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~VideoReaderTest() override { fs::remove_all(folder_); }

  // Smooth, and of another colour in every frame.
  static Image Picture(int frame) {
    Image image(64, 66);
    for (int i = 0; i < 64 * 66; ++i) {
      uint8_t* p = &image.rgb[static_cast<size_t>(i) * 3];
      p[0] = static_cast<uint8_t>(200 - 9 * frame);
      p[1] = static_cast<uint8_t>(40 + i % 64);
      p[2] = static_cast<uint8_t>(30 + 8 * frame);
    }
    return image;
  }
  void Film(int frames, const VideoOptions& options) {
    VideoWriter writer(file(), options);
    for (int k = 0; k < frames; ++k) writer.Add({Picture(k)});
    writer.Finish();
  }
  bool CanFilm() const { return GetParam() == VideoCodec::kH264 || !Av1EncoderName().empty(); }
  fs::path file() const { return folder_ / "film.mp4"; }
  std::string MessageOf(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    ADD_FAILURE() << "no error was thrown";
    return "";
  }
  void ReadAll() {
    VideoReader reader(file(), 20);
    for (int64_t k = 0; k < reader.frames(); ++k) reader.Read(k);
  }
  fs::path folder_;
};

INSTANTIATE_TEST_SUITE_P(Codecs, VideoReaderTest,
                         testing::Values(VideoCodec::kH264, VideoCodec::kAv1),
                         [](const auto& info) {
                           return info.param == VideoCodec::kH264 ? "H264" : "Av1";
                         });

void ExpectNear(const Image& a, const Image& b) {
  ASSERT_EQ(a.rgb.size(), b.rgb.size());
  double error = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) error += std::abs(a.rgb[i] - b.rgb[i]);
  EXPECT_LT(error / static_cast<double>(a.rgb.size()), 3);
}

// Every frame is that frame, in any order, with frames made from later ones too.
TEST_P(VideoReaderTest, FramesAreExactInAnyOrder) {
  if (!CanFilm()) GTEST_SKIP() << "libav has no encoder";
  for (const int gop : {1, 2, 0}) {
    Film(20, {.fps = 20, .codec = GetParam(), .quality = 10, .gop = gop});
    VideoReader reader(file(), 20);
    EXPECT_EQ(reader.frames(), 20);
    EXPECT_EQ(reader.width(), 64);
    EXPECT_EQ(reader.height(), 66);
    for (const int k : {0, 1, 2, 3, 3, 9, 8, 19, 0, 13}) ExpectNear(reader.Read(k), Picture(k));
  }
}

TEST_P(VideoReaderTest, TimesAreChecked) {
  if (!CanFilm()) GTEST_SKIP() << "libav has no encoder";
  Film(8, {.fps = 30000.0 / 1001, .codec = GetParam()});
  VideoReader exact(file(), 30000.0 / 1001);
  for (int k = 0; k < 8; ++k) exact.Read(k);
  EXPECT_THAT(MessageOf([&] { ReadAll(); }),
              AllOf(HasSubstr("film.mp4"), HasSubstr("is shown at"), HasSubstr("20 frames/s")));
}

TEST_P(VideoReaderTest, DamageIsAnErrorOrAPicture) {
  if (!CanFilm()) GTEST_SKIP() << "libav has no encoder";
  Film(12, {.fps = 20, .codec = GetParam(), .gop = 4});
  std::ifstream in(file(), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  Rng rng(RngKey{.seed = 3});
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    std::string bytes = whole;
    for (int n = 0; n < 6; ++n) {
      bytes[rng.UniformInt(bytes.size())] = static_cast<char>(rng.NextU32());
    }
    if (i % 4 == 0) bytes.resize(rng.UniformInt(bytes.size()));
    std::ofstream(file(), std::ios::binary) << bytes;
    try {
      ReadAll();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("film.mp4"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 20);
}

// A list of other files under the name of a film would have them read.
TEST_P(VideoReaderTest, OnlyMp4IsOpened) {
  // a film that such a list could lead to
  VideoWriter other(folder_ / "x.mp4");
  other.Add({Picture(0)});
  other.Finish();
  for (const char* text : {"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/secret.ts\n",
                           "ffconcat version 1.0\nfile x.mp4\n", "", "just a text"}) {
    std::ofstream(file(), std::ios::binary) << text;
    EXPECT_THAT(MessageOf([&] { VideoReader reader(file()); }),
                AllOf(HasSubstr("film.mp4"),
                      testing::AnyOf(HasSubstr("no MP4"), HasSubstr("holds no pictures"))));
  }
  fs::remove(file());
  EXPECT_THAT(MessageOf([&] { VideoReader reader(file()); }), HasSubstr("no such film"));
  EXPECT_THAT(MessageOf([&] { VideoReader reader(folder_); }), HasSubstr("no such film"));
}

TEST(DecodePicture, ReadsWhatWasEncoded) {
  Image image(37, 19);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i * 7);
  const std::vector<uint8_t> bytes = EncodePng(image);
  const std::string file(bytes.begin(), bytes.end());
  EXPECT_TRUE(DecodePicture(file, "here") == image);
  const auto message = [](const std::string& damaged) -> std::string {
    try {
      DecodePicture(damaged, "x.parquet: row 3");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("GIF89a"), AllOf(HasSubstr("row 3"), HasSubstr("neither a PNG nor a JPEG")));
  EXPECT_THAT(message(file.substr(0, file.size() / 2)), HasSubstr("does not decode"));
  // bytes changed at random: an error or a picture
  Rng rng(RngKey{.seed = 4});
  for (int i = 0; i < 200; ++i) {
    std::string damaged = file;
    for (int n = 0; n < 3; ++n) {
      damaged[rng.UniformInt(damaged.size())] = static_cast<char>(rng.NextU32());
    }
    message(damaged);
  }
}

}  // namespace
}  // namespace understudy
