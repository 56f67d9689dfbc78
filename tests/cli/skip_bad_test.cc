// Episodes that a conversion leaves out: counted, and said with their reasons.
#include "core/base/json.h"
#include "tests/cli/cli_support.h"

namespace understudy {
namespace {

// What --json wrote behind the lines of warnings.
Json ReportIn(const std::string& output) {
  const size_t begin = output.find("{\n");
  return begin == std::string::npos ? Json(output) : Json::parse(output.substr(begin));
}

TEST_F(Cli, ImportsOfLerobotFoldersSayWhatTheyLeaveOut) {
  ASSERT_EQ(Run("teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet").exit_code, 0);
  for (const std::string extras : {"--lerobot.extras", "--no-lerobot.extras"}) {
    Expect("data convert s.h5 --to lerobot21 --out l --overwrite --quiet " + extras, 0, "");
    fs::remove(folder_ / "l/data/chunk-000/episode_000000.parquet");
    const std::string convert = "data convert l --to understudy --overwrite --out ";
    Expect(convert + "none.h5", 3, "--skip-bad leaves out the episodes that cannot be read");
    EXPECT_FALSE(fs::exists(folder_ / "none.h5"));
    // the plan names the same
    Expect(convert + "p.h5 --plan --skip-bad", 0,
           "left out: demo_0: l/data/chunk-000/episode_000000.parquet: is missing");
    const Json plan = ReportIn(Run(convert + "p.h5 --plan --skip-bad --json --quiet").output);
    EXPECT_FALSE(fs::exists(folder_ / "p.h5"));
    Expect(convert + "b.h5 --skip-bad", 0,
           "left out: demo_0: l/data/chunk-000/episode_000000.parquet: is missing");
    const Json report = ReportIn(Run(convert + "b.h5 --skip-bad --json --quiet").output);
    EXPECT_EQ(report["episodes"], 1) << extras;
    EXPECT_EQ(report["skipped"]["count"], 1) << extras;
    EXPECT_EQ(plan["skipped"], report["skipped"]) << extras;
    EXPECT_THAT(report["skipped"]["episodes"]["demo_0"].get<std::string>(),
                HasSubstr("is missing"));
    EXPECT_EQ(ReportIn(Run("data info b.h5 --json").output)["episodes"], 1) << extras;
  }
  // by way of a dataset of ours to another format
  Expect("data convert s.h5 --to lerobot21 --out l --overwrite --quiet", 0, "");
  fs::remove(folder_ / "l/data/chunk-000/episode_000001.parquet");
  const Json other =
      ReportIn(Run("data convert l --to robomimic --skip-bad --out r.hdf5 --json --quiet").output);
  EXPECT_EQ(other["skipped"]["count"], 1);
  EXPECT_TRUE(other["skipped"]["episodes"].contains("demo_1"));
}

}  // namespace
}  // namespace understudy
