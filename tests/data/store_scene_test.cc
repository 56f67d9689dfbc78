// The files of a scene in a dataset.
#include <gmock/gmock.h>

#include <filesystem>

#include "core/base/hash.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/repair.h"
#include "data/store/edit/verify.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/store_support.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

using namespace store_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SceneFile Held(const std::string& path, const std::string& content) {
  return {path, ContentHash(content), [content] { return content; }};
}

// Two files share a content, one is empty, one is binary.
std::vector<SceneFile> SomeFiles() {
  return {Held("robot/model.xml", "<mujoco/>"), Held("scene.json", "{}"),
          Held("task/empty.xml", ""), Held("task/in/a.stl", std::string("\0\1\xff solid", 9)),
          Held("task/in/b.xml", "<mujoco/>")};
}

std::string WriteWith(const fs::path& file, const std::vector<SceneFile>& files,
                      uint64_t seed = 1) {
  const EpisodeShape shape;
  DatasetHeader header = HeaderFor(shape);
  header.scene_files = files;
  DatasetWriter writer(file, header);
  writer.Append(RandomEpisode(seed, shape));
  writer.Finish();
  return DatasetReader(file).content_hash();
}

TEST(StoreScene, FilesComeBackAndAreUnderTheHash) {
  const Folder folder;
  const std::string with = WriteWith(folder / "a.h5", SomeFiles());
  const std::string without = WriteWith(folder / "b.h5", {});
  std::vector<SceneFile> moved = SomeFiles();
  moved[0].path = "robot/other.xml";
  EXPECT_NE(with, without);
  EXPECT_NE(with, WriteWith(folder / "c.h5", moved));
  EXPECT_EQ(with, WriteWith(folder / "d.h5", SomeFiles()));
  EXPECT_THAT(DatasetReader(folder / "b.h5").header().scene_files, IsEmpty());

  std::vector<SceneFile> files;
  {
    // the dataset may be closed meanwhile
    files = DatasetReader(folder / "a.h5").header().scene_files;
  }
  EXPECT_EQ(files, SomeFiles());
  for (size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(files[i].read(), SomeFiles()[i].read()) << files[i].path;
  }
  EXPECT_THAT(VerifyOwn(folder / "a.h5").faults, IsEmpty());
}

TEST(StoreScene, MergesKeepThemAndRefuseOthers) {
  const Folder folder;
  WriteWith(folder / "a.h5", SomeFiles(), 1);
  WriteWith(folder / "b.h5", SomeFiles(), 2);
  WriteWith(folder / "c.h5", {}, 3);
  WriteWith(folder / "d.h5", {Held("scene.json", "{}")}, 4);
  const auto merge = [&](const std::vector<fs::path>& inputs, bool by_reference) {
    MergeDatasets(inputs, folder / "m.h5", by_reference, true);
    return DatasetReader(folder / "m.h5").header().scene_files;
  };
  EXPECT_EQ(merge({folder / "a.h5", folder / "b.h5"}, false), SomeFiles());
  EXPECT_EQ(merge({folder / "c.h5", folder / "b.h5"}, true), SomeFiles());
  EXPECT_THAT(VerifyOwn(folder / "m.h5").faults, IsEmpty());
  EXPECT_THAT(ErrorOf(
                  [&] {
                    merge({folder / "a.h5", folder / "d.h5"}, false);
                  },
                  ErrorKind::kBadInput),
              HasSubstr("their scenes have other meshes"));
  // those of recordings that carry none
  MergeDatasets({folder / "c.h5"}, folder / "t.h5", false, false, {}, false, SomeFiles());
  EXPECT_EQ(DatasetReader(folder / "t.h5").header().scene_files, SomeFiles());
}

TEST(StoreScene, ARunWithOtherFilesIsNotResumed) {
  const Folder folder;
  const EpisodeShape shape;
  DatasetHeader header = HeaderFor(shape);
  header.scene_files = SomeFiles();
  {
    DatasetWriter writer(folder / "a.h5", header);
    writer.Append(RandomEpisode(1, shape));
  }
  header.scene_files.pop_back();
  EXPECT_THAT(ErrorOf([&] { DatasetWriter(folder / "a.h5", header, {.resume = true}); },
                      ErrorKind::kBadInput),
              HasSubstr("other settings (the model differs)"));
  header.scene_files = SomeFiles();
  DatasetWriter writer(folder / "a.h5", header, {.resume = true});
  EXPECT_EQ(writer.episodes_written(), 1);
}

TEST(StoreScene, DamageIsFoundAndRepairLeavesTheSceneOut) {
  const Folder folder;
  WriteWith(folder / "a.h5", SomeFiles());
  const SceneFile mesh = SomeFiles()[3];
  const std::string place = "understudy/scene/" + mesh.hash;
  {
    Surgeon surgeon(folder / "a.h5");
    surgeon.Delete(place.c_str());
    surgeon.Array(place.c_str(), {9}, H5T_NATIVE_UINT8);
  }
  const DatasetReader reader(folder / "a.h5");
  EXPECT_THAT(ErrorOf([&] { reader.header().scene_files[3].read(); }, ErrorKind::kBadInput),
              HasSubstr("task/in/a.stl differs from its hash"));
  const std::vector<Fault> faults = VerifyOwn(folder / "a.h5").faults;
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].place, "/" + place);
  const RepairReport report = RepairDataset(folder / "a.h5", folder / "b.h5", false);
  EXPECT_EQ(report.episodes_kept, 1);
  ASSERT_EQ(report.dropped.size(), 1u);
  EXPECT_EQ(report.dropped[0].place, "/" + place);
  EXPECT_THAT(DatasetReader(folder / "b.h5").header().scene_files, IsEmpty());
  EXPECT_THAT(VerifyOwn(folder / "b.h5").faults, IsEmpty());
}

}  // namespace
}  // namespace understudy
