// Several datasets put together, by reference and by copy.

#include <gmock/gmock.h>

#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/merge.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::HasSubstr;

// H5Ocopy of HDF5 1.10.8 crashes on the attributes of the five-hundredth episode or so.
TEST(StoreMerge, AThousandEpisodes) {
  Folder folder;
  const EpisodeShape shape{.length = 2};
  constexpr size_t kEpisodes = 1000;
  {
    DatasetHeader header = HeaderFor(shape);
    header.model_text = std::string(40'000, 'm');
    DatasetWriter writer(folder / "a.h5", header);
    Episode episode = RandomEpisode(1, shape);
    for (size_t e = 0; e < kEpisodes; ++e) {
      episode.meta.uuid = MakeUuid("thousand", RngKey{.parent = e});
      writer.Append(episode);
    }
    writer.Finish();
  }
  MergeDatasets({folder / "a.h5"}, folder / "b.h5", false, false);
  const VerifyReport report = VerifyDataset(folder / "b.h5");
  EXPECT_TRUE(report.faults.empty()) << report.faults[0].place << " " << report.faults[0].what;
  EXPECT_EQ(report.episodes, kEpisodes);
}

TEST(StoreMerge, ByReferenceAndByCopyHoldTheSame) {
  Folder folder;
  fs::create_directory(folder / "shards");
  WriteSound(folder / "shards" / "a.h5", 0);
  WriteSound(folder / "shards" / "b.h5", 10);
  const std::vector<fs::path> inputs{folder / "shards" / "a.h5", folder / "shards" / "b.h5"};
  MergeDatasets(inputs, folder / "links.h5", true, false);
  MergeDatasets(inputs, folder / "copy.h5", false, false);
  // header, attempts and links only
  EXPECT_LT(fs::file_size(folder / "links.h5") * 5, fs::file_size(folder / "copy.h5"));
  for (const char* name : {"links.h5", "copy.h5"}) {
    const VerifyReport report = VerifyDataset(folder / name);
    EXPECT_TRUE(report.faults.empty()) << report.faults[0].place << ": " << report.faults[0].what;
    const DatasetReader reader(folder / name);
    ASSERT_EQ(reader.episodes().size(), 4u);
    EXPECT_EQ(reader.attempts().size(), 6u);
    EXPECT_EQ(reader.ReadMask("train"), (std::vector<std::string>{"demo_1", "demo_3"}));
    const DatasetReader source(inputs[1]);
    Episode wanted = source.ReadEpisode(1, true);
    ExpectSame(wanted, reader.ReadEpisode(3, true));
    EXPECT_EQ(reader.ReadImage(3, "wrist", 5), source.ReadImage(1, "wrist", 5));
    EXPECT_EQ(reader.header().parents.size(), 2u);
  }
  EXPECT_EQ(DatasetReader(folder / "links.h5").content_hash(),
            DatasetReader(folder / "copy.h5").content_hash());
  EXPECT_EQ(DescribeDataset(*OpenDataset(folder / "links.h5"))["linked_files"]["shards/a.h5"], 2);
  // links to a master of links
  MergeDatasets({folder / "links.h5"}, folder / "twice.h5", false, false);
  EXPECT_TRUE(VerifyDataset(folder / "twice.h5").faults.empty());
  // the folder may move as a whole, a shard may not
  fs::create_directory(folder / "moved");
  fs::rename(folder / "links.h5", folder / "moved" / "links.h5");
  fs::rename(folder / "shards", folder / "moved" / "shards");
  EXPECT_TRUE(VerifyDataset(folder / "moved" / "links.h5").faults.empty());
  fs::remove(folder / "moved" / "shards" / "b.h5");
  EXPECT_THAT(
      ErrorOf([&] { DatasetReader r(folder / "moved" / "links.h5"); }, ErrorKind::kBadInput),
      testing::AllOf(HasSubstr("shards/b.h5"), HasSubstr("/data/demo_2")));
}

TEST(StoreMerge, RefusesWhatDoesNotFit) {
  Folder folder;
  const fs::path a = WriteSound(folder / "a.h5");
  DatasetHeader header = HeaderFor(kSoundShape);
  header.simulator.robot = "ur5";
  {
    DatasetWriter writer(folder / "b.h5", header);
    writer.Append(RandomEpisode(50, kSoundShape));
    writer.Finish();
  }
  const auto merge = [&](std::vector<fs::path> inputs, ErrorKind kind) {
    return ErrorOf([&] { MergeDatasets(inputs, folder / "out.h5", false, false); }, kind);
  };
  EXPECT_THAT(merge({a, folder / "b.h5"}, ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("robot"), HasSubstr("ur5")));
  EXPECT_THAT(merge({a, a}, ErrorKind::kBadInput), HasSubstr("uuid"));
  EXPECT_THAT(merge({}, ErrorKind::kUsage), HasSubstr("at least one"));
  EXPECT_FALSE(fs::exists(folder / "out.h5"));
  MergeDatasets({a}, folder / "out.h5", false, false);
  EXPECT_THAT(merge({a}, ErrorKind::kUsage), HasSubstr("--overwrite"));
}

// Datasets of one robot that is driven in two ways; one that does not tell goes with either.
TEST(StoreMerge, RobotsAreDrivenAlike) {
  Folder folder;
  const auto write = [&](const char* name, uint64_t seed, const Json& robot) {
    DatasetHeader header = HeaderFor(kSoundShape);
    SetRobotSpec(robot, header);
    DatasetWriter writer(folder / name, header);
    writer.Append(RandomEpisode(seed, kSoundShape));
    writer.Finish();
    return folder / name;
  };
  const Json soft{{"name", "panda"}, {"osc", {{"kp", 150}, {"damping", 1}}}};
  Json stiff = soft;
  stiff["osc"]["kp"] = 200;
  const fs::path a = write("a.h5", 1, soft), b = write("b.h5", 2, stiff),
                 c = write("c.h5", 3, Json()), d = write("d.h5", 4, soft);
  for (const std::vector<fs::path>& inputs : {std::vector{a, c, b}, std::vector{c, a, b}}) {
    EXPECT_THAT(ErrorOf([&] { MergeDatasets(inputs, folder / "out.h5", false, false); },
                        ErrorKind::kBadInput),
                testing::AllOf(HasSubstr("a.h5"), HasSubstr("b.h5"),
                               HasSubstr("robot_spec.osc.kp is 150 in one and 200 in the other")));
  }
  EXPECT_FALSE(fs::exists(folder / "out.h5"));
  MergeDatasets({c, a, d}, folder / "out.h5", false, false);
  EXPECT_EQ(DatasetReader(folder / "out.h5").header().settings[kRobotSpec], soft);
  EXPECT_THAT(ErrorOf(
                  [&] {
                    MergeDatasets({folder / "out.h5", b}, folder / "two.h5", false, false);
                  },
                  ErrorKind::kBadInput),
              HasSubstr("robot_spec.osc.kp"));
}

}  // namespace
}  // namespace understudy
