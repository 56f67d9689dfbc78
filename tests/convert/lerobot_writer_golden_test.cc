// Datasets that LeRobot itself wrote, deleted from and merged:
// tests/golden/make_lerobot_writer_golden.py.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "tests/convert/lerobot_fixture.h"

namespace understudy::store_test {
namespace {

// As the maker's: rows of its episodes 0 to 3, of which 1 is deleted.
constexpr std::array<size_t, 4> kLengths{5, 3, 6, 4};
constexpr size_t kNumbers = 3, kHeight = 24, kWidth = 32;

struct Written {
  const char* folder;
  std::vector<size_t> episodes;  // as they were numbered when they were written
};

void ExpectEpisodes(const fs::path& path, const std::vector<size_t>& episodes) {
  for (const Fault& fault : VerifyDataset(path).faults) {
    ADD_FAILURE() << fault.place << ": " << fault.what;
  }
  const std::unique_ptr<EpisodeSource> source = OpenDataset(path);
  EXPECT_EQ(source->header().simulator.control_hz, 10);
  EXPECT_EQ(source->header().simulator.robot, "so101");
  EXPECT_EQ(source->header().cameras, std::vector<std::string>{"front"});
  std::vector<ColumnSpec> asked;
  for (const ColumnSpec& column : source->ListColumns()) {
    if (column.name == "action" || column.name == "observation.state") asked.push_back(column);
  }
  ASSERT_EQ(asked.size(), 2u);
  const bool action_first = asked[0].name == "action";
  ASSERT_EQ(source->episodes().size(), episodes.size());
  for (size_t i = 0; i < episodes.size(); ++i) {
    const size_t e = episodes[i];
    SCOPED_TRACE(fmt::format("episode {}, written as {}", i, e));
    ASSERT_EQ(source->episodes()[i].length, kLengths.at(e));
    EXPECT_EQ(source->ReadMeta(i).instruction, e % 2 == 0 ? "push the block" : "open the drawer");
    const auto columns = source->ReadColumns(i, asked);
    for (size_t k = 0; k < kLengths.at(e); ++k) {
      for (size_t n = 0; n < kNumbers; ++n) {
        const double number =
            static_cast<double>(e) + static_cast<double>(k) / 8 + static_cast<double>(n) / 64;
        EXPECT_EQ(columns[action_first ? 1 : 0].at(k * kNumbers + n), number);
        EXPECT_EQ(columns[action_first ? 0 : 1].at(k * kNumbers + n), -number);
      }
      const Image image = source->ReadImage(i, "front", k);
      ASSERT_EQ(image.rgb.size(), 3 * kHeight * kWidth);
      for (size_t y = 0; y < kHeight; ++y) {
        for (size_t x = 0; x < kWidth; ++x) {
          const uint8_t* pixel = &image.rgb[3 * (y * kWidth + x)];
          ASSERT_EQ(pixel[0], 10 * e + 3 * k);
          ASSERT_EQ(pixel[1], 2 * y);
          ASSERT_EQ(pixel[2], 5 * x);
        }
      }
    }
  }
}

class LerobotWriterTest : public testing::TestWithParam<Written> {
 protected:
  static fs::path Golden(const char* folder) {
    return fs::path(UNDERSTUDY_SOURCE_DIR) / "tests/golden/lerobot_writer" / folder;
  }
};
INSTANTIATE_TEST_SUITE_P(Tools, LerobotWriterTest,
                         testing::Values(Written{"whole", {0, 1, 2, 3}},
                                         Written{"deleted", {0, 2, 3}},
                                         Written{"merged", {0, 1, 2, 3, 0, 2, 3}}),
                         [](const auto& info) { return std::string(info.param.folder); });

TEST_P(LerobotWriterTest, IsReadAsItWasWritten) {
  ExpectEpisodes(Golden(GetParam().folder), GetParam().episodes);
}

TEST_P(LerobotWriterTest, GoesToBothVersionsAndBack) {
  const Folder folder;
  Progress quiet;
  const fs::path in = Golden(GetParam().folder);
  for (const char* to : {"lerobot", "lerobot21"}) {
    SCOPED_TRACE(to);
    const fs::path out = folder / to;
    FormatNamed(to).Write(*OpenDataset(in), out, {}, quiet);
    ExpectEpisodes(out, GetParam().episodes);
  }
  const Json info = DescribeDataset(*OpenDataset(folder / "lerobot21"));
  EXPECT_EQ(info.at("instructions"), DescribeDataset(*OpenDataset(in)).at("instructions"));
  EXPECT_EQ(info.at("instructions").at("push the block"),
            std::ranges::count_if(GetParam().episodes, [](size_t e) { return e % 2 == 0; }));
  FormatNamed("lerobot").Write(*OpenDataset(folder / "lerobot21"), folder / "back", {}, quiet);
  ExpectEpisodes(folder / "back", GetParam().episodes);
}

}  // namespace
}  // namespace understudy::store_test
