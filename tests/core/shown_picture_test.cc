#include "core/image/shown_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/image/panorama.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// A picture that is another one if it is mirrored, turned, or its rows are shifted.
Image Numbered(int width, int height) {
  Image image(width, height);
  for (size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = static_cast<uint8_t>(i * 37 + i / 91);
  return image;
}

TEST(ShownPicture, BytesGiveThePictureBack) {
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {3, 200}}) {
    const Image image = Numbered(width, height);
    EXPECT_EQ(FromPpm(ToPpm(image), "here"), image);
  }
  // the size is part of what the hash is of
  Image wide = Numbered(6, 1), high = wide;
  high.width = 1;
  high.height = 6;
  EXPECT_NE(PixelHash(wide), PixelHash(high));
}

TEST(ShownPicture, OtherBytesAreRefused) {
  const std::string good = ToPpm(Numbered(4, 5));
  for (const std::string& bad :
       {std::string(), std::string("P6\n"), good.substr(0, good.size() - 1), good + "x",
        "P5" + good.substr(2), std::string("P6\n0 5\n255\n"), std::string("P6\n-4 5\n255\n"),
        std::string("P6\n99999 99999\n255\n"), std::string("P6\n4 5\n65535\n")}) {
    EXPECT_THAT([&] { FromPpm(bad, "x.h5: /p"); },
                ThrowsMessage<Error>(HasSubstr("x.h5: /p: holds no picture")));
  }
}

TEST(ShownPicture, PixelsThatAreNotAtHandAreTold) {
  const ShownPicture lost{.name = "wood/oak", .hash = "0123"};
  EXPECT_THAT([&] { lost.Pixels(); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("wood/oak"), HasSubstr("0123"))));
  const ShownPicture held = MakeShownPicture("mine", Numbered(2, 2));
  EXPECT_EQ(*held.Pixels(), Numbered(2, 2));
  EXPECT_FALSE(ShownPicture{}.shown());
}

// Every pixel is the mean of what it covers, also where the sizes do not divide.
TEST(ShownPicture, ShrinkingKeepsMeans) {
  EXPECT_EQ(Shrink(Numbered(5, 4), 5, 4), Numbered(5, 4));
  EXPECT_EQ(Shrink(Numbered(5, 4), 50, 40), Numbered(5, 4)) << "nothing becomes larger";
  Image image(4, 2);
  for (int x = 0; x < 4; ++x) {
    for (int y = 0; y < 2; ++y)
      image.rgb[static_cast<size_t>(3 * (4 * y + x))] = static_cast<uint8_t>(40 * x + 10 * y);
  }
  Image half = Shrink(image, 2, 1);
  EXPECT_EQ(half.rgb[0], 25);   // 0, 40, 10, 50
  EXPECT_EQ(half.rgb[3], 105);  // 80, 120, 90, 130
  // a third of four: 0, 40/3 …
  half = Shrink(image, 3, 1);
  EXPECT_NEAR(half.rgb[0], 15, 1);  // (0 + 40/3) / (4/3) + 5
  const Image even = Shrink(Image(1000, 700), 512, 333);
  EXPECT_EQ(even, Image(512, 333));
  Image white(777, 555);
  white.rgb.assign(white.rgb.size(), 255);
  for (const uint8_t byte : Shrink(white, 512, 100).rgb) ASSERT_EQ(byte, 255);
}

TEST(Panorama, LightOfAnyBrightnessIsShown) {
  // ten times, a hundred times and no number
  std::vector<float> rgb;
  for (const float light : {0.01f, 0.1f, 1.0f, 10.0f, 1000.0f}) rgb.insert(rgb.end(), 3, light);
  rgb.insert(rgb.end(), 3, std::numeric_limits<float>::quiet_NaN());
  const Image shown = ToneMap(6, 1, rgb);
  for (size_t i = 3; i < 15; ++i) EXPECT_GE(shown.rgb[i], shown.rgb[i - 3]);
  EXPECT_GT(shown.rgb[3 * 2], shown.rgb[0] + 20);
  EXPECT_EQ(shown.rgb[3 * 4], 255);
  EXPECT_EQ(shown.rgb[3 * 5], 0);
  // the same light, ten times as bright, looks the same
  rgb.resize(12);
  const Image dim = ToneMap(4, 1, rgb);
  for (float& light : rgb) light *= 10;
  const Image bright = ToneMap(4, 1, rgb);
  for (size_t i = 0; i < dim.rgb.size(); ++i) EXPECT_NEAR(dim.rgb[i], bright.rgb[i], 1);
}

TEST(Panorama, PhotographsGoAllRound) {
  EXPECT_EQ(Surroundings(Numbered(8, 4)), Numbered(8, 4)) << "is one already";
  const Image photograph = Numbered(8, 6), all = Surroundings(photograph);
  ASSERT_EQ(all.width, 16);
  ASSERT_EQ(all.height, 8);
  const auto at = [](const Image& image, int x, int y) {
    const size_t i = 3 * (static_cast<size_t>(y) * image.width + x);
    return std::array{image.rgb[i], image.rgb[i + 1], image.rgb[i + 2]};
  };
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 8; ++x) {
      EXPECT_EQ(at(all, 4 + x, 1 + y), at(photograph, x, y)) << "in the middle";
    }
    // mirrored at both edges
    EXPECT_EQ(at(all, 3, 1 + y), at(photograph, 0, y));
    EXPECT_EQ(at(all, 12, 1 + y), at(photograph, 7, y));
    // behind, neighbours meet
    EXPECT_EQ(at(all, 0, 1 + y), at(photograph, 3, y));
    EXPECT_EQ(at(all, 15, 1 + y), at(photograph, 4, y));
  }
  for (int x = 1; x < 16; ++x) {
    EXPECT_EQ(at(all, x, 0), at(all, 0, 0));
    EXPECT_EQ(at(all, x, 7), at(all, 0, 7));
  }
}

}  // namespace
}  // namespace understudy
