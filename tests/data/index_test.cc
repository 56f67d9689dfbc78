// The index of a dataset: lists say the same with and without it, and it is never believed where it
// does not belong to the episodes.

#include "data/store/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/repair.h"
#include "data/store/edit/select.h"
#include "data/store/edit/trim.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/arrays.h"
#include "data/store/hdf5/file.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/data/surgeon.h"

namespace understudy::store_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void Write(const fs::path& file, uint64_t first, uint64_t count,
           DatasetWriter::Options options = {}) {
  DatasetWriter writer(file, HeaderFor(kSoundShape), options);
  for (uint64_t e = first; e < first + count; ++e) {
    Episode episode = RandomEpisode(e, kSoundShape);
    episode.meta.success = e % 3 != 0;
    episode.meta.cause = e % 3 == 0 ? "drop" : "";
    episode.meta.variant_index = static_cast<int>(e % 2);
    writer.Append(episode);
  }
  writer.Finish();
}

void DropIndex(const fs::path& file) { Surgeon(file).Delete("understudy/index"); }

bool HasIndex(const fs::path& file) { return DatasetReader(file).StoredFigures().has_value(); }

// What `data info` and every list say, but for where the file lies and its size.
Json Said(const fs::path& file) {
  const DatasetReader reader(file);
  Json said = DescribeDataset(reader);
  said.erase("file");
  said.erase("bytes");
  said.erase("linked_files");
  for (const EpisodeSummary& e : reader.episodes()) {
    said["list"].push_back({e.name, e.uuid, e.length, e.success, e.variant_index});
  }
  return said;
}

// With the index, and of a copy without it.
void ExpectSaysTheSameWithout(const fs::path& file) {
  ASSERT_TRUE(HasIndex(file)) << file;
  fs::path bare = file;
  bare += ".bare.h5";
  fs::copy_file(file, bare, fs::copy_options::overwrite_existing);
  DropIndex(bare);
  ASSERT_FALSE(HasIndex(bare));
  EXPECT_EQ(Said(file).dump(1), Said(bare).dump(1)) << file;
  EXPECT_TRUE(VerifyDataset(file).faults.empty()) << file;
  EXPECT_EQ(DatasetReader(file).content_hash(), DatasetReader(bare).content_hash());
  fs::remove(bare);
}

TEST(DatasetIndex, ListsSayTheSameWithoutIt) {
  Folder folder;
  const fs::path a = folder / "a.h5", b = folder / "b.h5", out = folder / "out.h5";
  Write(a, 0, 9);
  Write(b, 20, 5);
  ExpectSaysTheSameWithout(a);
  MergeDatasets({a, b}, out, false, true);
  ExpectSaysTheSameWithout(out);
  MergeDatasets({a, b}, out, true, true);
  ExpectSaysTheSameWithout(out);
  Progress quiet;
  FilterDataset(a, out, {.where = "success", .overwrite = true}, quiet);
  ExpectSaysTheSameWithout(out);
  RelabelDataset(a, out,
                 {.where = "success == false", .cause = "", .success = true, .overwrite = true},
                 quiet);
  ExpectSaysTheSameWithout(out);
  EXPECT_EQ(Said(out)["successes"], 9);
  fs::remove(out);
  RepairDataset(a, out, false);
  ExpectSaysTheSameWithout(out);
}

// A signal that falls and rises once more is named, with the episodes; what flickers is not.
TEST(DatasetIndex, SignalsThatRiseAgainAreNamed) {
  Folder folder;
  const EpisodeShape shape{.length = 20, .signals = 2};
  const fs::path file = folder / "x.h5";
  {
    DatasetWriter writer(file, HeaderFor(shape));
    for (uint64_t i = 0; i < 3; ++i) {
      Episode episode = RandomEpisode(i, shape);
      for (size_t k = 0; k < 20; ++k) {
        // the first holds twice in demo_1; the second once, with a flicker before
        const bool first = k >= 12 || (i == 1 && k >= 4 && k < 8);
        const bool second = k >= 10 || k == 3 || k == 5;
        episode.steps[k].observation.signals = {first, second};
      }
      writer.Append(episode);
    }
    writer.Finish();
  }
  const std::string name = HeaderFor(shape).simulator.signals[0];
  EXPECT_EQ(Said(file)["signals_that_rise_again"],
            (Json{{name, {{"episodes", 1}, {"first", {"demo_1"}}}}}));
  ExpectSaysTheSameWithout(file);
}

// Rollouts in which a person took over are counted, with the rows in which the person acted; a
// demonstration is no correction.
TEST(DatasetIndex, CorrectionsAreCounted) {
  Folder folder;
  const EpisodeShape shape{.length = 20};
  const fs::path file = folder / "x.h5";
  {
    DatasetWriter writer(file, HeaderFor(shape));
    for (uint64_t i = 0; i < 3; ++i) {
      Episode episode = RandomEpisode(i, shape);
      for (size_t k = 0; k < 20; ++k) {
        const bool policy = i == 1 ? k < 13 : i == 2;
        episode.steps[k].label = policy ? StepLabel::kPolicy : StepLabel::kDemonstration;
      }
      writer.Append(episode);
    }
    writer.Finish();
  }
  EXPECT_EQ(Said(file)["corrected"], (Json{{"episodes", 1}, {"rows", 7}}));
  ExpectSaysTheSameWithout(file);
  EXPECT_TRUE(VerifyDataset(file).faults.empty());
  const Episode read = DatasetReader(file).ReadEpisode(1);
  EXPECT_EQ(read.steps[12].label, StepLabel::kPolicy);
  EXPECT_EQ(read.steps[13].label, StepLabel::kDemonstration);
}

