#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "data/video/png.h"
#include "data/video/video_writer.h"
#include "tests/support/effects.h"
#include "tests/support/read_film.h"

namespace understudy {
namespace {

std::filesystem::path FreshFolder(const std::string& name) {
  const auto folder = std::filesystem::path(testing::TempDir()) / ("video_" + name);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

// A smooth picture that differs from frame to frame.
Image Picture(int width, int height, int frame) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = &image.rgb[(static_cast<size_t>(y) * width + x) * 3];
      pixel[0] = static_cast<uint8_t>(40 + 150 * x / width);
      pixel[1] = static_cast<uint8_t>(40 + 150 * y / height);
      pixel[2] = static_cast<uint8_t>(60 + 9 * frame);
    }
  }
  return image;
}

// Peak signal to noise ratio in dB over the part of `film` that `image` covers from (left, 0).
double Psnr(const Image& film, const Image& image, int left, int scale) {
  double sum = 0;
  int64_t count = 0;
  for (int y = 0; y < image.height * scale; ++y) {
    for (int x = 0; x < image.width * scale; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int a = film.rgb[(static_cast<size_t>(y) * film.width + left + x) * 3 + c];
        const int b = image.rgb[(static_cast<size_t>(y / scale) * image.width + x / scale) * 3 + c];
        sum += (a - b) * (a - b);
        ++count;
      }
    }
  }
  return 10 * std::log10(255.0 * 255.0 * count / std::max(sum, 1e-9));
}

std::vector<uint8_t> Bytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Calls `work` and returns the message of the Error that it must throw.
template <class F>
std::string MessageOf(F work, ErrorKind kind) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

TEST(VideoWriter, DecodesToTheSameFramesAtExactTimes) {
  const auto file = FreshFolder("round") / "film.mp4";
  const int kFrames = 17;
  VideoOptions options;
  options.fps = 20;
  options.scale = 2;
  VideoWriter writer(file, options);
  for (int k = 0; k < kFrames; ++k) {
    writer.Add({Picture(84, 84, k), Picture(61, 41, kFrames - k)});
    EXPECT_FALSE(std::filesystem::exists(file)) << "a film has its name only when it is whole";
  }
  writer.Finish();
  const VideoReport report = writer.report();
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.width, 290);
  EXPECT_EQ(report.height, 168);
  EXPECT_FALSE(report.encoder.empty());
  EXPECT_EQ(report.warning.empty(), !H264EncoderName().empty());
  if (report.warning.empty()) {
    EXPECT_EQ(report.encoder, H264EncoderName());
  }
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".part"));

  const DecodedFilm film = ReadFilm(file);
  ASSERT_EQ(film.frames.size(), static_cast<size_t>(kFrames));
  for (int k = 0; k < kFrames; ++k) {
    // k / fps as a fraction of the file's clock, without a remainder
    const AVRational time = av_mul_q({static_cast<int>(film.pts[k]), 1}, film.time_base);
    EXPECT_EQ(av_cmp_q(time, {k, 20}), 0) << "frame " << k;
    EXPECT_EQ(film.frames[k].width, 290);
    EXPECT_EQ(film.frames[k].height, 168);
    EXPECT_GT(Psnr(film.frames[k], Picture(84, 84, k), 0, 2), 34) << "frame " << k;
    EXPECT_GT(Psnr(film.frames[k], Picture(61, 41, kFrames - k), 168, 2), 34) << "frame " << k;
  }
  EXPECT_LT(Psnr(film.frames[2], Picture(84, 84, 15), 0, 2), 28) << "the measure sees differences";
}

TEST(VideoWriter, FractionalRatesAreExact) {
  const auto file = FreshFolder("rate") / "film.mp4";
  VideoOptions options;
  options.fps = 30000.0 / 1001.0;
  VideoWriter writer(file, options);
  for (int k = 0; k < 5; ++k) writer.Add({Picture(64, 48, k)});
  writer.Finish();
  const DecodedFilm film = ReadFilm(file);
  ASSERT_EQ(film.pts.size(), 5u);
  for (int k = 0; k < 5; ++k) {
    const AVRational time = av_mul_q({static_cast<int>(film.pts[k]), 1}, film.time_base);
    EXPECT_EQ(av_cmp_q(time, {1001 * k, 30000}), 0) << "frame " << k;
  }
}

TEST(VideoWriter, OddPicturesGetEvenFilms) {
  const auto file = FreshFolder("odd") / "film.mp4";
  VideoWriter writer(file);
  writer.Add({Picture(33, 17, 0)});
  writer.Finish();
  const VideoReport report = writer.report();
  EXPECT_EQ(report.width, 34);
  EXPECT_EQ(report.height, 18);
  EXPECT_EQ(ReadFilm(file).frames.size(), 1u);
}

TEST(VideoWriter, SameFramesGiveTheSameFile) {
  const auto folder = FreshFolder("same");
  for (const char* name : {"a.mp4", "b.mp4"}) {
    VideoWriter writer(folder / name);
    for (int k = 0; k < 6; ++k) writer.Add({Picture(84, 84, k)});
    writer.Finish();
  }
  EXPECT_EQ(Bytes(folder / "a.mp4"), Bytes(folder / "b.mp4"));
}

