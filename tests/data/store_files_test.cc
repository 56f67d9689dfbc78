// Files of others, hostile files, faults, links.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "core/episode/motion.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/merge.h"
#include "data/store/edit/repair.h"
#include "data/store/edit/select.h"
#include "data/store/files.h"
#include "data/store/hdf5/library.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "tests/data/surgeon.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using namespace store_test;
using testing::HasSubstr;

TEST(StoreVerify, SoundFilesHaveNoFault) {
  Folder folder;
  const VerifyReport report = VerifyDataset(WriteSound(folder / "x.h5"));
  EXPECT_TRUE(report.faults.empty()) << report.faults[0].place << ": " << report.faults[0].what;
  EXPECT_EQ(report.episodes, 2);
  EXPECT_EQ(report.steps, 20);
  EXPECT_GT(report.bytes_read, 2 * 2 * 10 * 16 * 8 * 3);
  EXPECT_EQ(ToJson(report)["sound"], true);
}

// What may be written anew is known by what it holds, and nothing else is lost.
TEST(StoreFiles, AReportReplacesAReport) {
  Folder folder;
  const auto older = [](const fs::path& file) {
    return OlderReport(file, "out", "report", [](const Json& report) {
      if (!report.contains("rate")) ThrowBadInput("no report");
    });
  };
  EXPECT_TRUE(older("").is_null());
  EXPECT_TRUE(older(folder / "new.json").is_null());
  std::ofstream(folder / "report.json") << R"({"rate": 0.5})";
  EXPECT_EQ(older(folder / "report.json")["rate"], 0.5);
  std::ofstream(folder / "other.json") << R"({"mine": 1})";
  std::ofstream(folder / "list.json") << "[1]";
  std::ofstream(folder / "notes.txt") << "mine {";
  std::ofstream(folder / "empty");
  fs::create_directory(folder / "folder");
  WriteSound(folder / "x.h5");
  for (const char* name : {"other.json", "list.json", "notes.txt", "empty", "folder", "x.h5"}) {
    EXPECT_THAT([&] { older(folder / name); },
                testing::ThrowsMessage<Error>(testing::AllOf(
                    HasSubstr("out: "), HasSubstr(std::string(name) + ": exists already, and is no "
                                                                      "report; choose another"))));
  }
}

TEST(StoreVerify, ReportDoesNotDependOnThreads) {
  Folder folder;
  const fs::path a = WriteSound(folder / "a.h5"), b = WriteSound(folder / "b.h5", 10),
                 file = folder / "x.h5";
  MergeDatasets({a, b}, file, false, false);
  {
    Surgeon surgeon(file);
    surgeon.Poke("/data/demo_1/actions", 3, 7);
    surgeon.Poke("/data/demo_3/understudy/eef_pose", 9, std::nan(""));
    surgeon.Delete("/data/demo_2/understudy/label");
  }
  const Json one = ToJson(VerifyDataset(file, {.threads = 1}));
  EXPECT_GE(one["faults"].size(), 4u);
  for (const int threads : {2, 3, 8})
    EXPECT_EQ(ToJson(VerifyDataset(file, {.threads = threads})), one);
}

TEST(StoreVerify, TargetsOfJointsAreThoseOfAllJoints) {
  Folder folder;
  const EpisodeShape shape{.length = 5, .arms = 2, .joints = true};
  const auto faults = [&](const std::function<void(Surgeon&)>& injure) {
    const fs::path file = folder / "x.h5";
    {
      DatasetWriter writer(file, HeaderFor(shape), {.overwrite = true});
      writer.Append(RandomEpisode(1, shape));
      writer.Finish();
    }
    Surgeon surgeon(file);
    injure(surgeon);
    return ToJson(VerifyDataset(file))["faults"].dump();
  };
  // 7 and 6 joints
  EXPECT_THAT(faults([](Surgeon& s) {
                s.Delete("data/demo_0/actions_joints");
                s.Array("data/demo_0/actions_joints", {5, 12}, H5T_NATIVE_DOUBLE);
              }),
              HasSubstr("has 12 numbers per row, must have one for each of the 13 joints"));
  EXPECT_THAT(faults([](Surgeon& s) { s.Delete("data/demo_0/understudy/actions_joints_clean"); }),
              HasSubstr("actions_joints_clean"));
  EXPECT_THAT(faults([](Surgeon& s) {
                s.Poke("data/demo_0/actions_joints", 2, std::numeric_limits<double>::quiet_NaN());
              }),
              HasSubstr("actions_joints"));
}