// An input of an older program has none: its episodes are read.
TEST(DatasetIndex, CopiesOfFilesWithoutOneHaveOne) {
  Folder folder;
  const fs::path a = folder / "a.h5", b = folder / "b.h5", out = folder / "out.h5";
  Write(a, 0, 4);
  Write(b, 20, 5);
  DropIndex(b);
  MergeDatasets({a, b}, out, false, true);
  ExpectSaysTheSameWithout(out);
}

// Full blocks are stored; a resumed file continues after them.
TEST(DatasetIndex, IsWholeAfterAResume) {
  Folder folder;
  const fs::path file = folder / "x.h5";
  const EpisodeShape kShort{.length = 2};
  Episode episode = RandomEpisode(1, kShort);
  const auto add = [&](DatasetWriter& writer, size_t from, size_t to) {
    for (size_t e = from; e < to; ++e) {
      episode.meta.uuid = MakeUuid("index", RngKey{.parent = e});
      episode.steps[0].observation.arms[0].X_WE = Pose(
          Eigen::Quaterniond::Identity(), Eigen::Vector3d(0.001 * static_cast<double>(e), 0, 0));
      writer.Append(episode);
    }
  };
  constexpr size_t kBroken = kIndexBlock + 30, kAll = kIndexBlock + 50;
  {
    DatasetWriter writer(file, HeaderFor(kShort), {.flush_episodes = false});
    add(writer, 0, kBroken);
  }
  DatasetWriter writer(file, HeaderFor(kShort), {.resume = true, .flush_episodes = false});
  ASSERT_EQ(writer.episodes_written(), kBroken);
  add(writer, kBroken, kAll);
  writer.Finish();
  EXPECT_EQ(DatasetReader(file).episodes().size(), kAll);
  ExpectSaysTheSameWithout(file);
}

TEST(DatasetIndex, IsNotBelievedWhereItDoesNotBelong) {
  Folder folder;
  const fs::path sound = folder / "sound.h5", file = folder / "x.h5";
  Write(sound, 0, 5);
  const auto injured = [&](auto injure) {
    fs::copy_file(sound, file, fs::copy_options::overwrite_existing);
    Surgeon surgeon(file);
    injure(surgeon);
  };
  // an episode was deleted by hand
  injured([](Surgeon& s) { s.Delete("data/demo_3"); });
  EXPECT_FALSE(HasIndex(file));
  EXPECT_EQ(DatasetReader(file).episodes().size(), 4u);
  // it was made for other content
  injured([](Surgeon& s) { s.Text("understudy", "content_hash", "0123"); });
  EXPECT_FALSE(HasIndex(file));
  // a block is missing, or of another type
  injured([](Surgeon& s) { s.Delete("understudy/index/0"); });
  EXPECT_FALSE(HasIndex(file));
  injured([](Surgeon& s) {
    s.Delete("understudy/index/0");
    s.Array("understudy/index/0", {uint64_t{1} << 40}, H5T_NATIVE_UINT8);
  });
  EXPECT_FALSE(HasIndex(file));
  EXPECT_EQ(DatasetReader(file).episodes().size(), 5u);
  bool named = false;
  for (const Fault& fault : VerifyDataset(file).faults) {
    named |= fault.place == "/understudy/index" && fault.what.find("not used") != std::string::npos;
  }
  EXPECT_TRUE(named);
}

// Whatever byte of a block is hurt, the lists are those of the episodes.
TEST(DatasetIndex, DamageIsFoundByItsHash) {
  Folder folder;
  const fs::path file = folder / "x.h5";
  Write(file, 0, 5);
  const Json sound = Said(file);
  const std::string text = [&] {
    const h5::Group own = h5::OpenForReading(file).Open("understudy");
    const Column block = own.Read("index/0", ColumnType::kU8, {});
    return std::string(block.bytes.begin(), block.bytes.end());
  }();
  for (size_t at = 0; at < text.size(); at += 7) {
    std::string hurt = text;
    hurt[at] = hurt[at] == '1' ? '2' : '1';
    {
      Surgeon surgeon(file);
      surgeon.Delete("understudy/index/0");
      h5::CreatePacked(surgeon.id(), "understudy/index/0", "x", hurt);
    }
    ASSERT_FALSE(HasIndex(file)) << at;
    ASSERT_EQ(Said(file), sound) << at;
  }
}

// What was changed by hand since is found by verifying, not by listing.
TEST(DatasetIndex, VerifyComparesItWithTheEpisodes) {
  Folder folder;
  const fs::path file = folder / "x.h5";
  Write(file, 0, 5);
  { Surgeon(file).Text("data/demo_2/understudy", "cause", "other"); }
  std::string all;
  for (const Fault& fault : VerifyDataset(file).faults) all += fault.place + fault.what + "\n";
  EXPECT_THAT(all, HasSubstr("/understudy/indexdiffers from demo_2"));
  EXPECT_EQ(Said(file)["causes_of_failure"], Json({{"drop", 2}}));
}

}  // namespace
}  // namespace understudy::store_test
