// LeRobot folders, cut: how an episode ended stays, in every column that says so.

#include "data/formats/lerobot/lerobot_copy.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_verify.h"
#include "tests/convert/lerobot_damage.h"

namespace understudy::store_test {
namespace {

using testing::ElementsAre;

class LerobotTrimTest : public LerobotDamage {
 protected:
  // Rows [first, end) of episode 1.
  std::unique_ptr<EpisodeSource> Cut(size_t first, size_t end) {
    const auto source = OpenLerobotSource(folder_ / "out");
    fs::remove_all(result_);
    EditLerobot({source.get()}, {.episodes = {{.episode = 1, .first_row = first, .end_row = end}}},
                result_, {}, {}, quiet_);
    const VerifyReport verified = VerifyLerobot(result_, {.extras = false}, quiet_);
    for (const Fault& fault : verified.faults) {
      // the pictures are those of the fixture
      if (fault.what.find("mean") == std::string::npos) {
        ADD_FAILURE() << fault.place << ": " << fault.what;
      }
    }
    return OpenLerobotSource(result_);
  }
  std::vector<double> Column(const std::string& name) {
    return Numbers(*ReadTable(result_ / (v21() ? "data/chunk-000/episode_000000.parquet"
                                               : "data/chunk-000/file-000.parquet")),
                   name);
  }
  // What the rows of episode 1 say, of which there are eight.
  void Say(const std::vector<uint8_t>& success, const std::vector<float>& reward) {
    EditRows([&](std::vector<ParquetColumn>& columns) {
      for (ParquetColumn& column : columns) {
        if (column.name == "next.success") column.values = ParquetColumn::Bools{success};
        if (column.name == "next.reward") column.values = reward;
      }
    });
  }
  const fs::path result_ = folder_ / "cut";
};
INSTANTIATE_TEST_SUITE_P(Versions, LerobotTrimTest,
                         testing::Values(LerobotVersion::kV21, LerobotVersion::kV30),
                         [](const auto& info) {
                           return info.param == LerobotVersion::kV21 ? "V21" : "V30";
                         });

TEST_P(LerobotTrimTest, ASuccessStaysOne) {
  Say({0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0.25, 1, 0.5});
  const auto cut = Cut(1, 5);
  EXPECT_TRUE(cut->episodes()[0].success);
  EXPECT_THAT(Column("next.done"), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(Column("next.success"), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(Column("next.reward"), ElementsAre(0, 0, 0, 1)) << "the largest that was cut off";
  // rows that are cut off before change nothing
  Cut(4, 8);
  EXPECT_THAT(Column("next.success"), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(Column("next.reward"), ElementsAre(0, 0.25, 1, 0.5));
}

TEST_P(LerobotTrimTest, AFailureStaysOne) {
  Say({0, 0, 0, 1, 1, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0});
  const auto cut = Cut(1, 5);
  EXPECT_FALSE(cut->episodes()[0].success) << "it was lost again";
  EXPECT_THAT(Column("next.success"), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(Column("next.reward"), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(Column("next.done"), ElementsAre(0, 0, 0, 1));
}

}  // namespace
}  // namespace understudy::store_test