TEST(StoreVerify, ArmsAtSubtasksOfTheirOwn) {
  Folder folder;
  const EpisodeShape shape{.length = 5, .arms = 2, .parts = true};
  const auto faults = [&](const std::function<void(Surgeon&)>& injure) {
    const fs::path file = folder / "x.h5";
    {
      DatasetWriter writer(file, HeaderFor(shape), {.overwrite = true});
      writer.Append(RandomEpisode(1, shape));
      writer.Finish();
    }
    if (injure) {
      Surgeon surgeon(file);
      injure(surgeon);
    }
    return ToJson(VerifyDataset(file))["faults"].dump();
  };
  EXPECT_EQ(faults(nullptr), "[]");
  EXPECT_THAT(faults([](Surgeon& s) { s.Poke("data/demo_0/understudy/arm_label", 2 * 3 + 1, 9); }),
              testing::AllOf(HasSubstr("understudy/arm_label[3]"), HasSubstr("is no known label")));
  EXPECT_THAT(
      faults([](Surgeon& s) { s.Poke("data/demo_0/understudy/arm_source", 2 * 2, 3); }),
      testing::AllOf(HasSubstr("understudy/arm_source[2]"), HasSubstr("the episode names 3")));
  for (const char* column : {"arm_subtask", "arm_source", "arm_source_step"}) {
    const std::string path = fmt::format("data/demo_0/understudy/{}", column);
    EXPECT_THAT(faults([&](Surgeon& s) { s.Delete(path.c_str()); }), HasSubstr(column));
  }
  // one arm's column for two arms
  EXPECT_THAT(faults([](Surgeon& s) {
                s.Delete("data/demo_0/understudy/arm_source");
                s.Array("data/demo_0/understudy/arm_source", {5, 1}, H5T_NATIVE_INT32);
              }),
              HasSubstr("arm_source"));
}

// With check_hashes, an episode's pictures of a camera are compared with their hash when the
// first of them is read; without, a sound picture in another's place goes unnoticed.
TEST(StoreReader, PicturesAreComparedWithTheirHashIfAsked) {
  Folder folder;
  const fs::path file = WriteSound(folder / "x.h5");
  {
    Surgeon surgeon(file);
    surgeon.Paint("data/demo_1/obs/agentview_image", 3, 1);
  }
  std::vector<uint8_t> frame(8 * 16 * 3);
  DatasetReader(file).ReadFrame(1, 0, 3, frame.data());
  EXPECT_EQ(frame, std::vector<uint8_t>(frame.size(), 1));
  ReadOptions options;
  options.check_hashes = true;
  auto checking = std::make_unique<DatasetReader>(file, options);
  for (size_t step = 0; step < kSoundShape.length; ++step) {
    checking->ReadFrame(0, 0, step, frame.data());
    checking->ReadFrame(1, 1, step, frame.data());
    EXPECT_THAT(
        ErrorOf([&] { checking->ReadFrame(1, 0, step, frame.data()); }, ErrorKind::kBadInput),
        testing::AllOf(HasSubstr("x.h5: /data/demo_1/obs/agentview_image"),
                       HasSubstr("differ from the hash"),
                       HasSubstr(fmt::format("when step {} was read", step))));
  }
  // nothing is trusted for want of a hash
  checking.reset();
  {
    Surgeon surgeon(file);
    surgeon.Text("data/demo_0/understudy", "column_hashes", "{}");
  }
  EXPECT_THAT(ErrorOf([&] { DatasetReader(file, options).ReadFrame(0, 0, 0, frame.data()); },
                      ErrorKind::kBadInput),
              HasSubstr("have no stored hash"));
  {
    Surgeon surgeon(file);
    H5Adelete_by_name(surgeon.id(), "understudy", "content_hash", H5P_DEFAULT);
  }
  EXPECT_THAT(ErrorOf([&] { DatasetReader(file, options); }, ErrorKind::kBadInput),
              HasSubstr("has no content hash"));
}

