#include "data/video/gif.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "data/video/video_writer.h"
#include "tests/support/read_film.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

Image Shade(int width, int height, int frame) {
  Image image(width, height);
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>(i % 3 == 0 ? 20 * frame : 80);
  }
  return image;
}

// Film of `frames` frames, each brighter red than the one before.
fs::path Film(const std::string& name, double fps, int frames) {
  const fs::path file = fs::path(testing::TempDir()) / name;
  VideoWriter writer(file, {.fps = fps});
  for (int k = 0; k < frames; ++k) writer.Add({Shade(64, 48, k)});
  writer.Finish();
  return file;
}

DecodedFilm Decoded(const Gif& gif) {
  const fs::path file = fs::path(testing::TempDir()) / "film.gif";
  std::ofstream(file, std::ios::binary) << gif.bytes;
  return ReadFilm(file);
}

TEST(GifOf, HoldsEveryOtherFrameOfTwentyASecond) {
  const Gif gif = GifOf(Film("gif_20.mp4", 20, 11));
  EXPECT_THAT(gif.bytes, testing::StartsWith("GIF89a"));
  EXPECT_EQ(gif.width, 64);
  EXPECT_EQ(gif.height, 48);
  // repeats for ever
  EXPECT_THAT(gif.bytes, testing::HasSubstr("NETSCAPE2.0"));
  const DecodedFilm film = Decoded(gif);
  EXPECT_EQ(film.codec, "gif");
  ASSERT_EQ(film.frames.size(), 6u);
  for (size_t k = 0; k < film.frames.size(); ++k) {
    // red has 8 levels; the mean of dithered pixels is nearer than that
    double red = 0;
    const Image& image = film.frames[k];
    for (size_t i = 0; i < image.rgb.size(); i += 3) red += image.rgb[i];
    EXPECT_NEAR(red / static_cast<double>(image.rgb.size() / 3), 40.0 * static_cast<double>(k), 14)
        << k;
    EXPECT_NEAR(static_cast<double>(film.pts[k] * film.time_base.num) / film.time_base.den,
                0.1 * static_cast<double>(k), 1e-6);
  }
}

TEST(GifOf, KeepsSlowFilmsWhole) {
  const DecodedFilm film = Decoded(GifOf(Film("gif_5.mp4", 5, 7)));
  ASSERT_EQ(film.frames.size(), 7u);
  EXPECT_NEAR(static_cast<double>(film.pts[6] * film.time_base.num) / film.time_base.den, 1.2,
              1e-6);
  EXPECT_EQ(Decoded(GifOf(Film("gif_1.mp4", 20, 1))).frames.size(), 1u);
}

TEST(GifOf, AFileThatIsNoFilmIsNamed) {
  const fs::path file = fs::path(testing::TempDir()) / "no_film.mp4";
  std::ofstream(file) << "nothing";
  try {
    GifOf(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("no_film.mp4"));
  }
}

}  // namespace
}  // namespace understudy
