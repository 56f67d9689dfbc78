// What cameras do to pictures.
#include "core/image/camera_effects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/json.h"

namespace understudy {
namespace {

Image Flat(int width, int height, uint8_t value) {
  Image image(width, height);
  std::ranges::fill(image.rgb, value);
  return image;
}

double Mean(const Image& image) {
  double sum = 0;
  for (const uint8_t value : image.rgb) sum += value;
  return sum / static_cast<double>(image.rgb.size());
}

// libjpeg's own pictures: its whole numbers are rounded otherwise, by a level or two.
TEST(CameraEffects, JpegLeavesWhatLibjpegLeaves) {
  const Json reference =
      LoadJson(std::string(UNDERSTUDY_SOURCE_DIR) + "/tests/golden/jpeg_reference.json");
  Image picture(reference["width"], reference["height"]);
  picture.rgb = reference["picture"].get<std::vector<uint8_t>>();
  double before = 1e9;
  for (const int quality : {5, 30, 50, 75, 95}) {
    const auto wanted = reference[std::to_string(quality)].get<std::vector<uint8_t>>();
    Image image = picture;
    CompressAsJpeg(quality, &image);
    int most = 0;
    double sum = 0, lost = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      most = std::max(most, std::abs(image.rgb[i] - wanted[i]));
      sum += std::abs(image.rgb[i] - wanted[i]);
      lost += std::abs(image.rgb[i] - picture.rgb[i]);
    }
    EXPECT_LE(most, 6) << "quality " << quality;  // a level rounded the other way
    EXPECT_LE(sum / static_cast<double>(wanted.size()), 0.5) << "quality " << quality;
    EXPECT_LT(lost, before) << "better quality loses less";
    before = lost;
  }
}

TEST(CameraEffects, ExposureIsInLinearLight) {
  // sRGB 188 is half the light of 255, 137 a quarter (IEC 61966-2-1)
  Image image = Flat(4, 3, 188);
  Expose(1, Eigen::Vector3d::Ones(), &image);
  EXPECT_EQ(image, Flat(4, 3, 255));
  Expose(-1, Eigen::Vector3d::Ones(), &image);
  EXPECT_EQ(image, Flat(4, 3, 188));
  Expose(-1, Eigen::Vector3d::Ones(), &image);
  EXPECT_EQ(image, Flat(4, 3, 137));
  Expose(0, {2, 1, 0}, &image);
  EXPECT_EQ(image.rgb[0], 188);
  EXPECT_EQ(image.rgb[1], 137);
  EXPECT_EQ(image.rgb[2], 0);
  // nothing to do is nothing done, for every value
  Image all(256, 1);
  for (size_t i = 0; i < all.rgb.size(); ++i) all.rgb[i] = static_cast<uint8_t>(i / 3);
  Image same = all;
  Expose(0, Eigen::Vector3d::Ones(), &same);
  EXPECT_EQ(same, all);
}

TEST(CameraEffects, MotionSpreadsAlongItsWayAndKeepsTheLight) {
  Image dot = Flat(31, 31, 0);
  for (size_t c = 0; c < 3; ++c) dot.rgb[(15 * 31 + 15) * 3 + c] = 255;
  Image moved = dot;
  BlurAlong({8, 0}, &moved);
  int lit = 0;
  double light = 0;
  for (int y = 0; y < 31; ++y) {
    for (int x = 0; x < 31; ++x) {
      const uint8_t value = moved.rgb[static_cast<size_t>(y * 31 + x) * 3];
      if (value == 0) continue;
      EXPECT_EQ(y, 15);
      EXPECT_LE(std::abs(x - 15), 5);
      ++lit;
      light += value <= 10 ? value / 255.0 / 12.92 : std::pow((value / 255.0 + 0.055) / 1.055, 2.4);
    }
  }
  EXPECT_GE(lit, 8);
  EXPECT_NEAR(light, 1, 0.03);
  // the same upright; nothing where nothing moves; a plain picture stays plain
  Image upright = dot;
  BlurAlong({0, 8}, &upright);
  for (int i = 0; i < 31; ++i) {
    EXPECT_EQ(upright.rgb[static_cast<size_t>(i * 31 + 15) * 3],
              moved.rgb[static_cast<size_t>(15 * 31 + i) * 3]);
  }
  Image still = dot;
  BlurAlong({0, 0}, &still);
  EXPECT_EQ(still, dot);
  Image plain = Flat(9, 7, 140);
  BlurAlong({3, -2}, &plain);
  EXPECT_EQ(plain, Flat(9, 7, 140));
}

TEST(CameraEffects, NoiseHasItsDeviationAndIsItsSeeds) {
  Image a = Flat(80, 60, 128), b = a, other = a;
  AddNoise(0.05, 7, &a);
  AddNoise(0.05, 7, &b);
  AddNoise(0.05, 8, &other);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, other);
  double squares = 0;
  for (const uint8_t value : a.rgb) squares += std::pow(value - 128.0, 2);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(a.rgb.size())), 0.05 * 255, 0.4);
  EXPECT_NEAR(Mean(a), 128, 0.5);
}

}  // namespace
}  // namespace understudy