TEST(StoreReader, NumbersAreComparedWithTheirHashIfAsked) {
  Folder folder;
  const fs::path file = WriteSound(folder / "x.h5");
  {
    Surgeon surgeon(file);
    surgeon.Poke("data/demo_1/actions", 3, 0.5);
    surgeon.Text("data/demo_0/understudy", "instruction", "another one");
  }
  ReadOptions options;
  const DatasetReader trusting(file, options);
  EXPECT_EQ(trusting.ReadEpisode(1, true).length(), kSoundShape.length);
  EXPECT_EQ(trusting.ReadEpisode(0).meta.instruction, "another one");
  options.check_hashes = true;
  const DatasetReader checking(file, options);
  const std::vector<ColumnSpec> columns = checking.ListColumns();
  for (const bool of_columns : {false, true}) {
    const auto read = [&](size_t episode) {
      if (of_columns) {
        checking.ReadColumns(episode, columns);
      } else {
        checking.ReadEpisode(episode, true);
      }
    };
    EXPECT_THAT(ErrorOf([&] { read(1); }, ErrorKind::kBadInput),
                testing::AllOf(HasSubstr("x.h5: /data/demo_1/actions: differs from the hash"),
                               HasSubstr("data verify")));
    EXPECT_THAT(ErrorOf([&] { read(0); }, ErrorKind::kBadInput),
                HasSubstr("x.h5: /data/demo_0: differs from the hash"));
  }
}

// Headers, masks and lists of episodes are under the hash of the whole.
TEST(StoreReader, TheDatasetsOwnHashIsComparedIfAsked) {
  Folder folder;
  const fs::path file = WriteSound(folder / "x.h5");
  ReadOptions options;
  options.check_hashes = true;
  EXPECT_EQ(DatasetReader(file, options).ReadEpisode(1).length(), kSoundShape.length);
  {
    Surgeon surgeon(file);
    surgeon.Delete("mask/train");
  }
  EXPECT_THAT(ErrorOf([&] { DatasetReader(file, options); }, ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("x.h5"), HasSubstr("masks"), HasSubstr("differs from")));
}