// Browsers start to play when the index (moov) comes before the pictures (mdat).
TEST(VideoWriter, IndexStandsInFront) {
  const auto file = FreshFolder("fast") / "film.mp4";
  VideoWriter writer(file);
  for (int k = 0; k < 6; ++k) writer.Add({Picture(84, 84, k)});
  writer.Finish();
  const auto bytes = Bytes(file);
  const std::string text(bytes.begin(), bytes.end());
  ASSERT_NE(text.find("moov"), std::string::npos);
  EXPECT_LT(text.find("moov"), text.find("mdat"));
}

TEST(VideoWriter, AbandonedFilmLeavesNothing) {
  const auto folder = FreshFolder("abandoned");
  {
    VideoWriter writer(folder / "film.mp4");
    writer.Add({Picture(84, 84, 0)});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(VideoSink, FinishesInPeaceOnly) {
  const auto folder = FreshFolder("sink");
  {
    const auto sink = MakeVideoSink(folder / "peace.mp4", 2, 10);
    for (int k = 0; k < 3; ++k) sink->Add({Picture(32, 32, k), Picture(32, 32, k)});
  }
  EXPECT_EQ(ReadFilm(folder / "peace.mp4").frames.size(), 3u);
  try {
    const auto sink = MakeVideoSink(folder / "broken.mp4", 1, 10);
    sink->Add({Picture(32, 32, 0)});
    ThrowFailed("something else");
  } catch (const Error&) {
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "broken.mp4"));
  EXPECT_FALSE(std::filesystem::exists(folder / "broken.mp4.part"));
  {
    const auto sink = MakeVideoSink(folder / "told.mp4", 1, 10);
    sink->Add({Picture(32, 32, 0)});
    sink->Finish();
    EXPECT_TRUE(std::filesystem::exists(folder / "told.mp4"));
  }
}

TEST(VideoWriter, ErrorsNameTheFile) {
  const auto folder = FreshFolder("errors");
  EXPECT_THAT(
      MessageOf([&] { VideoWriter writer(folder / "none" / "film.mp4"); }, ErrorKind::kFailed),
      testing::AllOf(testing::HasSubstr("film.mp4"), testing::HasSubstr("none"),
                     testing::HasSubstr("does not exist")));
  EXPECT_THAT(
      MessageOf([&] { VideoWriter(folder / "empty.mp4").Finish(); }, ErrorKind::kBadInput),
      testing::AllOf(testing::HasSubstr("empty.mp4"), testing::HasSubstr("at least one frame")));
  VideoOptions options;
  options.preset = "quickly";
  EXPECT_THAT(MessageOf([&] { VideoWriter writer(folder / "p.mp4", options); }, ErrorKind::kUsage),
              testing::AllOf(testing::HasSubstr("quickly"), testing::HasSubstr("veryfast")));
  VideoWriter writer(folder / "size.mp4");
  writer.Add({Picture(64, 64, 0)});
  EXPECT_THROW(writer.Add({Picture(32, 64, 0)}), ContractError);
}

// /dev/full takes no byte: what a full disk looks like.
TEST(VideoWriter, FullDiskIsOneError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full on this system";
  const auto folder = FreshFolder("full");
  std::filesystem::create_symlink("/dev/full", folder / "film.mp4.part");
  Rng rng(RngKey{5});
  const auto film = [&] {
    VideoWriter writer(folder / "film.mp4");
    for (int k = 0; k < 40; ++k) {
      Image noise(128, 128);
      for (uint8_t& byte : noise.rgb) byte = static_cast<uint8_t>(rng.NextU32());
      writer.Add({noise});
    }
    writer.Finish();
  };
  EXPECT_THAT(MessageOf(film, ErrorKind::kFailed), testing::HasSubstr("film.mp4.part"));
  EXPECT_FALSE(std::filesystem::exists(folder / "film.mp4"));
}

TEST(EncodePng, IsLossless) {
  const auto folder = FreshFolder("png");
  Rng rng(RngKey{11});
  for (const auto& [width, height] : std::vector<std::array<int, 2>>{{1, 1}, {84, 84}, {37, 5}}) {
    Image image(width, height);
    for (uint8_t& byte : image.rgb) byte = static_cast<uint8_t>(rng.NextU32());
    const std::vector<uint8_t> png = EncodePng(image);
    const std::vector<uint8_t> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    ASSERT_GT(png.size(), signature.size());
    EXPECT_TRUE(std::equal(signature.begin(), signature.end(), png.begin()));
    const auto file = folder / fmt::format("{}x{}.png", width, height);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
    const DecodedFilm film = ReadFilm(file);
    ASSERT_EQ(film.frames.size(), 1u);
    EXPECT_EQ(film.frames[0], image);
  }
}

TEST(EncodePng, RefusesPicturesWithoutPixels) { EXPECT_THROW(EncodePng(Image()), ContractError); }

// Another preset, and another number of threads, makes other pixels.
TEST(VideoOptions, EveryOptionChangesTheFilm) { EXPECT_TRUE(OtherEffects<VideoOptions>().empty()); }

}  // namespace
}  // namespace understudy
