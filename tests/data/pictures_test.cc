// Pictures of strangers: channel-first, grey, RGBA, fractions, several sizes; compressions.

#include <gmock/gmock.h>
#include <hdf5.h>
#include <lzf.h>

#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/hdf5/id.h"
#include "tests/data/stranger.h"
#include "tests/data/surgeon.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kH = 18, kW = 20;  // of every picture

// The colour of a pixel.
uint8_t Byte(size_t row, size_t y, size_t x, size_t c) {
  return static_cast<uint8_t>(7 * row + 5 * y + 3 * x + 60 * c);
}

// Pictures of `channels` colours, last or first, as bytes or as fractions of `white`.
Column Pixels(const std::string& path, size_t rows, size_t channels, bool first, double white = 0) {
  const std::vector<size_t> dims =
      first ? std::vector<size_t>{channels, kH, kW} : std::vector<size_t>{kH, kW, channels};
  Column column(path, white > 0 ? ColumnType::kF32 : ColumnType::kU8, dims);
  column.rows = rows;
  const size_t pixels = kH * kW;
  for (size_t k = 0; k < rows; ++k) {
    for (size_t i = 0; i < pixels * channels; ++i) {
      const size_t c = first ? i / pixels : i % channels, p = first ? i % pixels : i / channels;
      const uint8_t byte = c < 3 ? Byte(k, p / kW, p % kW, c) : 9;
      if (white > 0) {
        column.Push(static_cast<float>(byte * white / 255));
      } else {
        column.Push(byte);
      }
    }
  }
  return column;
}

// Number `i` of a column of float32.
void Set(Column* column, size_t i, float value) {
  std::memcpy(&column->bytes[i * sizeof(value)], &value, sizeof(value));
}

class PicturesTest : public testing::Test {
 protected:
  std::unique_ptr<EpisodeSource> Write(std::function<void(const h5::Group&, size_t)> pictures) {
    WriteStranger(
        file_, {.also = [&](const h5::Group& demo, size_t, size_t rows) { pictures(demo, rows); }});
    return OpenDataset(file_);
  }
  static void ExpectRgb(const EpisodeSource& source, const std::string& camera, bool grey = false) {
    const Image image = source.ReadImage(1, camera, 3);
    ASSERT_EQ(image.width, static_cast<int>(kW));
    ASSERT_EQ(image.height, static_cast<int>(kH));
    for (size_t i = 0; i < image.rgb.size(); ++i) {
      const size_t p = i / 3;
      ASSERT_EQ(image.rgb[i], Byte(3, p / kW, p % kW, grey ? 0 : i % 3)) << camera << " " << i;
    }
  }
  Folder folder_;
  const fs::path file_ = folder_ / "pictures.hdf5";
};

TEST_F(PicturesTest, EveryLayoutIsReadAsRgb) {
  const auto source = Write([](const h5::Group& demo, size_t rows) {
    demo.Write(Pixels("obs/plain_image", rows, 3, false));
    demo.Write(Pixels("obs/first_image", rows, 3, true));
    demo.Write(Pixels("obs/alpha_image", rows, 4, false));
    demo.Write(Pixels("obs/grey_image", rows, 1, false));
    demo.Write(Pixels("obs/grey_first_image", rows, 1, true));
    demo.Write(Pixels("obs/unit_image", rows, 3, true, 1));
    demo.Write(Pixels("obs/float_image", rows, 3, false, 255));
    // depth is a column of numbers
    demo.Write(Ramp("obs/plain_depth", ColumnType::kF32, {kH, kW, 1}, rows));
  });
  EXPECT_THAT(source->header().cameras,
              testing::UnorderedElementsAre("alpha", "first", "float", "grey", "grey_first",
                                            "plain", "unit"));
  for (const char* camera : {"plain", "first", "alpha", "unit", "float"})
    ExpectRgb(*source, camera);
  for (const char* camera : {"grey", "grey_first"}) ExpectRgb(*source, camera, true);
  std::vector<std::string> names;
  for (const ColumnSpec& column : source->ListColumns()) names.push_back(column.name);
  EXPECT_THAT(names, Contains("obs/plain_depth"));
  EXPECT_THAT(names, testing::Not(Contains("obs/grey_image")));
  // what is not the same afterwards is told
  const std::vector<std::string> lost = FormatNamed("robomimic").Lost(*source, ConvertRequest{});
  EXPECT_THAT(lost, Contains("obs/alpha_image: the alpha channel is left out"));
  EXPECT_THAT(lost, Contains("obs/grey_image: grey becomes RGB"));
  EXPECT_THAT(lost, Contains("obs/unit_image: fractions are rounded to bytes"));
  EXPECT_TRUE(VerifyDataset(file_).faults.empty());
}