TEST(StoreVerify, FindsEveryInjectedFault) {
  Folder folder;
  struct Case {
    std::string place, what;
    std::function<void(Surgeon&)> injure;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Case> cases{
      {"/data/demo_1/actions[2]", "must lie in [-1, 1]",
       [](Surgeon& s) { s.Poke("data/demo_1/actions", 2 * 7 + 3, 1.5); }},
      {"/data/demo_0/understudy/state[4]", "is not finite",
       [&](Surgeon& s) { s.Poke("data/demo_0/understudy/state", 4 * kSoundShape.state, nan); }},
      {"/data/demo_0/understudy/eef_pose[1]", "norm",
       [](Surgeon& s) { s.Poke("data/demo_0/understudy/eef_pose", 7 + 4, 3); }},
      {"/data/demo_0/understudy/sim_time[6]", "time runs backwards",
       [](Surgeon& s) { s.Poke("data/demo_0/understudy/sim_time", 6, 0.01); }},
      {"/data/demo_0/actions_abs", "differs from the hash",
       [](Surgeon& s) { s.Poke("data/demo_0/actions_abs", 0, 0.123); }},
      {"/data/demo_1/obs/robot0_joint_pos", "no such dataset",
       [](Surgeon& s) { s.Delete("data/demo_1/obs/robot0_joint_pos"); }},
      {"/data/demo_1/states", "has 3 rows, must have 10",
       [](Surgeon& s) {
         s.Delete("data/demo_1/states");
         s.Array("data/demo_1/states", {3, kSoundShape.state - 4});
       }},
      {"/data/demo_1/understudy/state", "the header says",
       [](Surgeon& s) {
         s.Delete("data/demo_1/understudy/state");
         s.Array("data/demo_1/understudy/state", {11, 3});
       }},
      {"/data/demo_1/obs/wrist_image", "no such dataset",
       [](Surgeon& s) { s.Delete("data/demo_1/obs/wrist_image"); }},
      {"/data/demo_1/obs/wrist_image", "has 4 frames, must have 10",
       [](Surgeon& s) {
         s.Delete("data/demo_1/obs/wrist_image");
         s.Array("data/demo_1/obs/wrist_image", {4, 8, 16, 3}, H5T_NATIVE_UINT8);
       }},
      {"/data/demo_0/obs/agentview_image", "differs from the hash",
       [](Surgeon& s) { s.Paint("data/demo_0/obs/agentview_image", 3, 1); }},
      {"/data/demo_0", "attributes differ", [](Surgeon& s) { s.Int("data/demo_0", "seed", 4); }},
      {"/data", "attribute 'total' = 7", [](Surgeon& s) { s.Int("data", "total", 7); }},
      {"/mask/train", "names 'demo_1'", [](Surgeon& s) { s.Delete("data/demo_1"); }},
      {"/understudy", "content hash", [](Surgeon& s) { s.Delete("understudy/attempts"); }},
      {"/data/demo_1", "num_samples = 0",
       [](Surgeon& s) { s.Int("data/demo_1", "num_samples", 0); }},
      {"/data/demo_2", "has the uuid of demo_0",
       [](Surgeon& s) {
         H5Ocopy(s.id(), "data/demo_0", s.id(), "data/demo_2", H5P_DEFAULT, H5P_DEFAULT);
       }},
  };
  const fs::path sound = WriteSound(folder / "sound.h5");
  for (const Case& c : cases) {
    const fs::path file = folder / "x.h5";
    fs::copy_file(sound, file, fs::copy_options::overwrite_existing);
    {
      Surgeon surgeon(file);
      c.injure(surgeon);
    }
    bool found = false;
    std::string all;
    for (const Fault& fault : VerifyDataset(file).faults) {
      found |= fault.place == c.place && fault.what.find(c.what) != std::string::npos;
      all += fault.place + ": " + fault.what + "\n";
    }
    EXPECT_TRUE(found) << c.place << ": " << c.what << "\nfound:\n" << all;
  }
}

// One error that names the file; never a crash, never memory for what a file merely claims.
TEST(StoreHostile, EachGivesOneClearError) {
  Folder folder;
  const fs::path sound = WriteSound(folder / "sound.h5");
  { Surgeon(sound).Delete("understudy/index"); }  // episodes are looked into one by one
  const fs::path file = folder / "x.h5";
  const auto error = [&](auto work) {
    const std::string text = ErrorOf(work, ErrorKind::kBadInput);
    EXPECT_THAT(text, HasSubstr(folder.path().string()));
    return text;
  };
  const auto open = [&] { DatasetReader reader(file); };
  const auto read = [&] { DatasetReader(file).ReadEpisode(0, true); };
  EXPECT_THAT(error(open), HasSubstr("no such file"));
  std::ofstream(file) << "PK not HDF5 at all";
  EXPECT_THAT(error(open), HasSubstr("no HDF5 file"));
  std::ofstream(file, std::ios::trunc).close();
  EXPECT_THAT(error(open), HasSubstr("no HDF5 file"));
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_THAT(error(open), HasSubstr("is not a file"));
  fs::remove(file);
  // a truncated copy
  fs::copy_file(sound, file);
  fs::resize_file(file, fs::file_size(sound) / 2);
  EXPECT_THAT(error(open), HasSubstr("truncated"));
  // HDF5, but nothing of ours
  { Surgeon(file, true).Group("weights"); }
  EXPECT_THAT(error(open),
              testing::AllOf(HasSubstr("no group '/data'"), HasSubstr("it has weights")));
  const auto injured = [&](auto injure) {
    fs::copy_file(sound, file, fs::copy_options::overwrite_existing);
    Surgeon surgeon(file);
    injure(surgeon);
  };
  injured([](Surgeon& s) { s.Int("understudy", "format_version", 2); });
  EXPECT_THAT(error(open), HasSubstr("format version 2"));
  injured([](Surgeon& s) { H5Adelete_by_name(s.id(), "data/demo_0", "num_samples", H5P_DEFAULT); });
  EXPECT_THAT(error(open), HasSubstr("attribute 'num_samples' is missing"));
  injured([](Surgeon& s) { s.Int("data/demo_0", "num_samples", 1'000'000'000'000); });
  EXPECT_THAT(error(open), HasSubstr("num_samples = 1000000000000"));
  // 10^12 numbers, for which nothing is allocated in the file
  injured([](Surgeon& s) {
    s.Delete("data/demo_0/understudy/state");
    s.Array("data/demo_0/understudy/state", {11, 100'000'000'000});
  });
  EXPECT_THAT(error(read), testing::AllOf(HasSubstr("understudy/state"), HasSubstr("more than")));
  injured([](Surgeon& s) {
    s.Delete("data/demo_0/actions_abs");
    s.Array("data/demo_0/actions_abs", {10, 8}, H5T_C_S1);
  });
  EXPECT_THAT(error(read),
              testing::AllOf(HasSubstr("actions_abs"), HasSubstr("must hold numbers")));
  // numbers of a gigabyte each
  injured([](Surgeon& s) {
    s.Delete("data/demo_0/actions_abs");
    const hid_t type = H5Tcopy(H5T_NATIVE_INT64);
    ASSERT_GE(H5Tset_size(type, size_t{1} << 30), 0);
    s.Array("data/demo_0/actions_abs", {10, 8}, type);
    H5Tclose(type);
  });
  EXPECT_THAT(error(read),
              testing::AllOf(HasSubstr("actions_abs"), HasSubstr("must hold numbers")));
  injured([](Surgeon& s) {
    s.Delete("data/demo_0/actions");
    s.Array("data/demo_0/actions", {10, 7, 2});
  });
  EXPECT_THAT(error(read), HasSubstr("must have (rows, 7)"));
  injured([](Surgeon& s) { s.Poke("data/demo_0/understudy/object_pose", 3, 1e300 * 1e300); });
  EXPECT_THAT(error(read), HasSubstr("object_pose[0]"));
  injured([](Surgeon& s) {
    s.Delete("data/demo_0/understudy");
    s.Group("data/demo_0/understudy");
  });
  EXPECT_THAT(error(open), HasSubstr("variant_index"));
  injured([](Surgeon& s) {
    s.Delete("data/demo_0/obs/wrist_image");
    s.Array("data/demo_0/obs/wrist_image", {10, 1'000'000, 1'000'000, 3}, H5T_NATIVE_UINT8);
  });
  EXPECT_THAT(error([&] { DatasetReader(file).ReadImage(0, "wrist", 0); }),
              HasSubstr("wrist_image"));
}

// Where the numbers of every dataset of an episode lie in the file: contiguous ones, the headers of
// small ones, and the first frame of images.
struct Extent {
  std::string path;
  uint64_t offset = 0, size = 0;
};
herr_t CollectExtent(hid_t group, const char* name, const H5L_info_t*, void* out) {
  const hid_t d = H5Oopen(group, name, H5P_DEFAULT);
  if (H5Iget_type(d) == H5I_DATASET) {
    Extent extent{name, H5Dget_offset(d), H5Dget_storage_size(d)};
    const hid_t plist = H5Dget_create_plist(d), space = H5Dget_space(d);
    if (H5Pget_layout(plist) == H5D_CHUNKED) {
      hsize_t place[4] = {}, size = 0;
      unsigned mask = 0;
      haddr_t address = 0;
      H5Dget_chunk_info(d, space, 0, place, &mask, &address, &size);
      extent.offset = address;
      extent.size = size;
    }
    if (H5Pget_layout(plist) == H5D_COMPACT && extent.size > 0) {
      // in the header, which has one checksum
      H5O_info_t info{};
      H5Oget_info(d, &info);
      extent.offset = info.addr;
      extent.size = info.hdr.space.total / 2;
    }
    H5Sclose(space);
    H5Pclose(plist);
    if (extent.size > 0) static_cast<std::vector<Extent>*>(out)->push_back(extent);
  }
  H5Oclose(d);
  return 0;
}

// One flipped byte anywhere in the numbers or pictures of an episode: the reader gives an episode
// or an Error, and verify names the dataset.
TEST(StoreHostile, VerifyFindsAFlippedByteInAnyColumn) {
  Folder folder;
  const fs::path sound = WriteSound(folder / "sound.h5"), file = folder / "x.h5";
  std::vector<Extent> extents;
  {
    const Surgeon surgeon(sound);
    const hid_t demo = H5Gopen2(surgeon.id(), "data/demo_1", H5P_DEFAULT);
    H5Lvisit(demo, H5_INDEX_NAME, H5_ITER_INC, CollectExtent, &extents);
    H5Gclose(demo);
  }
  ASSERT_GT(extents.size(), 50u);
  std::ifstream in(sound, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  Rng rng(RngKey{.seed = 77});
  for (const Extent& extent : extents) {
    std::string hurt = bytes;
    hurt.at(extent.offset + rng.UniformInt(extent.size)) ^=
        static_cast<char>(1 + rng.UniformInt(uint64_t{255}));
    std::ofstream(file, std::ios::binary | std::ios::trunc) << hurt;
    try {
      DatasetReader(file).ReadEpisode(1, true);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput) << error.what();
    }
    bool found = false;
    for (const Fault& fault : VerifyDataset(file).faults) {
      found |= fault.place.rfind("/data/demo_1/" + extent.path, 0) == 0;
    }
    EXPECT_TRUE(found) << extent.path;
  }
}

TEST(StoreLinks, MayNotLeaveTheFolderUnlessAllowed) {
  Folder folder;
  fs::create_directories(folder / "private");
  fs::create_directories(folder / "theirs");
  const fs::path target = WriteSound(folder / "private" / "d.h5");
  const fs::path master = folder / "theirs" / "m.h5";
  // our own writer does not make what readers refuse
  EXPECT_THAT(ErrorOf([&] { MergeDatasets({target}, master, true, false); }, ErrorKind::kUsage),
              testing::AllOf(HasSubstr("../private/d.h5"), HasSubstr("--outside-links")));
  EXPECT_FALSE(fs::exists(master));
  const ReadOptions trusted{.outside_links = true};
  MergeDatasets({target}, master, true, false, trusted);
  EXPECT_TRUE(VerifyDataset(master, {.read = trusted}).faults.empty());
  Progress quiet;
  EXPECT_TRUE(VerifyApart(master, {.read = trusted}, {}, quiet).faults.empty());
  EXPECT_EQ(OpenDataset(master, trusted)->ReadImage(1, "wrist", 3),
            DatasetReader(target).ReadImage(1, "wrist", 3));
  // commands that write copy what they may follow
  const fs::path copy = folder / "theirs" / "copy.h5";
  FilterDataset(master, copy, {.read = trusted}, quiet);
  EXPECT_TRUE(VerifyDataset(copy).faults.empty());
  EXPECT_EQ(RepairDataset(master, folder / "theirs" / "mended.h5", false, trusted).episodes_kept,
            2);
  // and so it is allowed for one call, not for the process
  EXPECT_THAT(ErrorOf([&] { DatasetReader reader(master); }, ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("/data/demo_0"), HasSubstr("../private/d.h5"),
                             HasSubstr("leaves the dataset's folder")));
  EXPECT_FALSE(VerifyDataset(master).faults.empty());
  // nor by an absolute path, nor by a link that a link leads to, nor by a column
  const auto link = [](const fs::path& file, const char* name, const fs::path& to, const char* at) {
    const Surgeon surgeon(file);
    H5Ldelete(surgeon.id(), name, H5P_DEFAULT);
    ASSERT_GE(H5Lcreate_external(to.c_str(), at, surgeon.id(), name, H5P_DEFAULT, H5P_DEFAULT), 0);
  };
  WriteSound(folder / "theirs" / "shard.h5");
  MergeDatasets({folder / "theirs" / "shard.h5"}, folder / "theirs" / "links.h5", true, false);
  EXPECT_TRUE(VerifyDataset(folder / "theirs" / "links.h5").faults.empty());
  link(folder / "theirs" / "shard.h5", "/data/demo_0", target, "/data/demo_0");
  EXPECT_THAT(
      ErrorOf([&] { DatasetReader r(folder / "theirs" / "shard.h5"); }, ErrorKind::kBadInput),
      HasSubstr("leaves the dataset's folder"));
  EXPECT_THAT(
      ErrorOf([&] { DatasetReader r(folder / "theirs" / "links.h5"); }, ErrorKind::kBadInput),
      HasSubstr("/data/demo_0"));
  WriteSound(folder / "theirs" / "column.h5");
  link(folder / "theirs" / "column.h5", "/data/demo_1/actions_abs", target,
       "/data/demo_1/actions_abs");
  const DatasetReader reader(folder / "theirs" / "column.h5");
  EXPECT_THAT(ErrorOf([&] { reader.ReadEpisode(1); }, ErrorKind::kBadInput),
              HasSubstr("actions_abs"));
}

TEST(StoreLinks, LoopsEndInOneError) {
  Folder folder;
  const fs::path a = WriteSound(folder / "a.h5");
  {
    const Surgeon surgeon(a);
    for (const char* name : {"/data/demo_0", "/data/demo_1"}) {
      H5Ldelete(surgeon.id(), name, H5P_DEFAULT);
    }
    H5Lcreate_external("a.h5", "/data/demo_0", surgeon.id(), "/data/demo_0", H5P_DEFAULT,
                       H5P_DEFAULT);
    H5Lcreate_soft("/data/demo_1", surgeon.id(), "/data/demo_1", H5P_DEFAULT, H5P_DEFAULT);
  }
  EXPECT_THAT(ErrorOf([&] { DatasetReader reader(a); }, ErrorKind::kBadInput),
              testing::AllOf(HasSubstr("a.h5"), HasSubstr("/data/demo_0")));
}

TEST(StoreRepair, KeepsSoundEpisodesAndSaysWhatItDropped) {
  Folder folder;
  const fs::path file = WriteSound(folder / "x.h5");
  { Surgeon(file).Poke("data/demo_0/actions", 0, 2); }
  const RepairReport report = RepairDataset(file, folder / "y.h5", false);
  EXPECT_EQ(report.episodes_kept, 1);
  ASSERT_EQ(report.dropped.size(), 1u);
  EXPECT_EQ(report.dropped[0].place, "/data/demo_0");
  EXPECT_TRUE(VerifyDataset(folder / "y.h5").faults.empty());
  EXPECT_EQ(DatasetReader(folder / "y.h5").episodes()[0].uuid,
            RandomEpisode(1, kSoundShape).meta.uuid);
  EXPECT_EQ(DatasetReader(folder / "y.h5").attempts().size(), 3u);
}

TEST(StoreDescribe, CountsAndStatistics) {
  Folder folder;
  const Json json = DescribeDataset(*OpenDataset(WriteSound(folder / "x.h5")));
  EXPECT_EQ(json["episodes"], 2);
  EXPECT_EQ(json["steps"], 20);
  EXPECT_EQ(json["length"]["median"], 10);
  EXPECT_EQ(json["tasks"]["stack"], 2);
  EXPECT_EQ(json["masks"]["train"], 1);
  EXPECT_EQ(json["attempts"]["started"], 3);
  EXPECT_EQ(json["attempts"]["succeeded"], 2);
  EXPECT_EQ(json["attempts"]["causes"]["dropped"], 1);
  double sum = 0;
  for (uint64_t e = 0; e < 2; ++e) {
    for (const Step& step : RandomEpisode(e, kSoundShape).steps) sum += step.delta[0].value[2];
  }
  EXPECT_NEAR(json["actions"]["mean"][2].get<double>(), sum / 20, 1e-12);
  EXPECT_EQ(json["motion"]["rows_with_missing_values"], 0);
  EXPECT_EQ(json["motion"]["path_m"]["max"],
            std::max(MeasureMotion(RandomEpisode(0, kSoundShape)).path_m,
                     MeasureMotion(RandomEpisode(1, kSoundShape)).path_m));
  EXPECT_FALSE(json["motion"].contains("unreadable"));
}

// One episode in twenty that goes five times as far, and one whose rows are damaged.
TEST(StoreDescribe, EpisodesThatStandApartAreNamed) {
  Folder folder;
  const fs::path file = folder / "x.h5";
  {
    DatasetWriter writer(file, HeaderFor(kSoundShape));
    for (uint64_t e = 0; e < 20; ++e) {
      Episode episode = RandomEpisode(e, kSoundShape);
      for (Step& step : episode.steps) {
        Pose& X_WE = step.observation.arms[0].X_WE;
        X_WE = Pose(X_WE.rotation(), (e == 7 ? 5.0 : 1.0) * X_WE.translation());
        if (e == 3) step.observation.arms[0].joint_q[0] = std::nan("");
      }
      writer.Append(episode);
    }
    writer.Finish();
  }
  Json motion = DescribeDataset(*OpenDataset(file))["motion"];
  EXPECT_TRUE(motion["path_m"]["outliers"].contains("demo_7"));
  EXPECT_TRUE(motion["jerk_rms"]["outliers"].contains("demo_7"));
  EXPECT_TRUE(motion["steps"]["outliers"].empty());
  EXPECT_EQ(motion["rows_with_missing_values"], 10);
  {
    Surgeon surgeon(file);
    surgeon.Delete("understudy/index");
    surgeon.Delete("data/demo_5/actions_abs");
  }
  motion = DescribeDataset(*OpenDataset(file))["motion"];
  EXPECT_THAT(motion["unreadable"]["demo_5"].get<std::string>(), HasSubstr("actions_abs"));
}

}  // namespace
}  // namespace understudy
