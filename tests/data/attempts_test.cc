// The table of attempts: what is wrong with it is told with its place, and costs next to nothing.
#include <gmock/gmock.h>

#include <cmath>

#include "core/episode/attempt_record.h"
#include "data/formats/formats.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/repair.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPoses = "understudy/attempts/object_pose";
constexpr size_t kObjects = 2;  // of EpisodeShape

class AttemptsTable : public testing::Test {
 protected:
  // One episode and `count` attempts that started somewhere.
  fs::path Write(int64_t count) {
    DatasetWriter writer(folder_ / "x.h5", HeaderFor(kSoundShape), {.overwrite = true});
    writer.Append(RandomEpisode(1, kSoundShape));
    Rng rng(RngKey{.seed = 4});
    for (int64_t i = 0; i < count; ++i) {
      AttemptRecord a{.attempt = i, .success = i % 2 == 0, .cause = i % 2 ? "dropped" : ""};
      a.sources.assign(static_cast<size_t>(i % 3), static_cast<int32_t>(i));
      if (a.sources.size() == 2 && i % 2 == 1) a.sources[0] = -1;  // cut short
      for (size_t o = 0; i % 5 != 4 && o < kObjects; ++o) a.X_WO_start.push_back(RandomPose(rng));
      writer.AppendAttempt(a);
    }
    writer.Finish();
    return folder_ / "x.h5";
  }
  // What every reader, verify and repair say of a damaged table.
  void ExpectRefused(const fs::path& file, const std::string& what) {
    const auto read = [&] { DatasetReader(file).attempts(); };
    const auto merge = [&] { MergeDatasets({file}, folder_ / "m.h5", false, true); };
    EXPECT_THAT(ErrorOf(read, ErrorKind::kBadInput), HasSubstr(what));
    EXPECT_THAT(ErrorOf(merge, ErrorKind::kBadInput), HasSubstr(what));
    const VerifyReport report = VerifyDataset(file);
    ASSERT_EQ(report.faults.size(), 1u);
    EXPECT_EQ(report.faults[0].place, "/understudy/attempts");
    EXPECT_THAT(report.faults[0].what, HasSubstr(what));
    const RepairReport repaired = RepairDataset(file, folder_ / "y.h5", true);
    ASSERT_EQ(repaired.dropped.size(), 1u);
    EXPECT_EQ(repaired.dropped[0].place, "/understudy/attempts");
    EXPECT_THAT(repaired.dropped[0].what, HasSubstr(what));
    EXPECT_EQ(repaired.episodes_kept, 1);
    EXPECT_TRUE(VerifyDataset(folder_ / "y.h5").faults.empty());
    EXPECT_TRUE(DatasetReader(folder_ / "y.h5").attempts().empty());
  }
  Folder folder_;
};

TEST_F(AttemptsTable, ComesThroughRepairAndMergeAsItIs) {
  // more than two blocks
  const fs::path file = Write(2500);
  const std::vector<AttemptRecord> wanted = DatasetReader(file).attempts();
  ASSERT_EQ(wanted.size(), 2500u);
  EXPECT_TRUE(RepairDataset(file, folder_ / "y.h5", false).dropped.empty());
  MergeDatasets({file}, folder_ / "m.h5", false, false);
  EXPECT_EQ(DatasetReader(folder_ / "y.h5").content_hash(), DatasetReader(file).content_hash());
  for (const char* name : {"y.h5", "m.h5"}) {
    EXPECT_TRUE(VerifyDataset(folder_ / name).faults.empty());
    const std::vector<AttemptRecord> made = DatasetReader(folder_ / name).attempts();
    ASSERT_EQ(made.size(), wanted.size());
    for (size_t i = 0; i < made.size(); ++i) {
      ASSERT_EQ(made[i].attempt, wanted[i].attempt);
      ASSERT_EQ(made[i].cause, wanted[i].cause);
      ASSERT_EQ(made[i].sources, wanted[i].sources);
      ASSERT_EQ(made[i].X_WO_start, wanted[i].X_WO_start);
    }
  }
}

TEST_F(AttemptsTable, ARowKnowsAllPosesOrNone) {
  fs::path file = Write(10);
  {
    Surgeon surgeon(file);
    for (size_t i = 0; i < 7; ++i) surgeon.Poke(kPoses, 7 * (kObjects * 3 + 1) + i, std::nan(""));
  }
  ExpectRefused(file, "object_pose[3]: holds poses of 1 of its 2 objects, must hold all or none");
  // a pose is whole, too
  file = Write(10);
  { Surgeon(file).Poke(kPoses, 7 * kObjects * 5 + 4, std::nan("")); }
  ExpectRefused(file, "object_pose[5]: is no pose");
}

TEST_F(AttemptsTable, HasThePosesOfTheHeadersObjects) {
  const fs::path file = Write(10);
  {
    Surgeon surgeon(file);
    surgeon.Delete(kPoses);
    surgeon.Array(kPoses, {10, kObjects + 1, 7});
  }
  ExpectRefused(file, "object_pose: has shape (10, 3, 7), must have (rows, 2, 7)");
}

// A few bytes must not cost hours: every block would inflate a whole chunk.
TEST_F(AttemptsTable, LargeChunksAndEmptyClaimsAreRefusedBeforeTheyAreRead) {
  const auto replace = [&](const fs::path& file, const char* name, hsize_t rows, hsize_t chunk) {
    Surgeon surgeon(file);
    surgeon.Delete(name);
    const hsize_t most = H5S_UNLIMITED;
    const hid_t space = H5Screate_simple(1, &rows, &most), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    H5Pset_deflate(plist, 9);
    const hid_t d =
        H5Dcreate2(surgeon.id(), name, H5T_NATIVE_INT64, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    const std::vector<int64_t> zeros(10, 0);
    if (rows == 10) {
      ASSERT_GE(H5Dwrite(d, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data()), 0);
    }
    H5Dclose(d);
    H5Pclose(plist);
    H5Sclose(space);
  };
  for (const char* name : {"understudy/attempts/attempt", "understudy/attempts/cause_end",
                           "understudy/attempts/sources"}) {
    const fs::path file = Write(10);
    replace(file, name, 10, hsize_t{1} << 20);
    ExpectRefused(file, std::string(name) + ": has chunks of shape (1048576)");
  }
  const fs::path file = Write(10);
  replace(file, "understudy/attempts/attempt", hsize_t{1} << 28, 64);
  ExpectRefused(file, "attempts/attempt: claims 268435456 rows, of which the file holds 0 bytes");
}

}  // namespace
}  // namespace understudy