// Pictures in [-1, 1], as networks take them.
TEST_F(PicturesTest, FromMinusOneToOne) {
  const auto source = Write([](const h5::Group& demo, size_t rows) {
    Column pixels = Pixels("obs/signed_image", rows, 3, true, 2);
    for (size_t i = 0; i < rows * pixels.row_size(); ++i)
      Set(&pixels, i, pixels.At<float>(0, i) - 1);
    demo.Write(pixels);
  });
  ExpectRgb(*source, "signed");
}

// The first frames are black: the others say what white is.
TEST_F(PicturesTest, WhiteIsThatOfBrighterFrames) {
  const auto source = Write([](const h5::Group& demo, size_t rows) {
    Column pixels = Pixels("obs/dark_image", rows, 3, false, 255);
    for (size_t i = 0; i < pixels.row_size(); ++i) Set(&pixels, i, 0);
    demo.Write(pixels);
  });
  ExpectRgb(*source, "dark");
}

// Numbers that are no colours are refused with their place, as NaN is, and not clipped.
TEST_F(PicturesTest, NumbersOfNoColour) {
  const auto with = [&](float odd) {
    return Write([=](const h5::Group& demo, size_t rows) {
      Column pixels = Pixels("obs/odd_image", rows, 3, false, 1);
      Set(&pixels, pixels.row_size() + 7, odd);
      demo.Write(pixels);
    });
  };
  const auto message = [](const EpisodeSource& source) {
    try {
      source.ReadImage(1, "odd", 1);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message(*with(NAN)), HasSubstr("demo_1/obs/odd_image[1]: holds nan"));
  EXPECT_THAT(message(*with(-3)), HasSubstr("must lie in [0, 1]"));
}

// What no picture holds is a column of numbers, until a map says how pictures were normalised.
TEST_F(PicturesTest, NormalisedNumbersAreAColumnOrPicturesByAMap) {
  const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225};
  const auto source = Write([&](const h5::Group& demo, size_t rows) {
    Column pixels = Pixels("obs/odd_image", rows, 3, true, 1);
    const size_t plane = pixels.row_size() / 3;
    for (size_t i = 0; i < rows * pixels.row_size(); ++i) {
      const size_t c = i % pixels.row_size() / plane;
      Set(&pixels, i, static_cast<float>((pixels.At<float>(0, i) - mean[c]) / std[c]));
    }
    demo.Write(pixels);
  });
  EXPECT_TRUE(source->header().cameras.empty());
  EXPECT_THAT(DescribeDataset(*source)["no_pictures"]["obs/odd_image"].get<std::string>(),
              testing::AllOf(HasSubstr("pictures lie in [0, 1], [-1, 1] or [0, 255]"),
                             HasSubstr("column of numbers"), HasSubstr("--map")));
  bool found = false;
  for (const ColumnSpec& column : source->ListColumns()) {
    if (column.name != "obs/odd_image") continue;
    found = true;
    EXPECT_EQ(column.role, ColumnRole::kOther);
    EXPECT_EQ(source->ReadColumns(1, {&column, 1})[0].size(), 6 * column.size());
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(VerifyDataset(file_).faults.empty());

  const fs::path map = folder_ / "map.yaml";
  const auto open = [&](const std::string& yaml) {
    WriteTextAtomically(map, yaml);
    return OpenDataset(file_, {.map = map.string()});
  };
  const auto mapped =
      open("pictures: {odd: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}\n");
  EXPECT_THAT(mapped->header().cameras, ElementsAre("odd"));
  ExpectRgb(*mapped, "odd");

  const auto why = [&](const std::string& yaml) {
    return ErrorOf([&] { open(yaml)->ReadImage(1, "odd", 1); }, ErrorKind::kBadInput);
  };
  EXPECT_THAT(why("pictures: {odd: {mean: [0, 0, 0], std: [1, 1, 1]}}\n"),
              testing::AllOf(HasSubstr("obs/odd_image[1]"), HasSubstr("must lie in [0, 1]")));
  EXPECT_THAT(why("pictures: {odd: {mean: [0, 0], std: [1, 1, 1]}}\n"),
              HasSubstr("pictures.odd: mean and std are three numbers each"));
  EXPECT_THAT(why("pictures: {old: {mean: [0, 0, 0], std: [1, 1, 1]}}\n"),
              HasSubstr("camera 'old'"));
}

// Cameras of several sizes are all there; a dataset of ours has one size and says what it leaves.
TEST_F(PicturesTest, CamerasOfSeveralSizes) {
  const auto source = Write([](const h5::Group& demo, size_t rows) {
    demo.Write(Pixels("obs/plain_image", rows, 3, false));
    demo.Write(Ramp("obs/wide_image", ColumnType::kU8, {8, 40, 3}, rows));
  });
  EXPECT_THAT(source->header().cameras, ElementsAre("plain", "wide"));
  EXPECT_EQ(source->header().size_of(1), (PictureSize{40, 8}));
  EXPECT_EQ(source->ReadImage(0, "wide", 1).width, 40);
  EXPECT_EQ(source->ReadImage(0, "wide", 1).rgb[1], static_cast<uint8_t>(8 * 40 * 3 + 1));
  ExpectRgb(*source, "plain");
  EXPECT_THAT(OwnFormat().Lost(*source, ConvertRequest{}), Contains(HasSubstr("pictures of wide")));
  EXPECT_TRUE(VerifyDataset(file_).faults.empty());
}

// Names that another program gave are cameras too; two arrays never become one camera.
TEST_F(PicturesTest, CamerasOfOtherNames) {
  const auto source = Write([](const h5::Group& demo, size_t rows) {
    demo.Write(Pixels("obs/front_img_1", rows, 3, false));
    demo.Write(Pixels("obs/wrist", rows, 3, true));
    demo.Write(Pixels("obs/wrist_image", rows, 3, false));
  });
  EXPECT_THAT(source->header().cameras, ElementsAre("front_img_1", "wrist"));
  ExpectRgb(*source, "front_img_1");
  ExpectRgb(*source, "wrist");
  EXPECT_THAT(FormatNamed("robomimic").Lost(*source, ConvertRequest{}),
              Contains(HasSubstr("obs/wrist, ")));
}

// Matrices of poses are no pictures.
TEST_F(PicturesTest, SmallMatricesAreNumbers) {
  const auto source = Write([](const h5::Group& demo, size_t rows) {
    demo.Write(Ramp("obs/poses_image", ColumnType::kF64, {5, 4, 4}, rows));
  });
  EXPECT_TRUE(source->header().cameras.empty());
}

// One column whose only chunk is `bytes`, said to be compressed by `filter`.
void WriteCompressed(const fs::path& file, H5Z_filter_t filter, const std::vector<unsigned>& values,
                     const std::vector<uint8_t>& bytes, hsize_t rows) {
  const h5::Id opened(H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
  const hsize_t dims[2] = {rows, 6};
  const h5::Id space(H5Screate_simple(2, dims, nullptr)), plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(plist.get(), 2, dims);
  // optional: this process may have no encoder
  H5Pset_filter(plist.get(), filter, H5Z_FLAG_OPTIONAL, values.size(), values.data());
  H5Ldelete(opened.get(), "data/demo_0/actions", H5P_DEFAULT);
  const h5::Id dataset(H5Dcreate2(opened.get(), "data/demo_0/actions", H5T_NATIVE_DOUBLE,
                                  space.get(), H5P_DEFAULT, plist.get(), H5P_DEFAULT));
  ASSERT_TRUE(dataset.valid());
  const hsize_t offset[2] = {0, 0};
  ASSERT_GE(H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, offset, bytes.size(), bytes.data()), 0);
}

TEST_F(PicturesTest, LzfIsReadAndOtherCompressionsAreNamed) {
  constexpr hsize_t kRows = 5;
  constexpr unsigned kBytes = kRows * 6 * sizeof(double);
  std::vector<double> numbers(kRows * 6);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i / 3);
  std::vector<uint8_t> packed(kBytes);
  packed.resize(lzf_compress(numbers.data(), kBytes, packed.data(), kBytes));
  ASSERT_GT(packed.size(), 0u);

  const auto write = [&](const char* name, H5Z_filter_t filter, const std::vector<unsigned>& values,
                         const std::vector<uint8_t>& bytes) {
    WriteStranger(folder_ / name);
    WriteCompressed(folder_ / name, filter, values, bytes, kRows);
    return folder_ / name;
  };
  // h5py's values: revision of the filter, version of the library, bytes of a chunk
  const fs::path sound = write("lzf.hdf5", 32000, {4, 0x0105, kBytes}, packed);
  const auto rows = OpenDataset(sound)->ReadStoredActions(0);
  ASSERT_EQ(rows->size(), kRows);
  for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(rows->at(i / 6)[i % 6], numbers[i]);
  EXPECT_TRUE(VerifyDataset(sound).faults.empty());

  const std::vector<uint8_t> cut(packed.begin(), packed.begin() + 5);
  const fs::path damaged = write("cut.hdf5", 32000, {4, 0x0105, kBytes}, cut);
  EXPECT_THROW(OpenDataset(damaged)->ReadStoredActions(0), Error);

  const fs::path strange = write("zstd.hdf5", 32015, {3}, packed);
  EXPECT_THAT([&] { OpenDataset(strange)->ReadStoredActions(0); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("/data/demo_0/actions"),
                                                  HasSubstr("zstd"), HasSubstr("h5repack"))));
}

}  // namespace
}  // namespace understudy::store_test
