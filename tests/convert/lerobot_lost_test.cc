// What LeRobot folders hold that other formats, or doubles, cannot: kept, or named.

#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/store/hdf5/file.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kStamp = 1'700'000'000'123'456'789;

class LerobotLostTest : public LerobotDamage {
 protected:
  void SetUp() override {
    LerobotOptions options;
    options.version = GetParam();
    options.extras = false;
    Convert(options);
  }
  void AddFeature(const std::string& name, const Json& feature) {
    EditJson(info(), [&](Json& json) { json["features"][name] = feature; });
  }
  std::vector<std::string> Lost() { return LostFromLerobot(folder_ / "out", {}); }
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotLostTest, testing::Values(LerobotVersion::kV30),
                         [](const auto&) { return "V30"; });

TEST_P(LerobotLostTest, WholeNumbersBeyondDoublesAreKeptOrNamed) {
  AddFeature("observation.stamp_ns", {{"dtype", "int64"}, {"shape", {1}}, {"names", nullptr}});
  WriteRows([&](size_t e, std::vector<ParquetColumn>& columns) {
    std::vector<int64_t> stamps;
    for (size_t k = 0; k < episodes_[e].length(); ++k) {
      stamps.push_back(e == 0 && k < 2 ? 1 : kStamp + static_cast<int64_t>(k));
    }
    columns.push_back({.name = "observation.stamp_ns", .values = stamps});
  });
  const auto source = OpenLerobotSource(folder_ / "out");
  for (const ColumnSpec& column : source->ListColumns()) {
    EXPECT_NE(column.name, "observation.stamp_ns");
  }
  EXPECT_THAT(source->header().settings["unread_columns"].dump(),
              AllOf(HasSubstr("episode 0, row 2: observation.stamp_ns = 1700000000123456791"),
                    HasSubstr("beyond 2^53")));
  EXPECT_EQ(OpenLerobotSource(folder_ / "out", {.skip_bad = true})->episodes().size(), 3u);
  EXPECT_THAT(
      [&] {
        source->ReadColumns(1, std::vector{ColumnSpec{"observation.stamp_ns", "int64", {1}, {}}});
      },
      testing::ThrowsMessage<Error>(HasSubstr("row 0: observation.stamp_ns = ")));
  // in a copy, cut too
  EditLerobot({source.get()}, {.episodes = {{.episode = 0}, {.episode = 1, .first_row = 3}}},
              folder_ / "copy", {}, {}, quiet_);
  const auto column = ReadTable(folder_ / "copy/data/chunk-000/file-000.parquet")
                          ->GetColumnByName("observation.stamp_ns")
                          ->chunk(0);
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*column).Value(6), kStamp + 3);
  // and in a dataset of ours
  Import();
  const h5::Guard guard;
  const h5::Group root = h5::OpenForReading(folder_ / "back.h5", false);
  const Column exact = root.Open("data/demo_2/obs").Read("stamp_ns");
  ASSERT_EQ(exact.type, ColumnType::kI64);
  int64_t value = 0;
  std::memcpy(&value, exact.bytes.data() + 4 * sizeof(value), sizeof(value));
  EXPECT_EQ(value, kStamp + 4);
}

TEST_P(LerobotLostTest, NamesTextsAndFilesWithoutAPlaceAreNamed) {
  EXPECT_THAT(Lost(), Each(Not(HasSubstr("names of the numbers"))));
  EditJson(info(), [](Json& json) {
    json["features"]["action"]["names"] = {{"motors", {{"a", "b"}}}};
    json["features"]["next.reward"]["names"] = {"r"};
  });
  PutBytes(folder_ / "out/meta/modality.json", "{}");
  EXPECT_THAT(Lost(), AllOf(Contains(AllOf(HasSubstr("names of the numbers"), HasSubstr("action"),
                                           HasSubstr("next.reward"))),
                            Contains(HasSubstr("meta/modality.json"))));
}

}  // namespace
}  // namespace understudy::store_test
