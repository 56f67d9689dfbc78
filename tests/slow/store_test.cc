// A thousand kills, and a dataset larger than the memory that may be used for it.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "core/seam/dataset_header.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/select.h"
#include "data/store/edit/trim.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/kill_support.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;

TEST(SlowStore, AThousandKills) { EXPECT_GT(KillAndResume(1000, 12), 500); }

// Runs `work` with 300 MiB of data memory (threads' stacks included); true where that was enough.
template <class F>
bool FitsIn300MiB(F work) {
  const pid_t child = Fork([&] {
    const rlimit limit{300 << 20, 300 << 20};
    setrlimit(RLIMIT_DATA, &limit);
    work();
  });
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(SlowStore, FourGigabytesIn300MiB) {
  constexpr size_t kEpisodes = 500, kFrames = 200;
  constexpr int kSize = 84;
  Folder folder;
  const EpisodeShape shape{.length = kFrames};
  DatasetHeader header = HeaderFor(shape);
  header.cameras = {"agentview", "wrist"};
  header.image_width = header.image_height = kSize;
  const fs::path file = folder / "large.h5";
  // noise: nothing to compress. One frame is made, the others are turned by a byte each
  EXPECT_TRUE(FitsIn300MiB([&] {
    Rng rng(RngKey{.seed = 5});
    Image image(kSize, kSize);
    for (uint8_t& b : image.rgb) b = static_cast<uint8_t>(rng.NextU32());
    DatasetWriter writer(file, header, {.compression = 0});
    Episode episode = RandomEpisode(0, shape);
    for (size_t e = 0; e < kEpisodes; ++e) {
      episode.meta.uuid = MakeUuid("large", RngKey{.parent = e});
      writer.BeginEpisode(episode, std::vector<CameraParameters>(2, {kSize, kSize, 45, {}}));
      for (size_t k = 0; k < kFrames; ++k) {
        ++image.rgb[(e * kFrames + k) % image.rgb.size()];
        writer.AddFrames({image, image});
      }
      writer.EndEpisode();
    }
    writer.Finish();
  }));
  ASSERT_GT(fs::file_size(file), uint64_t{4'000'000'000});
  EXPECT_TRUE(FitsIn300MiB([&] {
    const VerifyReport report = VerifyDataset(file);
    if (!report.faults.empty() || report.episodes != kEpisodes) throw 1;
  })) << "verify";
  EXPECT_TRUE(FitsIn300MiB([&] { DescribeDataset(*OpenDataset(file)); })) << "info";
  // frames at random and a whole pass
  EXPECT_TRUE(FitsIn300MiB([&] {
    const DatasetReader reader(file);
    std::vector<uint8_t> pixels(kSize * kSize * 3);
    Rng rng(RngKey{.seed = 6});
    for (int i = 0; i < 20'000; ++i) {
      reader.ReadFrame(rng.UniformInt(uint64_t{kEpisodes}), rng.UniformInt(uint64_t{2}),
                       rng.UniformInt(uint64_t{kFrames}), pixels.data());
    }
    for (size_t e = 0; e < kEpisodes; ++e) {
      reader.ReadEpisode(e, true);
      for (size_t k = 0; k < kFrames; ++k) reader.ReadFrame(e, 0, k, pixels.data());
    }
  })) << "reading";
  Progress quiet;
  EXPECT_TRUE(FitsIn300MiB([&] {
    MergeDatasets({file}, folder / "copy.h5", false, false);
    FilterDataset(folder / "copy.h5", folder / "half.h5", {.where = "number < 250"}, quiet);
    fs::remove(folder / "copy.h5");
    TrimDataset(folder / "half.h5", folder / "trimmed.h5", {}, quiet);
  })) << "merge, filter, trim";
  // the limit bites: the same work with a column that is too large for it fails
  EXPECT_FALSE(FitsIn300MiB([&] { std::vector<uint8_t>(400 << 20, 1).at(7) = 2; }));
}

}  // namespace
}  // namespace understudy
